// SPDX-License-Identifier: MIT
#pragma once

/// A device whose vault is a SQLite file. An app writes with its own connection and its own SQL.
#include <casasync/openssl/cipher.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/snapshot_cipher.hpp>
#include <casasync/session.hpp>
#include <casasync/sqlite/vault.hpp>
#include <casasync_test/catch.hpp>
#include <casasync_test/member_chain.hpp>
#include <casasync_test/world.hpp>

#include "sqlite_schema.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <tuple>

#include <unistd.h>

namespace casasync_test {

/// A folder that is removed at the end; in memory where the system has such.
class scratch_folder {
 public:
    scratch_folder() {
        const std::filesystem::path memory = "/dev/shm";
        const auto base =
            std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
        std::string name = (base / "casasync-story-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
    std::filesystem::path path_;
};

/// The app: a connection of its own.
class app_connection {
 public:
    explicit app_connection(const std::string& path) {
        REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
        sqlite3_busy_timeout(db_, 5000);
    }
    app_connection(const app_connection&) = delete;
    app_connection& operator=(const app_connection&) = delete;
    ~app_connection() {
        for (const auto& [sql, s] : statements_) sqlite3_finalize(s);
        sqlite3_close(db_);
    }

    /// Tries one statement; returns SQLite's result code.
    int attempt(const std::string& sql) { return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr); }
    [[nodiscard]] sqlite3* handle() noexcept { return db_; }

    /// Runs one statement, which is kept for the next time, as apps do; returns its rows.
    std::vector<std::vector<casasync::value>> run(const std::string& sql,
                                                  const std::vector<casasync::value>& bound = {}) {
        sqlite3_stmt*& s = statements_[sql];
        if (s == nullptr && sqlite3_prepare_v2(db_, sql.c_str(), -1, &s, nullptr) != SQLITE_OK)
            FAIL(sql << ": " << sqlite3_errmsg(db_));
        for (std::size_t i = 0; i < bound.size(); ++i) bind(s, static_cast<int>(i) + 1, bound[i]);
        std::vector<std::vector<casasync::value>> out;
        int rc = sqlite3_step(s);
        for (; rc == SQLITE_ROW; rc = sqlite3_step(s)) {
            auto& row = out.emplace_back();
            for (int c = 0; c < sqlite3_column_count(s); ++c) row.push_back(cell(s, c));
        }
        sqlite3_reset(s);
        if (rc != SQLITE_DONE) FAIL(sql << ": " << sqlite3_errmsg(db_));
        return out;
    }

 private:
    static void bind(sqlite3_stmt* s, int at, const casasync::value& v) {
        switch (v.kind()) {
            case casasync::value_kind::null:
                sqlite3_bind_null(s, at);
                break;
            case casasync::value_kind::integer:
                sqlite3_bind_int64(s, at, v.integer());
                break;
            case casasync::value_kind::real:
                sqlite3_bind_double(s, at, v.real());
                break;
            case casasync::value_kind::text:
                sqlite3_bind_text(s, at, v.text().data(), static_cast<int>(v.size()), SQLITE_TRANSIENT);
                break;
            case casasync::value_kind::blob:
                if (v.size() == 0)
                    sqlite3_bind_zeroblob(s, at, 0);
                else
                    sqlite3_bind_blob(s, at, v.blob().data(), static_cast<int>(v.size()), SQLITE_TRANSIENT);
                break;
        }
    }
    static casasync::value cell(sqlite3_stmt* s, int c) {
        switch (sqlite3_column_type(s, c)) {
            case SQLITE_INTEGER:
                return casasync::value(static_cast<std::int64_t>(sqlite3_column_int64(s, c)));
            case SQLITE_FLOAT:
                return casasync::value(sqlite3_column_double(s, c));
            case SQLITE_TEXT: {
                const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(s, c));
                return casasync::value(
                    std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(s, c))));
            }
            case SQLITE_BLOB: {
                const auto* first = static_cast<const std::uint8_t*>(sqlite3_column_blob(s, c));
                return casasync::value(casasync::bytes(first, first + sqlite3_column_bytes(s, c)));
            }
            default:
                return {};
        }
    }

    sqlite3* db_ = nullptr;
    std::map<std::string, sqlite3_stmt*> statements_{};
};

/// How far a device's clock is from the story's.
struct story_clock {
    const casasync::unix_ms* story = nullptr;
    casasync::unix_ms ahead = 0;
};

/// Returns the keys of the `n`th device of a story: the same in every run.
[[nodiscard]] inline casasync::openssl::device_identity numbered_identity(std::uint8_t n) {
    casasync::openssl::device_identity out;
    out.signing.fill(n);
    out.agreement.fill(n);
    return out;
}

