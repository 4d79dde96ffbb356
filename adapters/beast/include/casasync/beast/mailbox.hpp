// SPDX-License-Identifier: MIT
#pragma once

/// The place at a relay where two devices leave messages for each other while one is added: docs/WIRE.md,
/// "Pairing". What they say is openssl/pairing_run.hpp.
#include <casasync/beast/origin.hpp>
#include <casasync/bytes.hpp>
#include <casasync/ids.hpp>
#include <casasync/openssl/pairing_run.hpp>
#include <casasync/result.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace casasync::beast {

/// One side's hold on a mailbox. Calls block; one thread at a time, but for cancel().
class mailbox {
 public:
    using side = openssl::pairing_side;

    mailbox(mailbox&&) noexcept;
    mailbox& operator=(mailbox&&) noexcept;
    ~mailbox();

    [[nodiscard]] mailbox_id id() const noexcept;
    [[nodiscard]] openssl::pairing_slot slot() const noexcept;  ///< by which it is claimed
    /// Until when it can be claimed, unix seconds by the relay's clock. It stays open for five minutes more.
    [[nodiscard]] std::int64_t expires_at() const noexcept;

    /// Leaves message `n` (0 .. 7) of this side. Writing the same bytes again changes nothing.
    /// \errors pairing_used when other bytes are there; pairing_expired when the mailbox is gone;
    /// limit_exceeded above limits::mailbox_message_bytes_max; as for relay.hpp.
    [[nodiscard]] result<void> put(std::uint8_t n, bytes_view message);

    /// Returns message `n` of `from`; nothing when it was not there within `wait_s` (0 .. 25) seconds.
    /// \errors pairing_expired when the mailbox is gone; pairing_used when it was claimed twice; as for
    /// relay.hpp.
    [[nodiscard]] result<std::optional<bytes>> get(side from, std::uint8_t n, std::uint32_t wait_s);

    /// Removes the mailbox with its messages. One that is gone already is fine.
    [[nodiscard]] result<void> remove();

    /// Makes the call in progress and every later one return `canceled`. From any thread.
    void cancel();

 private:
    friend class client;
    friend result<mailbox> claim_mailbox(const endpoint& at, openssl::pairing_slot slot);
    struct state;
    explicit mailbox(std::unique_ptr<state> s) noexcept;
    /// \param slot  the one that was claimed; none: the answer has it
    [[nodiscard]] static result<mailbox> opened(const endpoint& at, std::optional<openssl::pairing_slot> slot,
                                                const bytes& answer);

    std::unique_ptr<state> state_;
};

/// Takes the other side of a mailbox, once. Blocks.
/// \errors pairing_wrong_code when there is no such slot: a wrong code, or one long expired; pairing_used
/// when somebody claimed it before, which burns it for everybody; pairing_expired; as for relay.hpp.
[[nodiscard]] result<mailbox> claim_mailbox(const endpoint& at, openssl::pairing_slot slot);

}  // namespace casasync::beast
