// SPDX-License-Identifier: MIT
#include "member_rows.hpp"

#include <casasync/openssl/hash.hpp>

namespace casasync::relay {
namespace {

struct stored_before {
    [[nodiscard]] digest256 digest(bytes_view data) const { return openssl::sha256(data); }
    [[nodiscard]] bool is_signed(const public_key&, bytes_view, const signature512&) const { return true; }
};

}  // namespace

member_reader::member_reader(database& db)
    : vault_(db, "SELECT n FROM vault WHERE id = ?"),
      entries_(db, "SELECT entry FROM member WHERE vault = ? AND n >= ? ORDER BY n") {}

std::optional<std::int64_t> member_reader::vault_row(vault_id vault) {
    rows row = vault_.query(vault.octets);
    return row.next() ? std::optional(row.integer(0)) : std::nullopt;
}

std::vector<bytes> member_reader::entries(std::int64_t vault_row, std::uint64_t after) {
    std::vector<bytes> out;
    rows row = entries_.query(vault_row, after);
    while (row.next()) {
        const bytes_view entry = row.blob(0);
        out.emplace_back(entry.begin(), entry.end());
    }
    return out;
}

member_list member_reader::list(std::int64_t vault_row) {
    member_list out;
    for (const bytes& entry : entries(vault_row, 0))
        if (!out.append(entry, stored_before{}))
            throw damage("a stored list of devices does not fit together");
    return out;
}

member_writer::member_writer(database& db)
    : insert_(db, "INSERT INTO member(vault, n, entry) VALUES(?, ?, ?)"),
      set_vault_(db, "UPDATE vault SET members = ?, epoch = ? WHERE n = ?"),
      forget_(db, "DELETE FROM attach_nonce WHERE expires <= ?"),
      use_(db, "INSERT INTO attach_nonce(nonce, expires) VALUES(?, ?)"),
      known_(db, "SELECT expires FROM attach_nonce WHERE nonce = ?"),
      note_kit_(db,
                "INSERT INTO attach_nonce(nonce, expires) VALUES(?, ?) "
                "ON CONFLICT(nonce) DO UPDATE SET expires = max(expires, excluded.expires)") {}

void member_writer::store(std::int64_t vault_row, const member_list& list) {
    const std::uint64_t count = list.entries().size();
    insert_.run(vault_row, count - 1, list.entries().back());
    set_vault_.run(count, list.epoch(), vault_row);
}

bool member_writer::use(const nonce& once, std::uint64_t now, std::uint64_t seconds) {
    forget_.run(now);
    {
        rows row = known_.query(once);
        if (row.next()) return false;
    }
    use_.run(once, now + seconds);
    return true;
}

void member_writer::note_kit(device_id kit, std::uint64_t now) {
    note_kit_.run(kit.octets, now + kit_wait_s);
}

std::uint64_t member_writer::kit_waits_until(device_id kit, std::uint64_t now) {
    rows row = known_.query(kit.octets);
    return row.next() && row.number(0) > now ? row.number(0) : 0;
}

}  // namespace casasync::relay