/// Returns the keys of the numbered device that has this id.
[[nodiscard]] inline casasync::openssl::device_identity identity_with(casasync::device_id id) {
    static const std::map<casasync::device_id, std::uint8_t> numbers = [] {
        std::map<casasync::device_id, std::uint8_t> out;
        for (std::uint8_t n = 1; n <= casasync::limits::devices_max; ++n) out[numbered_identity(n).id()] = n;
        return out;
    }();
    return numbered_identity(numbers.at(id));
}

/// Returns the list of a story's vault: all devices that there may be, from the beginning.
[[nodiscard]] inline const casasync::member_list& story_members() {
    static const casasync::member_list all = [] {
        std::vector<casasync::openssl::device_identity> devices;
        for (std::uint8_t n = 1; n <= casasync::limits::devices_max; ++n)
            devices.push_back(numbered_identity(n));
        return members_of(devices);
    }();
    return all;
}

/// `Way` models transport and has cut(bool).
template <casasync::transport Way>
class sqlite_device final : public test_device {
 public:
    static constexpr std::uint8_t key_byte = 3;

    sqlite_device(const std::string& path, const sqlite_schema& schema, std::shared_ptr<story_clock> clock,
                  casasync::sqlite::vault vault, std::unique_ptr<Way> way)
        : tables_(schema.tables),
          clock_(std::move(clock)),
          path_(path),
          app_(path),
          vault_(std::move(vault)),
          keys_(story_members(), {{1, vault_key()}}, identity_with(vault_.device())),
          way_(std::move(way)) {}

    [[nodiscard]] static casasync::openssl::key256 vault_key() {
        casasync::openssl::key256 key;
        key.fill(key_byte);
        return key;
    }
    /// Stamps tell the story's time: they are taken at the seal, and the world seals before time moves.
    [[nodiscard]] static casasync::sqlite::vault_options options(const std::shared_ptr<story_clock>& clock) {
        casasync::sqlite::vault_options o;
        o.now = [clock] { return *clock->story + clock->ahead; };
        o.capture_write_time = false;
        o.built_at = 0;
        return o;
    }

    void write(const std::string& id, const cells& what) override {
        std::string columns = "id", places = "?1", updates;
        std::vector<casasync::value> bound{casasync::value(id)};
        for (const auto& [column, v] : what) {
            bound.push_back(v);
            columns += ", " + column;
            places += ", ?" + std::to_string(bound.size());
            updates += (updates.empty() ? "" : ", ") + column + " = excluded." + column;
        }
        app_.run("INSERT INTO txn(" + columns + ") VALUES(" + places + ") ON CONFLICT(id) DO UPDATE SET " +
                     updates,
                 bound);
    }
    void erase(const std::string& id) override {
        app_.run("DELETE FROM txn WHERE id = ?1", {casasync::value(id)});
    }
    void rename(const std::string& id, const std::string& to) override {
        app_.run("UPDATE txn SET id = ?2 WHERE id = ?1", {casasync::value(id), casasync::value(to)});
    }
    std::map<std::string, cells> rows() override {
        std::map<std::string, cells> out;
        for (const tracked_table& t : tables_) read_rows(t.name, out);
        return out;
    }
    std::vector<lost_write> conflicts() override {
        std::vector<lost_write> out;
        for (const auto& c : open_conflicts()) out.push_back(tell(c));
        std::sort(out.begin(), out.end(), [](const lost_write& a, const lost_write& b) {
            return std::tie(a.key, a.column, a.loser) < std::tie(b.key, b.column, b.loser);
        });
        return out;
    }
    void restore(const lost_write& which) override { REQUIRE(vault_.restore(find(which)).ok()); }
    void keep(const lost_write& which) override { REQUIRE(vault_.keep(find(which)).ok()); }
    std::string digest() override {
        const auto d = vault_.digest();
        REQUIRE(d.ok());
        return *d;
    }

    casasync::result<casasync::sync_report> sync() override {
        return casasync::sync<casasync::openssl::snapshot_opener>(vault_, keys_, *way_);
    }
    std::size_t pending() override {
        const auto s = vault_.status();
        REQUIRE(s.ok());
        return s->captured + s->pending_out + s->pending_in;
    }
    std::vector<casasync::inbound_part> sealed() override {
        seal();
        const auto parts = vault_.outbox(casasync::limits::changeset_bytes_max);
        REQUIRE(parts.ok());
        std::vector<casasync::inbound_part> out;
        for (const auto& p : *parts) out.push_back({0, vault_.device(), p.seq, p.part, p.parts, p.payload});
        return out;
    }
    casasync::merge_report deliver(std::span<const casasync::inbound_part> parts) override {
        REQUIRE(vault_.accept(parts, *vault_.position()).ok());
        const auto merged = vault_.merge_inbox(0);
        REQUIRE(merged.ok());
        return *merged;
    }
    void cut(bool off) override { way_->cut(off); }
    void skew(casasync::unix_ms ahead) override {
        seal();
        clock_->ahead = ahead;
    }

