// SPDX-License-Identifier: MIT
#include "calendar.hpp"
#include "dice.hpp"
#include "sql.hpp"
#include "vault.hpp"
#include "words.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace casasync::examples {
namespace {

/// Deleting or merging what more rows than this refer to is a decision nobody takes in passing.
constexpr std::int64_t rows_touched_max = 200;

class editor {
 public:
    editor(sql& db, std::uint64_t seed) : db_(db), dice_(seed ^ 0xED17ED17ED17ED17u) {
        if (db_.integer("SELECT count(*) FROM txn") != 0)
            today_ = date_point(
                days(db_.integer("SELECT CAST(julianday(max(date)) - 2440587.5 AS INTEGER) FROM txn")));
    }

    /// One transaction that changes something, unless the vault has nothing to change.
    void edit_once() {
        db_.run("BEGIN IMMEDIATE");
        const std::int64_t before = rows_changed();
        for (int attempt = 0; attempt < 20 && rows_changed() == before && db_.ok(); ++attempt) choose();
        db_.finish_transaction();
        if (db_.ok()) ++counts_.edits;
    }

    [[nodiscard]] const edit_counts& counts() const noexcept { return counts_; }

 private:
    struct choice {
        std::int64_t weight;
        void (editor::*edit)();
    };
    static const std::array<choice, 24> choices;

    void choose() {
        std::int64_t total = 0;
        for (const choice& c : choices) total += c.weight;
        std::int64_t at = dice_.below(total);
        for (const choice& c : choices) {
            if (at < c.weight) return (this->*c.edit)();
            at -= c.weight;
        }
    }

    // One transaction of the household.

    void recategorise() { update("UPDATE txn SET category = ? WHERE id = ?", {any("category"), any("txn")}); }
    void correct_amount() { update("UPDATE txn SET amount = ? WHERE id = ?", {amount(), any("txn")}); }
    void correct_currency() {
        update("UPDATE txn SET amount = ?, currency = ? WHERE id = ?",
               {amount(), dice_.pick(words::currencies).code, any("txn")});
    }
    void write_note() { update("UPDATE txn SET notes = ? WHERE id = ?", {note(), any("txn")}); }
    void move_date() {
        update("UPDATE txn SET date = date(date, ?) WHERE id = ?",
               {std::to_string(dice_.between(-3, 3)) + " days", any("txn")});
    }
    void clear() { update("UPDATE txn SET cleared = 1 - cleared WHERE id = ?", {any("txn")}); }
    void change_payee() { update("UPDATE txn SET payee = ? WHERE id = ?", {any("payee"), any("txn")}); }
    /// As many apps do it: every field is written, and one has changed.
    void save_the_form() {
        update(
            "UPDATE txn SET account = account, payee = payee, category = category, amount = amount,"
            " currency = currency, date = date, notes = ?, cleared = cleared WHERE id = ?",
            {note(), any("txn")});
    }
    /// The bank's file brings a transaction that is already there.
    void import_again() {
        const auto id = any("txn");
        if (!id) return;
        counts_.updated += db_.run(
            "INSERT INTO txn (id, account, amount, currency, date)"
            " SELECT id, account, amount, currency, date FROM txn WHERE id = ?"
            " ON CONFLICT (id) DO UPDATE SET amount = excluded.amount + ?, cleared = 1",
            {*id, dice_.below(3)});
    }

    void enter() {
        const auto account = any("account");
        if (!account) return;
        const auto currency = db_.text("SELECT currency FROM account WHERE id = ?", {*account});
        const std::string id = fresh_id("txn");
        insert(
            "INSERT INTO txn (id, account, payee, category, amount, currency, date, notes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            {id, account, any("payee"), any("category"), amount(), currency,
             to_text(today_ - days(dice_.below(5))), dice_.percent(30) ? note() : std::string()});
        if (dice_.percent(15))
            insert("INSERT OR IGNORE INTO txn_tag (txn, tag) VALUES (?, ?)", {id, any("tag")});
    }

    void remove() { erase("DELETE FROM txn WHERE id = ?", {any("txn")}); }

    // Its parts and tags.

