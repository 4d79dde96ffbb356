// SPDX-License-Identifier: MIT
// What a person reads in a terminal, and types there.
#include "household.hpp"

#include <casasync_test/catch.hpp>

#include <fstream>

using casasync_test::check_error;
using casasync_test::has;
using casasync_test::household;
using casasync_test::outcome;
using casasync_test::process;
using casasync_test::stdin_is;

namespace {

/// Starts casasync as somebody who types.
std::unique_ptr<process> typed(const household& home, std::vector<std::string> arguments) {
    const std::vector<std::string> program{"env", "TMPDIR=" + home.dir / "", CASASYNC_PROGRAM};
    arguments.insert(arguments.begin(), program.begin(), program.end());
    return std::make_unique<process>(arguments, stdin_is::a_pipe);
}

outcome answered(const household& home, const std::vector<std::string>& arguments,
                 const std::string& answer) {
    auto asked = typed(home, arguments);
    asked->say(answer);
    return asked->wait();
}

std::string line_with(process& p, const std::string& part) {
    for (std::string line = p.line();; line = p.line())
        if (has(line, part)) return line;
}

void sync_in_turn(const household& home, const std::vector<std::string>& dbs) {
    for (const std::string& db : dbs) REQUIRE(home.casasync({"sync", db}).exit == 0);
}

/// Returns the id of the only open conflict.
std::string conflict_of(const household& home, const std::string& db) {
    const auto open = home.json({"conflicts", db}).as_array();
    REQUIRE(open.size() == 1);
    return std::string(open[0].at("id").as_string());
}

}  // namespace

TEST_CASE("values are printed so that a terminal obeys none of them", "[cli]") {
    const household home;
    const std::string db = home.make_file("home.db");
    struct row {
        std::string sql, text;
    };
    std::string long_text;  // cut between two characters
    for (int i = 0; i < 30; ++i) long_text += "\u6f22";
    const std::vector<row> rows{{"1.5", "v 1.5"},
                                {"2.0", "v 2.0"},
                                {"-1e300", "v -1e+300"},
                                {"9e999", "v inf"},
                                {"-7", "v -7"},
                                {"x'00ff'", "v x'00ff'"},
                                {"NULL", "v NULL"},
                                {"'\u00e9'", "v '\u00e9'"},
                                {"'\u6f22'", "v '\u6f22'"},
                                {"'\U0001F600'", "v '\U0001F600'"},
                                {"'\uD7FF\uE000'", "v '\uD7FF\uE000'"},
                                {"'\u0800\U00010000\U0010FFFF'", "v '\u0800\U00010000\U0010FFFF'"},
                                {"char(27) || '[2J'", "v '\\x1b[2J'"},
                                {"char(127)", "v '\\x7f'"},
                                {"char(133)", "v '\\xc2\\x85'"},
                                {"char(160)", "v '\u00a0'"},
                                {"CAST(x'ff61' AS TEXT)", "v '\\xffa'"},
                                {"CAST(x'c3' AS TEXT)", "v '\\xc3'"},
                                {"CAST(x'c061' AS TEXT)", "v '\\xc0a'"},
                                {"CAST(x'e0809f' AS TEXT)", "v '\\xe0\\x80\\x9f'"},
                                {"CAST(x'eda080' AS TEXT)", "v '\\xed\\xa0\\x80'"},
                                {"CAST(x'e28261' AS TEXT)", "v '\\xe2\\x82a'"},
                                {"CAST(x'f0808080' AS TEXT)", "v '\\xf0\\x80\\x80\\x80'"},
                                {"CAST(x'f4908080' AS TEXT)", "v '\\xf4\\x90\\x80\\x80'"},
                                {"CAST(x'f09f6161' AS TEXT)", "v '\\xf0\\x9faa'"},
                                {"CAST(x'f09f9861' AS TEXT)", "v '\\xf0\\x9f\\x98a'"},
                                {"CAST(x'f5808080' AS TEXT)", "v '\\xf5\\x80\\x80\\x80'"},
                                {"'" + long_text + "'", "v '" + long_text.substr(0, 78) + "...'"},
                                {"zeroblob(100)", "v x'" + std::string(80, '0') + "...'"}};
    std::string script =
        "CREATE TABLE kind(n INTEGER NOT NULL, \"a\tb\" TEXT NOT NULL, v, PRIMARY KEY(n, \"a\tb\"));";
    for (std::size_t i = 0; i < rows.size(); ++i)
        script += "INSERT INTO kind VALUES(" + std::to_string(i) + ", 'k' || char(10), " + rows[i].sql + ");";
    home.sql(db, script);
    REQUIRE(home.casasync({"init", db, "--relay", home.url()}).exit == 0);
    home.sql(db, "DELETE FROM kind");
    const outcome told = home.casasync({"deleted", db});
    CHECK(told.exit == 0);
    for (const row& r : rows) {
        INFO(r.sql);
        CHECK(has(told.out, r.text + "\n"));
    }
    CHECK(has(told.out, "3, k\\x0a"));
    CHECK_FALSE(has(told.out, "\x1b"));
    const auto data = home.json({"deleted", db}).as_array();
    REQUIRE(data.size() == rows.size());
    std::size_t as_hex = 0, as_blob = 0, as_real = 0;
    for (const auto& r : data) {
        const auto& v = r.at("values").at("v");
        if (v.is_double()) ++as_real;
        if (v.is_object()) as_hex += v.as_object().contains("text_hex") ? 1 : 0;
        if (v.is_object() && v.as_object().contains("real")) CHECK(v.at("real").as_string() == "inf");
        if (v.is_object()) as_blob += v.as_object().contains("blob_hex") ? 1 : 0;
    }
    CHECK(as_hex == 11);
    CHECK(as_blob == 2);
    CHECK(as_real == 3);
    CHECK(has(home.casasync({"deleted", db, "--table", "txn"}).out, "Nothing was deleted there."));
}

