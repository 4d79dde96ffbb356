// SPDX-License-Identifier: MIT
// Calls that a program makes of SQLite fail, one at a time: a command says so and answers nothing wrong, a
// relay goes on, and what is done again is done.
#include "household.hpp"

#include <casasync_test/catch.hpp>

#include <boost/json/parse.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>

using casasync_test::check_error;
using casasync_test::has;
using casasync_test::household;
using casasync_test::outcome;
using casasync_test::process;

namespace {

/// Each way in which a call of SQLite may fail: those of sqlite3.h from SQLITE_PERM to SQLITE_AUTH that can
/// happen.
const std::vector<std::string> reasons{"10", "5",  "6",  "7",  "8",  "9", "11",
                                       "13", "14", "15", "17", "18", "3", "23"};

/// Otherwise some of them fail, which takes a tenth of the time.
bool every_call() {
    return std::getenv("CASASYNC_EVERY_CALL") != nullptr;
}

/// Two devices with everything that commands can tell of.
struct full_house {
    household home{};
    std::string a{}, b{};

    full_house() {
        for (std::string* db : {&a, &b}) {
            *db = db == &a ? home.make_file("a.db") : home.dir / "b.db";
            if (db == &a) {
                home.sql(a,
                         "CREATE TABLE shop(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO shop VALUES(1, "
                         "'Mall')");
                REQUIRE(home.casasync({"init", a, "--relay", home.url(), "--name", "a.db"}).exit == 0);
            } else {
                b = home.add_device(a, "b.db");
            }
            REQUIRE(home.casasync({"history", *db, "--keep", "all"}).exit == 0);
        }
        sync();
        write(a, "a");
        write(b, "b");
        home.sql(
            a,
            "DELETE FROM txn WHERE id = 'rent'; CREATE TABLE extra(id TEXT PRIMARY KEY NOT NULL, what BLOB)");
        sync();
    }
    /// A cell, a unique name and an integer key that the other device writes, too.
    void write(const std::string& db, const std::string& by) const {
        home.sql(db, "UPDATE txn SET category = '" + by + "' WHERE id = 'coffee'; INSERT INTO tag VALUES('" +
                         by + "', 'one name'); INSERT INTO shop VALUES(2, '" + by + "')");
    }
    void sync() const {
        for (const std::string& db : {a, b, a}) REQUIRE(home.casasync({"sync", db}).exit == 0);
    }
    [[nodiscard]] std::string conflict() const {
        return std::string(home.json({"conflicts", a}).as_array().at(0).at("id").as_string());
    }
};

/// Runs a program in which a call of SQLite fails. \param failed  whether one did
outcome run_failing(const household& home, unsigned at, std::vector<std::string> arguments, bool& failed) {
    const std::string mark = home.dir / "failed";
    std::filesystem::remove(mark);
    const std::vector<std::string> program{"env",
                                           std::string("LD_PRELOAD=") + CASASYNC_FAILING_SQLITE,
                                           "CASASYNC_FAILING_CALL=" + std::to_string(at),
                                           "CASASYNC_FAILING_CODE=" + reasons[at % reasons.size()],
                                           "CASASYNC_FAILED=" + mark,
                                           CASASYNC_PROGRAM};
    arguments.insert(arguments.begin(), program.begin(), program.end());
    outcome done = casasync_test::run(arguments);
    failed = std::filesystem::exists(mark);
    return done;
}

/// It ended by itself, and what went wrong was said as it should be.
void check_said(const outcome& done, bool json) {
    CHECK(done.signal == 0);
    CHECK(done.exit >= 64);  // a migration that is done already makes no sense
    CHECK(done.exit <= 78);
    CHECK(has(done.err, "casasync: "));
    if (!json) return;
    const auto line = done.out.substr(0, done.out.find_last_not_of('\n') + 1);
    CHECK(boost::json::parse(line.substr(line.rfind('\n') + 1)).at("error").at("code").is_string());
}

/// Runs a command until no call is left that could fail. \param tells  it does nothing else: what it tells
/// when nothing fails is what it tells whenever it does not fail \returns how often one failed
unsigned fail_each_call(const full_house& in, const std::vector<std::string>& command, bool tells) {
    unsigned failures = 0;
    for (const bool json : {false, true}) {
        std::vector<std::string> arguments = command;
        if (json) arguments.emplace_back("--json");
        const std::string right = tells ? in.home.casasync(arguments).out : "";
        bool failed = true;
        for (unsigned at = 1; failed; at += 1 + (every_call() ? 0 : at / 6)) {
            const outcome done = run_failing(in.home, at, arguments, failed);
            INFO(command[0] << (json ? " --json" : "") << ", call " << at << ": exit " << done.exit << " "
                            << done.err << done.out);
            if (done.exit != 0 && failed) check_said(done, json);
            if (done.exit == 0 && tells) CHECK(done.out == right);
            failures += failed ? 1 : 0;
        }
    }
    return failures;
}

}  // namespace

TEST_CASE("a command that cannot read answers nothing wrong", "[cli][faults]") {
    const full_house in;
    const std::vector<std::vector<std::string>> commands{{"status", in.a},
                                                         {"digest", in.a},
                                                         {"devices", in.a, "--local"},
                                                         {"verify", in.a},
                                                         {"verify", in.a, in.b},
                                                         {"conflicts", in.a},
                                                         {"conflicts", in.a, "--all"},
                                                         {"log", in.a},
                                                         {"why", in.a, "txn", "coffee"},
                                                         {"why", in.a, "txn", "coffee", "category"},
                                                         {"deleted", in.a},
                                                         {"integrity", in.a},
                                                         {"history", in.a}};
    for (const auto& command : commands) CHECK(fail_each_call(in, command, true) > 10);
}

