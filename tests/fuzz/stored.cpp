// SPDX-License-Identifier: MIT
// A vault whose own records in the file are damaged: registers, values beside the table, the audit log,
// replicas, outbox and inbox. Everything a person or a sync asks of it answers, or fails with a sentence;
// nothing crashes.
#include "harness.hpp"
#include "samples.hpp"

#include <casasync/codec.hpp>
#include <casasync/sqlite/vault.hpp>

#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

namespace casasync_fuzz {

using namespace casasync;
using sqlite::vault;

const harness this_harness{"stored", 250};

namespace {

sqlite::vault_options options() {
    sqlite::vault_options out;
    out.now = [] { return unix_ms{1} << 47; };
    return out;
}

/// What the app, or a fault of the disk, does to the file.
void run(const std::string& path, const std::string& sql, bytes_view blob = {}, std::int64_t number = 0) {
    sqlite3* db = nullptr;
    must(sqlite3_open(path.c_str(), &db) == SQLITE_OK, "the file does not open");
    const std::unique_ptr<sqlite3, int (*)(sqlite3*)> closed(db, sqlite3_close);
    const char* text = sql.c_str();
    while (*text != '\0') {
        sqlite3_stmt* s = nullptr;
        must(sqlite3_prepare_v2(db, text, -1, &s, &text) == SQLITE_OK, "a statement is wrong");
        if (sqlite3_bind_parameter_count(s) > 0)
            sqlite3_bind_blob(s, 1, blob.empty() ? reinterpret_cast<const std::uint8_t*>("") : blob.data(),
                              static_cast<int>(blob.size()), SQLITE_TRANSIENT);
        if (sqlite3_bind_parameter_count(s) > 1) sqlite3_bind_int64(s, 2, number);
        while (sqlite3_step(s) == SQLITE_ROW) {
        }
        sqlite3_finalize(s);  // a constraint of ours may refuse the damage
    }
}

/// A folder with a file in it, removed at the end.
class folder {
 public:
    folder() {
        std::string name = (std::filesystem::temp_directory_path() / "casasync-stored-XXXXXX").string();
        must(::mkdtemp(name.data()) != nullptr, "no folder for the file");
        path_ = name;
    }
    folder(const folder&) = delete;
    ~folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string file() const { return (path_ / "vault.db").string(); }

 private:
    std::filesystem::path path_{};
};

void receive(vault& v, const changeset& c) {
    const inbound_part part{1, c.device, c.seq, 0, 1, encode(c)};
    must(v.accept(std::span(&part, 1), cursor{}).ok() && v.merge_inbox(0).ok(), "the sample is not merged");
}

/// Returns the bytes of a vault with rows of two devices, conflicts, an outbox and an inbox.
std::string whole_vault(const std::string& path) {
    {
        sqlite::identity who;
        who.device.octets[0] = 9;
        vault v = vault::create(path, who, options()).value();
        run(path,
            "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, amount, note, high); INSERT INTO txn "
            "VALUES('a', 1, 'mine', 1), ('z', 2, 'left alone', 2);");
        must(v.track("txn").ok() && v.seal().ok(), "the table is not tracked");
        run(path,
            "UPDATE txn SET amount = 7, note = 'newer' WHERE id = 'a'; INSERT INTO txn VALUES('b', 1, 'x', "
            "0)");
        must(v.seal().ok(), "what was written is not sealed");
        receive(v, sample_changesets()[2]);
        changeset ahead = sample_changesets()[4];
        ahead.seq = 3;
        receive(v, ahead);
        must(v.conflicts()->size() > 1 && v.status()->pending_in > 0, "the vault is not eventful enough");
    }
    run(path, "PRAGMA wal_checkpoint(TRUNCATE)");
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void damage(const std::string& path, source& in) {
    static constexpr std::array<const char*, 14> targets{
        "UPDATE casasync_m_1 SET r = ?1 WHERE k = (SELECT min(k) FROM casasync_m_1)",
        "UPDATE casasync_m_1 SET r = ?1",
        "UPDATE casasync_side SET b = ?1",
        "UPDATE OR IGNORE casasync_m_1 SET k = ?1",
        "UPDATE casasync_conflict SET value = ?1",
        "UPDATE casasync_conflict SET k = ?1",
        "UPDATE casasync_conflict SET c = ?2 + length(?1) * 0",
        "UPDATE casasync_conflict SET t = ?2 + length(?1) * 0",
        "UPDATE casasync_conflict SET hlc = ?2, replica = ?1",
        "UPDATE casasync_replica SET id = ?1 WHERE n = ?2",
        "UPDATE casasync_replica SET hlc = ?2, device = ?1",
        "UPDATE casasync_outbox SET payload = ?1, part = ?2",
        "UPDATE casasync_inbox SET payload = ?1",
        "UPDATE casasync_inbox SET parts = ?2, part = length(?1)"};
    const std::string sql = targets[in.below(targets.size())];
    const std::size_t shift = in.below(64);
    const auto number = static_cast<std::int64_t>(in.u64() >> shift);
    run(path, sql, in.rest(), number);
}

template <class T>
bool answered(const result<T>& answer) {
    must(answer.ok() || !answer.failure().text().empty(), "an error without a sentence");
    return answer.ok();
}

void ask_everything(vault& v) {
    answered(v.status());
    answered(v.verify());
    answered(v.integrity());
    const std::string key = "a";
    answered(v.why("txn", std::span(&key, 1)));
    answered(v.conflicts(false));
    answered(v.write_snapshot([](bytes_view) { return result<void>(); }));
    answered(v.outbox(limits::request_bytes_max));
    answered(v.merge_inbox(0));
    const auto open = v.conflicts();
    if (!answered(open) || open->empty()) return;
    answered(v.keep(open->front().id));
    answered(v.restore(open->back().id));
    answered(v.seal());
}

}  // namespace

int one(bytes_view data) {
    static const folder place;
    static const std::string whole = whole_vault(place.file());
    for (const char* with : {"", "-wal", "-shm"}) std::filesystem::remove(place.file() + with);
    std::ofstream(place.file(), std::ios::binary) << whole;
    source in(data);
    damage(place.file(), in);
    auto v = vault::open(place.file(), options());
    if (answered(v)) ask_everything(*v);
    return 0;
}

}  // namespace casasync_fuzz