TEST_CASE("two people pair by reading and typing", "[cli][pairing]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db"), phone = home.make_file("phone.db");
    home.sql(phone, "INSERT INTO tag VALUES('own', 'of the phone')");
    auto inviting = typed(home, {"pair", desktop, "--qr", "-"});
    const std::string code = line_with(*inviting, "Code: ").substr(6);
    line_with(*inviting, "Waiting for the new device.");
    auto joining = typed(home, {"join", phone, code, "--relay", home.url(), "--name", "phone"});
    const std::string shown = line_with(*joining, "Type these two digits");
    CHECK(has(line_with(*inviting, "asks to join"), "phone ("));
    inviting->say(" \t" + shown.substr(shown.size() - 2) + " \r");
    CHECK(has(line_with(*joining, "becomes a device of the vault"), "desktop.db"));
    CHECK(has(line_with(*joining, "Its devices: "), "desktop.db"));
    line_with(*joining, "rows of its own");
    joining->say("y");
    const outcome joined = joining->wait();
    INFO(joined.err);
    CHECK(joined.exit == 0);
    CHECK(has(joined.err, "Join? Type yes"));
    CHECK(has(joined.out, "It is in sync; digest "));
    const outcome paired = inviting->wait();
    CHECK(paired.exit == 0);
    CHECK(has(paired.out, "phone has the keys now"));
    sync_in_turn(home, {desktop});
    CHECK(home.sql(desktop, "SELECT name FROM tag") == "of the phone");

    auto again = typed(home, {"pair", desktop});
    const std::string next = line_with(*again, "Code: ").substr(6);
    auto other = typed(home, {"join", home.dir / "tablet.db", next, "--relay", home.url()});
    line_with(*other, "Type these two digits");
    line_with(*again, "asks to join");
    again->say("");  // no digits are none that are right
    check_error(again->wait(), 77, "not let in");
    check_error(other->wait(), 77, "pairing is over");
}

TEST_CASE("to leave and to delete a vault is asked for, and yes is the only yes", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db"), b = home.add_device(a, "b.db");
    home.sql(b, "UPDATE txn SET note = 'unsent' WHERE id = 'rent'; DELETE FROM txn WHERE id = 'coffee'");
    for (const char* answer : {"no", "", "YES"}) {
        const outcome asked = answered(home, {"leave", b}, answer);
        check_error(asked, 75, "Nothing was changed.");
        CHECK(has(asked.out, "no other device has"));
        CHECK(has(asked.out, "1 deleted row"));
        check_error(answered(home, {"vault", "delete", a}, answer), 75, "nobody can bring it back");
    }
    CHECK(home.casasync({"status", b}).exit == 0);
    const outcome left = answered(home, {"leave", b}, "yes");
    CHECK(left.exit == 0);
    CHECK(has(left.out, "Done."));
    CHECK(home.sql(b, "SELECT note FROM txn") == "unsent");
    check_error(home.casasync({"leave", b, "--yes"}), 65, "not a casasync vault");

    const std::string c = home.add_device(a, "c.db");
    CHECK(home.json({"leave", c, "--yes"}).at("left").is_string());
    CHECK(home.casasync({"recovery", a}).exit == 0);
    check_error(answered(home, {"vault", "delete", a}, "no"), 75, "recovery kit can bring it back");
    const outcome gone = answered(home, {"vault", "delete", a}, "y");
    CHECK(gone.exit == 0);
    CHECK(has(gone.out, "for its recovery kit"));
    check_error(home.casasync({"sync", a}), 77, "deleted");
}

