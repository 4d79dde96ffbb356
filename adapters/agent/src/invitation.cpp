// SPDX-License-Identifier: MIT
#include "pairing_message.hpp"

#include <casasync/agent/setup.hpp>
#include <casasync/beast/mailbox.hpp>
#include <casasync/limits.hpp>
#include <casasync/openssl/pairing_code.hpp>
#include <casasync/openssl/random.hpp>

#include <utility>

namespace casasync::agent {
namespace {

using openssl::pairing_side;

}  // namespace

struct invitation::state {
    link* device;
    openssl::pairing_code code;
    beast::mailbox box;

    /// Waits for message `n` of the new device, until the relay says that the mailbox is past its time.
    [[nodiscard]] result<bytes> receive(std::uint8_t n) {
        for (;;) {
            auto message = box.get(pairing_side::new_device, n, limits::wait_s_max);
            if (!message) return message.failure();
            if (*message) return code.open(pairing_side::new_device, n, **message);
        }
    }
    [[nodiscard]] result<welcome> prepare(const hello& from);
};

/// Makes the new device a member and puts a snapshot there for it.
result<welcome> invitation::state::prepare(const hello& from) {
    const auto synced = device->sync();
    if (!synced) return synced.failure();
    const auto key = device->relay().enrol_device(from.device);
    if (!key) return key.failure();
    if (auto ok = device->offer_snapshot(); !ok) return ok.failure();
    const auto at = device->vault().position();
    if (!at) return at.failure();
    const auto status = device->vault().status();
    if (!status) return status.failure();
    const credentials& keys = device->keys();
    return welcome{keys.vault, keys.epoch, keys.vault_key, *key, 1, status->device_name, at->pos};
}

invitation::invitation(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
invitation::invitation(invitation&&) noexcept = default;
invitation& invitation::operator=(invitation&&) noexcept = default;
invitation::~invitation() = default;

result<invitation> invitation::make(link& device) {
    openssl::random random;
    const auto code = openssl::pairing_code::make(random);
    auto box = device.relay().open_mailbox(code.mailbox());
    if (!box) return box.failure();
    return invitation(std::unique_ptr<state>(new state{&device, code, std::move(*box)}));
}

std::string invitation::code() const {
    return state_->code.text();
}
std::int64_t invitation::expires_at() const {
    return state_->box.expires_at();
}

result<std::string> invitation::wait() {
    state& s = *state_;
    const auto first = s.receive(0);
    if (!first) return first.failure();
    const auto from = decode_hello(*first);
    if (!from) return from.failure();
    const auto message = s.prepare(*from);
    if (!message) return message.failure();
    const auto sealed = s.code.seal(pairing_side::old_device, 0, encode(*message));
    if (!sealed) return sealed.failure();
    if (auto ok = s.box.put(0, *sealed); !ok) return ok.failure();
    if (auto stored = s.receive(1); !stored)
        return error{stored.code(),
                     "The new device was sent the keys and did not confirm that it stored "
                     "them. The data is safe. See whether it has joined; if not, run casasync "
                     "pair again. (" +
                         stored.failure().text() + ")"};
    static_cast<void>(s.box.remove());  // it is past its use; the relay forgets it after ten minutes anyway
    return from->name;
}

}  // namespace casasync::agent
