// SPDX-License-Identifier: MIT
#pragma once

/// Forgets what the relay no longer needs: retention_rows.hpp says what. It works through the one thread that
/// writes, a little at a time, so that requests get their turn in between.
#include "writer.hpp"

#include <casasync/relay/server.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

namespace casasync::relay {

class caretaker {
 public:
    /// The writer has to live longer. \param now unix seconds; called from the writer's thread
    caretaker(writer& to, const server_options& options, std::function<std::uint64_t()> now);
    caretaker(const caretaker&) = delete;
    caretaker& operator=(const caretaker&) = delete;
    ~caretaker();

    /// Forgets of a vault in the caller's transaction, and has the rest done later. The writer's thread.
    void tidy_in(write_store& store, std::int64_t vault_row);
    /// Looks at every vault, and returns when it has. Any thread but the writer's.
    void look_at_all();
    /// Changesets forgotten since the start.
    [[nodiscard]] std::uint64_t forgotten() const noexcept { return forgotten_; }
    /// Ends the thread. The writer must still run.
    void stop();

 private:
    void work();
    /// Forgets all that may be forgotten of a vault.
    void tidy(std::int64_t vault_row);
    [[nodiscard]] retention_writer::report forget(write_store& store, std::int64_t vault_row);
    /// Runs `job` in the writer's next transaction, and returns when it is durable. False: it did not run.
    bool run(std::function<void(write_store&)> job);

    writer& write_;
    retention_writer::policy policy_;
    std::chrono::seconds every_;
    std::function<std::uint64_t()> now_;
    std::mutex mutex_{};
    std::condition_variable changed_{};
    std::set<std::int64_t> due_{};
    bool stopping_ = false;
    std::atomic<std::uint64_t> forgotten_ = 0;
    std::thread thread_{};
};

}  // namespace casasync::relay
