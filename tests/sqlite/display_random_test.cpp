// SPDX-License-Identifier: MIT
#include "display_world.hpp"

#include <functional>
#include <random>
#include <set>

using namespace sqlite_test;

namespace {

constexpr const char* schema =
    "CREATE TABLE p(id TEXT NOT NULL PRIMARY KEY, v INTEGER CHECK(v < 8), w TEXT);"
    "CREATE TABLE a(id TEXT NOT NULL PRIMARY KEY, name TEXT COLLATE NOCASE UNIQUE, code INTEGER,"
    " up TEXT REFERENCES a(id) ON DELETE CASCADE, v INTEGER DEFAULT 5 CHECK(v < 8));"
    "CREATE UNIQUE INDEX a_code ON a(code) WHERE v > 3;"
    "CREATE TABLE b(x TEXT NOT NULL, y INTEGER NOT NULL, a TEXT REFERENCES a(id) ON DELETE CASCADE,"
    " soft TEXT REFERENCES a(name) ON DELETE SET NULL, n INTEGER UNIQUE, PRIMARY KEY(x, y)) WITHOUT ROWID;"
    "CREATE TABLE c(id TEXT NOT NULL PRIMARY KEY, bx TEXT, by_ INTEGER,"
    " FOREIGN KEY(bx, by_) REFERENCES b(x, y));";

using token = std::optional<std::string>;

std::string text_of(const value& v) {
    switch (v.kind()) {
        case value_kind::integer:
            return std::to_string(v.integer());
        case value_kind::text:
            return v.text();
        default:
            return "-";
    }
}

/// A row as the registers alone would show it.
struct model_row {
    stamp born{};
    std::vector<value> key{};
    std::map<std::string, value> cells{};

    [[nodiscard]] token at(const std::string& column) const {
        const auto it = cells.find(column);
        return it == cells.end() || it->second.is_null() ? token{} : text_of(it->second);
    }
    [[nodiscard]] std::int64_t number(const std::string& column, std::int64_t otherwise) const {
        const auto it = cells.find(column);
        return it == cells.end() || it->second.is_null() ? otherwise : it->second.integer();
    }
};

using model_table = std::map<bytes, model_row>;

token lower(token t) {
    if (t)
        for (char& c : *t) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return t;
}

/// The registers of everything, merged without any database, and what they show, computed from scratch.
class model {
 public:
    explicit model(const catalog& tables) : tables_(&tables) {}

    void merge(const changeset& c) {
        for (const table_changes& t : c.tables) {
            const vault_table& table = *tables_->find(t.table.name);
            for (const row_change& r : t.rows)
                merge_operation(registers[{t.table.name, bytes(r.key)}], r.op, c.context.vector,
                                table.traits);
        }
    }
    [[nodiscard]] std::map<std::string, model_table> show() const {
        std::map<std::string, model_table> out;
        for (const char* name : {"p", "a", "b", "c"}) out[name] = unique_rows(name, visible(name));
        for (bool more = true; more;) {
            more = false;
            const auto drop = [&](const char* child, auto wants, const char* parent, auto has) {
                for (auto it = out[child].begin(); it != out[child].end();) {
                    const bool orphan = !has_parent(wants(it->second), out[parent], has);
                    it = orphan ? out[child].erase(it) : std::next(it);
                    more = more || orphan;
                }
            };
            const auto id = [](const model_row& r) { return token(text_of(r.key[0])); };
            drop(
                "a", [](const model_row& r) { return r.at("up"); }, "a", id);
            drop(
                "b", [](const model_row& r) { return r.at("a"); }, "a", id);
            drop(
                "c",
                [](const model_row& r) {
                    return r.at("bx") && r.at("by_") ? token(*r.at("bx") + "/" + *r.at("by_")) : token{};
                },
                "b", [](const model_row& r) { return token(text_of(r.key[0]) + "/" + text_of(r.key[1])); });
        }
        for (auto& [key, row] : out["b"])
            if (!has_parent(lower(row.at("soft")), out["a"],
                            [](const model_row& r) { return lower(r.at("name")); }))
                row.cells["soft"] = value();
        return out;
    }

    std::map<std::pair<std::string, bytes>, row_state> registers{};

