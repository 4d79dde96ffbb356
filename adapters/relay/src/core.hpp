// SPDX-License-Identifier: MIT
#pragma once

/// What the threads of one relay share, and what each has for itself.
#include "authority.hpp"
#include "caretaker.hpp"
#include "deletion_rows.hpp"
#include "hub.hpp"
#include "log_rows.hpp"
#include "mailbox_rows.hpp"
#include "master_keys.hpp"
#include "member_rows.hpp"
#include "metrics.hpp"
#include "rate_limiter.hpp"
#include "shards.hpp"
#include "snapshot_rows.hpp"
#include "writer.hpp"

#include <casasync/relay/server.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace casasync::relay {

/// One of the files that vaults are in, and who writes to it.
struct shard {
    writer write;
    caretaker keeper;

    shard(const std::string& path, hub& listeners, const server_options& options,
          std::function<std::uint64_t()> now)
        : write(path, listeners), keeper(write, options, std::move(now)) {}
};

struct core {
    server_options options{};
    master_keys masters{};
    authorities names;
    hub listeners{};
    rate_limiter limiter{};
    metrics counts{};
    std::vector<std::unique_ptr<shard>> shards{};
    std::atomic<bool> stopping = false;

    core(const server_options& o, const master_keys& keys, authorities known,
         const std::vector<std::string>& database_paths)
        : options(o), masters(keys), names(std::move(known)) {
        for (const std::string& path : database_paths)
            shards.push_back(std::make_unique<shard>(path, listeners, options, [this] { return now_s(); }));
    }

    [[nodiscard]] shard& home_of(vault_id vault) const { return *shards[shard_of(vault, shards.size())]; }
    /// Pairings belong to no vault: they are in the first file.
    [[nodiscard]] shard& home_of_pairings() const { return *shards.front(); }
    [[nodiscard]] std::uint64_t now_ms() const {
        return static_cast<std::uint64_t>(std::max<unix_ms>(0, options.clock()));
    }
    [[nodiscard]] std::uint64_t now_s() const { return now_ms() / 1000; }
};

/// The database as one connection thread reads it: point reads take microseconds, so they need no pool.
struct read_store {
    explicit read_store(const std::string& path)
        : db(path, database::mode::read_only),
          log(db),
          members(db),
          deletions(db),
          snapshots(db),
          mailboxes(db) {}

    database db;
    log_reader log;
    member_reader members;
    deletion_reader deletions;
    snapshot_reader snapshots;
    mailbox_reader mailboxes;
};

struct context {
    core& shared;
    std::vector<std::unique_ptr<read_store>> stores{};

    context(core& c, const std::vector<std::string>& database_paths) : shared(c) {
        for (const std::string& path : database_paths) stores.push_back(std::make_unique<read_store>(path));
    }
    [[nodiscard]] read_store& read(vault_id vault) const { return *stores[shard_of(vault, stores.size())]; }
    [[nodiscard]] read_store& read_pairings() const { return *stores.front(); }
};

}  // namespace casasync::relay
