// SPDX-License-Identifier: MIT
// A device whose snapshot lacked something says so, as does whoever it differs from, and is mended by another
// device's snapshot.
#include "vault_world.hpp"

#include <casasync/codec.hpp>
#include <casasync/snapshot.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

using namespace casasync;
using namespace vault_test;

namespace {

/// The same snapshot without one row: what a device in error, or a hostile one, would give.
snapshot_source without_row(const snapshot_source& whole, std::size_t left_out) {
    bytes all;
    snapshot_writer out([&](bytes_view part) -> result<void> {
        all.insert(all.end(), part.begin(), part.end());
        return {};
    });
    std::size_t n = 0;
    const snapshot_visitor visitor{[&](const snapshot_header& h) { return out.begin(h); },
                                   [&](std::size_t place, const snapshot_row& row) {
                                       return n++ == left_out ? result<void>{}
                                                              : out.add(place, row.key, row.row);
                                   },
                                   [&](const unmerged_part& p) { return out.add(p); }};
    must(read_snapshot(whole, visitor));
    must(out.end());
    return [all = std::move(all), read = false]() mutable -> result<bytes> {
        return std::exchange(read, true) ? bytes{} : all;
    };
}

struct three : world {
    three() {
        first("desktop", "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, note TEXT)");
        joins("laptop", "desktop");
        for (const char* id : {"a", "b", "c"})
            sql("desktop").run("INSERT INTO txn VALUES('" + std::string(id) + "', 'first')");
        everyone_syncs();
        // One field was written on two devices at once: the row has a write that lost.
        sql("desktop").run("UPDATE txn SET note = 'by desktop' WHERE id = 'b'");
        now += 1000;
        sql("laptop").run("UPDATE txn SET note = 'by laptop' WHERE id = 'b'");
        everyone_syncs();
        everyone_syncs();
    }
    /// Joins with a snapshot that lacks the row b.
    void joins_in_part(const std::string& name) {
        const auto source = without_row(snapshot_of("laptop"), 1);
        apps[name] = std::make_unique<app>(dir.file(name));
        cursor at;
        at.pos = log.size();
        devices.emplace(name, must(vault::join(dir.file(name), who(name, 3), source, at, options(name))));
        REQUIRE(sql(name).dump("SELECT id FROM txn ORDER BY id") == "a\nc\n");
    }
    std::optional<sqlite::suspicion> suspect(const std::string& name) {
        return must((*this)[name].status()).suspect;
    }
    void takes_snapshot(const std::string& name, const std::string& of) {
        const auto source = snapshot_of(of);
        cursor at = must((*this)[name].position());
        must((*this)[name].merge_snapshot(source, at));
        must((*this)[name].note_mended());
    }
    /// Returns the changesets in the log that ask for a snapshot.
    std::vector<snapshot_ask> asked() {
        std::vector<snapshot_ask> out;
        for (const inbound_part& p : log)
            if (must(decode(p.payload)).asks_snapshot) out.push_back({p.device, p.seq});
        return out;
    }
};

const std::string all_rows = "SELECT * FROM txn ORDER BY id";

}  // namespace

TEST_CASE("a device that began with too little is found out, and mended", "[vault][suspicion]") {
    three w;
    w.joins_in_part("phone");
    CHECK_FALSE(w.suspect("phone"));  // it cannot know yet
    w.push("phone");                  // its first word
    w.pull("desktop");
    REQUIRE(w.suspect("desktop"));
    CHECK(w.suspect("desktop")->device == w["phone"].device());
    CHECK(must(w["desktop"].asks()).own == snapshot_ask{w["desktop"].device(), w.suspect("desktop")->asked});

    w.push("desktop");  // asks, and says what it has
    w.pull("phone");
    REQUIRE(w.suspect("phone"));
    CHECK(w.suspect("phone")->device == w["desktop"].device());
    CHECK(must(w["phone"].asks()).other == must(w["desktop"].asks()).own);
    w.push("phone");
    w.pull("desktop");
    CHECK(must(w["desktop"].asks()).other == must(w["phone"].asks()).own);
    CHECK(w.asked().size() == 2);

    w.takes_snapshot("phone", "desktop");
    w.takes_snapshot("desktop", "phone");
    must(w["desktop"].note_answered());
    CHECK_FALSE(must(w["desktop"].asks()).other);
    CHECK(w.sql("phone").dump(all_rows) == w.sql("desktop").dump(all_rows));
    CHECK(must(w["phone"].conflicts()).size() == 1);  // the write that lost is listed there, too
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree({all_rows});
    CHECK(w.suspect("laptop"));  // it heard of the phone as that was before
    w.sql("phone").run("UPDATE txn SET note = 'later'");
    w.everyone_syncs();

    // And nobody suspects anybody from now on, though all go on writing.
    w.sql("desktop").run("INSERT INTO txn VALUES('d', 'x')");
    w.everyone_syncs();
    w.all_agree({all_rows});
    for (const char* name : {"desktop", "phone", "laptop"}) CHECK_FALSE(w.suspect(name));
    CHECK(w.asked().size() == 3);  // each once
}

