// SPDX-License-Identifier: MIT
// A clock that was a year ahead for a while (scenario S47): what was written then gets a time that others
// take, once the clock is right, and nothing else changes.
#include "vault_world.hpp"

#include <casasync/codec.hpp>
#include <casasync/restamp.hpp>

#include <random>

using namespace vault_test;

namespace {

constexpr unix_ms year = unix_ms{365} * 86'400'000;

/// Runs statements on a device whose clock is a year ahead, and seals them.
void write_next_year(world& w, const std::string& name, const std::string& sql) {
    w.now += year;
    w.sql(name).attempt(sql);
    w.sql(name).run("UPDATE casasync_log SET at = NULL");  // SQLite's clock is another
    must(w[name].seal());
    w.now -= year;
}

std::vector<std::string> lost(vault& v) {
    std::vector<std::string> out;
    for (const auto& c : must(v.conflicts()))
        out.push_back(c.table + "." + c.column.value_or("*") +
                      (c.loser.kind() == value_kind::text ? " " + c.loser.text() : std::string()));
    std::sort(out.begin(), out.end());
    return out;
}

/// Nothing that was sent is dated later than now.
void check_times(const world& w) {
    for (const inbound_part& p : w.log)
        if (p.parts == 1) CHECK_FALSE(is_far_ahead(greatest_stamp(must(decode(p.payload))).when, w.now));
}

}  // namespace

TEST_CASE("S47_plus_one_year: writes of a clock that was a year ahead are dated now, and nothing is lost",
          "[restamp][scenario]") {
    world w;
    w.first("desktop", "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT, name TEXT UNIQUE)");
    w.joins("phone", "desktop");
    w.sql("desktop").run("INSERT INTO note VALUES('a', 'old', 'A'), ('b', 'old', 'B'), ('c', 'old', 'C')");
    w.everyone_syncs();
    w.sql("phone").run("UPDATE note SET body = 'of the phone' WHERE id = 'a'");
    must(w["phone"].seal());
    w.now += 1000;
    w.sql("desktop").run("UPDATE note SET body = 'before the jump' WHERE id = 'c'");
    must(w["desktop"].seal());
    write_next_year(w, "desktop",
                    "UPDATE note SET body = 'next year' WHERE id IN ('a', 'c'); DELETE FROM note WHERE id = "
                    "'b'; INSERT INTO note VALUES('d', 'new', 'D')");
    w.now += 1000;
    w.push("phone");
    w.pull("desktop");
    const std::string before = w.sql("desktop").dump("SELECT * FROM note ORDER BY id");
    const auto open = lost(w["desktop"]);
    const auto counts = must(w["desktop"].status()).ops;

    w.sql("desktop").run("UPDATE note SET name = 'later' WHERE id = 'd'");  // the clock is right again
    CHECK(must(w["desktop"].restamp(w.now)) == 5);
    CHECK(must(w["desktop"].restamp(w.now)) == 0);
    CHECK(w.sql("desktop").dump("SELECT * FROM note ORDER BY id") ==
          std::string(before).replace(before.find("new|D"), 5, "new|later"));
    CHECK(lost(w["desktop"]) == open);
    CHECK(open == std::vector<std::string>{"note.body of the phone"});
    CHECK(must(w["desktop"].status()).ops.total == counts.total + 1);
    w.everyone_syncs();
    w.everyone_syncs();
    check_times(w);
    CHECK(must(w["phone"].status()).held == 0);
    w.all_agree({"SELECT * FROM note ORDER BY id"});
    CHECK(w.sql("phone").dump("SELECT id, body, name FROM note ORDER BY id") ==
          "a|next year|A\nc|next year|C\nd|new|later\n");
    CHECK(lost(w["phone"]) == open);

    // What is written from now on counts: the phone's later edit wins.
    w.now += 1000;
    w.sql("phone").run("UPDATE note SET body = 'later' WHERE id = 'c'");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT body FROM note WHERE id = 'c'") == "later\n");
}

TEST_CASE("what a write to a row that is not shown covered of its own device stays covered", "[restamp]") {
    world w;
    w.first("desktop", "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT, name TEXT UNIQUE)");
    w.joins("phone", "desktop");
    w.sql("phone").run("INSERT INTO note VALUES('a', 'of the phone', 'list')");
    must(w["phone"].seal());
    w.now += 1000;
    w.sql("desktop").run("INSERT INTO note VALUES('b', 'of the desktop', 'list')");
    w.everyone_syncs();
    REQUIRE(w.sql("desktop").dump("SELECT id FROM note") == "a\n");  // its own is parked
    write_next_year(w, "desktop",
                    "UPDATE note SET body = 'edited'; INSERT INTO note VALUES('b', 'again', 'other list')");
    CHECK(must(w["desktop"].restamp(w.now)) == 2);
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree({"SELECT * FROM note ORDER BY id"});
    CHECK(w.sql("phone").dump("SELECT body FROM note ORDER BY id") == "edited\nagain\n");
    CHECK(lost(w["phone"]).empty());
}

