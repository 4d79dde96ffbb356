// SPDX-License-Identifier: MIT
#include "mailbox_rows.hpp"

#include <casasync/openssl/hash.hpp>

#include <algorithm>

namespace casasync::relay {
namespace {

/// So long after it could be claimed a slot is still known, so that a late claim hears that the code has
/// expired.
constexpr std::uint64_t remembered_s = 3600;
/// So long after it could last be claimed two devices may still talk.
constexpr std::uint64_t talk_s = 300;

std::uint64_t number_of(mailbox_side side) {
    return static_cast<std::uint64_t>(side);
}

}  // namespace

mailbox_reader::mailbox_reader(database& db)
    : find_(db, "SELECT token_a, token_b, expires, burnt FROM pairing WHERE mailbox = ?"),
      message_(db, "SELECT body FROM mail WHERE mailbox = ? AND side = ? AND n = ?") {}

std::optional<mailbox_row> mailbox_reader::find(mailbox_id id, const digest256& token_hash) {
    rows row = find_.query(id.octets);
    if (!row.next()) return std::nullopt;
    const bool is_a = openssl::equal_constant_time(row.blob(0), token_hash);
    const bool is_b = openssl::equal_constant_time(row.blob(1), token_hash);
    if (!is_a && !is_b) return std::nullopt;
    const bool claimed = !row.blob(1).empty();
    return mailbox_row{is_a ? mailbox_side::a : mailbox_side::b, row.number(2) + (claimed ? talk_s : 0),
                       row.integer(3) != 0};
}

std::optional<bytes> mailbox_reader::message(mailbox_id id, mailbox_side from, std::uint64_t n) {
    rows row = message_.query(id.octets, number_of(from), n);
    if (!row.next()) return std::nullopt;
    const bytes_view body = row.blob(0);
    return bytes(body.begin(), body.end());
}

mailbox_writer::mailbox_writer(database& db)
    : read_(db),
      slot_(db, "SELECT mailbox, token_b, expires FROM pairing WHERE slot = ?"),
      insert_(db,
              "INSERT INTO pairing(slot, mailbox, token_a, token_b, expires, burnt) VALUES(?, ?, ?, x'', ?, "
              "0)"),
      claim_(db, "UPDATE pairing SET token_b = ? WHERE mailbox = ?"),
      burn_(db, "UPDATE pairing SET burnt = 1 WHERE mailbox = ?"),
      put_(db, "INSERT INTO mail(mailbox, side, n, body) VALUES(?, ?, ?, ?)"),
      remove_(db, "DELETE FROM pairing WHERE mailbox = ?"),
      remove_mail_(db, "DELETE FROM mail WHERE mailbox = ?"),
      remove_old_mail_(db,
                       "DELETE FROM mail WHERE mailbox IN (SELECT mailbox FROM pairing WHERE expires < ?)"),
      remove_old_(db, "DELETE FROM pairing WHERE expires < ?") {}

bool mailbox_writer::create(openssl::pairing_slot slot, mailbox_id id, const digest256& token_a,
                            std::uint64_t now, std::uint64_t expires) {
    remove_before(now - std::min(now, remembered_s));
    {
        rows row = slot_.query(slot.number());
        if (row.next()) return false;
    }
    insert_.run(slot.number(), id.octets, token_a, expires);
    return true;
}

mailbox_writer::claimed mailbox_writer::claim(openssl::pairing_slot slot, const digest256& token_b,
                                              std::uint64_t now) {
    claimed out{claim_verdict::done, {}, 0};
    bool taken = false;
    {
        rows row = slot_.query(slot.number());
        if (!row.next()) return {claim_verdict::unknown, {}, 0};
        out.id.octets = row.array<std::array<std::uint8_t, 16>>(0);
        taken = !row.blob(1).empty();
        out.expires = row.number(2);
    }
    if (out.expires <= now) {
        out.verdict = claim_verdict::expired;
    } else if (taken) {
        burn_.run(out.id.octets);
        out.verdict = claim_verdict::crowded;
    } else {
        claim_.run(token_b, out.id.octets);
    }
    return out;
}

bool mailbox_writer::put(mailbox_id id, mailbox_side from, std::uint64_t n, bytes_view body) {
    if (const auto known = read_.message(id, from, n))
        return std::equal(body.begin(), body.end(), known->begin(), known->end());
    put_.run(id.octets, number_of(from), n, body);
    return true;
}

void mailbox_writer::remove(mailbox_id id) {
    remove_mail_.run(id.octets);
    remove_.run(id.octets);
}

void mailbox_writer::remove_before(std::uint64_t time) {
    remove_old_mail_.run(time);
    remove_old_.run(time);
}

}  // namespace casasync::relay
