// SPDX-License-Identifier: MIT
// What a device keeps of the past: a cell's whole story, and for how long.
#include "vault_world.hpp"

using namespace vault_test;

namespace {

constexpr const char* notes = "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT)";
constexpr unix_ms a_day = 86'400'000;
using keep = sqlite::history_kept;
using key = std::vector<std::string>;

/// The story of note `id` as "value (device)", oldest first.
std::string story(world& w, const std::string& name, const std::string& id) {
    std::string out;
    const auto told = must(w[name].why("note", key{id}));
    for (const auto& cell : told.cells)
        for (const auto& write : cell.writes)
            out += (out.empty() ? "" : ", ") + write.what.text() + " (" + write.by.device_name + ")";
    return out;
}

/// Both devices edit every note, unseen; then the phone decides.
void quarrel(world& w, bool decide) {
    w.sql("desktop").run("UPDATE note SET body = body || 'd'");
    w.push("desktop");
    w.now += 1000;
    w.sql("phone").run("UPDATE note SET body = body || 'p'");
    w.everyone_syncs();
    if (!decide) return;
    w.sql("phone").run("UPDATE note SET body = body || '!'");
    w.everyone_syncs();
}

}  // namespace

TEST_CASE("with history all, a cell's story has every value, whoever wrote it", "[history]") {
    world w;
    w.first("desktop", notes);
    w.joins("phone", "desktop");
    CHECK(must(w["desktop"].history()).policy == sqlite::history_policy{});
    must(w["desktop"].set_history({keep::all, 0}));
    w.sql("desktop").run("INSERT INTO note VALUES('n', 'one')");
    w.everyone_syncs();
    w.now += 1000;
    w.sql("phone").run("UPDATE note SET body = 'two'");
    w.everyone_syncs();
    w.now += 1000;
    w.sql("desktop").run("UPDATE note SET body = 'three'");
    w.everyone_syncs();
    CHECK(story(w, "desktop", "n") == "one (desktop), two (phone), three (desktop)");
    CHECK(story(w, "phone", "n").empty());  // it keeps what it likes
    const auto kept = must(w["desktop"].kept_writes("note"));
    REQUIRE(kept.size() == 3);
    CHECK(kept[0].kind == op_kind::insert);
    CHECK(kept[1].what == value("two"));
    CHECK(kept[1].by.at < kept[2].by.at);
    CHECK(must(w["desktop"].kept_writes("note", w.now)).size() == 1);
    CHECK(must(w["desktop"].kept_writes("nothing")).empty());
    w.sql("phone").run("DELETE FROM note");
    w.everyone_syncs();
    const auto gone = must(w["desktop"].why("note", key{"n"}));
    REQUIRE(gone.row_writes.size() == 1);
    CHECK(gone.row_writes[0].kind == op_kind::erase);
    CHECK(gone.row_writes[0].by.device_name == "phone");
    CHECK(must(w["desktop"].history()).writes == 4);
    w.all_agree({"SELECT * FROM note"});
    CHECK(must(w["desktop"].set_history({keep::conflicts, 0})).writes == 0);
    w.sql("desktop").run("INSERT INTO note VALUES('m', 'more')");
    w.everyone_syncs();
    CHECK(must(w["desktop"].history()).writes == 0);
}

TEST_CASE("decided conflicts and kept writes go when they are too old; open conflicts never do",
          "[history]") {
    world w;
    w.first("desktop", std::string(notes) + "; INSERT INTO note VALUES('a', 'x')");
    w.joins("phone", "desktop");
    must(w["desktop"].set_history({keep::all, 30}));
    quarrel(w, true);
    w.now += 10 * a_day;
    quarrel(w, false);
    const auto count = [&] { return must(w["desktop"].history()); };
    CHECK(count().decided == 1);
    CHECK(count().open == 1);
    CHECK(count().writes == 5);
    w.now += 19 * a_day;
    w.everyone_syncs();
    CHECK(count().decided == 1);
    CHECK(count().writes == 5);
    w.now += 2 * a_day;
    w.everyone_syncs();  // nothing was written: a sync alone does it
    CHECK(count().decided == 0);
    CHECK(count().writes == 2);
    w.now += 1000 * a_day;
    w.everyone_syncs();
    CHECK(count().writes == 0);
    CHECK(count().open == 1);
    CHECK(must(w["phone"].history()).decided == 1);  // it keeps them for good
    const auto open = must(w["desktop"].conflicts());
    REQUIRE(open.size() == 1);
    must(w["desktop"].restore(open[0].id));  // all that it takes is still there
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT body FROM note") == open[0].loser.text() + "\n");
    w.all_agree({"SELECT * FROM note"});
}

