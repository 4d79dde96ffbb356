// SPDX-License-Identifier: MIT
/// Sealing: the capture log becomes operations (casasync/capture.hpp decides which), operations become a
/// changeset in the outbox, and the registers take it in like anybody's.
#include "column_defaults.hpp"
#include "row_lives.hpp"
#include "vault_state.hpp"

#include <casasync/capture.hpp>
#include <casasync/codec.hpp>
#include <casasync/detail/hash.hpp>
#include <casasync/key.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

namespace casasync::sqlite {

/// A row of the log with what is needed to decide about it.
struct sealed_row {
    const vault_table* table = nullptr;
    bytes key{};
    captured_row captured{};
    std::span<const column_no> columns{};  ///< what the captured columns are numbers of: those in the table
    std::optional<row_state> known{};      ///< its record before the seal
    bool parked = false;
    bool dropped = false;  ///< its values are not kept any more: it is new, and in the table
    bool adopted = false;  ///< it has no record because it was there when the vault began
    bool seed = false;     ///< its app may have made it by itself: it wins over nothing
    std::vector<log_entry> entries{};
};

namespace {

constexpr std::size_t log_rows_at_once = 1'000'000;
/// A larger seal becomes several changesets; with one more operation each still fits into its parts.
constexpr std::size_t changeset_bytes_wanted = std::size_t{24} << 20;
constexpr std::size_t part_bytes = std::size_t{1000} << 10;  ///< leaves room for the envelope

/// An operation with its place in the log.
struct pending {
    std::int64_t position = 0;
    unix_ms at = 0;
    const sealed_row* row = nullptr;
    row_operation op{};
};

bool buries_any(const std::vector<log_entry>& entries) {
    return std::any_of(entries.begin(), entries.end(), [](const log_entry& e) { return buries(e.kind); });
}

/// True when the rows of a table have one key in registers and file.
bool has_one_key(const vault_table& table) {
    return !table.numbered() && table.traits.key_refers.empty();
}

/// Reads the rows that come next, where they are many.
result<void> read_ahead(row_store& rows, std::span<const row_life> next) {
    constexpr std::size_t many = table_shape::rows_at_once;
    if (next.size() < many || next[many - 1].table != next[0].table) return {};
    const vault_table& table = *next[0].table;
    if (!has_one_key(table) || table.shape.select_rows.empty()) return {};
    std::vector<std::span<const value>> keys;
    keys.reserve(many);
    for (const row_life& life : next.first(many)) keys.emplace_back(life.in_file);
    return rows.expect_rows(table, keys);
}

/// A cell that is too large to leave this device.
struct large_cell {
    const sealed_row* row = nullptr;
    column_no column = 0;
};

std::vector<value> held_values(const sealed_row& row, std::vector<value>& in_shape) {
    std::vector<value> out;
    out.reserve(row.columns.size());
    for (const column_no c : row.columns) out.push_back(std::move(in_shape[*row.table->in_shape[c]]));
    return out;
}

/// The captured columns, as places in row.columns; a member of a group brings the whole group.
column_list captured_columns(const sealed_row& row, const column_set& changed) {
    column_list out;
    if (changed.empty()) return out;
    const vault_table& table = *row.table;
    std::vector<column_no> brought;
    for (const auto& group : table.groups) {
        const auto written = [&](column_no c) {
            return table.holds(c) && changed.contains(*table.in_shape[c]);
        };
        if (std::any_of(group.begin(), group.end(), written))
            brought.insert(brought.end(), group.begin(), group.end());
    }
    for (column_no place = 0; place < row.columns.size(); ++place) {
        const column_no c = row.columns[place];
        if (changed.contains(*table.in_shape[c]) ||
            std::find(brought.begin(), brought.end(), c) != brought.end())
            out.push_back(place);
    }
    return out;
}

/// An app that replaces a row knows nothing of columns that its table lacks: they stay what they are.
void keep_not_held(const sealed_row& row, row_operation& insert) {
    const vault_table& table = *row.table;
    for (const cell& c : row.known->cells)
        if (c.what && !table.holds(c.column) && is_shown(*row.known, c, table.traits.columns[c.column].rule))
            insert.cells.push_back({c.column, *c.what});
    std::sort(insert.cells.begin(), insert.cells.end(),
              [](const cell_write& a, const cell_write& b) { return a.column < b.column; });
}

captured_kind kind_of(change_kind k) {
    switch (k) {
        case change_kind::insert:
            return captured_kind::insert;
        case change_kind::update:
            return captured_kind::update;
        case change_kind::erase:
            return captured_kind::erase;
        case change_kind::displaced:
            return captured_kind::displaced;
    }
    return captured_kind::insert;
}

/// True when the vault shows no such row, though not because this device deleted it, or has nothing of it but
/// what was inserted here before the first sync.
bool is_seed(const row_state& known, delete_policy policy, const settings& self) {
    if (!is_visible(known, policy)) return known.dead.replica != self.replica;
    const auto ours = [&self](const stamp& s) { return s.replica == self.seeds; };
    return ours(known.born) && ours(known.touched) &&
           std::all_of(known.cells.begin(), known.cells.end(), [&](const cell& c) { return ours(c.when); });
}

/// The states before a seal: where the table has moved on, the buried copies know what it was.
class states_before {
 public:
    /// \param sealed  stay where they are; of two with one key the last one counts
    states_before(row_store& rows, std::span<const sealed_row> sealed) : rows_(&rows) {
        sealed_.reserve(sealed.size());
        for (const sealed_row& row : sealed) sealed_.push_back({&row});
        std::stable_sort(sealed_.begin(), sealed_.end(),
                         [](const entry& a, const entry& b) { return a.where() < b.where(); });
        const auto same = [](const entry& a, const entry& b) { return a.where() == b.where(); };
        sealed_.erase(sealed_.begin(), std::unique(sealed_.rbegin(), sealed_.rend(), same).base());
    }
    /// These rows have other records from now on.
    void saved(std::span<const merged_row> changed) {
        for (const merged_row& row : changed)
            if (entry* e = find(row.table, row.key)) e->as_looked_up = false;
    }

