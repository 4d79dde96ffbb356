// SPDX-License-Identifier: MIT
// A file that was restored from a backup, or copied, becomes a device of its own (scenarios S41 to S45):
// what the other copy sent comes in, what nobody has got goes out once, and no stamp stands for two writes.
#include "vault_world.hpp"

#include <casasync/codec.hpp>

#include <algorithm>
#include <array>
#include <random>

using namespace vault_test;

namespace {

constexpr const char* plain_notes = "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT)";
const std::vector<std::string> all_notes{"SELECT * FROM note ORDER BY id"};

device_id id_of(std::uint8_t n) {
    return who("", n).device;
}

/// Devices whose files can be saved, brought back and copied, by someone who knows nothing of casasync.
struct copying_world : world {
    std::uint8_t next = 100;

    void close(const std::string& name) {
        devices.erase(name);
        apps.erase(name);
    }
    void reopen(const std::string& name) {
        apps[name] = std::make_unique<app>(dir.file(name));
        apps[name]->run("PRAGMA foreign_keys = ON");
        devices.emplace(name, must(vault::open(dir.file(name), options(name))));
    }
    void copy(const std::string& from, const std::string& to) {
        for (const char* suffix : {"", "-wal"}) {
            fs::remove(dir.file(to) + suffix);
            if (fs::exists(dir.file(from) + suffix))
                fs::copy_file(dir.file(from) + suffix, dir.file(to) + suffix);
        }
    }
    void back_up(const std::string& name) {
        close(name);
        copy(name, name + ".backup");
        reopen(name);
    }
    void restore(const std::string& name) {
        close(name);
        copy(name + ".backup", name);
        reopen(name);
    }
    void clone(const std::string& name, const std::string& as) {
        close(name);
        copy(name, as);
        reopen(name);
        reopen(as);
    }
    /// What a device does that learned that it is a copy. Returns how many of its changesets waited, though
    /// others have them.
    std::size_t succeed(const std::string& name) {
        vault& v = devices.at(name);
        const cursor at = must(v.position());
        std::size_t same = 0;
        for (const inbound_part& p : log)
            if (p.pos > at.pos && p.device == v.device()) same += must(v.settle_same(p));
        const device_id id = id_of(next++);
        must(v.succeed(id));
        CHECK(v.device() == id);
        return same;
    }
    void two_rounds() {
        everyone_syncs();
        everyone_syncs();
    }
};

/// No stamp stands for two writes, in all that was ever sent.
void check_stamps(const world& w) {
    std::set<stamp> seen;
    for (const inbound_part& p : w.log) {
        INFO("changeset " << p.seq << " of " << int{p.device.octets[0]} << ", part " << p.part << " of "
                          << p.parts);
        const changeset c = must(decode(p.payload));
        for (const table_changes& t : c.tables)
            for (const row_change& r : t.rows) CHECK(seen.insert(r.op.when).second);
    }
}

}  // namespace

TEST_CASE("S41: a restored backup goes on as a new device, and nothing is lost", "[succession]") {
    copying_world w;
    w.first("desktop", plain_notes);
    w.joins("phone", "desktop");
    w.sql("desktop").run("INSERT INTO note VALUES('old', 'before the backup')");
    w.everyone_syncs();
    w.back_up("desktop");
    w.sql("desktop").run("INSERT INTO note VALUES('sent', 'after the backup')");
    w.push("desktop");
    w.sql("desktop").run("UPDATE note SET body = 'after, too' WHERE id = 'old'");
    w.two_rounds();

    w.restore("desktop");
    w.now += 1000;
    w.sql("desktop").run("INSERT INTO note VALUES('fresh', 'after the restore')");
    const device_id before = w["desktop"].device();
    must(w["desktop"].note_copied());
    CHECK(must(w["desktop"].status()).copied);
    CHECK(w.succeed("desktop") == 0);
    w.two_rounds();

    w.all_agree(all_notes);
    check_stamps(w);
    CHECK(w.sql("phone").dump("SELECT * FROM note ORDER BY id") ==
          "fresh|after the restore\nold|after, too\nsent|after the backup\n");
    const auto told = must(w["desktop"].status());
    CHECK_FALSE(told.copied);
    REQUIRE(told.succeeded);
    CHECK(told.succeeded->from == before);
    CHECK(told.succeeded->at == w.now);
    CHECK(told.succeeded->sent_again == 1);
    bool announced = false;
    for (const auto& d : must(w["phone"].devices()))
        announced |= d.id == w["desktop"].device() && d.name == "desktop";
    CHECK(announced);
    must(w["desktop"].succeed(w["desktop"].device()));  // once more does nothing
    CHECK(must(w["desktop"].status()).pending_out == 0);
}