TEST_CASE("a decided conflict tells what it lost against, whatever was written since", "[history]") {
    world w;
    w.first("desktop", std::string(notes) + "; INSERT INTO note VALUES('a', 'x')");
    w.joins("phone", "desktop");
    quarrel(w, false);
    must(w["desktop"].restore(must(w["desktop"].conflicts()).at(0).id));
    w.everyone_syncs();
    w.sql("desktop").run("UPDATE note SET body = 'later'");
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone"}) {
        const auto decided = must(w[name].conflicts(false));
        REQUIRE(decided.size() == 1);
        CHECK_FALSE(decided[0].open);
        CHECK(decided[0].loser == value("xd"));
        CHECK(decided[0].winner == value("xp"));
        CHECK(decided[0].winner_by.device_name == "phone");
        CHECK(decided[0].reason == conflict_reason::older_stamp);
    }
    w.sql("phone").run("UPDATE note SET body = 'unseen'");
    must(w["phone"].seal());
    w.now += 1000;
    w.sql("desktop").run("DELETE FROM note");
    w.everyone_syncs();
    const auto hidden = must(w["phone"].conflicts());
    REQUIRE(hidden.size() == 1);
    CHECK(hidden[0].reason == conflict_reason::hidden_by_delete);
    must(w["phone"].keep(hidden[0].id));
    w.everyone_syncs();
    for (const auto& c : must(w["desktop"].conflicts(false))) {
        if (c.loser != value("unseen")) continue;
        CHECK(c.winner.is_null());
        CHECK(c.reason == conflict_reason::hidden_by_delete);
        CHECK(c.winner_by.device_name == "desktop");
    }
}

TEST_CASE("old entries go a little with each transaction", "[history]") {
    world w;
    w.first("desktop",
            std::string(notes) +
                "; WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 1200) "
                "INSERT INTO note SELECT i, 'x' FROM n");
    w.joins("phone", "desktop");
    must(w["desktop"].set_history({keep::conflicts, 1}));
    quarrel(w, true);
    const auto decided = [&] { return must(w["desktop"].history()).decided; };
    CHECK(decided() == 1200);
    w.now += 2 * a_day;
    const auto sync = [&] { must(w["desktop"].note_sync(w.log.size(), w.now, "")); };
    sync();
    CHECK(decided() == 700);
    sync();
    CHECK(decided() == 200);
    sync();
    CHECK(decided() == 0);
    quarrel(w, true);
    w.now += 2 * a_day;
    must(w["desktop"].set_history({keep::conflicts, 1}));  // whoever asks for it has it at once
    CHECK(decided() == 0);
    CHECK(w["desktop"].set_history({keep::all, 40'000}).code() == errc::invalid_argument);
}

TEST_CASE("a story tells of references as the numbers people see", "[history]") {
    world w;
    w.first("desktop",
            "CREATE TABLE album(id INTEGER PRIMARY KEY, name TEXT);"
            "CREATE TABLE track(id TEXT PRIMARY KEY NOT NULL, album INTEGER REFERENCES album(id))");
    w.joins("phone", "desktop");
    must(w["phone"].set_history({keep::all, 0}));
    w.sql("desktop").run(
        "INSERT INTO album VALUES(1, 'one'), (2, 'two'), (3, 'three');"
        "INSERT INTO track VALUES('t', 1)");
    w.everyone_syncs();
    w.sql("desktop").run("UPDATE track SET album = 2");
    w.push("desktop");
    w.now += 1000;
    w.sql("phone").run("UPDATE track SET album = 3");
    w.everyone_syncs();
    const auto lost = must(w["phone"].conflicts());
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].loser == value(std::int64_t{2}));
    CHECK(lost[0].winner == value(std::int64_t{3}));
    const auto told = must(w["phone"].why("track", key{"t"}));
    REQUIRE(told.cells.size() == 1);
    CHECK(told.cells[0].shown == value(std::int64_t{3}));
    REQUIRE(told.cells[0].writes.size() == 3);
    CHECK(told.cells[0].writes[0].what == value(std::int64_t{1}));
}