TEST_CASE("rules, groups and references that make no sense are refused, and those that do are kept",
          "[cli]") {
    const household home;
    const std::string db = home.make_vault("home.db");
    home.sql(db,
             "CREATE TABLE goal(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, currency TEXT, best INTEGER, "
             "worst INTEGER);"
             "CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT);"
             "CREATE TABLE visit(id TEXT PRIMARY KEY NOT NULL, place INTEGER)");
    const std::string before = home.sql(db, "SELECT count(*) FROM casasync_table WHERE tracked");
    const auto refused = [&](std::vector<std::string> how, const std::string& why) {
        how.insert(how.begin(), {"track", db, "goal", "place", "visit"});
        check_error(home.casasync(how), 64, why);
    };
    for (const char* rule : {"best", "=max", "best=most"})
        refused({"--rule", rule}, "A rule reads COLUMN=max");
    refused({"--rule", "bets=max"}, "None of these tables has the column bets");
    refused({"--group", "amount"}, "A group names two or more columns");
    refused({"--group", "amount,name"}, "or not with the rest of its group");
    for (const char* reference : {"place", "visit.place", ".place=place", "visit.=place", "visit.place="})
        refused({"--references", reference}, "TABLE.COLUMN=PARENT");
    refused({"--references", "txn.note=place"}, "not one of the tables to track");
    CHECK(home.sql(db, "SELECT count(*) FROM casasync_table WHERE tracked") == before);

    const outcome tracked = home.casasync({"track", db, "visit", "place", "goal", "--rule", "best=max",
                                           "--rule", "worst=min", "--rule", "amount=lww", "--group",
                                           "amount,currency", "--references", "visit.place=place"});
    INFO(tracked.err);
    CHECK(tracked.exit == 0);
    CHECK(has(tracked.out, "Tracking "));
    CHECK(has(tracked.out, "goal"));
    home.sql(db, "INSERT INTO goal VALUES('g', 1, 'EUR', 10, 10); INSERT INTO place VALUES(1, 'Mall')");
    sync_in_turn(home, {db});
    const std::string other = home.add_device(db, "other.db");
    home.sql(db,
             "UPDATE goal SET best = 30, worst = 3, amount = 2; INSERT INTO place VALUES(2, 'Bar');"
             "INSERT INTO visit VALUES('here', 2)");
    home.sql(other,
             "UPDATE goal SET best = 20, worst = 2, currency = 'USD'; INSERT INTO place VALUES(2, 'Pub');"
             "INSERT INTO visit VALUES('there', 2)");
    sync_in_turn(home, {db, other, db});
    for (const std::string& file : {db, other}) {
        CHECK(home.sql(file, "SELECT best, worst FROM goal") == "30|2");
        CHECK(home.sql(file, "SELECT amount || currency IN ('2EUR', '1USD') FROM goal") == "1");
        CHECK(
            home.sql(
                file,
                "SELECT group_concat(place.name, ',') FROM (SELECT * FROM visit ORDER BY id) AS v JOIN place "
                "ON place.id = v.place") == "Bar,Pub");
    }
    CHECK(home.json({"untrack", db, "goal"}).at("tracked").is_array());
    const outcome gone = home.casasync({"untrack", db, "place"});
    CHECK(gone.exit == 0);
    check_error(home.casasync({"untrack", db, "nothing"}), 66, "nothing");
}

