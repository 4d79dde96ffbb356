// SPDX-License-Identifier: MIT
#include "brought_rows.hpp"

#include "row_writer.hpp"

#include <casasync/capture.hpp>
#include <casasync/detail/hash.hpp>
#include <casasync/detail/wire.hpp>
#include <casasync/key.hpp>

#include <algorithm>
#include <set>

namespace casasync::sqlite {
namespace {

constexpr std::size_t rows_at_once = 20'000;
constexpr std::size_t bytes_at_once = std::size_t{24} << 20;

/// SQL: the columns of the shape, NULL for generated ones.
std::string columns_of(const table_shape& shape) {
    std::string out;
    for (const column_shape& c : shape.columns)
        out += (out.empty() ? "" : ", ") + (c.generated ? std::string("NULL") : quote_name(c.name));
    return out;
}

/// The INSERT of a whole row.
row_operation whole_row(const vault_table& table, std::vector<value> in_shape) {
    row_operation op{op_kind::insert, true, {}, {}};
    for (column_no c = 0; c < table.traits.columns.size(); ++c)
        if (table.holds(c)) op.cells.push_back({c, std::move(in_shape[*table.in_shape[c]])});
    return op;
}

}  // namespace

brought_writes::brought_writes(vault::state& v) : v_(&v), when_(band::joined_first) {
    sqlite3_randomness(16, own_.octets.data());
}

result<std::vector<merged_row>> brought_writes::publish(const vault_table& table,
                                                        std::vector<std::pair<bytes, row_operation>> ops) {
    std::vector<merged_row> out;
    if (!ops.empty() && !std::exchange(owned_, true))
        if (auto ok = v_->rows->own(own_, v_->self.device); !ok) return ok.failure();
    std::stable_sort(ops.begin(), ops.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t next = 0; next < ops.size();) {
        changeset c;
        auto& changes = c.tables.emplace_back();
        changes.table = table.traits.without_columns();
        const std::size_t end = std::min(ops.size(), next + rows_at_once);
        std::set<column_no> used;
        for (std::size_t size = 0; next < end && size < bytes_at_once; ++next) {
            auto& [key, op] = ops[next];
            when_ = hlc{when_.packed + 1};
            op.when = {when_, own_};
            size += key.size() + 8;
            for (const cell_write& w : op.cells) {
                used.insert(w.column);
                size += w.what.size();
            }
            changes.rows.push_back({std::move(key), std::move(op)});
        }
        std::vector<column_no> place(table.traits.columns.size());
        for (const column_no column : used) {
            place[column] = static_cast<column_no>(changes.table.columns.size());
            changes.table.columns.push_back(table.traits.columns[column]);
        }
        for (row_change& change : changes.rows)
            for (cell_write& w : change.op.cells) w.column = place[w.column];
        auto merged = v_->publish(c, *v_->rows);
        if (!merged) return merged.failure();
        std::move(merged->begin(), merged->end(), std::back_inserter(out));
    }
    return out;
}

result<bytes> brought_identity(const vault_table& table, std::span<const value> in_shape) {
    bytes all;
    detail::writer w(all);
    w.counted(table.traits.name);
    for (std::size_t i = 0; i < in_shape.size(); ++i) {
        if (!table.of_shape[i]) continue;
        w.counted(table.shape.columns[i].name);
        detail::put_value(w, in_shape[i]);
    }
    const detail::u128 hash = detail::hash128(all);
    bytes sixteen;
    detail::writer out(sixteen);
    out.u64(hash.high);
    out.u64(hash.low);
    const value identity(std::move(sixteen));
    return encode_key(std::span(&identity, 1));
}

result<bytes> seed_identity(connection& db, const vault_table& table, std::int64_t number,
                            row_numbers& numbers) {
    auto s = db.prepare("SELECT " + columns_of(table.shape) + " FROM main." + quote_name(table.shape.name) +
                        " WHERE " + quote_name(table.traits.number) + " = ?1");
    if (!s) return s.failure();
    const auto found = s->bind(1, number).step();
    if (!found) return found.failure();
    if (!*found) return row_numbers::mint();
    auto identity = brought_identity(table, s->cells());
    if (!identity) return identity;
    const auto elsewhere = numbers.number_of(table, *identity);
    if (!elsewhere) return elsewhere.failure();
    return *elsewhere ? result<bytes>(row_numbers::mint()) : identity;
}

/// Returns the key of a row that is in the table and stays there.
static result<bytes> key_in_place(row_numbers& numbers, const vault_table& table,
                                  std::span<const value> in_shape) {
    std::vector<value> key;
    for (const std::size_t k : table.shape.key) key.push_back(in_shape[k]);
    if (!table.numbered()) return numbers.translate(table, key);
    auto identity = brought_identity(table, in_shape);
    if (!identity) return identity;
    if (auto ok = numbers.place(table, *identity, key[0].integer()); !ok) return ok.failure();
    return identity;
}

result<void> vault::state::bring_along(const vault_table& table) {
    std::vector<std::pair<bytes, row_operation>> found;
    {
        auto s =
            db->prepare("SELECT " + columns_of(table.shape) + " FROM main." + quote_name(table.shape.name));
        if (!s) return s.failure();
        for (;;) {
            const auto row = s->step();
            if (!row) return row.failure();
            if (!*row) break;
            std::vector<value> in_shape = s->cells();
            const auto key = if_it_travels(key_in_place(rows->numbers(), table, in_shape));
            if (!key) return key.failure();
            if (!*key) continue;
            if (auto ok = rows->numbers().to_registers(table, in_shape); !ok) return ok;
            row_operation op = whole_row(table, std::move(in_shape));
            for (const column_no c : take_large(op))
                if (auto ok = list_large(*db, table, **key, c); !ok) return ok;
            for (row_operation& piece : in_pieces(std::move(op))) found.emplace_back(**key, std::move(piece));
        }
    }
    auto merged = brought_writes(*this).publish(table, std::move(found));
    if (!merged) return merged.failure();
    for (merged_row& row : *merged) row.was_visible = true;  // they lie in the table already
    return show_whole(table, *merged);
}

const own_rows::own_table* own_rows::find(const std::string& name) const noexcept {
    const auto it =
        std::find_if(tables_.begin(), tables_.end(), [&name](const own_table& t) { return t.name == name; });
    return it == tables_.end() ? nullptr : &*it;
}

const vault_table& own_rows::table_of(const own_table& own) const {
    return *v_->tables.find(own.name);
}

result<void> own_rows::set_aside(std::span<const std::string> tables) {
    connection& db = *v_->db;
    const auto rows_in = [&db](const std::string& name) {
        return db.query_integer("SELECT EXISTS(SELECT 1 FROM main." + quote_name(name) + ")");
    };
    for (const std::string& name : tables) {
        const auto any = rows_in(name);
        if (!any) return any.failure();
        if (*any == 0) continue;
        auto shape = read_shape(db, name);
        if (!shape) return shape.failure();
        if (auto ok = check_key_lengths(db, *shape); !ok)
            return error{ok.code(), ok.failure().text() + " Nothing was changed."};
        const std::string number = std::to_string(tables_.size());
        tables_.push_back({shape->name, "casasync_own_" + number, "casasync_own_id_" + number});
        const std::string copy = tables_.back().rows;
        if (auto ok = db.execute("CREATE TEMP TABLE " + copy + " AS SELECT * FROM main." + quote_name(name) +
                                 "; CREATE INDEX temp." + copy + "_key ON " + copy + "(" +
                                 key_list(*shape, "") + ")");
            !ok)
            return ok;
    }
    if (tables_.empty()) return {};
    if (db.enforces_foreign_keys())
        return error{errc::invalid_argument,
                     "table " + tables_.front().name +
                         " has rows that make room while the vault's come in, and this connection enforces "
                         "foreign keys, which would delete others with them. Nothing was changed. Run PRAGMA "
                         "foreign_keys = OFF before, and switch it on again afterwards"};
    // What a trigger of the application writes to a table that was emptied before goes with the second round.
    for (int round = 0; round < 2; ++round)
        for (const own_table& t : tables_)
            if (auto ok = db.execute("DELETE FROM main." + quote_name(t.name)); !ok) return ok;
    for (const own_table& t : tables_) {
        const auto any = rows_in(t.name);
        if (!any) return any.failure();
        if (*any != 0)
            return error{errc::invalid_argument,
                         "a trigger keeps the rows of table " + t.name +
                             " from making room for the vault's. Nothing was changed. "
                             "Join with a new file name, and copy the rows over "
                             "afterwards"};
    }
    return {};
}

/// Notes which numbers mean the same row here and in the vault: rows that are equal in everything, or, where
/// numbers are said to be the same, those that both have.
result<void> own_rows::find_same(const own_table& own, const vault_table& table) {
    connection& db = *v_->db;
    const std::string number = quote_name(table.traits.number);
    std::string equal;
    for (std::size_t i = 0; numbers_ == brought_numbers::other_rows && i < table.shape.columns.size(); ++i) {
        if (table.shape.columns[i].generated) continue;
        const std::string name = quote_name(table.shape.columns[i].name);
        equal += " AND o." + name + " COLLATE BINARY IS m." + name + " AND typeof(o." + name +
                 ") = typeof(m." + name + ")";
    }
    return db.execute("CREATE TEMP TABLE " + own.ids + "(n INTEGER PRIMARY KEY, k BLOB); INSERT INTO temp." +
                      own.ids + "(n) SELECT o." + number + " FROM temp." + own.rows + " AS o JOIN main." +
                      quote_name(table.shape.name) + " AS m ON m." + number + " = o." + number +
                      " WHERE TRUE" + equal);
}

/// Equal rows that refer to rows which are not the same are not the same. Returns whether any was dropped.
result<bool> own_rows::drop_unlike(const own_table& own, const vault_table& table) {
    connection& db = *v_->db;
    bool dropped = false;
    for (std::size_t i = 0; i < table.shape.columns.size(); ++i) {
        const own_table* parent = table.refers(i).empty() ? nullptr : find(table.refers(i));
        if (parent == nullptr) continue;
        const std::string column = "o." + quote_name(table.shape.columns[i].name);
        const std::string unlike =
            " FROM temp." + own.ids + " WHERE n IN (SELECT o." + quote_name(table.traits.number) +
            " FROM temp." + own.rows + " AS o WHERE EXISTS (SELECT 1 FROM temp." + parent->rows +
            " AS p WHERE p." + quote_name(table_of(*parent).traits.number) + " = " + column +
            ") AND NOT EXISTS (SELECT 1 FROM temp." + parent->ids + " AS i WHERE i.n = " + column + "))";
        const auto any = db.query_integer("SELECT EXISTS(SELECT 1" + unlike + ")");
        if (!any) return any.failure();
        if (*any == 0) continue;
        dropped = true;
        if (auto ok = db.execute("DELETE" + unlike); !ok) return ok.failure();
    }
    return dropped;
}

/// Gives every number its row: that of the vault, or one of its own.
result<void> own_rows::name_the_rest(const own_table& own, const vault_table& table) {
    connection& db = *v_->db;
    auto s = db.prepare("SELECT i.n IS NOT NULL, " + columns_of(table.shape) + " FROM temp." + own.rows +
                        " LEFT JOIN temp." + own.ids + " AS i ON i.n = " + quote_name(table.traits.number));
    if (!s) return s.failure();
    for (;;) {
        const auto next = s->step();
        if (!next) return next.failure();
        if (!*next) return {};
        std::vector<value> row = s->cells();
        const bool same = row.front().integer() != 0;
        row.erase(row.begin());
        const std::int64_t number = row[table.shape.key[0]].integer();
        bytes identity;
        if (same) {
            auto there = v_->rows->numbers().identity_of(table, number);
            if (!there) return there.failure();
            if (*there) identity = std::move(**there);
        }
        if (identity.empty()) {
            auto fresh = brought_identity(table, row);
            if (!fresh) return fresh.failure();
            identity = std::move(*fresh);
        }
        if (auto ok = db.run("INSERT INTO temp." + own.ids +
                                 "(n, k) VALUES(?1, ?2) ON CONFLICT(n) DO UPDATE SET k = excluded.k",
                             number, identity);
            !ok)
            return ok;
    }
}

result<void> own_rows::identify() {
    std::vector<const own_table*> numbered;
    for (own_table& own : tables_) {
        if (table_of(own).numbered())
            numbered.push_back(&own);
        else
            own.ids.clear();
    }
    for (const own_table* own : numbered)
        if (auto ok = find_same(*own, table_of(*own)); !ok) return ok;
    for (bool dropped = true; dropped;) {
        dropped = false;
        for (const own_table* own : numbered) {
            const auto some = drop_unlike(*own, table_of(*own));
            if (!some) return some.failure();
            dropped = dropped || *some;
        }
    }
    for (const own_table* own : numbered)
        if (auto ok = name_the_rest(*own, table_of(*own)); !ok) return ok;
    return {};
}

/// Returns which row a number of this file meant; a number that was no row's stays what it is.
result<value> own_rows::to_identity(const std::string& parent, const value& number) {
    const own_table* own = find(parent);
    if (own == nullptr || own->ids.empty() || number.kind() != value_kind::integer) return number;
    auto s = v_->db->prepare("SELECT k FROM temp." + own->ids + " WHERE n = ?1");
    if (!s) return s.failure();
    const auto found = s->bind(1, number.integer()).step();
    if (!found) return found.failure();
    if (!*found) return number;
    auto key = decode_key(s->blob(0));
    if (!key || key->size() != 1) return number;
    return std::move(key->front());
}

result<bytes> own_rows::key_of(const own_table& own, const vault_table& table,
                               std::span<const value> in_shape) {
    std::vector<value> key;
    for (std::size_t i = 0; i < table.shape.key.size(); ++i) {
        const value& number = in_shape[table.shape.key[i]];
        const std::string& parent = table.numbered()                     ? own.name
                                    : i < table.traits.key_refers.size() ? table.traits.key_refers[i]
                                                                         : std::string();
        auto identity = to_identity(parent, number);
        if (!identity) return identity.failure();
        key.push_back(std::move(*identity));
    }
    return encode_key(key);
}

/// Returns the operations that tell of a row what the vault does not know.
result<row_operations> own_rows::missing(const vault_table& table, const bytes& key,
                                         std::vector<value> in_shape) {
    auto known = v_->rows->load(table.number, key, true);
    if (!known) return known.failure();
    if (!is_visible(*known, table.traits.policy)) return in_pieces(whole_row(table, std::move(in_shape)));
    auto there = v_->rows->in_table(table, key);
    if (!there) return there.failure();
    std::set<column_no> differing;
    for (column_no c = 0; c < table.traits.columns.size(); ++c) {
        if (!table.holds(c)) continue;
        const std::size_t i = *table.in_shape[c];
        const cell* held = known->find(c);
        const bool shown =
            held != nullptr && held->what && is_shown(*known, *held, table.traits.columns[c].rule);
        const bool same = shown ? *held->what == in_shape[i] : *there && (**there)[i] == in_shape[i];
        if (!same) differing.insert(c);
    }
    if (differing.empty()) return row_operations{};
    for (const auto& group : table.groups)
        if (std::any_of(group.begin(), group.end(), [&](column_no c) { return differing.contains(c); }))
            differing.insert(group.begin(), group.end());
    row_operation op{op_kind::update, true, {}, {}};
    for (const column_no c : differing)
        if (table.holds(c)) op.cells.push_back({c, std::move(in_shape[*table.in_shape[c]])});
    return in_pieces(std::move(op));
}

result<void> own_rows::bring(const own_table& own, const vault_table& table) {
    connection& db = *v_->db;
    brought_writes writes(*v_);
    std::vector<std::pair<bytes, row_operation>> found;
    std::size_t size = 0;
    const auto flush = [&]() -> result<void> {
        auto merged = writes.publish(table, std::exchange(found, {}));
        if (!merged) return merged.failure();
        size = 0;
        if (auto ok = v_->shown->show(*merged, v_->own_now()); !ok) return ok;
        v_->rows->numbers().forget();
        return {};
    };
    auto s = db.prepare("SELECT " + columns_of(table.shape) + " FROM temp." + own.rows);
    if (!s) return s.failure();
    for (;;) {
        const auto next = s->step();
        if (!next) return next.failure();
        if (!*next) return flush();
        std::vector<value> row = s->cells();
        auto key = key_of(own, table, row);
        if (!key) return key.failure();
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (table.refers(i).empty() || table.shape.columns[i].key_position != 0) continue;
            auto identity = to_identity(table.refers(i), row[i]);
            if (!identity) return identity.failure();
            row[i] = std::move(*identity);
        }
        auto told = missing(table, *key, std::move(row));
        if (!told) return told.failure();
        for (row_operation& op : *told) {
            for (const column_no c : take_large(op))
                if (auto ok = list_large(db, table, *key, c); !ok) return ok;
            for (const cell_write& w : op.cells) size += w.what.size();
            found.emplace_back(*key, std::move(op));
        }
        if (found.size() >= rows_at_once || size >= bytes_at_once)
            if (auto ok = flush(); !ok) return ok;
    }
}

result<void> own_rows::bring() {
    if (auto ok = identify(); !ok) return ok;
    for (const bool numbered : {true, false})  // what others refer to first
        for (const own_table& own : tables_)
            if (table_of(own).numbered() == numbered)
                if (auto ok = bring(own, table_of(own)); !ok) return ok;
    for (const own_table& own : tables_)
        if (auto ok = v_->db->execute("DROP TABLE temp." + own.rows +
                                      (own.ids.empty() ? "" : "; DROP TABLE temp." + own.ids));
            !ok)
            return ok;
    return {};
}

}  // namespace casasync::sqlite
