// SPDX-License-Identifier: MIT
// What a person types or scans to add a device, and what the other device, or somebody in its place, says in
// the mailbox. The first byte chooses.
#include "harness.hpp"

#include "pairing_message.hpp"

#include <casasync/agent/pairing_link.hpp>
#include <casasync/beast/origin.hpp>
#include <casasync/openssl/pairing_run.hpp>

#include <array>
#include <string>

namespace casasync_fuzz {

using namespace casasync;
using agent::pairing_link;
using openssl::pairing_code;
using openssl::pairing_secret;

const harness this_harness{"pairing", 30'000};

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

/// A code after one wrong character, or two that changed places, is not a code.
void typing_mistake(source& in) {
    counting_random random{in.u8()};
    std::string right = pairing_code::make(openssl::pairing_slot::make(random), random).text();
    std::erase(right, '-');
    std::string wrong = right;
    const std::size_t at = in.below(right.size()), other = in.below(right.size());
    if (in.flip())
        std::swap(wrong[at], wrong[other]);
    else
        wrong[at] = static_cast<char>(in.u8());
    const auto parsed = pairing_code::parse(wrong);
    must(!parsed || *parsed == *pairing_code::parse(right), "a typing mistake is another code");
}

void link(std::string_view scanned) {
    const auto parsed = pairing_link::parse(scanned);
    if (!parsed) {
        must_be_typed(parsed, {errc::malformed_text});
        return must(!parsed.failure().detail.empty(), "a damaged link without a sentence");
    }
    must(parsed->text() == scanned, "a link is not the one it is shown as");
    must(beast::parse_origin(parsed->relay).ok(), "a link to no relay");
}

/// A link whose parts are well-formed, but for what is changed in it.
void altered_link(source& in) {
    counting_random random{in.u8()};
    pairing_link right{
        "https://relay.example", openssl::pairing_slot::make(random), mailbox_id::make(random), {}};
    random.fill(right.key);
    std::string text = right.text();
    const std::size_t at = in.below(text.size());
    text.replace(at, in.below(text.size() - at), text_of(in.rest()));
    link(text);
}

void message(bytes_view plain) {
    if (const auto m = agent::decode_hello(plain)) {
        const auto again = agent::decode_hello(encode(*m));
        must(again && again->keys == m->keys && again->name == m->name && again->platform == m->platform,
             "a hello does not come back");
    } else {
        must_be_typed(m, {errc::malformed_answer});
    }
    if (const auto m = agent::decode_welcome(plain)) {
        const bytes out = encode(*m);
        must(out.size() <= openssl::pairing_message_bytes_max || m->devices.empty() || m->name.size() > 100,
             "a welcome does not fit");
        const auto again = agent::decode_welcome(out);
        must(again && again->vault == m->vault && again->vault_key == m->vault_key && again->pos == m->pos &&
                 again->vault_name == m->vault_name,
             "a welcome does not come back");
    } else {
        must_be_typed(m, {errc::malformed_answer});
    }
    if (const auto joined = agent::decode_reply(plain))
        must(agent::decode_reply(agent::encode_reply(*joined)).value() == *joined,
             "a reply does not come back");
    else
        must_be_typed(joined, {errc::malformed_answer});
}

/// Messages of a run from somebody who knows nothing: none of them may be taken for the right one. Each costs
/// a scrypt, so a host is made once.
void run(source& in) {
    static const std::array<pairing_secret, 2> secrets{
        {{pairing_secret::kind::typed, {'M', '4', 'Z', 'P', '9', 'T'}},
         {pairing_secret::kind::scanned, bytes(16, 7)}}};
    static const openssl::pairing_place place{"https://relay.example", {}};
    static const auto host = openssl::pairing_host::make(place, secrets).value();
    static const auto guest = openssl::pairing_guest::make(place, secrets[0], host.offer()).value();
    bytes text(guest.answer());
    const std::size_t at = in.below(text.size());
    const bytes_view rest = in.rest();
    for (std::size_t i = 0; i < rest.size() && at + i < text.size(); ++i) text[at + i] = rest[i];
    const auto met = host.receive(text);
    must(met.ok() == (text == guest.answer()), "an altered answer is taken");
    if (!met) must_be_typed(met, {errc::pairing_wrong_code});
    must_be_typed(host.receive(rest), {errc::pairing_wrong_code});
    must_be_typed(guest.confirm(rest), {errc::pairing_wrong_code});
}

/// Somebody else's first message; it costs a scrypt only where its shape is right.
void offer(bytes_view data) {
    const auto made = openssl::pairing_guest::make({"https://relay.example", {}},
                                                   {pairing_secret::kind::typed, {'M'}}, data);
    if (!made) must_be_typed(made, {errc::pairing_wrong_code});
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
    switch (in.below(8)) {
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
            run(in);
            break;
        case 4:
            url(text_of(in.rest()));
            break;
        case 5:
            link(text_of(in.rest()));
            break;
        case 6:
            altered_link(in);
            break;
        default:
            offer(in.rest());
    }
    return 0;
}

}  // namespace casasync_fuzz