TEST_CASE("a delete that lost, and an edit that a delete hides, are told and decided", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db"), b = home.add_device(a, "b.db");
    CHECK(has(home.casasync({"conflicts", a}).out, "No open conflicts."));
    CHECK(has(home.casasync({"conflicts", a, "--all"}).out, "There was never a conflict."));
    for (const std::string& db : {a, b}) REQUIRE(home.casasync({"history", db, "--keep", "all"}).exit == 0);
    CHECK(has(home.casasync({"history", a}).out, "for good"));
    home.sql(a, "DELETE FROM txn WHERE id = 'coffee'");
    home.sql(b, "UPDATE txn SET note = 'later' WHERE id = 'coffee'");
    sync_in_turn(home, {a, b, a});
    const outcome listed = home.casasync({"conflicts", a});
    CHECK(has(listed.out, "lost:  DELETE of the row"));
    CHECK(has(listed.out, "had not seen the delete"));
    CHECK(home.json({"conflicts", a}).as_array()[0].at("column").is_null());
    const outcome why = home.casasync({"why", a, "txn", "coffee"});
    CHECK(has(why.out, "lost DELETE"));
    CHECK(has(why.out, "open: "));
    CHECK_FALSE(home.json({"why", a, "txn", "coffee"}).at("lost_deletes").as_array().empty());
    CHECK(has(home.casasync({"log", a}).out, "DELETE of the row"));
    const outcome again = home.casasync({"restore", a, conflict_of(home, a)});
    CHECK(has(again.out, "Deleted the row"));
    sync_in_turn(home, {a, b, a});
    CHECK(home.sql(b, "SELECT count(*) FROM txn WHERE id = 'coffee'") == "0");
    const outcome hidden = home.casasync({"why", a, "txn", "coffee"});
    CHECK(has(hidden.out, "The row is not shown."));
    CHECK(has(hidden.out, "deleted: a.db"));
    CHECK(has(hidden.out, "not shown"));
    CHECK(has(hidden.out, "closed: "));
    CHECK(home.json({"why", a, "txn", "coffee"}).at("deleted").is_object());
    const outcome all = home.casasync({"conflicts", a, "--all"});
    CHECK(has(all.out, "(closed)"));
    CHECK(has(all.out, "to:    "));
    check_error(home.casasync({"why", a, "txn", "coffee", "nothing"}), 66, "a column nothing");
    check_error(home.casasync({"why", a, "txn", "nobody"}), 66, "");

    for (const std::string& db : {a, b})
        REQUIRE(home.casasync({"track", db, "tag", "--delete-policy", "delete_wins"}).exit == 0);
    home.sql(a, "INSERT INTO tag VALUES('t', 'tag')");
    sync_in_turn(home, {a, b, a});
    home.sql(a, "DELETE FROM tag");
    home.sql(b, "UPDATE tag SET name = 'hidden'");
    sync_in_turn(home, {a, b, a});
    CHECK(home.sql(a, "SELECT count(*) FROM tag") == "0");
    CHECK(has(home.casasync({"conflicts", a}).out, "deleted by a device that had not seen this write"));
    const auto kept = home.json({"keep", a, conflict_of(home, a)});
    CHECK(kept.at("reason").as_string() == "hidden_by_delete");
    check_error(home.casasync({"keep", a, "000000000000"}), 66, "");
}

TEST_CASE("a file whose registers were altered is found by verify", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db"), b = home.add_device(a, "b.db");
    home.sql(a, "UPDATE txn SET note = 'x' WHERE id = 'rent'");
    sync_in_turn(home, {a, b});
    const std::string table =
        home.sql(b, "SELECT 'casasync_' || t || '_rows' FROM casasync_table WHERE name = 'txn'");
    const std::string rows =
        home.sql(b,
                 "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'casasync%' AND "
                 "sql LIKE '%r BLOB NOT NULL%' AND name LIKE '%' || (SELECT t FROM casasync_table "
                 "WHERE name = 'txn') || '%' LIMIT 1");
    INFO(table << " " << rows);
    REQUIRE(rows != "");
    home.sql(b, "DELETE FROM " + rows);
    const outcome alone = home.casasync({"verify", b});
    CHECK(alone.exit == 1);
    CHECK(has(alone.out, "the digest that is kept along is another one"));
    const outcome both = home.casasync({"verify", a, b, "--json"});
    CHECK(both.exit == 1);
    CHECK(has(both.out, R"("ok":false)"));
    CHECK(has(both.out, R"("digest_matches":false)"));
}

