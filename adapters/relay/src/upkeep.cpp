// SPDX-License-Identifier: MIT
#include <casasync/relay/upkeep.hpp>

#include "data_directory.hpp"
#include "database.hpp"
#include "retention_rows.hpp"
#include "shards.hpp"

#include <casasync/openssl/random.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

namespace casasync::relay {
namespace {

namespace fs = std::filesystem;

const std::string key_name = "/master.key";

error unusable(const std::string& path, const std::string& why) {
    return {errc::io_failed, path + " cannot be used: " + why + ". Nothing was changed."};
}

std::string path_in(const std::string& directory, unsigned n) {
    return directory + "/" + shard_name(n);
}

/// Runs `work` with each file of the data in a directory, read only. Returns how many there are.
/// \errors not_found, and those of the database
result<unsigned> with_files(const std::string& directory,
                            const std::function<void(database&, unsigned)>& work) {
    const auto count = count_shards(directory);
    for (unsigned n = 0; count && n < *count; ++n) {
        const std::string path = path_in(directory, n);
        try {
            database db(path, database::mode::read_only);
            if (const auto ours = check_schema(db, path); !ours) return ours.failure();
            work(db, n);
        } catch (const database_error& e) {
            if (e.is_foreign()) return error{errc::not_a_database, path + " is not the database of a relay."};
            return unusable(path, e.what());
        }
    }
    return count;
}

/// Returns a text as SQL has it.
std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
    return out + "'";
}

bool is_data(const std::string& name) {
    return name == key_name.substr(1) || (name.starts_with("relay") && name.ends_with(".db"));
}

/// Makes a directory for its owner only. \errors already_exists when a relay's data is in it
result<void> make_home(const std::string& directory) {
    std::error_code failed;
    if (fs::create_directories(directory, failed)) ::chmod(directory.c_str(), S_IRWXU);
    if (failed) return unusable(directory, failed.message());
    for (const auto& file : fs::directory_iterator(directory, failed))
        if (is_data(file.path().filename().string()))
            return error{errc::already_exists,
                         directory + " holds a relay's data already. Nothing was changed; give another one."};
    return failed ? result<void>(unusable(directory, failed.message())) : result<void>();
}

std::error_code last_error() {
    return {errno, std::generic_category()};
}

/// Copies the files and the key from one directory to another; relay.db is the last to get its name.
result<void> copy_data(const std::string& from, const std::string& to) {
    if (!fs::exists(from + key_name))
        return error{errc::not_found,
                     from + key_name + " is missing. Without it no device can sign in. Nothing was changed."};
    const auto unfinished = [&](unsigned n) { return path_in(to, n) + ".new"; };
    std::vector<std::string> begun;
    const auto count = with_files(from, [&](database& db, unsigned n) {
        begun.push_back(unfinished(n));
        fs::remove(unfinished(n));
        db.execute("VACUUM INTO " + quoted(unfinished(n)));
        ::chmod(unfinished(n).c_str(), S_IRUSR | S_IWUSR);
    });
    if (!count) {
        std::error_code ignored;
        for (const std::string& path : begun) fs::remove(path, ignored);
        return count.failure();
    }
    std::error_code failed;
    fs::copy_file(from + key_name, to + key_name, failed);
    if (!failed) ::chmod((to + key_name).c_str(), S_IRUSR | S_IWUSR);
    if (!failed && !make_durable(to + key_name)) failed = last_error();
    for (unsigned n = *count; !failed && n-- > 0;) {
        if (!make_durable(unfinished(n))) failed = last_error();
        if (!failed) fs::rename(unfinished(n), path_in(to, n), failed);
        if (!failed && !make_durable(to)) failed = last_error();
    }
    return failed ? result<void>(unusable(to, failed.message())) : result<void>();
}

constexpr const char* vault_columns =
    "SELECT v.id, v.created, v.head, v.floor, v.bytes, "
    "(SELECT coalesce(max(last_seen), 0) FROM device d WHERE d.vault = v.n), "
    "(SELECT count(*) FROM device d WHERE d.vault = v.n AND revoked = 0), "
    "(SELECT count(*) FROM device d WHERE d.vault = v.n AND revoked = 0 AND last_seen <= ?), "
    "(SELECT coalesce(sum(length(p.body)), 0) FROM snapshot s JOIN snapshot_part p ON p.snapshot = s.n "
    " WHERE s.vault = v.n) FROM vault v";

vault_summary summary_of(rows& row) {
    vault_summary out;
    out.id.octets = row.array<decltype(vault_id::octets)>(0);
    out.created = row.number(1);
    out.head = row.number(2);
    out.floor = row.number(3);
    out.bytes = row.number(4);
    out.last_seen = row.number(5);
    out.devices = row.number(6);
    out.dormant = row.number(7);
    out.snapshot_bytes = row.number(8);
    return out;
}

/// Gives each vault another generation: its devices then look at all of it again.
result<void> renew_generations(const std::string& data) {
    try {
        for (unsigned n = count_shards(data).value(); n-- > 0;) {
            database db(path_in(data, n), database::mode::read_write);
            configure_writer(db);
            db.execute("UPDATE vault SET generation = randomblob(16); PRAGMA wal_checkpoint(TRUNCATE)");
        }
    } catch (const database_error& e) {
        return unusable(data, e.what());
    }
    return {};
}

}  // namespace

