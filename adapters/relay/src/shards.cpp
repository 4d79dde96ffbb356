// SPDX-License-Identifier: MIT
#include "shards.hpp"

#include "data_directory.hpp"

#include <casasync/detail/wire.hpp>

#include <filesystem>

namespace casasync::relay {
namespace {

/// Runs `work` with the file. What it throws becomes an error that names the file.
template <class Work>
auto with_file(const std::string& path, database::mode how, Work work)
    -> decltype(work(std::declval<database&>())) {
    try {
        database db(path, how);
        return work(db);
    } catch (const database_error& e) {
        if (e.is_foreign())
            return error{errc::not_a_database, path + " is not the database of a casasync relay: " +
                                                   e.what() + ". Nothing was changed."};
        return error{errc::io_failed, path + " cannot be used: " + e.what() + ". Nothing was changed."};
    }
}

/// Makes file `place` if it is new, and checks that it is that one.
result<void> prepare_file(const data_directory& home, shard_place place) {
    const std::string path = home.database_path(place.index);
    if (const auto made = home.make_database_file(place.index); !made) return made.failure();
    return with_file(path, database::mode::read_write, [&](database& db) -> result<void> {
        if (is_new(db)) make_schema(db, place);
        const auto is = check_schema(db, path);
        if (!is) return is.failure();
        if (*is == place) return {};
        return error{errc::io_failed, path + " is file " + std::to_string(is->index) + " of " +
                                          std::to_string(is->count) + ", and file " +
                                          std::to_string(place.index) + " of " + std::to_string(place.count) +
                                          " is expected there. Restore the data from one backup."};
    });
}

/// Tells whether data was made here whole: relay.db is the last to get its tables.
result<bool> is_made(const data_directory& home) {
    const std::string path = home.database_path();
    if (!std::filesystem::exists(path)) return false;
    return with_file(path, database::mode::read_write,
                     [](database& db) -> result<bool> { return !is_new(db); });
}

}  // namespace

std::string shard_name(unsigned n) {
    return n == 0 ? "relay.db" : "relay-" + std::to_string(n) + ".db";
}

unsigned shard_of(vault_id vault, std::size_t count) noexcept {
    return static_cast<unsigned>(detail::get_be<std::uint64_t>(vault.octets.data()) % count);
}

result<unsigned> count_shards(const std::string& directory) {
    const std::string path = directory + "/" + shard_name(0);
    if (!std::filesystem::exists(path))
        return error{errc::not_found, "There is no relay's data in " + directory + ". Check the path."};
    return with_file(path, database::mode::read_only, [&](database& db) -> result<unsigned> {
        const auto place = check_schema(db, path);
        return place ? result<unsigned>(place->count) : place.failure();
    });
}

result<unsigned> prepare_shards(const data_directory& home, unsigned wanted) {
    const auto made = is_made(home);
    if (!made) return made.failure();
    unsigned count = wanted == 0 ? 1 : wanted;
    if (*made) {
        const auto there = count_shards(home.path());
        if (!there) return there.failure();
        count = *there;
    }
    if (wanted != 0 && wanted != count)
        return error{errc::invalid_argument,
                     "The data in " + home.path() + " is in " + std::to_string(count) +
                         " file(s), which is decided when it is made. Nothing was changed; leave --shards "
                         "out, or give a new data directory: devices fill it again by themselves."};
    for (unsigned n = count; n-- > 0;) {
        if (*made && !std::filesystem::exists(home.database_path(n)))
            return error{errc::io_failed, home.database_path(n) +
                                              " is missing. Nothing was changed; restore all files from one "
                                              "backup, or start with an empty directory."};
        if (const auto ready = prepare_file(home, {n, count}); !ready) return ready.failure();
    }
    return count;
}

}  // namespace casasync::relay