TEST_CASE("an envelope with the times of before is not what the vault has under its number", "[restamp]") {
    world w;
    w.first("desktop", "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT)");
    w.sql("desktop").run("INSERT INTO note VALUES('a', 'now')");
    vault& v = w["desktop"];
    must(v.seal());
    write_next_year(w, "desktop", "INSERT INTO note VALUES('b', 'next year')");
    const auto parts = must(v.outbox(1 << 20));
    REQUIRE(parts.size() >= 2);
    std::vector<digest256> envelopes(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        envelopes[i].fill(static_cast<std::uint8_t>(i + 1));
        must(v.keep_envelope(parts[i].seq, bytes{1}, envelopes[i], {}));
    }
    CHECK(must(v.restamp(w.now)) == 1);
    CHECK(must(v.made(envelopes.back())));
    CHECK_FALSE(must(v.settle(envelopes.back())));  // a relay that has it got it from nobody who goes on here
    CHECK(must(v.outbox(1 << 20)).size() == parts.size());
    CHECK(must(v.settle(envelopes.front())));
    CHECK(must(v.outbox(1 << 20)).size() == parts.size() - 1);
}

TEST_CASE("a clock that is still wrong, or never was, dates nothing anew", "[restamp]") {
    world w;
    w.first("desktop", "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT)");
    w.sql("desktop").run("INSERT INTO note VALUES('a', 'x')");
    CHECK(must(w["desktop"].restamp(w.now)) == 0);
    const std::string digest = must(w["desktop"].digest());
    w.now += year;
    w.sql("desktop").run("UPDATE note SET body = 'y'");
    CHECK(must(w["desktop"].restamp(w.now)) == 0);
    CHECK(must(w["desktop"].digest()) != digest);
}

TEST_CASE("clocks that are a year ahead at random: devices end up equal, and nothing is held",
          "[restamp][random]") {
    const auto seed = GENERATE(range(1U, 41U));
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto pick = [&](unsigned n) { return std::to_string(random() % n); };
    world w;
    w.first("desktop",
            "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT, name TEXT UNIQUE, best INTEGER);"
            "CREATE TABLE item(n INTEGER PRIMARY KEY, note TEXT REFERENCES note(id), price INTEGER)");
    w.joins("phone", "desktop");
    w.joins("tablet", "phone");
    for (auto& [name, connection] : w.apps) connection->run("PRAGMA foreign_keys = ON");
    std::map<std::string, unix_ms> ahead;
    for (int step = 0; step < 150; ++step) {
        auto at = w.devices.begin();
        std::advance(at, random() % w.devices.size());
        const std::string name = at->first;
        w.now += random() % 3;
        const unix_ms right = w.now;
        w.now += ahead[name];
        switch (random() % 11) {
            case 0:
            case 1:
                w.sql(name).attempt("INSERT OR REPLACE INTO note VALUES('" + pick(4) + "', '" + pick(9) +
                                    "', '" + pick(3) + "', " + pick(5) + ")");
                break;
            case 2:
            case 3:
                w.sql(name).attempt("UPDATE note SET body = '" + pick(9) + "', best = " + pick(9) +
                                    " WHERE id = '" + pick(4) + "'");
                break;
            case 4:
                w.sql(name).attempt("UPDATE note SET name = '" + pick(3) + "' WHERE id = '" + pick(4) + "'");
                break;
            case 5:
                w.sql(name).attempt("DELETE FROM note WHERE id = '" + pick(4) + "'");
                break;
            case 6:
                w.sql(name).attempt("INSERT INTO item(note, price) VALUES('" + pick(4) + "', " + pick(9) +
                                    ")");
                break;
            case 7:
                w.sql(name).attempt("DELETE FROM item WHERE n % 3 = " + pick(3));
                break;
            case 8:
                must(w[name].seal());
                if (const auto open = must(w[name].conflicts()); !open.empty())
                    (void)w[name].restore(open[random() % open.size()].id);
                break;
            case 9:
                w.now = right;
                if (ahead[name] == 0) {
                    w.push(name);
                    ahead[name] = random() % 2 == 0 ? year : 0;
                } else {
                    ahead[name] = 0;
                    must(w[name].restamp(w.now));
                    CHECK(must(w[name].verify()).differences.empty());
                }
                break;
            default:
                w.now = right;
                w.pull(name);
        }
        if (w.now > right) w.sql(name).run("UPDATE casasync_log SET at = NULL");
        w.now = right;
    }
    for (auto& [name, v] : w.devices) must(v.restamp(w.now));
    for (int round = 0; round < 3; ++round) w.everyone_syncs();
    check_times(w);
    w.all_agree({"SELECT * FROM note ORDER BY id", "SELECT * FROM item ORDER BY n"});
}