result<void> back_up(const std::string& data, const std::string& to) {
    if (const auto made = make_home(to); !made) return made;
    return copy_data(data, to);
}

result<void> restore(const std::string& from, const std::string& data) {
    if (const auto made = make_home(data); !made) return made;
    const auto mine = data_directory::open(data);
    if (!mine) return mine.failure();
    if (const auto copied = copy_data(from, data); !copied) return copied;
    return renew_generations(data);
}

result<std::uint32_t> rotate_master_key(const std::string& data, bool keep_before) {
    if (const auto there = count_shards(data); !there) return there.failure();
    const auto mine = data_directory::open(data);
    if (!mine) return mine.failure();
    const auto keys = mine->keys();
    if (!keys) return keys.failure();
    openssl::key256 fresh{};
    openssl::random{}.fill(fresh);
    const master_keys next = rotated(*keys, fresh, keep_before);
    if (const auto stored = mine->store(next); !stored) return stored.failure();
    return next.front().number;
}

result<std::vector<vault_summary>> list_vaults(const std::string& data, std::uint64_t now) {
    std::vector<vault_summary> out;
    const auto read = with_files(data, [&](database& db, unsigned) {
        prepared all(db, vault_columns);
        rows row = all.query(dormant_before(now));
        while (row.next()) out.push_back(summary_of(row));
    });
    if (!read) return read.failure();
    std::sort(out.begin(), out.end(), [](const vault_summary& a, const vault_summary& b) {
        return a.bytes + a.snapshot_bytes > b.bytes + b.snapshot_bytes;
    });
    return out;
}

result<data_summary> summarize(const std::string& data, std::uint64_t now) {
    const auto vaults = list_vaults(data, now);
    if (!vaults) return vaults.failure();
    data_summary out;
    out.vaults = vaults->size();
    for (const vault_summary& v : *vaults) {
        out.devices += v.devices;
        out.dormant += v.dormant;
        out.changesets += v.head - v.floor;
        out.forgotten += v.floor;
        out.changeset_bytes += v.bytes;
        out.snapshot_bytes += v.snapshot_bytes;
    }
    const auto read = with_files(data, [&](database& db, unsigned) {
        const std::int64_t page = db.pragma("page_size");
        out.file_bytes += static_cast<std::uint64_t>(page * db.pragma("page_count"));
        out.free_bytes += static_cast<std::uint64_t>(page * db.pragma("freelist_count"));
    });
    if (!read) return read.failure();
    out.shards = *read;
    return out;
}

}  // namespace casasync::relay
