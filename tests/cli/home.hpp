// SPDX-License-Identifier: MIT
#pragma once

/// A relay and devices in this process, with a table of notes.
#include "folder.hpp"

#include <casasync/agent/setup.hpp>
#include <casasync/relay/server.hpp>

#include <casasync_test/catch.hpp>
#include <casasync_test/pair_devices.hpp>

#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace casasync_test {

/// Runs statements; returns the first column of what they select.
inline std::string run_sql(const std::string& file, const std::string& statements) {
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

struct home {
    folder dir{};
    casasync::relay::server_options options{};  ///< of the next start
    std::unique_ptr<casasync::relay::server> server{};
    std::uint16_t port = 0;
    std::atomic<std::int64_t> relay_ahead_ms = 0;  ///< of this machine's clock

    home() {
        options.data = dir / "relay";
        options.clock = [this] {
            return relay_ahead_ms + std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count();
        };
        restart();
        run_sql(file("desktop"), "CREATE TABLE note(id TEXT NOT NULL PRIMARY KEY, text TEXT)");
        casasync::agent::init_options init{file("desktop"), server->address(), "desktop", {}, {}};
        init.track = [](casasync::sqlite::vault& vault) { return vault.track("note"); };
        REQUIRE(casasync::agent::init_vault(init)->sync());
    }

    /// Starts the relay, where it was if it was before.
    void restart() {
        options.port = port;
        server.reset();
        server = std::move(casasync::relay::server::start(options).value());
        const std::string at = server->address();
        port = static_cast<std::uint16_t>(std::stoi(at.substr(at.rfind(':') + 1)));
    }

    [[nodiscard]] std::string file(const std::string& name) const { return dir / (name + ".db"); }
    [[nodiscard]] casasync::agent::link open(const std::string& name) const {
        return casasync::agent::link::open(file(name)).value();
    }
    casasync::agent::link add(casasync::agent::link& by, const std::string& name) const {
        auto joined = pair_devices(by, {file(name), {}, {}, name, {}, {}});
        INFO((joined ? std::string() : joined.failure().text()));
        REQUIRE(joined);
        return std::move(*joined);
    }
    void write(const std::string& name, const std::string& id) const {
        run_sql(file(name), "INSERT INTO note VALUES('" + id + "', 'x')");
    }
    [[nodiscard]] std::string notes(const std::string& name) const {
        return run_sql(file(name), "SELECT id FROM note ORDER BY id");
    }
};

inline casasync::error failure_of(casasync::agent::link& device) {
    const auto done = device.sync();
    return done ? casasync::error{casasync::errc::invalid_argument, "it works"} : done.failure();
}

inline void sync_all(const std::vector<casasync::agent::link*>& devices) {
    for (int round = 0; round < 2; ++round)
        for (casasync::agent::link* d : devices) {
            const auto done = d->sync();
            INFO((done ? std::string() : done.failure().text()));
            REQUIRE(done);
            CHECK(done->alarms.empty());
        }
}

}  // namespace casasync_test
