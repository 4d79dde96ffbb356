// SPDX-License-Identifier: MIT
#include "arrival.hpp"
#include "await_message.hpp"
#include "guess_tally.hpp"
#include "local_rows.hpp"
#include "pairing_message.hpp"
#include "resume.hpp"

#include <casasync/agent/pairing_link.hpp>
#include <casasync/agent/setup.hpp>
#include <casasync/beast/mailbox.hpp>
#include <casasync/openssl/pairing_run.hpp>
#include <casasync/openssl/random.hpp>

#include <sys/utsname.h>
#include <optional>
#include <utility>

namespace casasync::agent {
namespace {

using openssl::pairing_side;

/// What the person typed or scanned.
struct invite {
    std::string relay{};  ///< URL, normalised
    openssl::pairing_slot slot;
    openssl::pairing_secret secret{};
    std::optional<mailbox_id> mailbox{};  ///< a link names it
    std::string text{};                   ///< the code or link, normalised
};

result<invite> invite_by_link(const join_options& o) {
    const auto link = pairing_link::parse(o.code);
    if (!link) return link.failure();
    if (!o.relay.empty()) {
        const auto origin = beast::parse_origin(o.relay);
        if (!origin) return origin.failure();
        if (origin->text != link->relay)
            return error{errc::invalid_argument, "The link is for the relay " + link->relay +
                                                     ", and another was given. Nothing was sent. Leave the "
                                                     "relay out, or ask for a new link."};
    }
    return invite{link->relay, link->slot, link->secret(), link->mailbox, link->text()};
}

result<invite> invite_of(const join_options& o) {
    if (looks_like_link(o.code)) return invite_by_link(o);
    const auto code = openssl::pairing_code::parse(o.code);
    if (!code) return code.failure();
    const auto origin = beast::parse_origin(o.relay);
    if (!origin) return origin.failure();
    return invite{origin->text, code->slot(), code->secret(), std::nullopt, code->text()};
}

std::string platform() {
    ::utsname system{};
    return ::uname(&system) == 0 ? system.sysname : std::string();
}

/// The new device's side of a pairing that was claimed.
class guest {
 public:
    guest(const join_options& o, const invite& by, beast::mailbox box)
        : o_(o), by_(by), box_(std::move(box)), tally_(o.path) {}

    /// Proves that it knows the code, and sees whether the other side does.
    [[nodiscard]] result<void> prove();
    /// Says who this is, and returns what the other device answers once a person let this one in.
    [[nodiscard]] result<welcome> ask(const device_keys& self);
    [[nodiscard]] result<void> reply(bool joined) {
        const auto sealed = channel_->seal(pairing_side::new_device, 2, encode_reply(joined));
        return sealed ? box_.put(2, *sealed) : sealed.failure();
    }

 private:
    [[nodiscard]] result<bytes> receive(std::uint8_t n) {
        return await_message(box_, pairing_side::old_device, n);
    }

