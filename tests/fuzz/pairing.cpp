// SPDX-License-Identifier: MIT
// What a person types as a pairing code, and what the other device says inside the mailbox. The first byte
// chooses. Messages are sealed with the right code, so that what is behind the check is reached.
#include "harness.hpp"

#include "pairing_message.hpp"

#include <casasync/beast/origin.hpp>
#include <casasync/limits.hpp>
#include <casasync/openssl/pairing_code.hpp>

#include <string>

namespace casasync_fuzz {

using namespace casasync;
using openssl::pairing_code;
using openssl::pairing_side;

const harness this_harness{"pairing", 100'000};

namespace {

std::string_view text_of(bytes_view data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// Counts up: the same codes in every run.
struct counting_random {
    std::uint8_t last = 0;
    void fill(std::span<std::uint8_t> out) {
        for (std::uint8_t& b : out) b = ++last;
    }
};

void code(std::string_view typed) {
    const auto parsed = pairing_code::parse(typed);
    if (!parsed) {
        must_be_typed(parsed, {errc::malformed_text});
        return must(!parsed.failure().detail.empty(), "a typing mistake without a sentence");
    }
    const auto again = pairing_code::parse(parsed->text());
    must(again && *again == *parsed, "a code is not the one it is shown as");
}

/// A code after one wrong character, or two neighbours swapped, is not a code.
void typing_mistake(source& in) {
    counting_random random{in.u8()};
    const std::string right = pairing_code::make(random).text();
    std::string wrong = right;
    const std::size_t at = in.below(right.size() - 1);
    if (in.flip())
        std::swap(wrong[at], wrong[at + 1]);
    else
        wrong[at] = static_cast<char>(in.u8());
    const auto parsed = pairing_code::parse(wrong);
    must(!parsed || *parsed == *pairing_code::parse(right), "a typing mistake is another code");
}

void message(bytes_view plain) {
    counting_random random;
    const pairing_code code = pairing_code::make(random);
    const auto sealed = code.seal(pairing_side::new_device, 0, plain);
    if (!sealed) return must_be_typed(sealed, {errc::limit_exceeded});
    const auto opened = code.open(pairing_side::new_device, 0, *sealed);
    must(opened && *opened == bytes(plain.begin(), plain.end()), "a message does not open as it was sealed");
    if (const auto m = agent::decode_hello(*opened)) {
        const auto again = agent::decode_hello(encode(*m));
        must(again && again->device == m->device && again->name == m->name, "a hello does not come back");
    } else {
        must_be_typed(m, {errc::malformed_answer});
    }
    if (const auto m = agent::decode_welcome(*opened)) {
        const auto again = agent::decode_welcome(encode(*m));
        must(again && again->vault == m->vault && again->vault_key == m->vault_key && again->pos == m->pos,
             "a welcome does not come back");
    } else {
        must_be_typed(m, {errc::malformed_answer});
    }
}

void sealed_message(bytes_view sealed) {
    counting_random random;
    const auto opened = pairing_code::make(random).open(pairing_side::old_device, 0, sealed);
    if (!opened) must_be_typed(opened, {errc::pairing_wrong_code});
}

void url(std::string_view typed) {
    const auto origin = beast::parse_origin(typed, true);
    if (!origin) return must_be_typed(origin, {errc::malformed_text});
    const auto again = beast::parse_origin(origin->text, true);
    must(again && *again == *origin, "a relay's URL is not the one it is shown as");
}

}  // namespace

int one(bytes_view data) {
    source in(data);
    switch (in.below(5)) {
        case 0:
            code(text_of(in.rest()));
            break;
        case 1:
            typing_mistake(in);
            break;
        case 2:
            message(in.rest());
            break;
        case 3:
            sealed_message(in.rest());
            break;
        default:
            url(text_of(in.rest()));
    }
    return 0;
}

}  // namespace casasync_fuzz
