// SPDX-License-Identifier: MIT
#include <casasync/relay/upkeep.hpp>

#include "data_directory.hpp"
#include "database.hpp"
#include "retention_rows.hpp"
#include "schema.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <system_error>

namespace casasync::relay {
namespace {

namespace fs = std::filesystem;

const std::string database_name = "/relay.db";
const std::string key_name = "/master.key";

error unusable(const std::string& path, const std::string& why) {
    return {errc::io_failed, path + " cannot be used: " + why + ". Nothing was changed."};
}

/// Runs `work` with the database in a directory, read only. \errors not_found, and those of the database
template <class Out>
result<Out> with_database(const std::string& directory, const std::function<Out(database&)>& work) {
    const std::string path = directory + database_name;
    if (!fs::exists(path))
        return error{errc::not_found, "There is no relay's data in " + directory + ". Check the path."};
    try {
        database db(path, database::mode::read_only);
        if (const auto ours = check_schema(db, path); !ours) return ours.failure();
        return work(db);
    } catch (const database_error& e) {
        if (e.is_foreign()) return error{errc::not_a_database, path + " is not the database of a relay."};
        return unusable(path, e.what());
    }
}

/// Returns a text as SQL has it.
std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
    return out + "'";
}

/// Makes a directory for its owner only. \errors already_exists when a relay's data is in it
result<void> make_home(const std::string& directory) {
    std::error_code failed;
    if (fs::create_directories(directory, failed)) ::chmod(directory.c_str(), S_IRWXU);
    if (failed) return unusable(directory, failed.message());
    for (const std::string& name : {database_name, key_name})
        if (fs::exists(directory + name))
            return error{errc::already_exists,
                         directory + " holds a relay's data already. Nothing was changed; give another one."};
    return {};
}

/// Copies database and key from one directory to another; the database is the last to get its name.
result<void> copy_data(const std::string& from, const std::string& to) {
    if (!fs::exists(from + key_name))
        return error{errc::not_found,
                     from + key_name + " is missing. Without it no device can sign in. Nothing was changed."};
    const std::string unfinished = to + database_name + ".new";
    const auto copied = with_database<bool>(from, [&](database& db) {
        fs::remove(unfinished);
        db.execute("VACUUM INTO " + quoted(unfinished));
        ::chmod(unfinished.c_str(), S_IRUSR | S_IWUSR);
        return true;
    });
    if (!copied) {
        std::error_code ignored;
        fs::remove(unfinished, ignored);
        return copied.failure();
    }
    std::error_code failed;
    fs::copy_file(from + key_name, to + key_name, failed);
    if (!failed) ::chmod((to + key_name).c_str(), S_IRUSR | S_IWUSR);
    if (!failed && (!make_durable(to + key_name) || !make_durable(unfinished)))
        failed = std::error_code(errno, std::generic_category());
    if (!failed) fs::rename(unfinished, to + database_name, failed);
    if (!failed && !make_durable(to)) failed = std::error_code(errno, std::generic_category());
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

}  // namespace

result<void> back_up(const std::string& data, const std::string& to) {
    if (const auto made = make_home(to); !made) return made;
    return copy_data(data, to);
}

result<void> restore(const std::string& from, const std::string& data) {
    if (const auto made = make_home(data); !made) return made;
    const auto mine = data_directory::open(data);
    if (!mine) return mine.failure();
    return copy_data(from, data);
}

result<std::vector<vault_summary>> list_vaults(const std::string& data, std::uint64_t now) {
    return with_database<std::vector<vault_summary>>(data, [&](database& db) {
        std::vector<vault_summary> out;
        prepared all(db, vault_columns);
        rows row = all.query(dormant_before(now));
        while (row.next()) out.push_back(summary_of(row));
        std::sort(out.begin(), out.end(), [](const vault_summary& a, const vault_summary& b) {
            return a.bytes + a.snapshot_bytes > b.bytes + b.snapshot_bytes;
        });
        return out;
    });
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
    return with_database<data_summary>(data, [&](database& db) {
        const std::int64_t page = db.pragma("page_size");
        out.file_bytes = static_cast<std::uint64_t>(page * db.pragma("page_count"));
        out.free_bytes = static_cast<std::uint64_t>(page * db.pragma("freelist_count"));
        return out;
    });
}

}  // namespace casasync::relay
