// SPDX-License-Identifier: MIT
/// Devices that write to tables with integer keys at random, with every way in which such tables refer to
/// each other, and must agree.
#include "vault_world.hpp"

#include <cstdlib>

using namespace vault_test;

namespace {

constexpr const char* schema =
    "CREATE TABLE account(id INTEGER PRIMARY KEY, name TEXT UNIQUE, parent INTEGER REFERENCES account(id) ON "
    "DELETE SET NULL);"
    "CREATE TABLE txn(id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL REFERENCES account ON "
    "DELETE CASCADE ON UPDATE CASCADE, amount INTEGER);"
    "CREATE TABLE tag(id INTEGER PRIMARY KEY, word TEXT);"
    "CREATE TABLE tagging(txn INTEGER NOT NULL REFERENCES txn(id) ON DELETE CASCADE, tag INTEGER NOT NULL "
    "REFERENCES tag(id), note TEXT, PRIMARY KEY(txn, tag)) WITHOUT ROWID;"
    "CREATE TABLE note(key TEXT NOT NULL PRIMARY KEY, about INTEGER);";
const std::vector<std::string> tables{"account", "txn", "tag", "tagging", "note"};

std::vector<std::string> everything() {
    std::vector<std::string> out;
    for (const std::string& t : tables) out.push_back("SELECT * FROM " + t + " ORDER BY 1, 2");
    return out;
}

/// A device's app: writes what SQL allows, in a dialect of a person in a hurry.
class writer {
 public:
    writer(app& a, std::mt19937_64& random) : app_(&a), random_(&random) {}

    void write() {
        switch (below(14)) {
            case 0:
            case 1:
                return app_->attempt("INSERT INTO account(name) VALUES(" + word() + ")");
            case 2:
                return app_->attempt("INSERT OR REPLACE INTO account VALUES(" + number() + ", " + word() +
                                     ", " + some("account") + ")");
            case 3:
                return app_->attempt("UPDATE account SET name = " + word() + ", parent = " + some("account") +
                                     " WHERE id = " + some("account"));
            case 4:
                return app_->attempt("DELETE FROM account WHERE id = " + some("account"));
            case 5:
            case 6:
                return app_->attempt("INSERT INTO txn(account, amount) VALUES(" + some("account") + ", " +
                                     number() + ")");
            case 7:
                return app_->attempt("UPDATE txn SET account = " + some("account") +
                                     ", amount = " + number() + " WHERE id = " + some("txn"));
            case 8:
                return app_->attempt("DELETE FROM txn WHERE id = " + some("txn"));
            case 9:
                return app_->attempt("INSERT INTO tag(word) VALUES(" + word() + ")");
            case 10:
                return app_->attempt("REPLACE INTO tagging VALUES(" + some("txn") + ", " + some("tag") +
                                     ", " + word() + ")");
            case 11:
                return app_->attempt("DELETE FROM tagging WHERE txn = " + some("txn"));
            case 12:
                return app_->attempt("REPLACE INTO note VALUES(" + word() + ", " + some("tag") + ")");
            default:
                return below(2) == 0 ? app_->attempt("DELETE FROM tag WHERE id = " + some("tag"))
                                     : app_->attempt("UPDATE account SET id = " + number() +
                                                     " WHERE id = " + some("account"));
        }
    }

 private:
    std::size_t below(std::size_t n) { return (*random_)() % n; }
    std::string number() { return std::to_string(1 + below(6)); }
    std::string word() { return "'" + std::string(1, static_cast<char>('a' + below(5))) + "'"; }
    std::string some(const std::string& table) {
        return "(SELECT id FROM " + table + " ORDER BY id LIMIT 1 OFFSET " + std::to_string(below(4)) + ")";
    }

    app* app_;
    std::mt19937_64* random_;
};

void run(std::uint64_t seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(seed), nullptr);  // identities, too
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    world w;
    w.apps["a"] = std::make_unique<app>(w.dir.file("a"));
    w.sql("a").run(schema);
    if (below(2) == 0)
        w.sql("a").run(
            "INSERT INTO account VALUES(1, 'x', NULL), (2, 'y', 1), (5, 'z', 1); INSERT INTO txn(account, "
            "amount) VALUES(1, 10), (5, 20); INSERT INTO tag VALUES(1, 'p'), (2, 'q'); INSERT INTO tagging "
            "VALUES(1, 1, NULL), (2, 2, NULL); INSERT INTO note VALUES('a', 1)");
    w.devices.emplace("a", must(vault::create(w.dir.file("a"), who("a", 1), w.options())));
    for (const std::string& t : tables) {
        sqlite::track_options how;
        if (t == "note") how.references["about"] = "tag";
        must(w["a"].track(t, how));
    }
    const std::vector<std::string> names{"a", "b", "c"};
    const std::size_t devices = 2 + below(2);
    for (std::size_t i = 1; i < devices; ++i) w.joins(names[i], "a");
    for (std::size_t i = 0; i < devices; ++i)
        w.sql(names[i]).run(below(2) == 0 ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF");
    for (std::size_t step = 0; step < 24; ++step) {
        w.now += static_cast<unix_ms>(below(3)) * 500;
        const std::string& who = names[below(devices)];
        switch (below(6)) {
            case 0:
                w.push(who);
                break;
            case 1:
                w.pull(who);
                break;
            case 2:
                must(w[who].seal());
                break;
            default: {
                writer app(w.sql(who), random);
                for (std::size_t n = 1 + below(3); n > 0; --n) app.write();
            }
        }
    }
    for (int round = 0; round < 3; ++round) {
        w.now += 1000;
        w.everyone_syncs();
    }
    w.all_agree(everything());
    for (std::size_t i = 0; i < devices; ++i) CHECK(must(w[names[i]].seal()) == 0);
    w.joins("late", "a");
    w.all_agree(everything());
}

}  // namespace

TEST_CASE("devices that hand out the same numbers agree, with all that refers to them", "[vault][number]") {
    const char* only = std::getenv("CASASYNC_SEED");
    if (only != nullptr) return run(std::strtoull(only, nullptr, 10));
    const char* runs = std::getenv("CASASYNC_RUNS");
    const std::uint64_t n = runs != nullptr ? std::strtoull(runs, nullptr, 10) : 150;
    for (std::uint64_t seed = 1; seed <= n; ++seed) run(seed);
}