    const join_options& o_;
    const invite& by_;
    beast::mailbox box_;
    guess_tally tally_;
    std::optional<openssl::pairing_channel> channel_{};
};

result<void> guest::prove() {
    const auto offer = receive(0);
    if (!offer) return offer.failure();
    const auto run = openssl::pairing_guest::make({by_.relay, box_.id()}, by_.secret, *offer);
    if (!run) return run.failure();
    // What is sent now lets whoever is there try one secret.
    if (auto ok = tally_.begin(); !ok) return ok.failure();
    if (auto ok = box_.put(0, run->answer()); !ok) return ok.failure();
    const auto proof = receive(1);
    if (!proof)
        return error{
            errc::pairing_wrong_code,
            "The other device ended the pairing before it proved that it knows the code; a code that "
            "was mistyped does that, too. Your data is safe and nothing was changed. Make a new code. "
            "(" +
                proof.failure().text() + ")"};
    auto channel = run->confirm(*proof);
    if (!channel) return channel.failure();
    channel_ = std::move(*channel);
    return tally_.end();
}

result<welcome> guest::ask(const device_keys& self) {
    const hello who{self, o_.device_name, platform()};
    const auto sealed = channel_->seal(pairing_side::new_device, 1, encode(who));
    if (!sealed) return sealed.failure();
    if (auto ok = box_.put(1, *sealed); !ok) return ok.failure();
    if (o_.show_check) o_.show_check(std::to_string(channel_->check(who.device())));
    const auto answer = receive(2);
    if (!answer) return answer.failure();
    const auto opened = channel_->open(pairing_side::old_device, 2, *answer);
    if (!opened) return opened.failure();
    return decode_welcome(*opened);
}

result<guest> claim(const join_options& o, const invite& by) {
    if (by.secret.how == openssl::pairing_secret::kind::typed) {
        const auto unfinished = guess_tally(o.path).count();
        if (!unfinished) return unfinished.failure();
        if (*unfinished >= guess_tally::most)
            return error{
                errc::too_many_requests,
                "Three codes in a row led to somebody who did not know them: whoever runs the relay "
                "may be guessing. Nothing was sent. Use the link or the QR code that the other device "
                "shows, or wait a day."};
    }
    beast::endpoint at;
    at.url = by.relay;
    auto box = beast::claim_mailbox(at, by.slot);
    if (!box) return box.failure();
    if (by.mailbox && *by.mailbox != box->id())
        return error{
            errc::pairing_wrong_code,
            "The relay leads to another pairing than the link names. Nothing was sent and nothing was "
            "changed. Make a new link."};
    return guest(o, by, std::move(*box));
}

bool agreed(const join_options& o, const invite& by, const welcome& told) {
    return !o.confirm || o.confirm({told.vault_name, told.name, told.devices, by.relay, local_rows(o.path)});
}

/// Gets the keys. They are stored once the person agreed, and before the other device hears of it.
result<credentials> take_keys(const join_options& o, const invite& by, credentials keys) {
    auto there = claim(o, by);
    if (!there) return there.failure();
    if (auto ok = there->prove(); !ok) return ok.failure();
    const auto told = there->ask(keys.identity.public_keys());
    if (!told) return told.failure();
    if (!agreed(o, by, *told)) {
        static_cast<void>(there->reply(false));
        return error{errc::canceled,
                     "Not joined. Nothing was changed, and nothing of this device was sent but its name."};
    }
    keys.vault = told->vault;
    keys.epoch = told->epoch;
    keys.vault_key = told->vault_key;
    if (auto ok = write_credentials(o.path, keys); !ok) return ok.failure();
    if (auto ok = there->reply(true); !ok) return ok.failure();
    return keys;
}

/// The key file is made first, so that a folder that cannot be written does not cost the code.
result<credentials> pair(const join_options& o, const invite& by) {
    openssl::random random;
    credentials keys;
    keys.identity = openssl::device_identity::make(random);
    keys.device = keys.identity.id();
    keys.relay = by.relay;
    keys.step = setup::join;
    keys.pairing = by.text;
    if (auto ok = write_credentials(o.path, keys); !ok) return ok.failure();
    auto got = take_keys(o, by, std::move(keys));
    if (got) return got;
    const auto left = find_credentials(o.path);
    if (left && *left && (*left)->vault.is_zero())  // no keys came: there is nothing to go on with
        remove_credentials(o.path);
    return give_up(o.path, got.failure());
}

}  // namespace

result<link> join_vault(const join_options& o, progress_sink progress) {
    const auto by = invite_of(o);
    if (!by) return by.failure();
    const auto begun = find_begun(o.path, setup::join);
    if (!begun) return begun.failure();
    const bool same_code =
        *begun && (*begun)->pairing == by->text && !(*begun)->vault.is_zero();  // the keys came
    if (!same_code && is_vault(o.path)) return vault_exists(o.path);
    auto keys = same_code ? result<credentials>(**begun) : pair(o, *by);
    if (!keys) return keys.failure();
    if (keys->members.entries().empty())
        if (auto ok = enter(o.path, *keys); !ok) return give_up(o.path, ok.failure());

    if (auto ok = load({o.path, o.device_name, o.numbers}, *keys, progress); !ok) return ok.failure();
    return link::open(o.path, std::move(progress));
}

}  // namespace casasync::agent