 private:
    static bool has_parent(const token& wanted, const model_table& parents,
                           const std::function<token(const model_row&)>& has) {
        return !wanted || std::any_of(parents.begin(), parents.end(),
                                      [&](const auto& p) { return has(p.second) == wanted; });
    }
    [[nodiscard]] std::vector<model_row> visible(const std::string& name) const {
        const vault_table& table = *tables_->find(name);
        std::vector<model_row> out;
        for (const auto& [id, row] : registers) {
            if (id.first != name || !is_visible(row, table.traits.policy)) continue;
            model_row shown{row.born, *decode_key(id.second), {}};
            if (name == "a") shown.cells["v"] = 5;
            for (const cell& c : row.cells)
                if (is_shown(row, c, merge_rule::lww))
                    shown.cells[table.traits.columns[c.column].name] = *c.what;
            if (shown.number("v", 0) < 8) out.push_back(std::move(shown));
        }
        std::sort(out.begin(), out.end(), [](const model_row& x, const model_row& y) {
            return std::pair(x.born, *encode_key(x.key)) < std::pair(y.born, *encode_key(y.key));
        });
        return out;
    }
    static std::vector<token> unique_values(const std::string& table, const model_row& r) {
        if (table == "a") return {lower(r.at("name")), r.number("v", 0) > 3 ? r.at("code") : token{}};
        if (table == "b") return {r.at("n")};
        return {};
    }
    static model_table unique_rows(const std::string& table, const std::vector<model_row>& rows) {
        model_table out;
        std::set<std::pair<std::size_t, std::string>> taken;
        for (const model_row& row : rows) {
            const auto values = unique_values(table, row);
            bool free = true;
            for (std::size_t i = 0; i < values.size(); ++i)
                free = free && !(values[i] && taken.contains({i, *values[i]}));
            if (!free) continue;
            for (std::size_t i = 0; i < values.size(); ++i)
                if (values[i]) taken.insert({i, *values[i]});
            out[*encode_key(row.key)] = row;
        }
        return out;
    }

    const catalog* tables_;
};

/// Random edits of few rows with few values, so that they meet.
class editor {
 public:
    explicit editor(std::uint64_t seed) : random_(seed) {}

    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
    value pick(std::vector<value> from) { return from[below(from.size())]; }

    edit make(std::uint64_t at) {
        edit e;
        const std::size_t table = below(8);
        e.table = table < 1 ? "p" : table < 4 ? "a" : table < 6 ? "b" : "c";
        const std::size_t kind = below(10);
        e.kind = kind < 4 ? op_kind::insert : kind < 8 ? op_kind::update : op_kind::erase;
        e.at = at;
        e.replica = static_cast<std::uint8_t>(1 + below(2));
        if (e.table == "b")
            e.key = {pick({"x", "y"}), pick({1, 2})};
        else
            e.key = {pick({"1", "2", "3", "4"})};
        for (auto& [name, values] : values_of(e.table))
            if (e.kind != op_kind::erase && below(10) < (e.kind == op_kind::insert ? 9U : 4U))
                e.cells.emplace_back(name, pick(values));
        return e;
    }
    /// An edit that a person could make here without breaking a reference.
    edit make_local() {
        edit e{.key = {}, .cells = {}, .replica = 3};
        e.table = below(2) == 0 ? "a" : "b";
        e.key = e.table == "a" ? std::vector<value>{pick({"1", "2", "3", "4"})}
                               : std::vector<value>{pick({"x", "y"}), pick({1, 2})};
        const std::string column = e.table == "b" ? "n" : below(2) == 0 ? "v" : "code";
        e.cells.emplace_back(column, pick(values_of(e.table)[column]));
        return e;
    }
    template <class T>
    void shuffle(std::vector<T>& v) {
        std::shuffle(v.begin(), v.end(), random_);
    }

 private:
    static std::map<std::string, std::vector<value>> values_of(const std::string& table) {
        const value null;
        if (table == "p") return {{"v", {1, 2, 9}}, {"w", {"x", null}}};
        if (table == "a")
            return {{"name", {"n", "N", "m", null}},
                    {"code", {1, 2, null}},
                    {"up", {"1", "2", "3", "4", null, null}},
                    {"v", {2, 4, 6, 9, null}}};
        if (table == "b")
            return {{"a", {"1", "2", "3", null}}, {"soft", {"n", "M", null}}, {"n", {1, 2, null}}};
        return {{"bx", {"x", "y", null}}, {"by_", {1, 2, null}}};
    }