TEST_CASE("S41: a restored backup that has nothing to send tells its name all the same", "[succession]") {
    copying_world w;
    w.first("desktop", plain_notes);
    w.joins("phone", "desktop");
    w.back_up("desktop");
    w.sql("desktop").run("INSERT INTO note VALUES('sent', 'x')");
    w.two_rounds();
    w.restore("desktop");
    CHECK(w.succeed("desktop") == 0);
    CHECK(must(w["desktop"].status()).pending_out == 1);
    w.two_rounds();
    w.all_agree(all_notes);
    CHECK(must(w["phone"].devices()).size() == 3);
}

TEST_CASE("S42: a file that was copied, and both go on: what each wrote reaches everybody", "[succession]") {
    copying_world w;
    w.first("desktop", plain_notes);
    w.joins("phone", "desktop");
    w.sql("desktop").run("INSERT INTO note VALUES('n', 'common')");
    w.two_rounds();
    w.clone("desktop", "twin");
    for (const std::string name : {"desktop", "twin"}) {
        w.sql(name).run("INSERT INTO note VALUES('by-" + name + "', 'x')");
        must(w[name].seal());
        w.sql(name).run("UPDATE note SET body = '" + name + "' WHERE id = 'n'");
        must(w[name].seal());
        w.now += 1000;
    }
    w.push("desktop");
    CHECK(w.succeed("twin") == 0);
    CHECK(must(w["twin"].status()).succeeded->sent_again == 2);
    w.two_rounds();
    w.all_agree(all_notes);
    check_stamps(w);
    CHECK(w.sql("phone").dump("SELECT id, body FROM note ORDER BY id") ==
          "by-desktop|x\nby-twin|x\nn|twin\n");
    REQUIRE(must(w["phone"].conflicts()).size() == 1);
    CHECK(must(w["phone"].conflicts())[0].loser == value("desktop"));
    CHECK(must(w["phone"].conflicts(false)).size() == 1);
    CHECK(must(w["twin"].conflicts(false)).size() == 1);  // nothing lost only for a moment

    // Both go on, and none passes over what the other one says.
    for (const std::string name : {"desktop", "twin", "phone"})
        w.sql(name).run("INSERT INTO note VALUES('later-" + name + "', 'y')");
    w.two_rounds();
    w.all_agree(all_notes);
    check_stamps(w);
}

TEST_CASE("S43: unsent changes in a backup that were sent since are not sent a second time", "[succession]") {
    copying_world w;
    w.first("desktop", plain_notes);
    w.joins("phone", "desktop");
    for (int i = 0; i < 5; ++i) {
        w.sql("desktop").run("INSERT INTO note VALUES('" + std::to_string(i) + "', 'x')");
        must(w["desktop"].seal());
    }
    CHECK(must(w["desktop"].status()).pending_out == 5);
    w.back_up("desktop");
    w.push("desktop");
    const std::size_t sent = w.log.size();
    w.restore("desktop");
    CHECK(must(w["desktop"].status()).pending_out == 5);
    CHECK(w.succeed("desktop") == 5);
    CHECK(must(w["desktop"].status()).succeeded->sent_again == 0);
    w.two_rounds();
    std::size_t again = 0;
    for (std::size_t i = sent; i < w.log.size(); ++i)
        again += count_operations(must(decode(w.log[i].payload)));
    CHECK(again == 0);  // names alone
    w.all_agree(all_notes);
    CHECK(must(w["phone"].conflicts(false)).empty());
}

