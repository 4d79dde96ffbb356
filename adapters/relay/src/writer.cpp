// SPDX-License-Identifier: MIT
#include "writer.hpp"

#include "schema.hpp"

#include <cstdio>
#include <utility>

namespace casasync::relay {
namespace {

constexpr std::size_t queue_jobs_max = 1024;
constexpr std::size_t queue_bytes_max = std::size_t{64} << 20;

}  // namespace

write_store::write_store(const std::string& path)
    : db(path, database::mode::read_write),
      read(db),
      log(db),
      members_read(db),
      members(db),
      deletions_read(db),
      deletions(db),
      snapshots(db),
      retention(db),
      mailboxes(db) {
    configure_writer(db);
}

writer::writer(const std::string& path, hub& listeners)
    : store_(path),
      listeners_(listeners),
      begin_(store_.db, "BEGIN IMMEDIATE"),
      commit_(store_.db, "COMMIT"),
      savepoint_(store_.db, "SAVEPOINT request"),
      undo_(store_.db, "ROLLBACK TO request"),
      release_(store_.db, "RELEASE request"),
      thread_([this] { work(); }) {}

writer::~writer() {
    stop();
}

bool writer::submit(write_job job) {
    {
        const std::lock_guard lock(mutex_);
        // One request always fits, or a part of a snapshot could not get through beside others.
        if (stopping_ || queue_.size() >= queue_jobs_max ||
            (!queue_.empty() && queued_bytes_ + job.bytes > queue_bytes_max))
            return false;
        queued_bytes_ += job.bytes;
        queue_.push_back(std::move(job));
    }
    more_.notify_one();
    return true;
}

writer::load writer::state() {
    const std::lock_guard lock(mutex_);
    load out = done_;
    out.queued = queue_.size();
    out.queued_bytes = queued_bytes_;
    return out;
}

void writer::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    more_.notify_one();
    if (!thread_.joinable()) return;
    thread_.join();
    try {
        store_.db.execute("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (const database_error& e) {
        report(e.what());  // everything acknowledged is in the write-ahead log, which the next start reads
    }
}

std::vector<write_job> writer::next_batch() {
    std::unique_lock lock(mutex_);
    more_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    queued_bytes_ = 0;
    return std::exchange(queue_, {});
}

void writer::work() {
    for (;;) {
        std::vector<write_job> batch = next_batch();
        if (batch.empty()) return;
        run_batch(batch);
        const std::lock_guard lock(mutex_);
        ++done_.commits;
        done_.jobs += batch.size();
        done_.failing = failing_;
    }
}

void writer::run_batch(std::vector<write_job>& batch) {
    std::vector<verdict> verdicts;
    verdicts.reserve(batch.size());
    try {
        begin_.run();
        bool all_done = true;
        for (const write_job& job : batch) {
            auto done = run_one(job);
            all_done = all_done && done;
            verdicts.push_back(done ? std::move(*done) : verdict{unavailable(), false, {}, {}});
        }
        commit_.run();
        if (all_done) report(nullptr);
    } catch (const database_error& e) {
        report(e.what());
        try {
            if (store_.db.in_transaction()) store_.db.execute("ROLLBACK");
        } catch (const database_error&) {
            // Nothing of it is durable; the next BEGIN tells whether the database can be used again.
        }
        verdicts.assign(batch.size(), verdict{unavailable(), false, {}, {}});
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const std::optional<topic> changed = verdicts[i].changed;
        batch[i].done(std::move(verdicts[i]));
        if (changed) listeners_.notify(*changed);
    }
}

std::optional<verdict> writer::run_one(const write_job& job) {
    savepoint_.run();
    std::optional<verdict> out;
    try {
        out = job.run(store_);
    } catch (const database_error& e) {
        if (!store_.db.in_transaction()) throw;  // SQLite undid the whole batch
        report(e.what());
    }
    if (!out || !out->keep) undo_.run();
    release_.run();
    return out;
}

void writer::report(const char* failure) {
    const bool failing = failure != nullptr;
    if (failing && !failing_)
        std::fprintf(stderr, "casasync-relay: the database cannot be written: %s; requests get 503\n",
                     failure);
    if (!failing && failing_) std::fprintf(stderr, "casasync-relay: the database can be written again\n");
    failing_ = failing;
}

}  // namespace casasync::relay
