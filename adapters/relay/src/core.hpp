// SPDX-License-Identifier: MIT
#pragma once

/// What the threads of one relay share, and what each has for itself.
#include "authority.hpp"
#include "caretaker.hpp"
#include "deletion_rows.hpp"
#include "hub.hpp"
#include "log_rows.hpp"
#include "mailbox_rows.hpp"
#include "member_rows.hpp"
#include "metrics.hpp"
#include "rate_limiter.hpp"
#include "snapshot_rows.hpp"
#include "writer.hpp"

#include <casasync/openssl/aead.hpp>
#include <casasync/relay/server.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

namespace casasync::relay {

struct core {
    server_options options{};
    openssl::key256 master{};
    authorities names;
    hub listeners{};
    rate_limiter limiter{};
    metrics counts{};
    writer write;
    caretaker keeper;
    std::atomic<bool> stopping = false;

    core(const server_options& o, const openssl::key256& master_key, authorities known,
         const std::string& database_path)
        : options(o),
          master(master_key),
          names(std::move(known)),
          write(database_path, listeners),
          keeper(write, options, [this] { return now_s(); }) {}

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
    read_store read;
};

}  // namespace casasync::relay
