// SPDX-License-Identifier: MIT
#include "replica.hpp"

#include <algorithm>
#include <utility>

namespace interleaving {

using namespace casasync;

result<resolved_table> replica::source::resolve(const table_traits& theirs) const {
    resolved_table out{0, table, {}};
    for (const column_traits& c : theirs.columns) out.columns.push_back(*table->column(c.name));
    return out;
}

void replica::transaction::insert(std::size_t key, row_values values) {
    now[key] = std::move(values);
    log[key].push_back({captured_kind::insert, {}});
}
void replica::transaction::update(std::size_t key, const std::vector<column_no>& columns,
                                  const row_values& to) {
    captured_write& entry = log[key].emplace_back(captured_write{captured_kind::update, {}});
    for (const column_no c : columns) {
        if ((*now[key])[c] == to[c]) continue;  // v = v marks no column
        entry.columns.push_back(c);
        (*now[key])[c] = to[c];
    }
}
void replica::transaction::erase(std::size_t key) {
    buried[key] = std::exchange(now[key], std::nullopt);
    log[key].push_back({captured_kind::erase, {}});
}

replica::replica(const table_traits& table, std::uint8_t number, unix_ms wall)
    : source_{&table}, wall_(wall) {
    device_.octets.fill(number);
    replica_.octets.fill(number);
}

std::optional<replica::row_values> replica::shown(std::size_t key) const {
    const row_state& row = source_.rows[key];
    if (!is_visible(row, source_.table->policy)) return std::nullopt;
    row_values out(source_.table->columns.size());
    for (const cell& c : row.cells)
        if (is_shown(row, c, source_.table->columns[c.column].rule)) out[c.column] = *c.what;
    return out;
}

void replica::perform(transaction& t, kind what, const row_values& values) {
    const bool there = t.now[0] || t.now[1];
    const std::size_t key = !t.now[0] && t.now[1] ? 1 : 0;
    if (!there) {
        if (what == kind::insert || what == kind::reinsert) t.insert(key, values);
        return;
    }
    switch (what) {
        case kind::insert:
            return;
        case kind::update_f1:
            return t.update(key, {0}, values);
        case kind::update_f2:
            return t.update(key, {1}, values);
        case kind::update_both:
            return t.update(key, {0, 1}, values);
        case kind::remove:
            return t.erase(key);
        case kind::reinsert:
            t.erase(key);
            return t.insert(key, values);
        case kind::change_key:
            if (t.now[1 - key]) return;
            t.insert(1 - key, *t.now[key]);
            return t.erase(key);
        case kind::nothing:
            return t.update(key, {0}, row_values(*t.now[key]));
    }
}

changeset replica::seal(const transaction& t) {
    changeset out;
    out.device = device_;
    out.seq = out.last_seq = ++seq_;
    out.context = merged_;
    table_changes changes{*source_.table, {}};
    for (std::size_t key = 0; key < keys; ++key) {
        const row_state& row = source_.rows[key];
        const captured_row captured{is_visible(row, source_.table->policy), !row.empty(), t.log[key],
                                    t.now[key], t.buried[key]};
        for (captured_operation& o : operations_of(captured)) {
            clock_ = tick_user(clock_, wall_);
            o.op.when = {clock_, replica_};
            changes.rows.push_back({replica::key(key), std::move(o.op)});
        }
    }
    if (!changes.rows.empty()) out.tables.push_back(std::move(changes));
    return out;
}

sealed replica::write(kind what, int f1, int f2) {
    transaction t;
    for (std::size_t key = 0; key < keys; ++key) t.now[key] = shown(key);
    perform(t, what, {f1, f2});
    sealed out{seal(t), {}};
    out.head = {device_, out.body.seq, {}, out.body.context, {replica_}, greatest_stamp(out.body).when};
    merge_now(out.body);
    return out;
}

void replica::merge_now(const changeset& c) {
    auto plan = merge(c, source_);
    for (merged_row& row : plan->rows) source_.rows[row.key[0]] = std::move(row.after);
    merged_.vector.raise(plan->merged.vector);
    merged_.seen.raise(plan->merged.seen);
    clock_ = observe(clock_, plan->greatest);
    digest_ += plan->digest;
    open_digest_ += plan->open_digest;
    counts_ += plan->counts;
}

admission replica::receive(const sealed& incoming) {
    const admission what = admit(incoming.head, merged_, wall_);
    if (what == admission::waiting) waiting_.push_back(&incoming);
    if (what != admission::ready) return what;
    merge_now(incoming.body);
    for (bool progress = true; progress;) {
        progress = false;
        for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
            if (admit((*it)->head, merged_, wall_) != admission::ready) continue;
            merge_now((*it)->body);
            waiting_.erase(it);
            progress = true;
            break;
        }
    }
    return what;
}

bool replica::digests_add_up() const {
    digest128 rows, open;
    for (std::size_t n = 0; n < keys; ++n) {
        rows += row_digest(*source_.table, key(n), source_.rows[n]);
        open += conflict_digest(*source_.table, key(n), open_conflicts(source_.rows[n], *source_.table));
    }
    return rows == digest_ && open == open_digest_;
}

}  // namespace interleaving