    [[nodiscard]] Way& way() noexcept { return *way_; }
    [[nodiscard]] app_connection& app() noexcept { return app_; }
    [[nodiscard]] casasync::sqlite::vault& vault() noexcept { return vault_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// Runs one statement on the app's connection.
    std::vector<std::vector<casasync::value>> run(const std::string& sql,
                                                  const std::vector<casasync::value>& bound = {}) {
        return app_.run(sql, bound);
    }
    void seal() { REQUIRE(vault_.seal().ok()); }
    /// Opens the vault anew, as an app that starts again.
    void restart() {
        auto again = casasync::sqlite::vault::open(path_, options(clock_));
        REQUIRE(again.ok());
        vault_ = std::move(*again);
    }
    void offer() {
        REQUIRE(sync().ok());
        casasync::memory_spool spool;
        casasync::openssl::random random;
        const auto offered =
            casasync::offer_snapshot<casasync::openssl::snapshot_sealer>(vault_, keys_, *way_, spool, random);
        INFO((offered ? std::string() : offered.failure().text()));
        REQUIRE(offered.ok());
    }

 private:
    [[nodiscard]] std::vector<casasync::sqlite::conflict_info> open_conflicts() {
        auto all = vault_.conflicts();
        REQUIRE(all.ok());
        return std::move(*all);
    }
    /// A row's name: its key, and before it the table where there are several.
    [[nodiscard]] std::string name_row(const std::string& table, std::span<const casasync::value> key) const {
        std::string out = tables_.size() > 1 ? table : std::string();
        for (const casasync::value& k : key)
            out +=
                (out.empty() ? "" : " ") + (k.kind() == casasync::value_kind::text ? k.text() : text_of(k));
        return out;
    }
    void read_rows(const std::string& table, std::map<std::string, cells>& out) {
        std::vector<std::string> key, others;
        std::string columns;
        for (const auto& c : app_.run("SELECT name, pk FROM pragma_table_info(?1) ORDER BY pk = 0, pk, cid",
                                      {casasync::value(table)})) {
            (c[1].integer() > 0 ? key : others).push_back(c[0].text());
            columns += (columns.empty() ? "" : ", ") + quoted(c[0].text());
        }
        for (const auto& row : app_.run("SELECT " + columns + " FROM " + quoted(table))) {
            cells& shown = out[name_row(table, std::span(row).first(key.size()))];
            for (std::size_t i = 0; i < others.size(); ++i) shown[others[i]] = row[key.size() + i];
        }
    }
    [[nodiscard]] static std::string quoted(const std::string& name) {
        std::string out = "\"";
        for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
        return out + "\"";
    }
    [[nodiscard]] lost_write tell(const casasync::sqlite::conflict_info& c) const {
        lost_write out{name_row(c.table, c.key), c.column.value_or(""), c.loser, {}, c.reason};
        if (c.column) out.shown = c.winner;
        return out;
    }
    [[nodiscard]] std::string find(const lost_write& which) {
        for (const auto& c : open_conflicts())
            if (tell(c) == which) return c.id;
        FAIL("no such conflict is open");
        return {};
    }

    std::vector<tracked_table> tables_;
    std::shared_ptr<story_clock> clock_;
    std::string path_;
    app_connection app_;
    casasync::sqlite::vault vault_;
    casasync::openssl::vault_cipher keys_;
    std::unique_ptr<Way> way_;
};

/// Makes the first device's file, with its tables tracked.
[[nodiscard]] inline casasync::sqlite::vault first_vault(const std::string& path,
                                                         const casasync::sqlite::identity& who,
                                                         const sqlite_schema& schema,
                                                         const casasync::sqlite::vault_options& options) {
    {
        app_connection app(path);
        for (const std::string& sql : schema.statements) app.run(sql);
    }
    auto vault = casasync::sqlite::vault::create(path, who, options);
    INFO((vault ? std::string() : vault.failure().text()));
    REQUIRE(vault.ok());
    for (const tracked_table& t : schema.tables) {
        const auto tracked = vault->track(t.name, t.how);
        INFO((tracked ? std::string() : tracked.failure().text()));
        REQUIRE(tracked.ok());
    }
    return std::move(*vault);
}

/// Makes another device's file from the snapshot at the relay.
template <casasync::transport Way>
[[nodiscard]] casasync::sqlite::vault joined_vault(const std::string& path,
                                                   const casasync::sqlite::identity& who, Way& way,
                                                   const casasync::sqlite::vault_options& options) {
    const casasync::openssl::vault_cipher keys(story_members(), {{1, sqlite_device<Way>::vault_key()}},
                                               identity_with(who.device));
    const auto found = casasync::find_snapshot<casasync::openssl::snapshot_opener>(who.vault, keys, way);
    REQUIRE(found.ok());
    REQUIRE(found->has_value());
    auto vault =
        casasync::sqlite::vault::join(path, who, (*found)->source(), (*found)->manifest().at, options);
    INFO((vault ? std::string() : vault.failure().text()));
    REQUIRE(vault.ok());
    return std::move(*vault);
}

}  // namespace casasync_test