    result<resolved_table> resolve(const table_traits& theirs) { return rows_->resolve(theirs); }
    result<row_state> load(table_no table, bytes_view key, bool values) {
        const entry* const e = find(table, key);
        if (e == nullptr) return rows_->load(table, key, values);
        const sealed_row& sealed = *e->row;
        if (sealed.dropped) return e->as_looked_up ? row_state{} : rows_->load(table, key, values);
        auto known =
            e->as_looked_up ? result<std::optional<row_state>>(sealed.known) : rows_->record(table, key);
        if (!known) return known.failure();
        row_state row = *known ? std::move(**known) : row_state{};
        if (!*known && sealed.adopted) row = adopted_row(*sealed.table->adopted);
        if (!values && !sealed.table->numbered() && !sealed.table->has_references()) return row;
        const std::vector<value>* seen = sealed.captured.now ? &*sealed.captured.now : nullptr;
        if (sealed.captured.buried) seen = &*sealed.captured.buried;
        for (std::size_t i = 0; seen != nullptr && i < sealed.columns.size(); ++i) {
            cell* c = row.find(sealed.columns[i]);
            if (c != nullptr && !c->what) c->what = (*seen)[i];
        }
        return row;
    }

 private:
    using place = std::pair<table_no, std::string_view>;
    static place place_of(table_no table, bytes_view key) noexcept {
        return {table, {reinterpret_cast<const char*>(key.data()), key.size()}};
    }
    struct entry {
        const sealed_row* row = nullptr;
        bool as_looked_up = true;  ///< its record is what it was before the seal

        [[nodiscard]] place where() const noexcept { return place_of(row->table->number, row->key); }
    };
    /// Returns null for a row that is not sealed.
    entry* find(table_no table, bytes_view key) {
        const place wanted = place_of(table, key);
        const auto is_next = [&] { return next_ != sealed_.size() && sealed_[next_].where() == wanted; };
        if (!is_next())
            next_ = static_cast<std::size_t>(
                std::lower_bound(sealed_.begin(), sealed_.end(), wanted,
                                 [](const entry& e, const place& p) { return e.where() < p; }) -
                sealed_.begin());
        return is_next() ? &sealed_[next_++] : nullptr;
    }