    void split() {
        const auto txn = any("txn");
        if (!txn) return;
        if (db_.integer("SELECT count(*) FROM split WHERE txn = ?", {*txn}) != 0) return;
        const std::int64_t whole = db_.integer("SELECT amount FROM txn WHERE id = ?", {*txn});
        for (const std::int64_t part : {whole / 3, whole - whole / 3})
            insert("INSERT INTO split (id, txn, category, amount) VALUES (?, ?, ?, ?)",
                   {fresh_id("split"), txn, any("category"), part});
        update("UPDATE txn SET category = NULL WHERE id = ?", {txn});
    }
    void unsplit() {
        const auto part = any("split");
        if (!part) return;
        const auto txn = db_.text("SELECT txn FROM split WHERE id = ?", {*part});
        update("UPDATE txn SET category = (SELECT category FROM split WHERE id = ?) WHERE id = ?",
               {part, txn});
        erase("DELETE FROM split WHERE txn = ?", {txn});
    }
    void change_split() {
        update("UPDATE split SET category = ?, notes = ? WHERE id = ?",
               {any("category"), note(), any("split")});
    }
    void tag_it() {
        insert("INSERT OR IGNORE INTO txn_tag (txn, tag) VALUES (?, ?)", {any("txn"), any("tag")});
    }
    void untag_it() {
        const auto tag = any("tag");
        erase(
            "DELETE FROM txn_tag WHERE tag = ?1 AND txn = (SELECT min(txn) FROM txn_tag WHERE tag = ?1 AND "
            "txn >= ?2)",
            {tag, std::optional(dice_.uuid())});
    }
    void make_tag() {
        insert("INSERT OR IGNORE INTO tag (id, name, color) VALUES (?, ?, ?)",
               {fresh_id("tag"), dice_.pick(words::new_tags), dice_.pick(words::colors)});
    }
    void change_tag() {
        const auto tag = any("tag");
        if (dice_.percent(70))
            return update("UPDATE tag SET color = ? WHERE id = ?", {dice_.pick(words::colors), tag});
        update("UPDATE OR IGNORE tag SET name = ? WHERE id = ?", {dice_.pick(words::new_tags), tag});
    }

    // Many at once.

    void recategorise_recent() {
        update("UPDATE txn SET category = ? WHERE payee = ? AND date >= ?",
               {any("category"), any("payee"), to_text(today_ - days(60))});
    }
    void clear_recent() {
        update("UPDATE txn SET cleared = 1 WHERE account = ? AND date >= ? AND cleared = 0",
               {any("account"), to_text(today_ - days(14))});
    }

    // The household's lists.

    void change_payee_list() {
        const auto payee = any("payee");
        const std::string name = new_name("Shop");
        if (dice_.percent(30))
            return insert("INSERT INTO payee (id, name, category) VALUES (?, ?, ?)",
                          {fresh_id("payee"), name, any("category")});
        if (dice_.percent(60)) return update("UPDATE payee SET name = ? WHERE id = ?", {name, payee});
        const auto other = any("payee");
        if (!payee || payee == other || uses("txn", "payee", *payee) > rows_touched_max) return;
        update("UPDATE txn SET payee = ? WHERE payee = ?", {other, payee});
        erase("DELETE FROM payee WHERE id = ?", {payee});
    }

    void change_category_list() {
        const auto leaf = db_.text("SELECT id FROM category WHERE parent IS NOT NULL AND id >= ? ORDER BY id",
                                   {dice_.uuid()});
        const auto top =
            db_.text("SELECT id FROM category WHERE parent IS NULL AND id >= ? ORDER BY id", {dice_.uuid()});
        switch (dice_.below(5)) {
            case 0:
                return update("UPDATE category SET name = ? WHERE id = ?", {new_name("Other"), leaf});
            case 1:
                return update("UPDATE category SET hidden = 1 - hidden WHERE id = ?", {leaf});
            case 2:
                return insert("INSERT INTO category (id, parent, name, kind) VALUES (?, ?, ?, 'expense')",
                              {fresh_id("category"), top, new_name("Things for")});
            case 3:
                return update("UPDATE category SET parent = coalesce(?, parent) WHERE id = ?", {top, leaf});
            default:
                if (leaf && uses("txn", "category", *leaf) <= rows_touched_max)
                    erase("DELETE FROM category WHERE id = ?", {leaf});
        }
    }