TEST_CASE("S43: what a backup had captured and not sealed is not sent a second time, nor doubled",
          "[succession]") {
    copying_world w;
    w.now = 4'000'000'000'000;  // after the writes, which have the real time
    w.first("desktop",
            "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT);"
            "CREATE TABLE item(n INTEGER PRIMARY KEY, note TEXT REFERENCES note(id), price INTEGER)");
    w.joins("phone", "desktop");
    w.sql("desktop").run("INSERT INTO note VALUES('old', 'x')");
    w.two_rounds();
    w.sql("desktop").run(
        "INSERT INTO note VALUES('a', 'x'); INSERT INTO item VALUES(1, 'a', 5), (2, 'old', 7);"
        "UPDATE note SET body = 'y' WHERE id = 'old'; DELETE FROM item WHERE n = 2");
    w.back_up("desktop");
    const bool went_on = GENERATE(false, true);
    if (went_on) w.sql("desktop").run("INSERT INTO item VALUES(3, 'a', 9)");  // in the same changeset
    w.push("desktop");
    w.now += 1000;
    w.sql("desktop").run("UPDATE note SET body = 'z' WHERE id = 'old'");  // one that had seen it
    w.two_rounds();
    const std::string shown = w.sql("phone").dump("SELECT * FROM item ORDER BY n");
    const std::size_t sent = w.log.size();

    w.now += 1000;
    w.restore("desktop");
    const bool wrote = GENERATE(false, true);
    if (wrote) w.sql("desktop").run("INSERT INTO note VALUES('b', 'after the restore')");
    w.succeed("desktop");
    CHECK(must(w["desktop"].status()).succeeded->sent_again == (wrote ? 1 : 0));
    w.two_rounds();
    std::size_t again = 0;
    for (std::size_t i = sent; i < w.log.size(); ++i)
        again += count_operations(must(decode(w.log[i].payload)));
    CHECK(again == (wrote ? 1 : 0));
    w.all_agree({"SELECT * FROM note ORDER BY id", "SELECT * FROM item ORDER BY n"});
    check_stamps(w);
    CHECK(w.sql("phone").dump("SELECT * FROM item ORDER BY n") == shown);
    CHECK(w.sql("phone").dump("SELECT body FROM note WHERE id = 'old'") == "z\n");
    CHECK(must(w["phone"].conflicts(false)).empty());
    CHECK(must(w["desktop"].conflicts(false)).empty());
}

TEST_CASE("S45: two copies that wrote at the same moment have two stamps for it", "[succession]") {
    copying_world w;
    w.first("desktop",
            "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT);"
            "CREATE TABLE item(n INTEGER PRIMARY KEY, name TEXT)");
    w.joins("phone", "desktop");
    w.sql("desktop").run("INSERT INTO note VALUES('n', 'common')");
    w.two_rounds();
    w.clone("desktop", "twin");
    std::string wrote_at;
    for (const std::string name :
         {"desktop", "twin"}) {  // the vault's clock stands still, the app's does not
        while (w.sql(name).dump("SELECT julianday('now')") == wrote_at) continue;
        wrote_at = w.sql(name).dump("SELECT julianday('now')");
        w.sql(name).run("UPDATE note SET body = '" + name + "'; INSERT INTO item VALUES(1, '" + name + "')");
        must(w[name].seal());
    }
    w.push("desktop");
    w.succeed("twin");
    w.two_rounds();
    w.all_agree({"SELECT * FROM note", "SELECT n, name FROM item ORDER BY n"});
    check_stamps(w);
    CHECK(w.sql("phone").dump("SELECT count(*) FROM item") == "2\n");
    CHECK(must(w["phone"].conflicts()).size() == 1);
}

TEST_CASE(
    "a changeset whose author had merged more of this device than this file knows tells that it is a copy",
    "[succession]") {
    copying_world w;
    w.first("desktop", plain_notes);
    w.joins("phone", "desktop");
    w.back_up("desktop");
    w.sql("desktop").run("INSERT INTO note VALUES('sent', 'x')");
    w.two_rounds();
    w.sql("phone").run("UPDATE note SET body = 'y'");
    w.push("phone");
    w.restore("desktop");
    CHECK_FALSE(must(w["desktop"].status()).copied);
    w.pull("desktop");  // own records of the log are passed over
    CHECK(must(w["desktop"].status()).copied);
    CHECK(must(w["desktop"].status()).held == 1);
}

