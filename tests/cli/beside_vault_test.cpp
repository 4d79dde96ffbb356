// SPDX-License-Identifier: MIT
// What lies beside a vault: the tally of pairings, the mark, the lock, and a snapshot that waits.
#include "folder.hpp"

#include <casasync/agent/credentials.hpp>
#include <casasync/agent/setup.hpp>
#include <casasync_test/catch.hpp>

#include "guess_tally.hpp"
#include "install_mark.hpp"
#include "local_rows.hpp"
#include "spool_file.hpp"
#include "turn.hpp"

#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>

using namespace casasync;

namespace {

template <class T>
void cannot(const result<T>& done, const std::string& what) {
    REQUIRE_FALSE(done);
    CHECK(done.code() == errc::io_failed);
    INFO(done.failure().text());
    CHECK(done.failure().text().find(what) != std::string::npos);
}

}  // namespace

TEST_CASE("a tally of pairings forgets those that ended, and forgives no damage", "[agent][pairing]") {
    const casasync_test::folder dir;
    const std::string path = dir / "home.db", file = path + "-casasync.tries";
    agent::guess_tally tally(path);
    CHECK(tally.count().value() == 0);
    REQUIRE(tally.begin());
    CHECK(agent::guess_tally(path).count().value() == 1);
    REQUIRE(tally.end());
    CHECK_FALSE(std::filesystem::exists(file));
    REQUIRE(tally.end());  // once more
    std::ofstream(file) << "12x\nnothing\n1000\n99999999999\n";
    CHECK(tally.count().value() == 3);        // one is from long ago
    REQUIRE(agent::guess_tally(path).end());  // none of them is its own
    CHECK(tally.count().value() == 3);
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    cannot(tally.count(), "cannot be read");
    cannot(tally.begin(), "cannot be read");
    cannot(tally.end(), "cannot be read");
    cannot(agent::guess_tally(dir / "no/such/home.db").begin(), "cannot be written");
}

TEST_CASE("what cannot be kept beside a vault is told of", "[agent]") {
    const casasync_test::folder dir;
    const std::string nowhere = dir / "no/such/home.db", path = dir / "home.db";
    cannot(agent::mark_sending(nowhere, device_id{}, digest256{}), "cannot be written");
    REQUIRE(agent::mark_sending(path, device_id{}, digest256{}));
    CHECK(std::filesystem::file_size(path + "-casasync.mark") == 48);
    cannot(agent::spool_file::make(nowhere), "cannot be kept beside the vault");
    auto spool = agent::spool_file::make(path).value();
    REQUIRE(spool.append(bytes(10, 7)));
    CHECK(spool.read(2, 8).value() == bytes(8, 7));
    cannot(spool.read(2, 9), "cannot be kept beside the vault");  // somebody made it shorter
    CHECK(std::distance(std::filesystem::directory_iterator(dir / ""), {}) == 1);

    const std::atomic<bool> goes_on{false}, stopped{true};
    cannot(agent::turn::take(nowhere, goes_on), "cannot be made");
    const auto held = agent::turn::take(path, goes_on);
    REQUIRE(held);
    CHECK(agent::turn::take(path, stopped).code() == errc::canceled);
}

TEST_CASE("keys stay nowhere but in the key file", "[agent]") {
    const casasync_test::folder dir;
    const std::string path = dir / "home.db", file = path + "-casasync.key", fresh = file + ".new";
    std::filesystem::create_directory(file);
    cannot(agent::write_credentials(path, {}), "cannot be written");
    CHECK_FALSE(std::filesystem::exists(fresh));

    std::filesystem::remove(file);
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
    REQUIRE(sqlite3_exec(db, "CREATE TABLE t(x)", nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
    REQUIRE(agent::write_credentials(path, {}));
    std::ofstream(fresh) << "keys that a program wrote before it was killed";
    REQUIRE(agent::leave_vault(path));
    CHECK_FALSE(std::filesystem::exists(file));
    CHECK_FALSE(std::filesystem::exists(fresh));
}

TEST_CASE("rows of a file are counted whatever its tables are called", "[agent]") {
    const casasync_test::folder dir;
    const std::string path = dir / "home.db";
    CHECK(agent::local_rows(path) == 0);
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
    REQUIRE(sqlite3_exec(db,
                         "CREATE TABLE \"a \"\"b\"\"\"(x); INSERT INTO \"a \"\"b\"\"\" VALUES(1), (2);"
                         "CREATE TABLE c(x); INSERT INTO c VALUES(3); CREATE TABLE casasync_x(x);"
                         "INSERT INTO casasync_x VALUES(4)",
                         nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
    CHECK(agent::local_rows(path) == 3);
    std::ofstream(path) << "no database at all, whatever its name says";
    CHECK(agent::local_rows(path) == 0);
}