TEST_CASE("a command that fails midway can be run again", "[cli][faults]") {
    const full_house in;
    const std::string change = in.home.dir / "change.sql";
    REQUIRE(std::system(("echo 'ALTER TABLE shop ADD COLUMN place TEXT DEFAULT 1' > " + change).c_str()) ==
            0);
    const std::string gone(in.home.json({"deleted", in.a}).as_array().at(0).at("id").as_string());
    const std::vector<std::vector<std::string>> commands{{"track", in.a, "extra"},
                                                         {"untrack", in.a, "extra"},
                                                         {"history", in.a, "--days", "30"},
                                                         {"devices", "rename", in.a, "desk"},
                                                         {"undelete", in.a, gone},
                                                         {"restore", in.a, in.conflict()},
                                                         {"sync", in.a},
                                                         {"migrate", in.a, change}};
    for (const auto& command : commands) CHECK(fail_each_call(in, command, false) > 10);
    in.sync();
    CHECK(in.home.casasync({"verify", in.a}).exit == 0);
    CHECK(in.home.sql(in.a, "SELECT count(*) FROM txn WHERE id = 'rent'") == "1");
    CHECK(in.home.json({"conflicts", in.a}).as_array().empty());
    CHECK(in.home.json({"digest", in.a}).at("digest") == in.home.json({"digest", in.b}).at("digest"));
}

TEST_CASE("init and join that fail midway go on where they were", "[cli][faults]") {
    const household home;
    const std::string a = home.make_file("a.db"), b = home.make_file("b.db");
    const auto until_done = [&](const std::vector<std::string>& command) {
        bool failed = true;
        unsigned failures = 0;
        for (unsigned at = 1; failed; at += every_call() ? 1 : 4, ++failures) {
            const outcome done = run_failing(home, at, command, failed);
            INFO(command[0] << ", call " << at << ": exit " << done.exit << " " << done.err << done.out);
            if (done.exit == 0) return failures;
            if (has(done.err, "vault already")) return failures;  // what failed came after all was done
            check_said(done, false);
        }
        return failures;
    };
    CHECK(until_done({"init", a, "--relay", home.url(), "--name", "a"}) > 5);
    REQUIRE(home.casasync({"sync", a}).exit == 0);
    auto [pair, code] = home.invite(a);
    const std::vector<std::string> join = home.join_command(b, code, "b");
    {
        auto joining = home.casasync_beside(join);
        home.admit(a, *joining);
        REQUIRE(pair->wait().exit == 0);  // the keys are stored
        joining->signal(SIGKILL);
        joining->wait();
    }
    static_cast<void>(until_done(join));
    REQUIRE(home.casasync({"sync", b}).exit == 0);
    REQUIRE(home.casasync({"sync", a}).exit == 0);
    CHECK(home.casasync({"verify", a, b}).exit == 0);
    CHECK(until_done({"devices", "remove", a, "b"}) > 5);
    check_error(home.casasync({"sync", b}), 77, "removed");
    CHECK(until_done({"recovery", a}) > 5);
    CHECK(until_done({"vault", "delete", a, "--yes"}) > 1);
    CHECK(until_done({"leave", a, "--yes"}) > 5);
    CHECK(home.sql(a, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'casasync%'") == "0");
}

TEST_CASE("a relay that cannot read or write says so, and goes on", "[cli][faults]") {
    const full_house in;
    const std::string data = in.home.dir / "relay", mark = in.home.dir / "failed";
    const std::string listen = in.home.url().substr(7);
    const_cast<household&>(in.home).stop_relay();
    unsigned refused = 0, n = 0;
    bool failed = true;
    for (unsigned at = 1; failed; at += every_call() ? 1 : 5) {
        INFO("call " << at);
        std::filesystem::remove(mark);
        process relay({"env", std::string("LD_PRELOAD=") + CASASYNC_FAILING_SQLITE,
                       "CASASYNC_FAILING_CALL=" + std::to_string(at), "CASASYNC_FAILING_CODE=10",
                       "CASASYNC_FAILED=" + mark, CASASYNC_PROGRAM, "relay", "--listen", listen, "--data",
                       data});
        bool up = true;
        unsigned refused_now = 0;
        try {
            relay.line();
        } catch (const std::exception&) {  // the call was one of its first
            up = false;
        }
        if (up) {
            in.home.sql(in.a, "UPDATE txn SET note = '" + std::to_string(++n) + "' WHERE id = 'coffee'");
            for (const std::string& db : {in.a, in.b}) {
                const outcome done = in.home.casasync({"sync", db});
                if (done.exit == 0) continue;
                INFO(done.err);
                CHECK((done.exit == 69 || done.exit == 75));
                CHECK(++refused_now == 1);
                CHECK(in.home.casasync({"sync", db}).exit == 0);
            }
            refused += refused_now;
            CHECK(in.home.sql(in.b, "SELECT note FROM txn WHERE id = 'coffee'") == std::to_string(n));
            relay.signal(SIGTERM);
        }
        const outcome end = relay.wait();
        INFO(end.err);
        CHECK(end.signal == 0);
        CHECK((end.exit == 0) == up);
        failed = std::filesystem::exists(mark);
    }
    CHECK(refused > 5);
}
