// SPDX-License-Identifier: MIT
#include "known_shape.hpp"

#include "column_defaults.hpp"

#include "trigger_text.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace casasync::sqlite {
namespace {

constexpr const char* meanwhile =
    " Until then nothing that is written to it here is sent, and what other devices write to it waits.";

struct known_column {
    std::string name{};
    affinity kept_as = affinity::none;
    std::int64_t place = 0;
    bool lost = false;
};

std::int64_t place_of(const table_shape& shape, const column_shape& column) {
    if (column.key_position != 0 && shape.integer_key) return -1;
    return static_cast<std::int64_t>(column.key_position);
}

std::string name_of(affinity a, std::int64_t place) {
    if (place < 0) return "INTEGER PRIMARY KEY";
    switch (a) {
        case affinity::text:
            return "TEXT";
        case affinity::numeric:
            return "NUMERIC";
        case affinity::integer:
            return "INTEGER";
        case affinity::real:
            return "REAL";
        case affinity::none:
            return "BLOB or no type";
    }
    return {};
}

result<std::vector<known_column>> known_columns(connection& db, table_number number) {
    std::vector<known_column> out;
    auto s = db.prepare("SELECT name, kept_as, k, lost FROM casasync_shape WHERE t = ?1 ORDER BY name");
    if (!s) return s.failure();
    s->bind(1, number);
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        out.push_back({std::string(s->text(0)), static_cast<affinity>(s->integer(1)), s->integer(2),
                       s->integer(3) != 0});
    }
}

std::string update_trigger(table_number number) {
    return std::string(own_prefix) + std::to_string(number) + "_update";
}

/// The key, for a person to read.
std::string key_text(std::vector<known_column> columns) {
    std::erase_if(columns, [](const known_column& c) { return c.place == 0; });
    std::sort(columns.begin(), columns.end(),
              [](const known_column& a, const known_column& b) { return a.place < b.place; });
    std::string out;
    for (const known_column& c : columns)
        out += (out.empty() ? "" : ", ") + quote_name(c.name) + " " + name_of(c.kept_as, c.place);
    return out;
}

bool has_key(const table_shape& now, const std::vector<known_column>& known) {
    std::size_t parts = 0;
    for (const known_column& c : known) {
        if (c.place == 0) continue;
        ++parts;
        const auto at = now.column(c.name);
        if (!at || place_of(now, now.columns[*at]) != c.place || now.columns[*at].kept_as != c.kept_as)
            return false;
    }
    return parts == now.key.size();
}

/// True when a column that is gone may be there under another name: SQLite keeps triggers for that, and there
/// is a column that was not known.
result<bool> may_be_renamed(connection& db, table_number number, const table_shape& now,
                            const std::vector<known_column>& known) {
    const bool more = std::any_of(now.columns.begin(), now.columns.end(), [&](const column_shape& c) {
        return !c.generated && std::none_of(known.begin(), known.end(),
                                            [&](const known_column& k) { return k.name == c.name; });
    });
    if (!more) return false;
    const auto ours = db.query_integer(
        "SELECT EXISTS(SELECT 1 FROM main.sqlite_schema WHERE type = 'trigger' AND name = ?1)",
        update_trigger(number));
    return ours ? result<bool>(*ours != 0) : result<bool>(ours.failure());
}

/// Returns how a person gets back what only other devices have: where there are any.
result<std::string> way_back(connection& db, const char* theirs) {
    const auto devices = db.query_integer("SELECT count(*) FROM casasync_device");
    if (!devices) return devices.failure();
    if (*devices > 1)
        return theirs + std::string("join a copy of this file to the vault anew, and go on with that.") +
               meanwhile;
    return std::string(
               "No other device has them: make this file an ordinary one by casasync leave, and a vault "
               "again "
               "by casasync init.") +
           meanwhile;
}

result<misfit> missing_column(connection& db, table_number number, const table_shape& now,
                              const std::vector<known_column>& known, const known_column& gone) {
    const std::string name = "Column " + quote_name(gone.name);
    const auto renamed = may_be_renamed(db, number, now, known);
    if (!renamed) return renamed.failure();
    if (!gone.lost && *renamed)
        return misfit{gone.name, name +
                                     " was renamed without casasync. Rename it back, and then rename it by "
                                     "casasync migrate; nothing is lost." +
                                     meanwhile};
    if (!gone.lost)
        if (auto ok =
                db.run("UPDATE casasync_shape SET lost = 1 WHERE t = ?1 AND name = ?2", number, gone.name);
            !ok)
            return ok.failure();
    auto back = way_back(db, "Other devices have them: ");
    if (!back) return back.failure();
    return misfit{
        gone.name,
        name + " was dropped without casasync migrate, and its values in this file with it. " + *back, true};
}