TEST_CASE("a write to a row that is not shown covers nothing, under the new name either", "[succession]") {
    const bool insert_first = GENERATE(false, true);
    std::array<std::vector<std::string>, 2> found;  // conflicts without a restored backup, and with one
    for (const bool restored : {false, true}) {
        copying_world w;
        w.first("desktop", "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT, name TEXT UNIQUE)");
        w.joins("phone", "desktop");
        w.sql("desktop").run("INSERT INTO note VALUES('a', 'of the desktop', 'list')");
        must(w["desktop"].seal());
        w.now += 1000;
        w.sql("phone").run("INSERT INTO note VALUES('b', 'of the phone', 'list')");
        w.two_rounds();
        REQUIRE(w.sql("desktop").dump("SELECT id FROM note") == "a\n");  // the phone's is parked
        const std::string edit = "UPDATE note SET body = 'edited' WHERE id = 'a';",
                          insert = "INSERT INTO note VALUES('b', 'mine', 'other list');";
        w.sql("desktop").run(insert_first ? insert + edit : edit + insert);
        must(w["desktop"].seal());
        if (restored) {
            w.back_up("desktop");
            w.restore("desktop");
            CHECK(w.succeed("desktop") == 0);
            CHECK(must(w["desktop"].status()).succeeded->sent_again == 1);
        }
        w.two_rounds();
        w.all_agree({"SELECT * FROM note ORDER BY id"});
        check_stamps(w);
        for (const auto& c : must(w["phone"].conflicts()))
            found[restored].push_back(c.key[0].text() + ": " + *c.column + " " + c.loser.text());
        std::sort(found[restored].begin(), found[restored].end());
    }
    CHECK_FALSE(found[0].empty());
    CHECK(found[0] == found[1]);
}

