// SPDX-License-Identifier: MIT
#pragma once

/// Vaults of the table of workload W, and what one hands to another without a relay.
#include "app.hpp"

#include <casasync/sqlite/vault.hpp>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace casasync::bench {

inline constexpr unix_ms some_day = 1'800'000'000'000;

template <class Id>
Id id_of(std::size_t n) {
    Id id;
    id.octets.fill(static_cast<std::uint8_t>(n));
    return id;
}

/// Options of a clock that stands still: equal runs make equal bytes.
[[nodiscard]] inline sqlite::vault_options still_clock(bool write_time, unix_ms now = some_day) {
    sqlite::vault_options o;
    o.now = [now] { return now; };
    o.capture_write_time = write_time;
    return o;
}

/// Makes a file with the table, tracked, of device `n` of the one vault here.
[[nodiscard]] inline sqlite::vault make_vault(const std::string& file, std::size_t n,
                                              bool write_time = true) {
    {
        app a(file);
        a.run(create_txn);
    }
    const sqlite::identity who{id_of<vault_id>(1), id_of<device_id>(n), "device " + std::to_string(n),
                               "http://127.0.0.1:1"};
    auto vault =
        need(sqlite::vault::create(file, who, still_clock(write_time, some_day + static_cast<unix_ms>(n))));
    need(vault.track("txn"));
    return vault;
}

/// Takes everything out of the outbox, as if the relay had it, and returns it as another device receives it.
[[nodiscard]] inline std::vector<inbound_part> take_outbox(sqlite::vault& from) {
    std::vector<inbound_part> out;
    for (outbound_part& p : need(from.outbox(std::numeric_limits<std::size_t>::max())))
        out.push_back({out.size() + 1, from.device(), p.seq, p.part, p.parts, std::move(p.payload)});
    for (const inbound_part& p : out) need(from.settle(p.seq));
    return out;
}
[[nodiscard]] inline std::size_t bytes_of(const std::vector<inbound_part>& parts) {
    std::size_t n = 0;
    for (const inbound_part& p : parts) n += p.payload.size();
    return n;
}

inline void copy_database(const std::string& from, const std::string& to) {
    for (const char* end : {"", "-wal", "-shm"}) {
        std::filesystem::remove(to + end);
        if (std::filesystem::exists(from + end)) std::filesystem::copy_file(from + end, to + end);
    }
}
inline void remove_database(const std::string& file) {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(file + end);
}

}  // namespace casasync::bench