TEST_CASE("what a command line lacks, or has too much of, is said before anything is done", "[cli]") {
    const household home;
    const std::string db = home.make_vault("home.db"), none = home.dir / "none.db",
                      kit = home.dir / "kit.png";
    const auto refused = [&](const std::vector<std::string>& command, int exit, const std::string& why) {
        INFO(command[0]);
        check_error(home.casasync(command), exit, why);
    };
    refused({"pair", none}, 66, "none.db");
    refused({"sync", none}, 66, "none.db");
    refused({"leave", none}, 66, "none.db");
    refused({"vault", "delete", none}, 66, "none.db");
    refused({"devices", "remove", none, "phone"}, 66, "none.db");
    refused({"devices"}, 64, "vault file is missing");
    refused({"sync", db, "--private-timing"}, 64, "--private-timing needs --watch");
    refused({"join", none, "CODE"}, 64, "--relay is missing");
    refused({"join", none, "CODE", "--recovery"}, 64, "do not go together");
    refused({"join", none, "--recovery", "--vault", std::string(22, 'A')}, 64, "--relay is missing");
    refused({"pair", db, "--qr", home.dir / "no/such/folder.png"}, 74, "folder.png");
    refused({"why", db, "txn"}, 64, "");
    refused({"why", db, "txn", "coffee", "note", "more"}, 64, "1 column");
    refused({"why", db, "nothing", "x"}, 66, "no table nothing");
    refused({"track", db, "txn", "--references", "noteaccount=account"}, 64, "TABLE.COLUMN=PARENT");
    refused({"track", db, "txn", "--references", "note.account"}, 64, "TABLE.COLUMN=PARENT");
    for (const char* since :
         {"2026", "2026x11-25", "2026-1", "2026-11x25", "2026-11-2", "2026-11-25 1", "2026-11-25 10",
          "2026-11-25 10x30", "2026-11-25 10:3", "2026-11-25 10:60", "2026-11-25 10:30x", "2026-11-25x10:30"})
        refused({"log", db, "--since", since}, 64, "is not a time");
    CHECK(has(home.casasync({"log", db, "--since", "2026-11-25T12:30"}).out, "no such entry"));

    const auto made = home.json({"recovery", db});
    const outcome drawn = home.casasync({"recovery", db, "--qr", kit});
    CHECK(drawn.exit == 0);
    CHECK(has(drawn.out, "or, with what the QR code holds"));
    const outcome undrawn = home.casasync({"recovery", db, "--qr", home.dir / "no/such/folder.png"});
    CHECK(undrawn.exit == 0);  // the words are shown all the same
    CHECK(has(undrawn.out, "Words: "));
    CHECK(has(undrawn.err, "The QR code could not be written"));
    const std::string link(made.at("link").as_string());
    const outcome other = answered(
        home, {"join", none, "--recovery", "--vault", std::string(21, 'A') + "Q", "--relay", home.url()},
        link);
    check_error(other, 64, "--vault names another vault than the kit");
}

TEST_CASE("two files that differ are told apart, row by row", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db"), b = home.add_device(a, "b.db");
    for (const std::string& db : {a, b})
        home.sql(db,
                 "CREATE TABLE extra(id TEXT NOT NULL, n TEXT NOT NULL, \"a \"\"word\"\"\" TEXT, PRIMARY "
                 "KEY(id, n))");
    REQUIRE(home.casasync({"track", b, "extra"}).exit == 0);
    home.sql(b, "INSERT INTO extra VALUES('e', 'f', NULL)");
    for (int i = 0; i < 12; ++i)
        home.sql(a, "INSERT INTO tag VALUES('t" + std::to_string(i) + "', 'n" + std::to_string(i) + "')");
    home.sql(b, "UPDATE txn SET note = 'other' WHERE id = 'rent'");
    const outcome told = home.casasync({"verify", a, b});
    INFO(told.out << told.err);
    CHECK(told.exit == 1);
    CHECK(has(told.out, "tag: 12 rows only in the first, 0 rows only in the second, such as"));
    CHECK(
        has(told.out, "extra: 0 rows only in the first, 1 row only in the second, such as\n    'e', 'f'\n"));
    CHECK(has(told.out, "txn: 1 row only in the first, 1 row only in the second, such as"));
    const outcome data = home.casasync({"verify", a, b, "--json"});
    CHECK(has(data.out, R"("table":"tag","only_first":12,"only_second":0,"keys":[)"));
}

TEST_CASE("commands that change something tell it as JSON, too", "[cli]") {
    const household home;
    const std::string db = home.make_file("home.db"), change = home.dir / "change.sql";
    const auto made = home.json({"init", db, "--relay", home.url(), "--name", "home"});
    CHECK(made.at("vault").is_string());
    home.sql(db, "DELETE FROM txn WHERE id = 'rent'");
    REQUIRE(home.casasync({"sync", db}).exit == 0);
    const auto gone = home.json({"deleted", db}).as_array();
    REQUIRE(gone.size() == 1);
    const auto back = home.json({"undelete", db, std::string(gone[0].at("id").as_string())});
    CHECK(back.at("table").as_string() == "txn");
    CHECK(home.sql(db, "SELECT note FROM txn WHERE id = 'rent'") == "May");
    std::ofstream(change) << "ALTER TABLE txn ADD COLUMN place TEXT";
    CHECK(home.json({"migrate", db, change}).is_object());
    CHECK(home.sql(db, "SELECT count(*) FROM txn WHERE place IS NULL") == "2");
}
