// SPDX-License-Identifier: MIT
#pragma once

/// Vaults, the apps that write to their files, and the log the devices share.
#include <casasync/sqlite/vault.hpp>
#include <casasync/store.hpp>
#include <casasync_test/catch.hpp>

#include <sqlite3.h>

#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace vault_test {

using namespace casasync;
using casasync::sqlite::vault;

namespace fs = std::filesystem;

/// A folder that goes away.
struct scratch {
    fs::path path;
    scratch() {
        std::random_device seed;
        path = fs::temp_directory_path() /
               ("casasync-vault-test-" + std::to_string(seed()) + std::to_string(seed()));
        fs::create_directories(path);
    }
    ~scratch() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    std::string file(const std::string& name) const { return (path / name).string(); }
};

/// The app's own connection: plain SQLite, knows nothing of casasync.
class app {
 public:
    explicit app(const std::string& file) {
        REQUIRE(sqlite3_open(file.c_str(), &db_) == SQLITE_OK);
        sqlite3_busy_timeout(db_, 5000);
    }
    app(const app&) = delete;
    app& operator=(const app&) = delete;
    ~app() { CHECK(sqlite3_close(db_) == SQLITE_OK); }  // nothing of ours is left on it
    sqlite3* handle() const { return db_; }
    void run(const std::string& sql) {
        char* message = nullptr;
        const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &message);
        const std::string text = message != nullptr ? message : "";
        sqlite3_free(message);
        INFO(sql << ": " << text);
        REQUIRE(code == SQLITE_OK);
    }
    /// Runs what a constraint may refuse.
    void attempt(const std::string& sql) { sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr); }
    /// Every row as one line, columns with their types.
    std::string dump(const std::string& sql) {
        std::string out;
        sqlite3_stmt* s = nullptr;
        INFO(sql);
        REQUIRE(sqlite3_prepare_v2(db_, sql.c_str(), -1, &s, nullptr) == SQLITE_OK);
        while (sqlite3_step(s) == SQLITE_ROW) {
            for (int i = 0; i < sqlite3_column_count(s); ++i) {
                const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(s, i));
                out += (i > 0 ? "|" : "") + std::string(text != nullptr ? text : "NULL");
            }
            out += "\n";
        }
        sqlite3_finalize(s);
        return out;
    }

 private:
    sqlite3* db_ = nullptr;
};

inline sqlite::identity who(const std::string& name, std::uint8_t n) {
    sqlite::identity id;
    id.vault.octets[0] = 99;
    id.device.octets[0] = n;
    id.device_name = name;
    return id;
}

template <class T>
T must(result<T> r) {
    if (!r) INFO(r.failure().text());
    if (!r) FAIL(r.failure().text());
    return std::move(*r);
}
inline void must(const result<void>& r) {
    if (!r) FAIL(r.failure().text());
}

/// Devices and the log they share; pulling is by position, own records are skipped.
struct world {
    scratch dir;
    unix_ms now = 1'795'000'000'000;
    std::vector<inbound_part> log;
    std::map<std::string, std::unique_ptr<app>> apps;
    std::map<std::string, vault> devices;
    std::set<std::string> lent;  ///< devices whose vault works on the app's own connection

    sqlite::vault_options options(const std::string& name = {}) {
        sqlite::vault_options o;
        o.now = [this] { return now; };
        if (lent.contains(name))
            o.run_on_app = [this, name](const std::function<result<void>(sqlite3*)>& work) {
                return work(sql(name).handle());
            };
        return o;
    }
    vault& operator[](const std::string& name) { return devices.at(name); }
    app& sql(const std::string& name) { return *apps.at(name); }

    vault& first(const std::string& name, const std::string& schema) {
        apps[name] = std::make_unique<app>(dir.file(name));
        apps[name]->run(schema);
        devices.emplace(name, must(vault::create(dir.file(name), who(name, 1), options(name))));
        vault& v = devices.at(name);
        for (const std::string& table : must(v.tables())) must(v.track(table));
        return v;
    }
    /// \param own  what is in the file before
    vault& joins(const std::string& name, const std::string& sponsor, const std::string& own = {},
                 sqlite::brought_numbers numbers = sqlite::brought_numbers::other_rows) {
        apps[name] = std::make_unique<app>(dir.file(name));
        apps[name]->run(own);
        devices.emplace(name, must(try_join(name, sponsor, numbers)));
        pull(name);
        return devices.at(name);
    }
    snapshot_source snapshot_of(const std::string& name) {
        push(name);
        bytes all;
        must(devices.at(name).write_snapshot([&](bytes_view part) -> result<void> {
            all.insert(all.end(), part.begin(), part.end());
            return {};
        }));
        return [all = std::move(all), read = false]() mutable -> result<bytes> {
            return std::exchange(read, true) ? bytes{} : all;
        };
    }
    result<vault> try_join(const std::string& name, const std::string& sponsor,
                           sqlite::brought_numbers numbers) {
        const auto source = snapshot_of(sponsor);
        cursor at;
        at.pos = log.size();
        const auto n = static_cast<std::uint8_t>(devices.size() + 1);
        return vault::join(dir.file(name), who(name, n), source, at, options(name), numbers);
    }
    void push(const std::string& name) {
        vault& v = devices.at(name);
        must(v.seal());
        for (const outbound_part& p : must(v.outbox(std::size_t{1} << 30))) {
            log.push_back({log.size() + 1, v.device(), p.seq, p.part, p.parts, p.payload});
            must(v.settle(p.seq));
        }
    }
    void pull(const std::string& name) {
        vault& v = devices.at(name);
        cursor at = must(v.position());
        std::vector<inbound_part> fresh;
        for (const inbound_part& p : log)
            if (p.pos > at.pos && p.device != v.device()) fresh.push_back(p);
        at.pos = log.size();
        must(v.accept(fresh, at));
        must(v.merge_inbox(now));
        must(v.note_sync(log.size(), now, ""));
    }
    void everyone_syncs() {
        for (auto& [name, v] : devices) push(name);
        for (auto& [name, v] : devices) pull(name);
    }
    void all_agree(const std::vector<std::string>& queries) {
        for (auto& [name, v] : devices) {
            INFO(name);
            INFO(sql(name).dump("SELECT hex(device), seq, why FROM casasync_inbox"));
            CHECK(must(v.status()).held == 0);
        }
        const std::string& one = devices.begin()->first;
        for (auto& [name, v] : devices) {
            INFO(name);
            CHECK(must(v.digest()) == must(devices.at(one).digest()));
            for (const std::string& q : queries) CHECK(sql(name).dump(q) == sql(one).dump(q));
            const auto report = must(v.verify());
            for (const std::string& d : report.differences) INFO(d);
            CHECK(report.differences.empty());
            const auto mine = must(v.conflicts()), theirs = must(devices.at(one).conflicts());
            std::set<std::string> a, b;
            for (const auto& c : mine) a.insert(c.id);
            for (const auto& c : theirs) b.insert(c.id);
            CHECK(a == b);
        }
    }
};

}  // namespace vault_test
