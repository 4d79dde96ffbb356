// SPDX-License-Identifier: MIT
/// What is kept of the past: the policy, and what can be told because of it.
#include "vault_state.hpp"

namespace casasync::sqlite {

namespace {

constexpr std::uint32_t days_max = 36'500;

}  // namespace

result<void> vault::state::keep_writes(const changeset& c) {
    if (self.history.keep != history_kept::all) return {};
    return past->keep(c, own_now());
}

result<void> vault::state::prune_history() {
    const auto dropped = past->prune(self.history, stamping_now());
    return dropped ? result<void>{} : result<void>{dropped.failure()};
}

result<void> vault::state::prune_history_now_and_then() {
    constexpr unix_ms pause_ms = unix_ms{3600} * 1000;
    const unix_ms now = stamping_now();
    if (now >= pruned_at && now - pruned_at < pause_ms) return {};
    pruned_at = now;
    return prune_history();
}

result<kept_write> vault::state::describe(const history_entry& e) {
    const vault_table& table = *tables.find(e.table);
    kept_write out;
    out.table = table.traits.name;
    auto key = key_for_people(table, e.key);
    if (!key) return key.failure();
    out.key = std::move(key->key);
    out.key_taken = key->taken;
    out.kind = e.kind;
    if (e.column) {
        const column_traits& column = table.traits.columns[*e.column];
        out.column = column.name;
        auto shown_as = rows->numbers().to_number(column.refers, e.what);
        if (!shown_as) return shown_as.failure();
        out.what = std::move(shown_as->what);
    }
    auto by = author_of(e.when);
    if (!by) return by.failure();
    out.by = std::move(*by);
    out.merged_at = e.merged_at;
    return out;
}

result<history_info> vault::state::tell_history() {
    history_info out;
    out.policy = self.history;
    const auto open = audit->count_open();
    if (!open) return open.failure();
    const auto decided = db->query_integer("SELECT count(*) FROM casasync_conflict WHERE open = 0");
    if (!decided) return decided.failure();
    const auto writes = past->count();
    if (!writes) return writes.failure();
    out.open = static_cast<std::size_t>(*open);
    out.decided = static_cast<std::size_t>(*decided);
    out.writes = static_cast<std::size_t>(*writes);
    return out;
}

result<history_info> vault::history() {
    return state_->run([&] { return state_->tell_history(); });
}

result<history_info> vault::set_history(const history_policy& policy) {
    if (policy.days > days_max)
        return error{errc::invalid_argument, "days can be 0 (for good) to 36500; nothing was changed"};
    if (auto n = seal(); !n) return n.failure();  // what was written before is kept as before
    for (std::int64_t dropped = history_log::pruned_at_once; dropped >= history_log::pruned_at_once;) {
        const auto n = state_->write([&] {
            state_->self.history = policy;
            return state_->past->prune(policy, state_->stamping_now());
        });
        if (!n) return n.failure();
        dropped = *n;
    }
    return history();
}

result<std::vector<kept_write>> vault::kept_writes(const std::string& table, unix_ms since) {
    if (auto n = seal(); !n) return n.failure();
    return state_->run([&]() -> result<std::vector<kept_write>> {
        std::vector<kept_write> out;
        const vault_table* const only = table.empty() ? nullptr : state_->tables.find(table);
        if (!table.empty() && only == nullptr) return out;
        auto found =
            state_->past->entries(only != nullptr ? std::optional(only->number) : std::nullopt, {}, since);
        if (!found) return found.failure();
        for (const history_entry& e : *found) {
            auto told = state_->describe(e);
            if (!told) return told.failure();
            out.push_back(std::move(*told));
        }
        return out;
    });
}

}  // namespace casasync::sqlite