    row_store* rows_;
    std::vector<entry> sealed_{};  ///< by table and key
    std::size_t next_ = 0;         ///< of them: they are asked for one after the other
};

}  // namespace

/// A reference to a row that is not there shows a number that no row has; it still means that row.
result<void> vault::state::keep_dangling(const vault_table& table, const row_state& known,
                                         std::vector<value>& in_shape) {
    for (const cell& c : known.cells) {
        if (!c.what || !table.holds(c.column) || table.traits.columns[c.column].refers.empty()) continue;
        const auto shown_as = rows->numbers().to_number(table.traits.columns[c.column].refers, *c.what);
        if (!shown_as) return shown_as.failure();
        value& there = in_shape[*table.in_shape[c.column]];
        if (shown_as->how != shown_reference::fate::found && there == shown_as->what) there = *c.what;
    }
    return {};
}

/// Reads what the table, the graveyard and the registers know of a row of the log.
result<sealed_row> vault::state::look_up(row_life& life, bool any_parked) {
    const vault_table& table = *life.table;
    sealed_row row;
    row.table = &table;
    row.key = std::move(life.key);
    row.entries = std::move(life.entries);
    row.columns = table.held;
    auto known = rows->record(table.number, row.key);
    if (!known) return known.failure();
    if (any_parked) {
        auto parked = shown->is_parked(table.number, row.key);
        if (!parked) return parked.failure();
        row.parked = *parked;
    }
    const bool may_be_adopted = table.adopted && !row_numbers::refers_to_new(table, row.key);
    row.adopted = !*known && may_be_adopted && row.entries.front().kind != change_kind::insert;
    // A row that was there when the vault began has no record, and where it was replaced the log may say only
    // that it was inserted: whether it existed cannot be told, so that its deletion is sent.
    row.captured.known = known->has_value() || (table.numbered() ? row.adopted : may_be_adopted);
    row.captured.existed = *known ? is_visible(**known, table.traits.policy) && !row.parked : row.adopted;
    const bool is_decided = decided && decided->first == table.number && decided->second == row.key;
    row.seed = !self.hydrated && !row.adopted && !is_decided &&
               (!*known || is_seed(**known, table.traits.policy, self));
    auto now = has_one_key(table) ? rows->in_file(table, life.in_file) : rows->in_table(table, row.key);
    if (now && !*now && !table.traits.key_refers.empty()) {  // its key may hold the number of a deleted row
        const auto meant = rows->in_registers(table, life.in_file);
        if (!meant) return meant.failure();
        if (*meant == row.key) now = rows->in_file(table, life.in_file);
    }
    if (!now) return now.failure();
    if (buries_any(row.entries)) {
        auto buried = read_grave(*db, table.number, table.shape, life.in_file, life.range);
        if (!buried) return buried.failure();
        if (!buried->empty()) {
            std::vector<value>& last = buried->back();
            if (auto ok = rows->numbers().to_registers(table, last, row_numbers::moment::before); !ok)
                return ok.failure();
            row.captured.buried = held_values(row, last);
        }
    }
    if (*now && *known)
        if (auto ok = keep_dangling(table, **known, **now); !ok) return ok.failure();
    const auto last = std::find_if(row.entries.rbegin(), row.entries.rend(),
                                   [](const log_entry& e) { return e.kind == change_kind::update; });
    if (*now && !table.gained.empty() && last != row.entries.rend()) {
        auto written = gained_and_written(table, life.in_file, **now, *known ? &**known : nullptr);
        if (!written) return written.failure();
        last->columns.add(*written);
    }
    if (*now) row.captured.now = held_values(row, **now);
    row.captured.writes.reserve(row.entries.size());
    for (const log_entry& e : row.entries)
        row.captured.writes.push_back({kind_of(e.kind), captured_columns(row, e.columns)});
    row.known = std::move(*known);
    return row;
}

std::vector<column_no> take_large(row_operation& op) {
    std::vector<column_no> out;
    erase_if(op.cells, [&out](const cell_write& w) {
        const bool large = w.what.size() > limits::value_bytes_max;
        if (large) out.push_back(w.column);
        return large;
    });
    return out;
}

result<void> list_large(connection& db, const vault_table& table, bytes_view key, column_no column) {
    return db.run("INSERT OR IGNORE INTO casasync_large(t, k, c) VALUES(?1, ?2, ?3)",
                  std::int64_t{table.number}, key, std::int64_t{column});
}

namespace {

/// An operation where it is sorted: by the first bytes of its key, which are at hand, then by all of them.
struct placed {
    std::uint64_t begin = 0;  ///< of the key, most significant byte first
    pending* what = nullptr;

