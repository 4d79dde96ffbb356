// SPDX-License-Identifier: MIT
/// A change of the schema, with capture taken away while it runs. It is rehearsed first, so that it is known
/// which columns go and what has to be kept; then it runs, and each row is compared with what it was.
#include "migration_script.hpp"
#include "rival_text.hpp"
#include "trigger_text.hpp"
#include "vault_state.hpp"

#include <casasync/key.hpp>

#include <algorithm>
#include <map>

namespace casasync::sqlite {
namespace {

std::string copy_name(const vault_table& table) {
    return "temp.casasync_before_" + std::to_string(table.number);
}

error refused(const table_shape& table, const std::string& what, const std::string& remedy) {
    return {errc::schema_mismatch,
            "The migration would change " + what + " of the tracked table " + table.name +
                ", which other devices rely on. Nothing was changed: schema and data are as "
                "they were. " +
                remedy};
}

std::vector<std::string> key_of(const table_shape& table) {
    std::vector<std::string> out;
    for (const std::size_t i : table.key) out.push_back(table.columns[i].name);
    return out;
}

/// What a change makes of one table.
struct fate {
    bool dropped = false;
    std::vector<std::string> lost{}, gained{};  ///< columns
};

/// Looks at a table after the change. \errors schema_mismatch, not_trackable
result<fate> fate_of(connection& db, const followed_table& followed) {
    const table_shape& before = followed.before;
    auto now = read_shape(db, before.name);
    if (!now && now.code() != errc::not_found) return now.failure();
    fate out;
    if (!now) {
        out.dropped = true;
        if (followed.name == before.name) return out;
        auto elsewhere = read_shape(db, followed.name);
        if (!elsewhere) return out;
        return refused(
            before, "the name",
            "Make a new table, copy the rows with INSERT and SELECT, drop this one, and track the new one.");
    }
    if (auto ok = check_trackable(*now); !ok)
        return error{ok.code(),
                     ok.failure().detail + " The migration was not made: schema and data are as they were."};
    if (key_of(before) != key_of(*now))
        return refused(before, "the primary key",
                       "Make a new table with that key, copy the rows, and track it.");
    for (const column_shape& c : before.columns) {
        const auto at = now->column(c.name);
        const bool kept = at && now->columns[*at].generated == c.generated;
        if (!kept && !c.generated) out.lost.push_back(c.name);
        if (kept && now->columns[*at].kept_as != c.kept_as)
            return refused(
                before, "the type of column " + c.name,
                "Add a column of the new type under another name, copy the values, and drop the old one.");
    }
    for (const column_shape& c : now->columns) {
        const auto at = before.column(c.name);
        if (!c.generated && (!at || before.columns[*at].generated)) out.gained.push_back(c.name);
    }
    return out;
}

/// Copies a table's rows, to compare them afterwards.
result<void> copy_rows(connection& db, const vault_table& table) {
    std::string key;
    for (const std::string& k : key_of(table.shape)) key += (key.empty() ? "" : ", ") + quote_name(k);
    const std::string copy = copy_name(table);
    return db.execute("CREATE TEMP TABLE " + copy.substr(5) + " AS SELECT * FROM main." +
                      quote_name(table.shape.name) + "; CREATE INDEX " + copy + "_key ON " + copy.substr(5) +
                      "(" + key + ");");
}

/// SQL: the rows a and b have one key.
std::string same_key(const table_shape& table) {
    std::string out;
    for (const std::string& k : key_of(table))
        out += (out.empty() ? "a." : " AND a.") + quote_name(k) + " COLLATE BINARY IS b." + quote_name(k);
    return out;
}

std::string key_columns(const table_shape& table, const std::string& alias) {
    std::string out;
    for (const std::string& k : key_of(table)) out += ", " + alias + quote_name(k);
    return out;
}

std::string log_columns(const table_shape& table) {
    std::string out = "casasync_log(t, m, at";
    for (std::size_t i = 0; i < table.key.size(); ++i) out += ", k" + std::to_string(i);
    return out + ")";
}

}  // namespace

/// Puts the values of columns that go beside the registers, where the others of the row are already or stay
/// in the table.
result<void> vault::state::keep_values(const vault_table& table, const std::vector<column_no>& lost) {
    auto keys = all_keys(table);
    if (!keys) return keys.failure();
    for (const bytes& key : *keys) {
        auto beside = rows->record(table.number, key);
        if (!beside) return beside.failure();
        std::vector<column_no> apart = lost;
        if (*beside)
            for (const cell& c : (*beside)->cells)
                if (c.what) apart.push_back(c.column);
        std::sort(apart.begin(), apart.end());
        auto row = rows->load(table.number, key, true);
        if (!row) return row.failure();
        if (auto ok = rows->save(table.number, key, *row, true, apart); !ok) return ok;
    }
    return {};
}

/// Logs rows that are new, gone, or changed against their copy, as the triggers would have.
result<void> vault::state::log_differences(const vault_table& table, const followed_table& followed) {
    const table_shape& shape = table.shape;
    const std::string number = std::to_string(table.number), now = "main." + quote_name(shape.name),
                      copy = copy_name(table), at = self.write_time ? "julianday('now')" : "NULL";
    std::string buried, values;
    for (std::size_t i = 0; i < shape.columns.size(); ++i) {
        if (shape.columns[i].generated || !followed.before.column(shape.columns[i].name)) continue;
        buried += ", " + grave_column(i);
        values += ", b." + quote_name(shape.columns[i].name);
    }
    const std::string gone = " FROM " + copy + " AS b WHERE NOT EXISTS (SELECT 1 FROM " + now +
                             " AS a WHERE " + same_key(shape) + ")";
    if (auto ok = db->execute(
            "INSERT INTO " + log_columns(shape) + " SELECT " + number + ", -2, " + at +
            key_columns(shape, "b.") + gone + "; INSERT INTO " + grave_table(table.number) + "(l" + buried +
            ") SELECT (SELECT max(rowid) FROM casasync_log)" + values + gone + "; INSERT INTO " +
            log_columns(shape) + " SELECT " + number + ", NULL, " + at + key_columns(shape, "a.") + " FROM " +
            now + " AS a WHERE NOT EXISTS (SELECT 1 FROM " + copy + " AS b WHERE " + same_key(shape) + ")");
        !ok)
        return ok;
    return log_changed(table, followed);
}

/// Of a renamed column, the later of what the old name and what the new one holds is shown: where others
/// wrote to the new name first, but to the old one later, its value is written again. The triggers log that.
result<void> vault::state::log_renamed(const vault_table& table, const std::string& old,
                                       const std::string& fresh) {
    const auto from = table.traits.column(old), to = table.traits.column(fresh);
    if (!from || !to || table.holds(*from) || !table.holds(*to)) return {};
    const std::string joined = " FROM " + copy_name(table) + " AS b WHERE " + same_key(table.shape);
    std::vector<std::vector<value>> differing;
    {
        auto s =
            db->prepare("SELECT " + key_columns(table.shape, "a.").substr(2) + " FROM main." +
                        quote_name(table.shape.name) + " AS a WHERE EXISTS (SELECT 1" + joined + " AND a." +
                        quote_name(fresh) + " COLLATE BINARY IS NOT b." + quote_name(old) + ")");
        if (!s) return s.failure();
        for (;;) {
            const auto row = s->step();
            if (!row) return row.failure();
            if (!*row) break;
            differing.push_back(s->cells());
        }
    }
    std::string where;
    for (std::size_t i = 0; i < table.shape.key.size(); ++i)
        where += " AND a." + quote_name(table.shape.columns[table.shape.key[i]].name) + " = ?" +
                 std::to_string(i + 1);
    for (const std::vector<value>& values : differing) {
        const auto key = if_it_travels(rows->in_registers(table, values));
        if (!key) return key.failure();
        if (!*key) continue;
        auto known = rows->record(table.number, **key);
        if (!known) return known.failure();
        const cell* mine = *known ? (*known)->find(*from) : nullptr;
        const cell* theirs = *known ? (*known)->find(*to) : nullptr;
        if (mine == nullptr || theirs == nullptr || mine->when < theirs->when) continue;
        auto s =
            db->prepare("UPDATE main." + quote_name(table.shape.name) + " AS a SET " + quote_name(fresh) +
                        " = (SELECT b." + quote_name(old) + joined + ") WHERE TRUE" + where);
        if (!s) return s.failure();
        for (std::size_t i = 0; i < values.size(); ++i) s->bind(static_cast<int>(i) + 1, values[i]);
        if (auto ok = s->run(); !ok) return ok;
    }
    return {};
}

/// Logs the columns of rows that were there before and hold something else now. Of a new column, what
/// somebody else wrote stands.
result<void> vault::state::log_changed(const vault_table& table, const followed_table& followed) {
    const table_shape& shape = table.shape;
    struct comparison {
        std::size_t column = 0;
        bool with_default = false;  ///< of what others wrote, nothing is written over
    };
    std::vector<comparison> compared;
    std::string select, any;
    const auto compare = [&](std::size_t column, bool with_default, const std::string& differs) {
        compared.push_back({column, with_default});
        select += ", " + differs;
        any += (any.empty() ? "" : " OR ") + differs;
    };
    for (std::size_t i = 0; i < shape.columns.size(); ++i) {
        if (!table.of_shape[i]) continue;
        const std::string name = quote_name(shape.columns[i].name);
        const auto was = followed.before.column(shape.columns[i].name);
        if (was)
            compare(i, false,
                    "(a." + name + " COLLATE BINARY IS NOT b." + name + " OR typeof(a." + name +
                        ") <> typeof(b." + name + "))");
        // What a row shows that nobody wrote is the default, and no longer so when that is another one.
        if (!was || followed.before.columns[*was].default_sql != shape.columns[i].default_sql)
            compare(i, true, "(a." + name + " COLLATE BINARY IS NOT " + default_of(shape.columns[i]) + ")");
    }
    if (compared.empty()) return {};
    struct changed_row {
        std::vector<value> key{};
        std::vector<bool> differs{};  ///< one a comparison
    };
    std::vector<changed_row> changed;
    {
        auto s = db->prepare("SELECT " + key_columns(shape, "a.").substr(2) + select + " FROM main." +
                             quote_name(shape.name) + " AS a JOIN " + copy_name(table) + " AS b ON " +
                             same_key(shape) + " WHERE " + any);
        if (!s) return s.failure();
        for (;;) {
            const auto row = s->step();
            if (!row) return row.failure();
            if (!*row) break;
            changed_row& r = changed.emplace_back();
            const auto keys = shape.key.size();
            for (std::size_t i = 0; i < keys; ++i) r.key.push_back(s->cell(static_cast<int>(i)));
            for (std::size_t i = 0; i < compared.size(); ++i)
                r.differs.push_back(s->integer(static_cast<int>(keys + i)) != 0);
        }
    }
    for (const changed_row& r : changed) {
        const auto key = if_it_travels(rows->in_registers(table, r.key));
        if (!key) return key.failure();
        if (!*key) continue;
        auto known = rows->record(table.number, **key);
        if (!known) return known.failure();
        std::map<std::size_t, std::uint64_t> masks;
        for (std::size_t n = 0; n < compared.size(); ++n) {
            if (!r.differs[n]) continue;
            const std::size_t i = compared[n].column;
            const cell* theirs = *known ? (*known)->find(*table.of_shape[i]) : nullptr;
            if (compared[n].with_default && theirs != nullptr) continue;
            masks[i / column_set::group_columns] |= std::uint64_t{1} << (i % column_set::group_columns);
        }
        for (const auto& [group, mask] : masks) {
            const value columns(
                static_cast<std::int64_t>(std::uint64_t{group} << column_set::group_columns | mask));
            if (auto ok = log_by_hand(*db, table.number, r.key, columns); !ok) return ok;
        }
    }
    return {};
}

result<std::vector<schema_difference>> vault::state::migrate(
    const std::function<result<void>(const sql_runner&)>& change) {
    if (auto n = seal_log(); !n) return n.failure();
    std::vector<table_no> numbers;
    std::vector<followed_table> followed;
    for (const auto& t : tables.tables()) {
        if (!t->tracked) continue;
        numbers.push_back(t->number);
        followed_table& f = followed.emplace_back();
        f.before = t->shape;
        f.name = t->shape.name;
        for (const column_shape& c : t->shape.columns) f.columns.push_back(c.name);
        if (auto ok = remove_triggers(*db, t->number); !ok) return ok.failure();
    }
    migration_script script(*db, std::move(followed));
    std::vector<fate> fates;
    {
        auto rehearsal = transaction::begin(*db);
        if (!rehearsal) return rehearsal.failure();
        db->forget_statements();
        if (auto ok = change([&script](std::string_view sql) { return script.run(sql); }); !ok)
            return ok.failure();
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            auto f = fate_of(*db, script.tables()[i]);
            if (!f) return f.failure();
            fates.push_back(std::move(*f));
        }
        db->forget_statements();
        if (!rehearsal->rollback())
            return error{errc::io_failed,
                         "The disk failed while the change of the schema was tried out. Nothing was changed. "
                         "Check the "
                         "disk and try again."};
    }
    const auto renames = [](const followed_table& f) { return !f.renamed.empty(); };
    const bool compare =
        script.writes_rows() || std::any_of(script.tables().begin(), script.tables().end(), renames);
    std::vector<schema_difference> out;
    std::vector<std::string> dropped;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const vault_table& table = *tables.find(numbers[i]);
        if (fates[i].dropped) {
            if (auto ok = record_rows(table, false); !ok) return ok.failure();
            dropped.push_back(table.traits.name);
            continue;
        }
        std::vector<column_no> lost;
        for (const std::string& name : fates[i].lost) lost.push_back(*table.traits.column(name));
        if (!lost.empty())
            if (auto ok = keep_values(table, lost); !ok) return ok.failure();
        if (compare)
            if (auto ok = copy_rows(*db, table); !ok) return ok.failure();
    }
    for (const std::string& name : dropped)
        if (auto ok = tables.untrack(*db, name); !ok) return ok.failure();
    db->forget_statements();
    if (auto ok = script.run_again(); !ok) return ok.failure();
    for (const table_no number : numbers)
        if (auto ok = forget_shape(*db, number); !ok) return ok.failure();
    for (std::size_t i = 0; i < numbers.size(); ++i)
        for (const auto& [old, fresh] : script.tables()[i].renamed)
            if (auto ok = tables.rename(*db, *tables.find(numbers[i]), old, fresh); !ok) return ok.failure();
    const bool mended = !left_alone().empty();
    if (auto ok = tables.read(*db); !ok) return ok.failure();
    std::vector<const vault_table*> left;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const vault_table* table = tables.find(numbers[i]);
        const std::string& name = table->traits.name;
        if (fates[i].dropped) {
            out.push_back({name, "", schema_verdict::pending,
                           "dropped on this device; its rows are kept beside, and stay on the others"});
            continue;
        }
        column_set gained;
        for (const std::string& column : fates[i].gained) {
            gained.add(*table->shape.column(column));
            out.push_back({name, column, schema_verdict::compatible,
                           "new here; devices that have no such column keep its values until they do"});
        }
        for (const std::string& column : fates[i].lost)
            out.push_back({name, column, schema_verdict::pending,
                           "dropped on this device; its values are kept beside, and stay on the others"});
        tables.gain(*table, std::move(gained));
        left.push_back(table);
    }
    if (auto ok = uncaptured([&] { return take_in(left); }); !ok) return ok.failure();
    const auto version = db->query_integer("PRAGMA main.schema_version");
    if (!version) return version.failure();
    schema_version = *version;
    captured_schema = mended ? -1 : *version;
    for (std::size_t i = 0; compare && i < numbers.size(); ++i) {
        if (fates[i].dropped) continue;
        const vault_table& table = *tables.find(numbers[i]);
        if (auto ok = log_differences(table, script.tables()[i]); !ok) return ok.failure();
        for (const auto& [old, fresh] : script.tables()[i].renamed)
            if (auto ok = log_renamed(table, old, fresh); !ok) return ok.failure();
        db->forget_statements();
        if (auto ok = db->execute("DROP TABLE " + copy_name(table)); !ok) return ok.failure();
    }
    if (auto n = seal_log(); !n) return n.failure();
    return out;
}

result<std::vector<schema_difference>> vault::migrate(
    const std::function<result<void>(const sql_runner& run)>& change) {
    return state_->write_captured([&] { return state_->migrate(change); });
}

}  // namespace casasync::sqlite