TEST_CASE("who stays different asks once a day, and agreeing ends it", "[vault][suspicion]") {
    three w;
    w.joins_in_part("phone");
    w.push("phone");
    w.pull("desktop");
    for (int i = 0; i < 3; ++i) {  // nothing answers
        w.everyone_syncs();
        w.sql("desktop").run("UPDATE txn SET note = note || '.' WHERE id = 'a'");
    }
    const auto times_asked = [&w](const std::string& name) {
        const auto all = w.asked();
        return std::count_if(all.begin(), all.end(), [&](const auto& a) { return a.by == w[name].device(); });
    };
    CHECK(times_asked("desktop") == 1);
    CHECK(times_asked("phone") == 1);
    w.now += unix_ms{25} * 3600 * 1000;
    w.everyone_syncs();
    w.push("desktop");
    w.push("phone");
    CHECK(times_asked("desktop") == 2);
    CHECK(times_asked("phone") == 2);

    w.takes_snapshot("phone", "laptop");
    w.everyone_syncs();
    w.everyone_syncs();
    w.sql("phone").run("UPDATE txn SET note = 'said' WHERE id = 'c'");
    w.everyone_syncs();
    CHECK_FALSE(w.suspect("desktop"));  // the same device says the same now
    w.all_agree({all_rows});
}

TEST_CASE("a file that lost registers gives no snapshot to others", "[vault][suspicion]") {
    three w;
    w.sql("laptop").run("DELETE FROM casasync_m_1 WHERE k = (SELECT min(k) FROM casasync_m_1)");
    const auto made = w["laptop"].write_snapshot([](bytes_view) { return result<void>{}; });
    REQUIRE_FALSE(made);
    CHECK(made.code() == errc::store_failed);
    CHECK(must(w["laptop"].verify()).digest_matches == false);
    CHECK(w["desktop"].write_snapshot([](bytes_view) { return result<void>{}; }).ok());
}

TEST_CASE("changes that wait for what the log has lost are asked for, once a day", "[vault][suspicion]") {
    three w;
    w.joins("phone", "desktop");
    w.everyone_syncs();
    w.sql("phone").run("UPDATE txn SET note = 'by phone' WHERE id = 'a'");
    w.push("phone");
    w.pull("desktop");
    vault& laptop = w["laptop"];
    w.log.back().device = laptop.device();  // nobody brings it to the laptop any more
    w.sql("desktop").run("UPDATE txn SET note = 'after phone' WHERE id = 'c'");
    w.push("desktop");
    w.pull("laptop");
    REQUIRE(must(laptop.waits()));
    CHECK(w.sql("laptop").dump("SELECT note FROM txn WHERE id = 'c'") == "first\n");

    CHECK(must(laptop.ask_for_snapshot()));
    CHECK_FALSE(must(laptop.ask_for_snapshot()));
    CHECK_FALSE(must(laptop.asks()).own);  // whatever snapshot fills the gap is an answer
    w.push("laptop");
    w.pull("desktop");
    REQUIRE(must(w["desktop"].asks()).other);
    CHECK(must(w["desktop"].asks()).other->by == laptop.device());
    w.takes_snapshot("laptop", "desktop");
    w.pull("laptop");
    CHECK_FALSE(must(laptop.waits()));
    CHECK(w.sql("laptop").dump(all_rows) == w.sql("desktop").dump(all_rows));
    w.now += unix_ms{25} * 3600 * 1000;
    CHECK(must(laptop.ask_for_snapshot()));
}