    std::mt19937_64 random_;
};

/// Makes an edit with SQL; false when a constraint forbids it, or no such row is shown.
bool write_here(world& w, const edit& e) {
    std::string where = e.table == "b" ? "x = ?2 AND y = ?3" : "id = ?2";
    auto s = w.db.prepare("UPDATE " + e.table + " SET " + e.cells[0].first + " = ?1 WHERE " + where);
    REQUIRE(s);
    s->bind(1, e.cells[0].second);
    for (std::size_t i = 0; i < e.key.size(); ++i) s->bind(static_cast<int>(i) + 2, e.key[i]);
    return s->run() && w.db.changes() == 1;
}

void compare(world& w, const model& m) {
    const auto expected = m.show();
    std::size_t hidden = 0;
    for (const auto& [name, rows] : expected) {
        const vault_table& table = *w.tables.find(name);
        strings want, got;
        for (const auto& [key, row] : rows) {
            std::string line;
            for (const column_shape& c : table.shape.columns) {
                const auto cell = row.cells.find(c.name);
                if (!line.empty()) line += "|";
                line += c.key_position != 0       ? text_of(row.key[c.key_position - 1])
                        : cell == row.cells.end() ? "-"
                                                  : text_of(cell->second);
            }
            want.push_back(line);
        }
        got = w.query("SELECT * FROM " + name);
        std::sort(want.begin(), want.end());
        std::sort(got.begin(), got.end());
        INFO("table " << name);
        REQUIRE(got == want);
        for (const auto& [id, row] : m.registers)
            if (id.first == name && is_visible(row, table.traits.policy) && !rows.contains(id.second))
                ++hidden;
    }
    REQUIRE(w.query("SELECT count(*) FROM casasync_parked WHERE reason <> 'dangling'") ==
            strings{std::to_string(hidden)});
}

/// The registers are what they would be without any table, values included.
void compare_registers(world& w, const model& m) {
    for (const auto& [id, row] : m.registers) {
        const vault_table& table = *w.tables.find(id.first);
        const auto kept = w.rows.load(table.number, id.second, true);
        REQUIRE(kept);
        REQUIRE(kept->born == row.born);
        REQUIRE(kept->dead == row.dead);
        REQUIRE(kept->cells.size() == row.cells.size());
        for (const cell& c : row.cells) {
            const cell* other = kept->find(c.column);
            REQUIRE(other != nullptr);
            REQUIRE(other->when == c.when);
            INFO("table " << id.first << ", column " << table.traits.columns[c.column].name);
            if (!is_shown(row, c, merge_rule::lww)) continue;  // of an earlier life: nobody sees it again
            REQUIRE(other->what == c.what);
        }
    }
}

void run(std::uint64_t seed, bool enforced) {
    INFO("seed " << seed << ", foreign_keys " << enforced);
    editor random(seed);
    std::vector<edit> history;
    for (std::uint64_t i = 0; i < 80; ++i) history.push_back(random.make(1001 + i));
    random.shuffle(history);
    world w(schema, enforced);
    model m(w.tables);
    while (!history.empty()) {
        const std::size_t n = std::min(history.size(), 1 + random.below(6));
        std::vector<edit> batch(history.end() - static_cast<std::ptrdiff_t>(n), history.end());
        history.resize(history.size() - n);
        const changeset c = w.maker.make(w.tables, batch, random.below(2) == 0);
        w.receive(c);
        m.merge(c);
        compare(w, m);
        const edit e = random.make_local();
        const suppress_capture quiet(w.db, w.tables);
        auto t = transaction::begin(w.db);
        REQUIRE(t);
        if (!write_here(w, e)) continue;
        const changeset local = w.maker.make(w.tables, {e});
        auto plan = merge(local, w.rows);
        REQUIRE(plan);
        w.check(w.shown.keep(plan->rows, ++w.now));
        w.check(t->commit());
        m.merge(local);
        compare(w, m);
    }
    compare_registers(w, m);
}

}  // namespace

TEST_CASE("what is shown is a function of the registers, whatever came in which order",
          "[sqlite][display][random]") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) run(seed, seed % 2 == 0);
}