    explicit placed(pending& p)
        : begin(detail::swap_bytes(detail::load_le64(p.row->key.data(), p.row->key.size()))), what(&p) {}
    friend bool operator<(const placed& a, const placed& b) {
        if (a.begin != b.begin) return a.begin < b.begin;
        const auto order =
            a.what->row == b.what->row ? std::strong_ordering::equal : a.what->row->key <=> b.what->row->key;
        return order != 0 ? order < 0 : a.what->op.when < b.what->op.when;
    }
};

}  // namespace

/// Puts operations into a changeset, tables and columns named once, rows sorted by key and
/// stamp.
static changeset make_changeset(std::span<pending* const> operations) {
    std::map<const vault_table*, std::vector<placed>> by_table;
    std::vector<const vault_table*> order;
    for (pending* p : operations) {
        auto& list = by_table[p->row->table];
        if (list.empty()) order.push_back(p->row->table);
        list.emplace_back(*p);
    }
    std::sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->traits.name < b->traits.name; });
    changeset c;
    for (const vault_table* table : order) {
        auto& changes = c.tables.emplace_back();
        changes.table = table->traits.without_columns();
        std::vector<placed>& list = by_table[table];
        std::sort(list.begin(), list.end());
        std::vector<bool> used(table->traits.columns.size());
        for (const placed& p : list)
            for (const cell_write& w : p.what->op.cells) used[w.column] = true;
        std::vector<column_no> place(used.size());
        for (column_no column = 0; column < used.size(); ++column) {
            if (!used[column]) continue;
            place[column] = static_cast<column_no>(changes.table.columns.size());
            changes.table.columns.push_back(table->traits.columns[column]);
        }
        changes.rows.reserve(list.size());
        for (placed& p : list) {
            for (cell_write& w : p.what->op.cells) w.column = place[w.column];
            changes.rows.push_back({p.what->row->key, std::move(p.what->op)});
        }
    }
    return c;
}

result<void> vault::state::queue(changeset& c) {
    c.device = self.device;
    c.seq = self.last_seq + 1;
    if (!self.name_said) c.device_name = self.device_name;
    self.name_said = true;
    auto defaults = tell_defaults(*db);
    if (!defaults) return defaults.failure();
    for (column_default& d : *defaults) {
        std::erase_if(c.defaults, [&d](const column_default& old) {
            return old.table == d.table && old.column == d.column;
        });
        c.defaults.push_back(std::move(d));
    }
    std::sort(c.defaults.begin(), c.defaults.end(), [](const column_default& a, const column_default& b) {
        return std::tie(a.table, a.column) < std::tie(b.table, b.column);
    });
    const bytes payload = encode(c);
    const std::size_t parts = (payload.size() + part_bytes - 1) / part_bytes;
    const std::uint64_t hour_ms = 3'600'000;
    const stamp last = greatest_stamp(c);
    const auto greatest = static_cast<std::uint64_t>(last.when.ms());
    const auto before = static_cast<std::int64_t>(rows->vector().of(last.replica).packed);
    const auto hour = greatest == 0 ? 0 : static_cast<std::int64_t>((greatest + hour_ms - 1) / hour_ms);
    for (std::size_t i = 0; i < parts; ++i) {
        const auto slice = bytes_view(payload).subspan(i * part_bytes,
                                                       std::min(part_bytes, payload.size() - i * part_bytes));
        if (auto ok = db->run(
                "INSERT INTO casasync_outbox(seq, part, parts, hour, was, payload) VALUES(?1, ?2, ?3, ?4, "
                "?5, ?6)",
                static_cast<std::int64_t>(c.seq + i), static_cast<std::int64_t>(i),
                static_cast<std::int64_t>(parts), hour, before, slice);
            !ok)
            return ok;
    }
    c.last_seq = c.seq + parts - 1;
    self.last_seq = c.last_seq;
    return {};
}

/// max and min: a smaller local value gives way in the table as well.
static result<void> put_back(connection& db, const catalog& tables, row_store& rows, const merged_row& row) {
    const vault_table& table = *tables.find(row.table);
    for (const column_no c : row.written) {
        const cell* now = row.after.find(c);
        if (table.traits.columns[c].rule == merge_rule::lww || !row.is_visible || !table.holds(c) ||
            !now->what)
            continue;
        auto there = rows.in_table(table, row.key);
        if (!there) return there.failure();
        if (!*there || (**there)[*table.in_shape[c]] == *now->what) continue;
        std::string sql = "UPDATE main." + quote_name(table.shape.name) + " SET " +
                          quote_name(table.traits.columns[c].name) + " = ?1 WHERE ";
        const auto key = rows.numbers().in_table(table, row.key);
        if (!key) return key.failure();
        if (!*key) continue;
        for (std::size_t i = 0; i < table.shape.key.size(); ++i)
            sql += (i > 0 ? " AND " : "") + quote_name(table.shape.columns[table.shape.key[i]].name) +
                   " = ?" + std::to_string(i + 2);
        auto s = db.prepare(sql);
        if (!s) return s.failure();
        s->bind(1, *now->what);
        for (std::size_t i = 0; i < (*key)->size(); ++i) s->bind(static_cast<int>(i) + 2, (**key)[i]);
        if (auto ok = s->run(); !ok) return ok;
    }
    return {};
}

