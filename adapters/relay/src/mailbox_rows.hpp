// SPDX-License-Identifier: MIT
#pragma once

/// Pairings as rows: a slot that can be claimed for five minutes, and a mailbox with two sides and eight
/// write-once messages each, which stays open for five more. A second claim burns the mailbox: two had the
/// code. Tokens are kept as their hashes. Times are unix seconds.
#include "database.hpp"

#include <casasync/envelope.hpp>
#include <casasync/ids.hpp>
#include <casasync/openssl/pairing_code.hpp>

#include <cstdint>
#include <optional>

namespace casasync::relay {

enum class mailbox_side : std::uint8_t { a = 0, b = 1 };

/// A mailbox as the holder of a token finds it.
struct mailbox_row {
    mailbox_side side{};       ///< whose token it is
    std::uint64_t closes = 0;  ///< when nobody is there, and nobody can come any more
    bool burnt = false;
};

class mailbox_reader {
 public:
    explicit mailbox_reader(database& db);

    /// Returns the mailbox if `token_hash` is that of one of its sides.
    [[nodiscard]] std::optional<mailbox_row> find(mailbox_id id, const digest256& token_hash);
    [[nodiscard]] std::optional<bytes> message(mailbox_id id, mailbox_side from, std::uint64_t n);

 private:
    prepared find_, message_;
};

class mailbox_writer {
 public:
    explicit mailbox_writer(database& db);

    /// False: the slot is taken. Removes what is long expired.
    [[nodiscard]] bool create(openssl::pairing_slot slot, mailbox_id id, const digest256& token_a,
                              std::uint64_t now, std::uint64_t expires);

    enum class claim_verdict { done, unknown, expired, crowded };
    struct claimed {
        claim_verdict verdict{};
        mailbox_id id{};  ///< unless there is no such slot
        std::uint64_t expires = 0;
    };
    /// Hands out side b, once.
    [[nodiscard]] claimed claim(openssl::pairing_slot slot, const digest256& token_b, std::uint64_t now);

    /// False: the message was written before, with other bytes.
    [[nodiscard]] bool put(mailbox_id id, mailbox_side from, std::uint64_t n, bytes_view body);
    void remove(mailbox_id id);

    [[nodiscard]] std::optional<mailbox_row> find(mailbox_id id, const digest256& token_hash) {
        return read_.find(id, token_hash);
    }

 private:
    void remove_before(std::uint64_t time);

    mailbox_reader read_;
    prepared slot_, insert_, claim_, burn_, put_, remove_, remove_mail_, remove_old_mail_, remove_old_;
};

}  // namespace casasync::relay
