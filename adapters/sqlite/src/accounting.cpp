// SPDX-License-Identifier: MIT
/// What became of every write: the running counts, with what waits in the inbox.
#include "vault_state.hpp"

#include <casasync/accounts.hpp>

namespace casasync::sqlite {

namespace {

/// The shown writes of rows that cannot be shown in their table at the moment.
result<std::int64_t> count_parked(display& shown, catalog& tables, row_store& rows) {
    auto parked = shown.parked();
    if (!parked) return parked.failure();
    std::int64_t out = 0;
    for (const parked_row& p : *parked) {
        if (p.reason == parked_list::dangling) continue;
        auto row = rows.load(p.table, p.key, true);
        if (!row) return row.failure();
        const table_traits& table = tables.find(p.table)->traits;
        out += standing_writes(*row, table, open_conflicts(*row, table)).applied;
    }
    return out;
}

}  // namespace

/// \cost O(what is parked or waits)
result<write_counts> vault::state::accounting() {
    const auto parked = count_parked(*shown, tables, *rows);
    if (!parked) return parked.failure();
    const auto damaged = db->query_integer("SELECT count(*) FROM casasync_inbox WHERE why = 'damaged'");
    if (!damaged) return damaged.failure();
    const auto held = db->query_integer(
        "SELECT sum(writes) FROM casasync_inbox WHERE why IS NOT NULL AND why <> 'damaged'");
    if (!held) return held.failure();
    const auto size = [](std::int64_t n) { return static_cast<std::size_t>(n); };
    write_counts out;
    out.rejected = size(*damaged) + static_cast<std::size_t>(self.refused);
    out.held = size(*held);
    out.applied = size(self.counts.applied);
    out.superseded = size(self.counts.superseded);
    out.absorbed = size(self.counts.absorbed);
    out.conflicts = size(self.counts.conflicts);
    out.parked = size(*parked);
    out.total = out.rejected + out.held + size(self.counts.total());
    return out;
}

}  // namespace casasync::sqlite