    void change_rules() {
        const auto rule = any("rule");
        switch (dice_.below(4)) {
            case 0:
                return insert(
                    "INSERT OR IGNORE INTO rule (id, position, field, test, pattern, category)"
                    " VALUES (?, ?, 'notes', 'contains', ?, ?)",
                    {fresh_id("rule"), dice_.below(100), note(), any("category")});
            case 1:
                return update("UPDATE rule SET enabled = 1 - enabled WHERE id = ?", {rule});
            case 2:  // as an object mapper that saves by REPLACE
                return update(
                    "INSERT OR REPLACE INTO rule (id, position, field, test, pattern, category, enabled)"
                    " SELECT id, ?, field, test, pattern, category, 1 FROM rule WHERE id = ?",
                    {dice_.below(100), rule});
            default:
                erase("DELETE FROM rule WHERE id = ?", {rule});
        }
    }

    void change_accounts() {
        const auto account = any("account");
        if (dice_.percent(80))
            return update("UPDATE account SET reconciled = max(coalesce(reconciled, ?1), ?1) WHERE id = ?2",
                          {to_text(today_ - days(dice_.below(30))), account});
        update("UPDATE account SET notes = ? WHERE id = ?", {note(), account});
    }

    // Statements. A row that was looked for and is not there (an absent id in last place) changes nothing.

    void insert(std::string_view text, parameters values) { counts_.inserted += db_.run(text, values); }
    void update(std::string_view text, parameters values) { counts_.updated += db_.run(text, values); }
    void erase(std::string_view text, parameters values) { counts_.deleted += db_.run(text, values); }
    [[nodiscard]] std::int64_t rows_changed() const noexcept {
        return counts_.inserted + counts_.updated + counts_.deleted;
    }

    /// Any row's id, in about log(rows): the next one after a random id.
    std::optional<std::string> any(const std::string& table) {
        const std::string rows = "SELECT id FROM " + table;
        auto id = db_.text(rows + " WHERE id >= ? ORDER BY id LIMIT 1", {dice_.uuid()});
        if (!id) id = db_.text(rows + " ORDER BY id LIMIT 1");
        return id;
    }
    std::string fresh_id(const std::string& table) {
        std::string id = dice_.uuid();
        while (db_.text("SELECT id FROM " + table + " WHERE id = ?", {id})) id = dice_.uuid();
        return id;
    }
    std::int64_t uses(const std::string& table, const std::string& column, const std::string& id) {
        return db_.integer("SELECT count(*) FROM " + table + " WHERE " + column + " = ?", {id});
    }

    std::int64_t amount() {
        return dice_.percent(5) ? dice_.between(100, 50'000) : -dice_.between(100, 20'000);
    }
    std::string note() { return std::string(dice_.pick(words::notes)); }
    std::string new_name(std::string_view what) {
        return std::string(what) + ' ' + std::string(dice_.pick(words::surnames));
    }

    sql& db_;
    dice dice_;
    date_point today_ = last_day;
    edit_counts counts_;
};

constexpr std::array<editor::choice, 24> editor::choices = {{
    {140, &editor::recategorise},
    {60, &editor::correct_amount},
    {20, &editor::correct_currency},
    {80, &editor::write_note},
    {30, &editor::move_date},
    {80, &editor::clear},
    {40, &editor::change_payee},
    {40, &editor::save_the_form},
    {20, &editor::import_again},
    {200, &editor::enter},
    {60, &editor::remove},
    {20, &editor::split},
    {8, &editor::unsplit},
    {15, &editor::change_split},
    {50, &editor::tag_it},
    {15, &editor::untag_it},
    {10, &editor::make_tag},
    {8, &editor::change_tag},
    {15, &editor::recategorise_recent},
    {8, &editor::clear_recent},
    {30, &editor::change_payee_list},
    {15, &editor::change_category_list},
    {20, &editor::change_rules},
    {16, &editor::change_accounts},
}};

}  // namespace

result<edit_counts> edit_vault(sqlite3* handle, const edit_options& options) {
    if (options.edits < 0) return error{errc::invalid_argument, "There cannot be fewer than 0 edits."};
    sql db(handle);
    db.execute("PRAGMA foreign_keys = ON");
    editor person(db, options.seed);
    for (std::int64_t i = 0; i < options.edits && db.ok(); ++i) person.edit_once();
    if (!db.ok()) return db.failure();
    return person.counts();
}

}  // namespace casasync::examples
