// SPDX-License-Identifier: MIT
#include "pair.hpp"

#include <casasync/codec.hpp>

#include <map>
#include <utility>

namespace casasync_test {

using namespace casasync;

namespace {

loopback::relay new_relay() {
    return {id_of<vault_id>(7), id_of<generation_id>(8), quick_digest, [] { return vfs_time(); }};
}

}  // namespace

const app_story& text_keys() {
    static const app_story story{
        "text keys",
        "PRAGMA page_size = 1024;"
        "CREATE TABLE account(id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL UNIQUE, checked INTEGER);"
        "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, note TEXT,"
        " account TEXT REFERENCES account(id));"
        "INSERT INTO account VALUES('cash', 'Cash', 10), ('bank', 'Bank', 20);"
        "INSERT INTO txn VALUES('rent', -700, 'Rent', 'bank'), ('coffee', -3, 'Food', 'cash');",
        {{"account", {{}, {{"checked", merge_rule::max}}, {}, false}}, {"txn"}},
        "INSERT INTO account VALUES('card-a', 'Card', 1); UPDATE txn SET note = 'Eating out' WHERE id = "
        "'coffee'",
        "INSERT INTO account VALUES('card-b', 'Card', 2); UPDATE txn SET note = 'Coffee' WHERE id = "
        "'coffee'",
        "INSERT INTO account VALUES('new', 'New', 5) ON CONFLICT(id) DO UPDATE SET checked = 5;"
        "INSERT INTO txn VALUES('lunch', -12, 'Lunch', 'new') ON CONFLICT(id) DO UPDATE SET amount = -12;"
        "UPDATE txn SET note = 'Rent, May' WHERE id = 'rent'; DELETE FROM txn WHERE id = 'coffee'",
        "INSERT INTO account VALUES('b1', 'Beta', 1), ('b2', 'Cash 2', 3);"
        "INSERT INTO txn VALUES('b-1', 1, 'x', 'b1'), ('b-2', 2, 'y', 'b2');"
        "UPDATE txn SET note = 'Rent, b' WHERE id = 'rent'; UPDATE account SET checked = 30 WHERE id = "
        "'bank'",
        "DELETE FROM txn WHERE id = 'b-1'; UPDATE account SET name = 'New' WHERE id = 'b1'",
        "INSERT INTO txn(id, note, account) VALUES('fresh', 'fresh', 'cash')",
        "CREATE TABLE fresh(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, note TEXT,"
        " account TEXT REFERENCES account(id), place TEXT DEFAULT 'home');"
        "INSERT INTO fresh(id, amount, note, account) SELECT id, amount, note, account FROM txn;"
        "DROP TABLE txn; ALTER TABLE fresh RENAME TO txn;"
        "UPDATE txn SET place = 'shop' WHERE id = 'coffee'; UPDATE txn SET amount = -99 WHERE id = 'rent'",
        {"SELECT 'account', id, name, checked FROM account ORDER BY id",
         "SELECT 'txn', * FROM txn ORDER BY id"}};
    return story;
}

const app_story& integer_keys() {
    static const app_story story{
        "integer keys",
        "PRAGMA page_size = 1024;"
        "CREATE TABLE shop(id INTEGER PRIMARY KEY, name TEXT, part_of INTEGER REFERENCES shop(id));"
        "CREATE TABLE visit(shop INTEGER NOT NULL REFERENCES shop(id), day TEXT NOT NULL, note TEXT,"
        " PRIMARY KEY(shop, day));"
        "INSERT INTO shop VALUES(1, 'Mall', NULL), (2, 'Bakery', 1);"
        "INSERT INTO visit VALUES(2, 'mon', 'bread'), (2, 'tue', 'rolls');",
        {{"shop"}, {"visit"}},
        "INSERT INTO shop VALUES(3, 'Books', 1); INSERT INTO visit VALUES(3, 'tue', 'novel');"
        "UPDATE visit SET note = 'cake' WHERE day = 'mon'",
        "INSERT INTO shop VALUES(3, 'Toys', 1); INSERT INTO visit VALUES(3, 'tue', 'kite');"
        "UPDATE visit SET note = 'pie' WHERE day = 'mon'",
        "INSERT INTO shop VALUES(4, 'Cinema', 1) ON CONFLICT(id) DO UPDATE SET name = 'Cinema';"
        "INSERT INTO visit VALUES(4, 'wed', 'film') ON CONFLICT DO UPDATE SET note = 'film';"
        "UPDATE shop SET part_of = 4 WHERE id = 2; DELETE FROM visit WHERE shop = 3;"
        "DELETE FROM shop WHERE id = 3",
        "INSERT INTO shop VALUES(4, 'Bar', 1), (5, 'Baths', 4);"
        "INSERT INTO visit VALUES(4, 'wed', 'beer'), (5, 'thu', 'swim'), (3, 'fri', 'poem');"
        "UPDATE visit SET note = 'buns' WHERE day = 'tue' AND shop = 2",
        "DELETE FROM visit WHERE day = 'thu'; UPDATE shop SET name = 'Pub' WHERE id = 4",
        "INSERT INTO shop(name, part_of) VALUES('Fresh', 2)",
        "CREATE TABLE fresh(id INTEGER PRIMARY KEY, name TEXT, part_of INTEGER REFERENCES shop(id),"
        " place TEXT DEFAULT 'town');"
        "INSERT INTO fresh(id, name, part_of) SELECT id, name, part_of FROM shop;"
        "DROP TABLE shop; ALTER TABLE fresh RENAME TO shop;"
        "UPDATE shop SET part_of = NULL WHERE name = 'Toys'; UPDATE visit SET note = 'kites' WHERE note = "
        "'kite'",
        // The number of a row that lost its own depends on chance, as its identity does.
        {"SELECT 'shop', CASE WHEN id > 0 THEN id END, name, (SELECT p.name FROM shop AS p WHERE p.id = "
         "shop.part_of) FROM shop ORDER BY id < 0, id * (id > 0), name",
         "SELECT 'visit', (SELECT p.name FROM shop AS p WHERE p.id = visit.shop), day, note FROM visit ORDER "
         "BY 2, 3"}};
    return story;
}

device_pair::device_pair(std::string journal, const app_story& story)
    : journal_(std::move(journal)), story_(story), relay_(new_relay()) {}

void device_pair::forget_relay() {
    relay_ = new_relay();
}

void device_pair::minutes_pass(int minutes) {
    set_vfs_time(vfs_time() + minutes * 60'000);
}

std::string device_pair::begin() {
    seed_vfs(1);
    set_vfs_time(1'800'000'000'000);
    if (auto p = problem("open the app", a.open(false)); !p.empty()) return p;
    if (auto p = problem("make the schema", a.sql().run(story_.schema) == SQLITE_OK); !p.empty()) return p;
    auto made = sqlite::vault::create(a.path(), a.who(), a.options());
    if (!made) return problem("create", made);
    a.take(std::move(*made));
    if (auto p = problem("track", track_all(a)); !p.empty()) return p;
    auto to_relay = way(a);
    if (auto p = sync(a); !p.empty()) return p;
    if (auto p = problem("offer", offer_snapshot(a, to_relay)); !p.empty()) return p;
    auto from_relay = way(b);
    if (auto p = problem("join", join(b, from_relay)); !p.empty()) return p;
    if (auto p = problem("open the app", b.open(false)); !p.empty()) return p;
    for (device* d : {&a, &b}) {  // only one connection may be open for this
        d->close();
        app alone(d->path());
        alone.run("PRAGMA journal_mode = " + journal_);
    }
    for (device* d : {&a, &b})
        if (auto p = problem("open", d->open()); !p.empty()) return p;
    a.sql().transact(story_.a_begins);
    minutes_pass(1);
    b.sql().transact(story_.b_begins);
    if (auto p = settle(); !p.empty()) return p;
    for (device* d : {&a, &b}) d->close();  // the last one to close leaves one file, and no log
    return "";
}

result<void> device_pair::track_all(device& d) {
    for (const app_story::table& t : story_.tables)
        if (auto ok = d.vault().track(t.name, t.how); !ok) return ok;
    return {};
}

std::string device_pair::sync(device& d) {
    auto to_relay = way(d);
    auto done = casasync_test::sync(d, to_relay);
    if (!done) return problem("sync of " + d.name(), done);
    if (!done->alarms.empty()) return "sync of " + d.name() + ": " + done->alarms.front();
    return "";
}

std::string device_pair::settle() {
    for (device* d : {&a, &b, &a})
        if (auto p = sync(*d); !p.empty()) return p;
    return "";
}

std::string device_pair::agree() {
    std::string digest, seen;
    for (device* d : {&a, &b}) {
        const auto found = d->vault().verify();
        if (!found) return problem("verify " + d->name(), found);
        if (!found->differences.empty()) return "verify " + d->name() + ": " + found->differences.front();
        const auto status = d->vault().status();
        if (!status) return problem("status of " + d->name(), status);
        if (status->captured + status->pending_out + status->pending_in + status->held > 0)
            return d->name() + " is not done";
        if (const auto p = d->sql().integrity(); p != "ok") return "integrity of " + d->name() + ": " + p;
        const std::string now = rows(*d);
        if (!digest.empty() && digest != status->digest) return "the digests differ";
        if (!digest.empty() && seen != now) return "the rows differ: " + first_difference(seen, now);
        digest = status->digest;
        seen = now;
    }
    return repeated_stamp();
}

/// Every stamp in the relay's log belongs to one operation.
std::string device_pair::repeated_stamp() {
    std::map<device_id, bytes> whole;
    std::map<stamp, std::uint64_t> given;
    for (const auto& record : relay_.records()) {
        const auto head = decode_header(record.envelope);
        auto payload = a.keys().open(record.envelope);
        if (!head || !payload || !take_front(*payload)) return "the relay holds what nobody can open";
        bytes& group = whole[record.device];
        if (head->part == 0) group.clear();
        group.insert(group.end(), payload->begin(), payload->end());
        if (head->part + 1 < head->parts) continue;
        const auto c = decode(group);
        if (!c) return problem("changeset at the relay", c);
        for (const auto& t : c->tables)
            for (const auto& row : t.rows)
                if (!given.emplace(row.op.when, head->seq).second)
                    return "a stamp was given twice, in seq " + std::to_string(head->seq);
    }
    return "";
}

std::string device_pair::fresh_write(device& d) {
    minutes_pass(1);
    const std::string id = "fresh-" + d.name();
    const int rc = d.sql().transact("INSERT OR REPLACE INTO txn(id, amount, note, account) VALUES('" + id +
                                    "', 1, 'fresh', 'cash')");
    if (rc != SQLITE_OK) return "a fresh write is refused: " + d.sql().message();
    if (auto p = sync(d); !p.empty()) return p;
    if (auto p = settle(); !p.empty()) return p;
    device& other = &d == &a ? b : a;
    return problem("a fresh write does not arrive",
                   !other.sql().rows("SELECT 1 FROM txn WHERE note = 'fresh' AND id = '" + id + "'").empty());
}

std::string device_pair::rows(device& d) {
    std::string out;
    for (const char* query : story_.shown) out += d.sql().rows(query);
    return out;
}

pair_image device_pair::image() {
    return {a.storage().image(), b.storage().image(), a.who().device.octets[0], relay_, vfs_time()};
}

void device_pair::load(const pair_image& from) {
    a.become(from.number_of_a);
    a.load(from.a);
    b.load(from.b);
    relay_ = from.relay;
    set_vfs_time(from.now);
}

}  // namespace casasync_test
