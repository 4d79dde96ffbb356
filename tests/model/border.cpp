// SPDX-License-Identifier: MIT
#include "border.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace border {

using namespace casasync;

namespace {

reference::rule tell(merge_rule r) {
    switch (r) {
        case merge_rule::lww:
            return reference::rule::last;
        case merge_rule::max:
            return reference::rule::greatest;
        case merge_rule::min:
            return reference::rule::least;
    }
    std::abort();  // a rule the model does not know
}

reference::action tell(op_kind k) {
    switch (k) {
        case op_kind::insert:
            return reference::action::insert;
        case op_kind::update:
            return reference::action::update;
        case op_kind::erase:
            return reference::action::remove;
    }
    std::abort();  // an operation the model does not know
}

reference::reason tell(conflict_reason r) {
    switch (r) {
        case conflict_reason::older_stamp:
            return reference::reason::older;
        case conflict_reason::tie_replica:
            return reference::reason::tie;
        case conflict_reason::hidden_by_delete:
            return reference::reason::hidden_by_delete;
        case conflict_reason::delete_undone:
            return reference::reason::delete_undone;
        case conflict_reason::duplicate_stamp:
            break;
    }
    std::abort();  // a reason the model does not know
}

}  // namespace

reference::value tell(const value& v) {
    switch (v.kind()) {
        case value_kind::null:
            return {};
        case value_kind::integer:
            return {reference::type::integer, v.integer(), 0, {}};
        case value_kind::real:
            return {reference::type::real, 0, std::bit_cast<std::uint64_t>(v.real()), {}};
        case value_kind::text:
            return {reference::type::text, 0, 0, v.text()};
        case value_kind::blob:
            return {reference::type::blob, 0, 0, {v.blob().begin(), v.blob().end()}};
    }
    std::abort();  // a type the model does not know
}

reference::stamp tell(const stamp& s) {
    return {s.when.packed, s.replica.octets[0]};
}

reference::table tell(const table_traits& t) {
    reference::table out;
    out.policy = t.policy == delete_policy::delete_wins ? reference::deletes::win
                                                        : reference::deletes::lose_to_later_edits;
    for (const column_traits& c : t.columns) out.columns[c.name] = tell(c.rule);
    return out;
}

reference::operation tell(const row_operation& op, const std::vector<column_traits>& columns,
                          std::size_t changeset, const reference::changeset_set& seen) {
    reference::operation out{tell(op.kind), tell(op.when), changeset, seen, op.blind, {}};
    for (const cell_write& c : op.cells) out.cells[columns[c.column].name] = tell(c.what);
    return out;
}

reference::row_view tell(const row_state& row, const table_traits& table) {
    reference::row_view out{
        is_visible(row, table.policy), {}, tell(row.born), tell(row.dead), tell(row.touched)};
    for (const cell& c : row.cells)
        if (out.visible && is_shown(row, c, table.columns[c.column].rule))
            out.cells[table.columns[c.column].name] = {tell(c.what.value_or(value{})), tell(c.when)};
    return out;
}

std::vector<reference::lost_write> tell(const std::vector<conflict>& open, const table_traits& table) {
    std::vector<reference::lost_write> out;
    for (const conflict& c : open) {
        std::optional<std::string> column;
        if (c.column) column = table.columns[*c.column].name;
        out.push_back({column, tell(c.loser), tell(c.what), tell(c.winner), tell(c.why)});
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
        if (!a.column || !b.column) return a.column.has_value() && !b.column;
        return *a.column < *b.column;
    });
    return out;
}

reference::accounts tell(const accounts& counts) {
    const auto size = [](std::int64_t n) { return static_cast<std::size_t>(n); };
    return {size(counts.total()), size(counts.applied), size(counts.superseded), size(counts.absorbed),
            size(counts.conflicts)};
}

}  // namespace border
