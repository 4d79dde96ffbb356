// SPDX-License-Identifier: MIT
#pragma once

/// The one thread that writes. Requests queue up here, and all that wait when a commit ends share the next
/// one: a disk that takes 2 ms for a durable commit still carries thousands of pushes a second.
#include "answer.hpp"
#include "deletion_rows.hpp"
#include "hub.hpp"
#include "log_rows.hpp"
#include "mailbox_rows.hpp"
#include "member_rows.hpp"
#include "retention_rows.hpp"
#include "snapshot_rows.hpp"

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace casasync::relay {

/// The database as the writer sees it, statements prepared.
struct write_store {
    explicit write_store(const std::string& path);

    database db;
    log_reader read;
    log_writer log;
    member_reader members_read;
    member_writer members;
    deletion_reader deletions_read;
    deletion_writer deletions;
    snapshot_writer snapshots;
    retention_writer retention;
    mailbox_writer mailboxes;

    [[nodiscard]] std::vector<device_id> holders(std::int64_t vault_row) {
        return holders_of(members_read.list(vault_row));
    }
};

/// What one request did in its transaction.
struct verdict {
    answer out{};
    bool keep = true;                ///< false: undo what it wrote
    std::optional<topic> changed{};  ///< whom to wake after the commit
    std::optional<member> who{};     ///< the caller and its log as they are after the commit
};

struct write_job {
    std::function<verdict(write_store&)> run{};
    std::function<void(verdict)> done{};  ///< called from the writer's thread, after the commit
    std::size_t bytes = 0;                ///< memory the request holds
};

class writer {
 public:
    writer(const std::string& path, hub& listeners);
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    ~writer();

    /// False: the queue is full, or stop() was called; `done` is not called then. Any thread.
    [[nodiscard]] bool submit(write_job job);
    /// How much it has done, and has to do.
    struct load {
        std::size_t queued = 0, queued_bytes = 0;
        std::uint64_t commits = 0, jobs = 0;  ///< since the start
        bool failing = false;                 ///< the last commit did not succeed
    };
    [[nodiscard]] load state();
    /// Runs what is queued, moves everything into the database file, and ends the thread.
    void stop();

 private:
    void work();
    [[nodiscard]] std::vector<write_job> next_batch();
    void run_batch(std::vector<write_job>& batch);
    /// Returns what the job says; nothing when the database failed it, and its writes are undone.
    [[nodiscard]] std::optional<verdict> run_one(const write_job& job);
    /// Tells the operator when writing begins to fail and when it works again.
    void report(const char* failure);

    write_store store_;
    hub& listeners_;
    prepared begin_, commit_, savepoint_, undo_, release_;
    std::mutex mutex_{};
    std::condition_variable more_{};
    std::vector<write_job> queue_{};
    std::size_t queued_bytes_ = 0;
    bool stopping_ = false;
    bool failing_ = false;
    load done_{};
    std::thread thread_{};
};

}  // namespace casasync::relay
