// SPDX-License-Identifier: MIT
/// What changes with the rules of a table that has rows.
#include "vault_state.hpp"

#include <casasync/digest.hpp>
#include <casasync/key.hpp>

#include <algorithm>

namespace casasync::sqlite {

/// Shows the rows of `table` under another delete policy; digests and conflicts follow.
result<void> vault::state::change_policy(const vault_table& table, delete_policy policy) {
    merge_plan plan;
    table_traits traits = table.traits;
    traits.policy = policy;
    const resolved_table now{table.number, &traits, {}};
    auto keys = all_keys(table);
    if (!keys) return keys.failure();
    std::vector<merged_row> changed;
    for (bytes& key : *keys) {
        auto row = rows->load(table.number, key, true);
        if (!row) return row.failure();
        merge_plan before;
        const bool was = is_visible(*row, table.traits.policy);
        if (was == is_visible(*row, policy)) continue;
        const resolved_table old{table.number, &table.traits, {}};
        merged_row gone = detail::compare_states(before, old, key, row_state{}, *row, {});
        merged_row r = detail::compare_states(plan, now, std::move(key), row_state{}, *row, {});
        plan.digest -= before.digest;
        plan.open_digest -= before.open_digest;
        plan.counts -= before.counts;
        r.was_visible = was;
        r.closed = detail::without(gone.opened, r.opened);
        r.opened = detail::without(r.opened, gone.opened);
        changed.push_back(std::move(r));
    }
    if (auto ok = db->run("UPDATE casasync_table SET policy = ?2 WHERE t = ?1", std::int64_t{table.number},
                          static_cast<std::int64_t>(policy));
        !ok)
        return ok;
    if (auto ok = tables.read(*db); !ok) return ok;
    std::optional<suppress_capture> hush;
    if (!options.run_on_app) hush.emplace(*db, tables);
    if (auto ok = shown->show(changed, own_now()); !ok) return ok;
    plan.rows = std::move(changed);
    return conclude(plan);
}

/// Writes the record of every row of a table. `stay`: a row that was there when the vault began gets one, for
/// under max and min the value before a write decides. Not `stay`: the table is left alone, so its values go
/// beside its registers, which stay whole without it.
result<void> vault::state::record_rows(const vault_table& table, bool stay) {
    auto keys = all_keys(table);
    if (!keys) return keys.failure();
    for (const bytes& key : *keys) {
        auto row = rows->load(table.number, key, true);
        if (!row) return row.failure();
        if (auto ok = rows->save(table.number, key, *row, stay); !ok) return ok;
    }
    return {};
}

result<bool> vault::state::is_written(const vault_table& table, column_no column) {
    if (table.adopted && column < *table.adopted) return true;
    auto keys = all_keys(table);
    if (!keys) return keys.failure();
    for (const bytes& key : *keys) {
        const auto row = rows->record(table.number, key);
        if (!row) return row.failure();
        if (*row && (*row)->find(column) != nullptr) return true;
    }
    return false;
}

/// The keys of every row of a table, with a record or in an adopted table; sorted, no duplicates.
result<std::vector<bytes>> vault::state::all_keys(const vault_table& table) {
    std::vector<bytes> out;
    {
        auto s = db->prepare("SELECT k FROM casasync_m_" + std::to_string(table.number));
        if (!s) return s.failure();
        for (;;) {
            const auto row = s->step();
            if (!row) return row.failure();
            if (!*row) break;
            out.emplace_back(s->blob(0).begin(), s->blob(0).end());
        }
    }
    if (table.tracked && table.adopted) {
        std::string sql = "SELECT ";
        for (std::size_t i = 0; i < table.shape.key.size(); ++i)
            sql += (i > 0 ? ", " : "") + quote_name(table.shape.columns[table.shape.key[i]].name);
        auto s = db->prepare(sql + " FROM main." + quote_name(table.shape.name));
        if (!s) return s.failure();
        for (;;) {
            const auto row = s->step();
            if (!row) return row.failure();
            if (!*row) break;
            auto encoded = if_it_travels(rows->in_registers(table, s->cells()));
            if (!encoded) return encoded.failure();
            if (*encoded) out.push_back(std::move(**encoded));
        }
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

}  // namespace casasync::sqlite
