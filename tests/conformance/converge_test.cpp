// SPDX-License-Identifier: MIT
// Whole devices, with files and keys of their own, at the relay that is judged.
#include "relay_under_test.hpp"

#include <casasync/agent/setup.hpp>

#include <casasync_test/catch.hpp>
#include <casasync_test/pair_devices.hpp>
#include <casasync_test/temporary_directory.hpp>

#include <sqlite3.h>

using namespace casasync;
using namespace casasync_test;

namespace {

/// Runs statements; returns the first column of what they select.
std::string run_at(const std::string& file, const std::string& statements) {
    sqlite3* db = nullptr;
    sqlite3_open(file.c_str(), &db);
    std::string out;
    const auto take = [](void* to, int, char** values, char**) {
        static_cast<std::string*>(to)->append(values[0] == nullptr ? "" : values[0]).append(" ");
        return 0;
    };
    if (sqlite3_exec(db, statements.c_str(), take, &out, nullptr) != SQLITE_OK) FAIL(sqlite3_errmsg(db));
    sqlite3_close(db);
    return out;
}

void sync_each(const std::vector<agent::link*>& devices) {
    for (agent::link* d : devices) {
        const auto done = d->sync();
        INFO((done ? std::string() : done.failure().text()));
        REQUIRE(done);
        CHECK(done->alarms.empty());
        CHECK(done->refused == 0);
    }
}

}  // namespace

TEST_CASE("devices pair, write apart from each other, and converge; one that is removed does not",
          "[conformance][devices]") {
    const relay_under_test f;
    const temporary_directory dir;
    const std::string url = "http://" + f.at().authority();
    const std::string here = dir.path() + "/desktop.db", there = dir.path() + "/phone.db";
    run_at(here,
           "CREATE TABLE note(id TEXT NOT NULL PRIMARY KEY, text TEXT);INSERT INTO note VALUES('a','old')");
    agent::init_options how{here, url, "desktop", {}, {}};
    how.track = [](sqlite::vault& v) { return v.track("note"); };
    auto desktop = agent::init_vault(how);
    INFO((desktop ? std::string() : desktop.failure().text()));
    REQUIRE(desktop);
    sync_each({&*desktop});
    auto phone = pair_devices(*desktop, {there, {}, {}, "phone", {}, {}});  // by code, with a snapshot
    INFO((phone ? std::string() : phone.failure().text()));
    REQUIRE(phone);

    for (int i = 0; i < 70; ++i) {  // more than one push and, at 4 KiB each, more than one envelope's worth
        run_at(here, "INSERT INTO note VALUES('h" + std::to_string(i) + "', hex(randomblob(2048)))");
        if (i % 2 == 0) REQUIRE(desktop->vault().seal());
    }
    run_at(here, "UPDATE note SET text='here' WHERE id='a'");
    run_at(there, "UPDATE note SET text='there' WHERE id='a'; INSERT INTO note VALUES('p','x')");
    sync_each({&*desktop, &*phone, &*desktop});
    CHECK(run_at(here, "SELECT count(*) FROM note") == "72 ");
    CHECK(run_at(here, "SELECT * FROM note ORDER BY id") == run_at(there, "SELECT * FROM note ORDER BY id"));
    CHECK(desktop->vault().digest().value() == phone->vault().digest().value());
    for (agent::link* d : {&*desktop, &*phone}) {
        CHECK(d->vault().status()->in_sync);
        CHECK(d->vault().status()->open_conflicts == 1);
    }

    REQUIRE(desktop->remove_device(phone->keys().device));
    run_at(here, "INSERT INTO note VALUES('secret','x')");
    sync_each({&*desktop});
    CHECK(phone->sync().code() == errc::device_revoked);
    CHECK(run_at(there, "SELECT count(*) FROM note WHERE id='secret'") == "0 ");
}
