// SPDX-License-Identifier: MIT
#include "calendar.hpp"
#include "dice.hpp"
#include "sql.hpp"
#include "vault.hpp"
#include "words.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace casasync::examples {
namespace {

struct payee {
    std::string id;
    std::string name;
    std::string category;
    const words::shop* shop;
};

struct account {
    std::string id;
    std::string_view currency;
};

class maker {
 public:
    maker(sql& db, const vault_options& options) : db_(db), options_(options), dice_(options.seed) {
        // About three a day, but no longer than twelve years back: a larger vault is a busier one.
        span_days_ = std::clamp<std::int64_t>(options.transactions / 3, 30, 12 * 365);
        first_ = last_day - days(span_days_ - 1);
    }

    void make_all() {
        make_accounts();
        make_categories();
        make_payees();
        make_tags();
        make_rules();
        make_transactions();
    }

 private:
    void make_accounts() {
        const auto count = static_cast<std::size_t>(
            std::clamp<std::int64_t>(4 + options_.transactions / 2'000, 4, std::ssize(words::accounts)));
        for (std::size_t i = 0; i < count; ++i) {
            const words::account& word = words::accounts[i];
            accounts_.push_back({dice_.uuid(), word.currency});
            db_.run(
                "INSERT INTO account (id, name, kind, currency, opened, reconciled, position)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                {accounts_.back().id, word.name, word.kind, word.currency,
                 to_text(first_ - days(dice_.below(2'000))), to_text(last_day - days(dice_.between(10, 60))),
                 std::int64_t(i)});
        }
    }

    void make_categories() {
        std::int64_t position = 0;
        for (const words::top_category& top : words::categories) {
            const std::string parent = dice_.uuid();
            add_category(parent, std::nullopt, top.name, top.kind, position++);
            for (const std::string_view leaf : top.leaves) {
                if (leaf.empty()) break;
                const std::string id = dice_.uuid();
                add_category(id, parent, leaf, top.kind, position++);
                category_ids_.emplace(leaf, id);
                if (top.kind == "expense") expenses_.push_back(id);
            }
        }
    }

    void add_category(const std::string& id, const std::optional<std::string>& parent, std::string_view name,
                      std::string_view kind, std::int64_t position) {
        db_.run("INSERT INTO category (id, parent, name, kind, position) VALUES (?, ?, ?, ?, ?)",
                {id, parent, name, kind, position});
    }

    void make_payees() {
        for (const words::monthly_payment& m : words::monthly)
            monthly_payees_.push_back(add_payee(std::string(m.payee), m.category));
        const std::int64_t count = std::clamp<std::int64_t>(options_.transactions / 40, 30, 3'000);
        for (std::int64_t i = 0; i < count; ++i) {
            const words::shop& shop =
                words::shops[static_cast<std::size_t>(dice_.skewed_below(std::ssize(words::shops)))];
            std::string name = std::string(shop.name) + ' ' + std::string(dice_.pick(words::surnames));
            if (const auto again = ++times_named_[name]; again > 1) name += ' ' + std::to_string(again);
            const std::string id = add_payee(name, shop.category);
            payees_.push_back({id, name, category_ids_.at(shop.category), &shop});
        }
    }

    std::string add_payee(const std::string& name, std::string_view category) {
        std::string id = dice_.uuid();
        db_.run("INSERT INTO payee (id, name, category) VALUES (?, ?, ?)",
                {id, name, category_ids_.at(category)});
        return id;
    }

    void make_tags() {
        for (const std::string_view name : words::tags) {
            tags_.push_back(dice_.uuid());
            db_.run("INSERT INTO tag (id, name, color) VALUES (?, ?, ?)",
                    {tags_.back(), name, dice_.pick(words::colors)});
        }
    }

    void make_rules() {
        for (std::size_t i = 0; i < payees_.size(); i += 4) {
            const bool whole = dice_.percent(40);
            db_.run(
                "INSERT INTO rule (id, position, field, test, pattern, category, enabled)"
                " VALUES (?, ?, 'payee', ?, ?, ?, ?)",
                {dice_.uuid(), std::int64_t(i / 4),
                 whole ? std::string_view("is") : std::string_view("starts_with"),
                 whole ? payees_[i].name : payees_[i].name.substr(0, payees_[i].name.find(' ')),
                 payees_[i].category, std::int64_t(dice_.percent(92))});
        }
    }

    /// In the order of their dates, exactly as many as were asked for.
    void make_transactions() {
        for (std::int64_t day = 0; day < span_days_; ++day) {
            const date_point date = first_ + days(day);
            pay_monthly(date);
            const std::int64_t due = options_.transactions * (day + 1) / span_days_;
            while (made_ < due) buy_something(date);
        }
    }

    void pay_monthly(date_point date) {
        for (std::size_t i = 0; i < words::monthly.size(); ++i) {
            const words::monthly_payment& m = words::monthly[i];
            if (day_of_month(date) != m.day || made_ == options_.transactions) continue;
            add_transaction(accounts_[0], monthly_payees_[i], category_ids_.at(m.category), m.amount,
                            accounts_[0].currency, date, "");
        }
    }

    void buy_something(date_point date) {
        const payee& who = payees_[static_cast<std::size_t>(dice_.skewed_below(std::ssize(payees_)))];
        const account& from = accounts_[static_cast<std::size_t>(dice_.skewed_below(std::ssize(accounts_)))];
        const bool abroad = dice_.percent(5);
        const words::currency& currency =
            abroad ? dice_.pick(words::currencies) : currency_named(from.currency);
        std::int64_t cents = who.shop->least + dice_.skewed_below(who.shop->most - who.shop->least);
        if (dice_.percent(30)) cents += 99 - cents % 100;
        std::int64_t amount = -std::max<std::int64_t>(1, cents * currency.per_100_cents / 100);
        if (dice_.percent(2)) amount = -amount;  // money comes back
        const bool split = dice_.percent(4);
        const std::string txn =
            add_transaction(from, who.id, split ? std::nullopt : std::optional(who.category), amount,
                            currency.code, date, note());
        if (split) split_up(txn, amount);
        if (dice_.percent(12)) tag_it(txn);
    }

    static const words::currency& currency_named(std::string_view code) {
        return *std::find_if(words::currencies.begin(), words::currencies.end(),
                             [&](const words::currency& c) { return c.code == code; });
    }

    std::string note() {
        const std::int64_t kind = dice_.below(100);
        if (kind < 14) return std::string(dice_.pick(words::notes));
        if (kind < 22) return "order " + std::to_string(dice_.between(1'000'000, 9'999'999));
        return {};
    }

    std::string add_transaction(const account& from, const std::string& who,
                                const std::optional<std::string>& category, std::int64_t amount,
                                std::string_view currency, date_point date, const std::string& notes) {
        std::string id = dice_.uuid();
        const bool recent = date + days(10) > last_day;
        const bool cleared = dice_.percent(recent ? 40 : 98);
        db_.run(
            "INSERT INTO txn (id, account, payee, category, amount, currency, date, notes, cleared)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            {id, from.id, who, category, amount, currency, to_text(date), notes, std::int64_t{cleared}});
        ++made_;
        return id;
    }

    /// The parts add up to the whole.
    void split_up(const std::string& txn, std::int64_t amount) {
        const std::int64_t parts = dice_.between(2, 4);
        std::int64_t rest = amount;
        for (std::int64_t i = 0; i < parts; ++i) {
            const std::int64_t part = i + 1 == parts ? rest : amount / parts + dice_.below(50);
            db_.run("INSERT INTO split (id, txn, category, amount, notes) VALUES (?, ?, ?, ?, ?)",
                    {dice_.uuid(), txn, dice_.pick(expenses_), part, note()});
            rest -= part;
        }
    }

    void tag_it(const std::string& txn) {
        const std::int64_t first = dice_.skewed_below(std::ssize(tags_));
        const std::int64_t count = std::min(dice_.between(1, 3), std::ssize(tags_) - first);
        for (std::int64_t i = first; i < first + count; ++i)
            db_.run("INSERT INTO txn_tag (txn, tag) VALUES (?, ?)",
                    {txn, tags_[static_cast<std::size_t>(i)]});
    }

    sql& db_;
    vault_options options_;
    dice dice_;
    std::int64_t span_days_;
    date_point first_;
    std::int64_t made_ = 0;
    std::vector<account> accounts_;
    std::map<std::string_view, std::string> category_ids_;
    std::vector<std::string> expenses_;
    std::vector<std::string> monthly_payees_;
    std::vector<payee> payees_;
    std::map<std::string, int> times_named_;
    std::vector<std::string> tags_;
};

vault_counts count_rows(sql& db) {
    return {.accounts = db.integer("SELECT count(*) FROM account"),
            .categories = db.integer("SELECT count(*) FROM category"),
            .payees = db.integer("SELECT count(*) FROM payee"),
            .transactions = db.integer("SELECT count(*) FROM txn"),
            .splits = db.integer("SELECT count(*) FROM split"),
            .rules = db.integer("SELECT count(*) FROM rule"),
            .tags = db.integer("SELECT count(*) FROM tag"),
            .transaction_tags = db.integer("SELECT count(*) FROM txn_tag")};
}

}  // namespace

result<vault_counts> make_vault(sqlite3* handle, const vault_options& options) {
    if (options.transactions < 0)
        return error{errc::invalid_argument, "A vault cannot have fewer than 0 transactions."};
    sql db(handle);
    db.run("BEGIN IMMEDIATE");
    db.execute(std::string(vault_schema()));
    maker(db, options).make_all();
    const vault_counts counts = count_rows(db);
    db.finish_transaction();
    if (!db.ok()) return db.failure();
    return counts;
}

}  // namespace casasync::examples