TEST_CASE("a changeset of which only a part was sent is sent whole, under the new name", "[succession]") {
    copying_world w;
    w.first("desktop", plain_notes);
    w.joins("phone", "desktop");
    w.two_rounds();
    std::mt19937 random(7);
    std::string rows;
    for (int i = 0; i < 6; ++i) {
        std::string body(900'000, ' ');  // no two alike, so that nothing is packed
        for (char& c : body) c = static_cast<char>('a' + random() % 26);
        rows += "INSERT INTO note VALUES('" + std::to_string(i) + "', '" + body + "');";
    }
    w.sql("desktop").run("BEGIN;" + rows + "COMMIT");
    must(w["desktop"].seal());
    const auto parts = must(w["desktop"].outbox(std::size_t{1} << 30));
    REQUIRE(parts.size() > 2);
    REQUIRE(parts[0].parts == parts.size());
    w.back_up("desktop");
    const outbound_part& p = parts[0];
    w.log.push_back({w.log.size() + 1, w["desktop"].device(), p.seq, p.part, p.parts, p.payload});
    must(w["desktop"].settle(p.seq));

    const bool restored = GENERATE(false, true);  // knows nothing of the part that was sent
    if (restored) w.restore("desktop");
    CHECK(w.succeed("desktop") == (restored ? 1U : 0U));
    w.two_rounds();
    for (auto& [name, v] : w.devices) {
        INFO(name);
        CHECK(w.sql(name).dump("SELECT count(*) FROM note") == "6\n");
        CHECK(must(v.verify()).differences.empty());
    }
    CHECK(w.sql("phone").dump("SELECT * FROM note ORDER BY id") ==
          w.sql("desktop").dump("SELECT * FROM note ORDER BY id"));
    CHECK(must(w["phone"].digest()) == must(w["desktop"].digest()));
}

TEST_CASE("what a restored file lacks is seen in a snapshot, though its maker has not merged it",
          "[succession]") {
    copying_world w;
    w.first("desktop", plain_notes);
    w.joins("phone", "desktop");
    w.everyone_syncs();
    w.back_up("phone");
    const unix_ms right = w.now;
    w.now +=
        unix_ms{25} * 24 * 3600 * 1000;  // the phone's clock is weeks ahead: others wait with what it writes
    w.sql("phone").run("INSERT INTO note VALUES('ahead', 'of its time')");
    w.push("phone");
    w.now = right;
    w.pull("desktop");
    CHECK(w.sql("desktop").dump(all_notes[0]).empty());
    cursor at;
    at.pos = w.log.size();

    must(w["phone"].merge_snapshot(w.snapshot_of("desktop"), at));  // it made that itself
    CHECK_FALSE(must(w["phone"].copied()));
    must(w["phone"].send_again(1));  // and the relay has it
    CHECK(must(w["phone"].known_of_relay()).last_sent == 1);
    must(w["phone"].merge_snapshot(w.snapshot_of("desktop"), at));
    CHECK(must(w["phone"].known_of_relay()).last_sent == 2);
    w.restore("phone");
    SECTION("it has written nothing since") {}
    SECTION("what it wrote has the same number") {
        w.sql("phone").run("INSERT INTO note VALUES('another', 'on time')");
        must(w["phone"].seal());
    }
    CHECK(w["phone"].merge_snapshot(w.snapshot_of("desktop"), at).code() == errc::device_copied);
    CHECK(must(w["phone"].copied()));
    const std::string before = w.sql("phone").dump(all_notes[0]);
    must(w["phone"].succeed(id_of(w.next++)));
    w.now += unix_ms{26} * 24 * 3600 * 1000;
    w.two_rounds();
    w.all_agree(all_notes);
    check_stamps(w);
    CHECK(w.sql("phone").dump(all_notes[0]) == "ahead|of its time\n" + before);
}

TEST_CASE("any envelope a changeset ever had settles it, and none of a device that the file was",
          "[succession]") {
    copying_world w;
    w.first("desktop", plain_notes);
    w.two_rounds();
    vault& v = w["desktop"];
    w.sql("desktop").run("INSERT INTO note VALUES('a', 'x')");
    must(v.seal());
    const std::uint64_t seq = must(v.outbox(1)).front().seq;
    digest256 first{}, second{};
    first.fill(1);
    second.fill(2);
    must(v.keep_envelope(seq, bytes{1}, first, {}));
    must(v.settle(seq));
    REQUIRE(must(v.send_again(seq - 1)));  // the relay was emptied; what was on the way comes all the same
    must(v.keep_envelope(seq, bytes{2}, second, {}));
    SECTION("the first") {
        CHECK(must(v.settle(first)));
        CHECK(must(v.outbox(1)).empty());
    }
    SECTION("none any more") {
        must(v.succeed({}));
        REQUIRE_FALSE(must(v.outbox(1)).empty());
        CHECK_FALSE(must(v.settle(first)));
        CHECK_FALSE(must(v.settle(second)));
        CHECK_FALSE(must(v.outbox(1)).empty());
    }
}

TEST_CASE("what was sent counts as read back where the log is known up to it, and not in another log",
          "[succession]") {
    copying_world w;
    w.first("desktop", plain_notes);
    w.two_rounds();
    vault& v = w["desktop"];
    const auto read_back = [&] { return must(v.known_of_relay()).read_back; };
    cursor at = must(v.position());
    at.generation.octets[0] = 8;
    const auto send = [&](std::uint8_t name) {
        w.sql("desktop").run("INSERT INTO note VALUES('" + std::to_string(name) + "', 'x')");
        must(v.seal());
        digest256 envelope{};
        envelope[0] = name;
        const std::uint64_t seq = must(v.outbox(1)).front().seq;
        must(v.keep_envelope(seq, bytes{name}, envelope, {}));
        must(v.settle(seq));
        CHECK(must(v.known_of_relay()).last_sent == seq);
        return envelope;
    };
    const digest256 one = send(1), two = send(2);
    const std::uint64_t sent = must(v.known_of_relay()).last_sent;
    CHECK(read_back() < sent - 1);
    ++at.pos;
    must(v.accept({}, at, one));
    CHECK(read_back() == sent - 1);
    ++at.pos;
    must(v.accept({}, at, two));
    CHECK(read_back() == sent);
    ++at.pos;
    must(v.accept({}, at));
    CHECK(read_back() == sent);

    SECTION("one that begins anew") {
        CHECK_FALSE(must(v.known_of_relay()).owed);
        must(v.accept({}, cursor{}));
        CHECK(must(v.known_of_relay()).owed);
        CHECK(read_back() == 0);
        must(v.accept({}, at));
        CHECK(read_back() == 0);
        must(v.note_read_back());
        CHECK(read_back() == sent);
    }
    SECTION("one of another life") {
        at.generation.octets[0] = 9;
        must(v.accept({}, at, one));
        CHECK(read_back() == sent - 1);
    }
    SECTION("where a snapshot leads on") {
        must(v.merge_snapshot(w.snapshot_of("desktop"), at));
        CHECK(read_back() == 0);
        CHECK_FALSE(must(v.known_of_relay()).owed);
        at.generation.octets[0] = 9;
        must(v.merge_snapshot(w.snapshot_of("desktop"), at));
        CHECK(must(v.known_of_relay()).owed);
    }
    SECTION("of a device that this one becomes") {
        must(v.succeed({}));
        CHECK(read_back() == 0);
    }
}

TEST_CASE("copies and restored backups at random: devices end up equal, no stamp is used twice",
          "[succession][random]") {
    const auto seed = GENERATE(range(1U, 41U));
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto pick = [&](unsigned n) { return std::to_string(random() % n); };
    copying_world w;
    w.first("desktop",
            "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT, name TEXT UNIQUE);"
            "CREATE TABLE item(n INTEGER PRIMARY KEY, note TEXT REFERENCES note(id), price INTEGER)");
    w.joins("phone", "desktop");
    for (auto& [name, connection] : w.apps) connection->run("PRAGMA foreign_keys = ON");
    std::set<std::string> saved;
    unsigned twins = 0;
    const auto some = [&] {
        auto at = w.devices.begin();
        std::advance(at, random() % w.devices.size());
        return at->first;
    };
    for (int step = 0; step < 120; ++step) {
        const std::string name = some();
        w.now += random() % 3;
        switch (random() % 14) {
            case 0:
            case 1:
                w.sql(name).attempt("INSERT OR REPLACE INTO note VALUES('" + pick(4) + "', '" + pick(9) +
                                    "', '" + pick(3) + "')");
                break;
            case 2:
            case 3:
                w.sql(name).attempt("UPDATE note SET body = '" + pick(9) + "' WHERE id = '" + pick(4) + "'");
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
                w.sql(name).attempt("UPDATE item SET price = " + pick(9) + " WHERE n % 2 = " + pick(2));
                break;
            case 8:
                must(w[name].seal());
                break;
            case 9:
                w.push(name);
                break;
            case 10:
            case 11:
                w.pull(name);
                break;
            case 12:
                if (saved.contains(name) && random() % 2 == 0) {
                    w.restore(name);
                    w.succeed(name);
                    saved.erase(name);
                } else {
                    w.back_up(name);
                    saved.insert(name);
                }
                break;
            default:
                if (twins == 2 || random() % 3 != 0) break;
                w.push(name);
                must(w[name].seal());
                const std::string twin = "twin" + std::to_string(++twins);
                w.clone(name, twin);
                w.sql(twin).attempt("UPDATE note SET body = 'twin" + pick(9) + "'");
                w.sql(name).attempt("UPDATE note SET body = 'self" + pick(9) + "'");
                if (random() % 2 == 0) w.push(name);
                w.succeed(twin);
        }
    }
    for (int round = 0; round < 3; ++round) w.everyone_syncs();
    check_stamps(w);
    w.all_agree({"SELECT * FROM note ORDER BY id", "SELECT n, note, price FROM item ORDER BY n"});
}

TEST_CASE("a device is in its own list with what it sealed, as a copy and without a name, too",
          "[succession]") {
    scratch dir;
    app sql(dir.file("notes"));
    sql.run(plain_notes);
    vault v = must(vault::create(dir.file("notes"), who("", 1)));
    must(v.track("note"));
    const auto listed_as = [&](const device_id& id, std::uint64_t seq) {
        std::size_t found = 0;
        for (const sqlite::device_info& d : must(v.devices()))
            found += d.self && d.id == id && d.last_seq == seq ? 1 : 0;
        return found == 1 && must(v.merged()).seen.of(id) == seq;
    };
    CHECK(listed_as(id_of(1), 0));
    for (const std::uint64_t n : std::array<std::uint64_t, 2>{1, 2}) {
        sql.run("INSERT INTO note VALUES('" + std::to_string(n) + "', 'text')");
        CHECK(must(v.seal()) == 1);
        CHECK(listed_as(id_of(1), n));
    }
    must(v.note_copied());
    must(v.succeed(id_of(9)));
    CHECK(must(v.devices()).size() == 2);
    CHECK(listed_as(id_of(9), 2));  // what was not sent is sealed again
    CHECK(must(v.merged()).seen.of(id_of(1)) == 0);
}
