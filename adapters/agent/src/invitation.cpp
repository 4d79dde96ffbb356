// SPDX-License-Identifier: MIT
#include "await_message.hpp"
#include "guess_tally.hpp"
#include "pairing_message.hpp"

#include <casasync/agent/pairing_link.hpp>
#include <casasync/agent/setup.hpp>
#include <casasync/beast/mailbox.hpp>
#include <casasync/openssl/pairing_run.hpp>
#include <casasync/openssl/random.hpp>

#include <filesystem>
#include <optional>
#include <utility>

namespace casasync::agent {
namespace {

using openssl::pairing_side;

error wrong_check(const std::string& name) {
    return {
        errc::pairing_wrong_code,
        "These are not the digits that the new device shows, so it was not let in" +
            (name.empty() ? std::string() : " (it calls itself " + name + ")") +
            ". Your data is safe and nothing was changed. If it is your device, run casasync pair again."};
}

}  // namespace

struct invitation::state {
    link* device;
    pairing_link scanned;
    std::optional<openssl::pairing_code> typed;
    std::size_t unfinished;
    beast::mailbox box;
    openssl::pairing_host host;
    guess_tally tally;
    std::optional<openssl::pairing_channel> channel{};
    hello guest{};

    /// Waits for message `n` of the new device, until the relay says that the mailbox is past its time.
    [[nodiscard]] result<bytes> receive(std::uint8_t n) {
        return await_message(box, pairing_side::new_device, n);
    }
    [[nodiscard]] result<bytes> receive_sealed(std::uint8_t n) {
        const auto message = receive(n);
        if (!message) return message.failure();
        return channel->open(pairing_side::new_device, n, *message);
    }
    [[nodiscard]] result<void> prove();
    [[nodiscard]] result<welcome> prepare();
    [[nodiscard]] result<void> hand_over();
    [[nodiscard]] error take_out(error why);
};

/// Sees whether whoever is there knows the code. From its answer on the run counts as a guess.
result<void> invitation::state::prove() {
    const auto answer = receive(0);
    if (!answer) return answer.failure();
    if (auto ok = tally.begin(); !ok) return ok.failure();
    auto met = host.receive(*answer);
    if (!met) {
        static_cast<void>(box.remove());
        return met.failure();
    }
    channel = std::move(met->channel);
    return box.put(1, met->proof);
}

/// Puts a snapshot there for the new device, makes it a member, and returns what it gets.
result<welcome> invitation::state::prepare() {
    const auto synced = device->sync();
    if (!synced) return synced.failure();
    if (auto ok = device->offer_snapshot(); !ok) return ok.failure();
    if (auto ok = device->add_device(guest.keys); !ok) return ok.failure();
    const auto at = device->vault().position();
    if (!at) return at.failure();
    const auto status = device->vault().status();
    if (!status) return status.failure();
    const credentials& keys = device->keys();
    welcome out{keys.vault, keys.epoch, keys.vault_key, status->device_name, {}, {}, at->pos};
    out.vault_name = std::filesystem::path(device->path()).filename().string();
    for (const auto& known : status->devices)
        if (keys.members.is_active(known.id)) out.devices.push_back(known.name);
    return out;
}

/// Takes the new device out again: its user declined, or said nothing while he could.
error invitation::state::take_out(error why) {
    const auto removed = device->remove_device(guest.device());
    why.detail += removed ? " It is no device of the vault; the data is safe."
                          : " The data is safe, but the device could not be removed from the vault: " +
                                removed.failure().text();
    return why;
}

result<void> invitation::state::hand_over() {
    const auto message = prepare();
    if (!message) return message.failure();
    const auto sealed = channel->seal(pairing_side::old_device, 2, encode(*message));
    if (!sealed) return take_out(sealed.failure());
    if (auto ok = box.put(2, *sealed); !ok) return take_out(ok.failure());
    const auto reply = receive_sealed(2);
    if (!reply && reply.code() == errc::pairing_expired)
        return take_out({errc::pairing_expired, "Nobody agreed on the new device in time."});
    if (!reply)
        return error{
            reply.code(),
            "The new device was sent the keys, and it is not known whether it took them. The data is "
            "safe. See whether it has joined; if not, run casasync pair again. (" +
                reply.failure().text() + ")"};
    const auto joined = decode_reply(*reply);
    if (!joined) return joined.failure();
    if (!*joined) return take_out({errc::canceled, "On the new device somebody declined."});
    return {};  // the mailbox stays for a while: the new device may have to say so twice
}

invitation::invitation(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
invitation::invitation(invitation&&) noexcept = default;
invitation& invitation::operator=(invitation&&) noexcept = default;
invitation::~invitation() = default;

result<invitation> invitation::make(link& device) {
    guess_tally tally(device.path());
    const auto unfinished = tally.count();
    if (!unfinished) return unfinished.failure();
    auto box = device.relay().open_mailbox();
    if (!box) return box.failure();
    openssl::random random;
    pairing_link scanned{device.keys().relay, box->slot(), box->id(), {}};
    random.fill(scanned.key);
    std::vector<openssl::pairing_secret> secrets{scanned.secret()};
    std::optional<openssl::pairing_code> typed;
    if (*unfinished < guess_tally::most) {
        typed = openssl::pairing_code::make(box->slot(), random);
        secrets.push_back(typed->secret());
    }
    auto host = openssl::pairing_host::make({scanned.relay, scanned.mailbox}, secrets);
    if (!host) return host.failure();
    if (auto ok = box->put(0, host->offer()); !ok) return ok.failure();
    return invitation(std::unique_ptr<state>(new state{&device, std::move(scanned), typed, *unfinished,
                                                       std::move(*box), std::move(*host), std::move(tally)}));
}

std::string invitation::code() const {
    return state_->typed ? state_->typed->text() : std::string();
}
std::string invitation::link_text() const {
    return state_->scanned.text();
}
std::int64_t invitation::expires_at() const {
    return state_->box.expires_at();
}
std::size_t invitation::unfinished() const noexcept {
    return state_->unfinished;
}

result<newcomer> invitation::meet() {
    state& s = *state_;
    if (auto ok = s.prove(); !ok) return ok.failure();
    const auto first = s.receive_sealed(1);
    if (!first) return first.failure();
    auto from = decode_hello(*first);
    if (!from) return from.failure();
    s.guest = std::move(*from);
    return newcomer{s.guest.name, s.guest.platform};
}

result<void> invitation::admit(std::string_view check) {
    state& s = *state_;
    if (!s.channel)
        return error{errc::invalid_argument, "There is no new device to admit; meet() comes first."};
    if (check != std::to_string(s.channel->check(s.guest.device()))) {
        static_cast<void>(s.box.remove());  // one try
        return wrong_check(s.guest.name);
    }
    if (auto ok = s.tally.end(); !ok) return ok.failure();
    return s.hand_over();
}

}  // namespace casasync::agent