/// Takes rows that lie in a table and are not to be seen out of it, and out of `merged`.
result<void> vault::state::take_out_lost(std::vector<merged_row>& merged) {
    std::vector<merged_row> lost;
    for (merged_row& row : merged) {
        if (row.is_visible) continue;
        const auto there = rows->in_table(*tables.find(row.table), row.key);
        if (!there) return there.failure();
        if (!*there) continue;
        row.was_visible = true;
        lost.push_back(std::exchange(row, {}));
    }
    std::erase_if(merged, [](const merged_row& row) { return row.key.empty(); });
    return shown->show(lost, own_now());
}

result<void> vault::state::correct_defaults() {
    const auto any = any_default_to_correct(*db);
    if (!any) return any.failure();
    if (!*any) return {};
    auto known = context();
    if (!known) return known.failure();
    changeset c;
    c.context = std::move(*known);
    const auto done = publish(c, *rows);
    return done ? result<void>{} : done.failure();
}

result<std::size_t> vault::state::seal_log() {
    std::size_t sealed = 0;
    auto ok = uncaptured([&]() -> result<void> {
        auto n = seal_all();
        if (!n) return n.failure();
        sealed = *n;
        return {};
    });
    if (!ok) return ok.failure();
    return sealed;
}

result<std::size_t> vault::state::seal_all() {
    std::size_t sealed = 0;
    auto changed = changed_tables();
    if (!changed) return changed.failure();
    for (const vault_table* table : *changed)
        if (auto ok = log_rebuilt(*table); !ok) return ok.failure();
    for (const vault_table* table : *changed)  // to tell of it in the first changeset
        if (auto ok = know_defaults(*db, table->shape); !ok) return ok.failure();
    const std::vector<table_number> left = left_alone();
    for (bool complete = false; !complete;) {
        auto chunk = read_log(*db, log_rows_at_once, left);
        if (!chunk) return chunk.failure();
        if (chunk->rows.empty()) break;
        complete = chunk->complete;
        std::set<table_number> drained;  // an empty graveyard is no work
        for (const row_log& log : chunk->rows)
            if (buries_any(log.entries)) drained.insert(log.table);
        std::set<table_no> of_long_keys;
        auto lives = rows_of_log(chunk->rows, of_long_keys);
        if (!lives) return lives.failure();
        std::vector<sealed_row> looked_up;
        looked_up.reserve(lives->size());
        const auto any_parked = shown->any_parked();
        if (!any_parked) return any_parked.failure();
        if (lives->size() >= row_store::many_rows)
            for (const row_life& life : *lives)
                if (auto ok = rows->expect_many(life.table->number); !ok) return ok.failure();
        std::vector<pending> operations;
        operations.reserve(lives->size());
        std::vector<large_cell> large;
        const unix_ms now = stamping_now();
        for (row_life& life : *lives) {
            const auto place = static_cast<std::size_t>(&life - lives->data());
            if (place % table_shape::rows_at_once == 0)
                if (auto ok = read_ahead(*rows, std::span(*lives).subspan(place)); !ok) return ok.failure();
            auto found = look_up(life, *any_parked);
            if (!found) return found.failure();
            sealed_row& row = looked_up.emplace_back(std::move(*found));
            const bool there = row.captured.now.has_value();
            row.dropped = !row.known && !row.adopted && there;
            bool replaced = row.captured.existed && row.known;  // and not deleted before
            for (captured_operation& o :
                 row.dropped ? operations_of(std::move(row.captured)) : operations_of(row.captured)) {
                const log_entry& entry = row.entries[o.write];
                for (cell_write& w : o.op.cells) w.column = row.columns[w.column];
                replaced = replaced && o.op.kind != op_kind::erase;
                if (replaced && o.op.kind == op_kind::insert) keep_not_held(row, o.op);
                o.op.blind = row.parked;
                const unix_ms at = std::min(entry.at.value_or(now), now);
                for (const column_no c : take_large(o.op))
                    if (there) large.push_back({&row, c});
                if (o.op.kind == op_kind::update && o.op.cells.empty()) continue;
                for (row_operation& piece : in_pieces(std::move(o.op)))
                    operations.push_back({entry.position, at, &row, std::move(piece)});
            }
            if (row.dropped) row.captured = {};
        }
        rows->expect_few();
        states_before before(*rows, looked_up);
        std::vector<pending*> in_order;  // of the log
        in_order.reserve(operations.size());
        for (pending& p : operations) in_order.push_back(&p);
        std::sort(in_order.begin(), in_order.end(), [](const pending* a, const pending* b) {
            return std::pair(a->position, a) < std::pair(b->position, b);
        });
        for (pending* p : in_order) {
            hlc& clock = p->row->seed ? self.seed_clock : self.clock;
            clock = p->row->seed ? hlc{clock.packed + 1} : tick_user(clock, p->at);
            p->op.when = {clock, p->row->seed ? self.seeds : self.replica};
        }
        std::stable_partition(in_order.begin(), in_order.end(),
                              [](const pending* p) { return p->row->seed; });
        for (auto first = in_order.begin(); first != in_order.end();) {
            auto last = first;
            std::size_t size = 0, cells = 0;
            const bool seeds = (*first)->row->seed;
            for (; last != in_order.end() && (*last)->row->seed == seeds && size < changeset_bytes_wanted &&
                   cells < limits::changeset_cells_max / 2;
                 ++last) {
                cells += (*last)->op.cells.size();
                size += (*last)->row->key.size() + 8;
                for (const cell_write& w : (*last)->op.cells) size += w.what.size();
            }
            changeset c = make_changeset({first, last});
            if (!seeds) {
                auto known = context();
                if (!known) return known.failure();
                c.context = std::move(*known);
                c.state = state_digest();
            }
            if (auto ok = rows->own(seeds ? self.seeds : self.replica, self.device); !ok) return ok.failure();
            if (auto ok = queue(c); !ok) return ok.failure();
            auto pieces = pieces_of(std::move(c));
            if (!pieces) return pieces.failure();
            while (auto piece = pieces->next()) {
                auto merged = merge_own(std::move(*piece), before);
                if (!merged) return merged.failure();
                for (const merged_row& row : *merged)
                    if (auto ok = put_back(*db, tables, *rows, row); !ok) return ok.failure();
                if (seeds)
                    if (auto ok = take_out_lost(*merged); !ok) return ok.failure();
                before.saved(*merged);
                if (auto ok = shown->keep(*merged, own_now()); !ok) return ok.failure();
            }
            sealed += static_cast<std::size_t>(last - first);
            first = last;
        }
        if (!of_long_keys.empty())  // they may have been in the way of one that is parked
            if (auto ok = shown->look_again(of_long_keys, own_now()); !ok) return ok.failure();
        rows->numbers().forget();
        for (const large_cell& cell : large)
            if (auto ok = list_large(*db, *cell.row->table, cell.row->key, cell.column); !ok)
                return ok.failure();
        if (auto ok = drop_captured(); !ok) return ok.failure();
        const std::vector<table_number> graves(drained.begin(), drained.end());
        if (auto ok = clear_log(*db, chunk->last, graves, left); !ok) return ok.failure();
        if (mark)  // an emptied log counts from one again
            if (auto ok = set_mark(); !ok) return ok.failure();
    }
    if (auto ok = take_in(*changed); !ok) return ok.failure();
    if (auto ok = correct_defaults(); !ok) return ok.failure();
    if (auto ok = prune_history_now_and_then(); !ok) return ok.failure();
    return sealed;
}

/// Shows rows with every column, whatever was shown before.
result<void> vault::state::show_whole(const vault_table& table, std::span<merged_row> changed) {
    for (merged_row& row : changed) {
        row.written.clear();
        for (const cell& c : row.after.cells)
            if (table.holds(c.column)) row.written.push_back(c.column);
    }
    return shown->show(changed, own_now());
}

/// Shows what other devices wrote while the table was not tracked here.
result<void> vault::state::show_unseen(const vault_table& table) {
    auto keys = all_keys(table);
    if (!keys) return keys.failure();
    std::vector<merged_row> unseen;
    for (bytes& key : *keys) {
        auto there = rows->in_table(table, key);
        if (!there) return there.failure();
        if (*there) continue;
        auto row = rows->load(table.number, key, true);
        if (!row) return row.failure();
        if (!is_visible(*row, table.traits.policy)) continue;
        unseen.push_back({table.number, std::move(key), std::move(*row), false, true, {}, {}, {}});
    }
    return show_whole(table, unseen);
}

}  // namespace casasync::sqlite