result<misfit> missing_table(connection& db, table_number number) {
    auto s = db.prepare("SELECT tbl_name FROM main.sqlite_schema WHERE type = 'trigger' AND name = ?1");
    if (!s) return s.failure();
    const auto elsewhere = s->bind(1, update_trigger(number)).step();
    if (!elsewhere) return elsewhere.failure();
    if (*elsewhere)
        return misfit{{},
                      "The table was renamed to " + quote_name(std::string(s->text(0))) +
                          " without casasync. Rename it back; nothing is lost. A table of another name "
                          "is another table: make it, copy the rows, and track it." +
                          meanwhile};
    auto back = way_back(db, "Other devices keep them; to have them here again, ");
    if (!back) return back.failure();
    return misfit{
        {},
        "The table is no longer in this file. When it is made anew, rows that it lacks count as deleted by "
        "that. " +
            *back};
}

}  // namespace

result<void> create_known_shapes(connection& db) {
    return db.execute(
        "CREATE TABLE IF NOT EXISTS casasync_shape(t INTEGER NOT NULL, name TEXT NOT NULL, kept_as INTEGER "
        "NOT NULL, k INTEGER NOT NULL, lost INTEGER NOT NULL, PRIMARY KEY(t, name)) WITHOUT ROWID, STRICT;");
}

result<void> forget_shape(connection& db, table_number number) {
    return db.run("DELETE FROM casasync_shape WHERE t = ?1", number);
}

result<void> know_shape(connection& db, table_number number, const table_shape& shape) {
    if (auto ok = forget_shape(db, number); !ok) return ok;
    for (const column_shape& c : shape.columns) {
        if (c.generated) continue;
        if (auto ok =
                db.run("INSERT INTO casasync_shape(t, name, kept_as, k, lost) VALUES(?1, ?2, ?3, ?4, 0)",
                       number, c.name, static_cast<std::int64_t>(c.kept_as), place_of(shape, c));
            !ok)
            return ok;
    }
    return know_defaults(db, shape);
}

result<column_set> gained_columns(connection& db, table_number number, const table_shape& now) {
    const auto known = known_columns(db, number);
    if (!known) return known.failure();
    column_set out;
    for (std::size_t i = 0; i < now.columns.size(); ++i) {
        const column_shape& c = now.columns[i];
        if (c.generated || c.key_position != 0) continue;
        if (std::none_of(known->begin(), known->end(),
                         [&c](const known_column& k) { return k.name == c.name; }))
            out.add(i);
    }
    const auto redefined = changed_defaults(db, now);
    if (!redefined) return redefined.failure();
    for (const std::size_t i : *redefined) out.add(i);
    return out;
}

result<std::optional<misfit>> find_misfit(connection& db, table_number number, const table_shape* now) {
    const std::optional<misfit> fits;
    auto known = known_columns(db, number);
    if (!known) return known.failure();
    if (known->empty()) return fits;
    if (now == nullptr) {
        auto gone = missing_table(db, number);
        return gone ? result<std::optional<misfit>>(std::move(*gone)) : gone.failure();
    }
    if (!has_key(*now, *known))
        return std::optional(misfit{{},
                                    "Its primary key was changed without casasync; it was " +
                                        key_text(*known) +
                                        ". Give it that key again. A table with another key is another "
                                        "table: make it under another name, copy the rows, and track it." +
                                        meanwhile});
    if (auto ok = check_trackable(*now); !ok)
        return std::optional(misfit{{}, ok.failure().detail + meanwhile});
    for (const known_column& c : *known) {
        const auto at = now->column(c.name);
        if (!at || now->columns[*at].generated || c.lost) {
            auto gone = missing_column(db, number, *now, *known, c);
            if (!gone) return gone.failure();
            return std::optional(std::move(*gone));
        }
        if (now->columns[*at].kept_as != c.kept_as)
            return std::optional(
                misfit{c.name, "Column " + quote_name(c.name) +
                                   " has another type now, which may change values; it was " +
                                   name_of(c.kept_as, 0) +
                                   ". Give it that type again. Values of another type belong into a column "
                                   "of another name, which casasync migrate can add." +
                                   meanwhile});
    }
    return fits;
}

}  // namespace casasync::sqlite
