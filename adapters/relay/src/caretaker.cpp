// SPDX-License-Identifier: MIT
#include "caretaker.hpp"

#include <future>
#include <memory>
#include <utility>

namespace casasync::relay {

caretaker::caretaker(writer& to, const server_options& options, std::function<std::uint64_t()> now)
    : write_(to),
      policy_{static_cast<std::uint64_t>(options.keep.at_least.count()),
              static_cast<std::uint64_t>(options.keep.dormant_expire.count()), options.vault_bytes_max},
      every_(options.keep.every),
      now_(std::move(now)),
      thread_([this] { work(); }) {}

caretaker::~caretaker() {
    stop();
}

retention_writer::report caretaker::forget(write_store& store, std::int64_t vault_row) {
    const auto done = store.retention.forget(vault_row, store.holders(vault_row), policy_, now_());
    forgotten_ += done.records;
    return done;
}

void caretaker::tidy_in(write_store& store, std::int64_t vault_row) {
    if (!forget(store, vault_row).more) return;
    const std::lock_guard lock(mutex_);
    due_.insert(vault_row);
    changed_.notify_one();
}

void caretaker::look_at_all() {
    run([this](write_store& store) { store.retention.drop_unfinished(now_()); });
    for (bool more = true; more;)
        if (!run([&](write_store& store) { more = store.deletions.purge_some(now_()); })) return;
    std::vector<std::int64_t> some;
    for (std::int64_t last = 0;; last = some.back()) {
        const auto next = [&](write_store& store) { some = store.retention.vaults_after(last); };
        if (!run(next) || some.empty()) return;
        for (const std::int64_t vault_row : some) tidy(vault_row);
    }
}

void caretaker::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void caretaker::work() {
    std::unique_lock lock(mutex_);
    auto next_round = std::chrono::steady_clock::now() + every_;
    while (!stopping_) {
        changed_.wait_until(lock, next_round, [this] { return stopping_ || !due_.empty(); });
        if (stopping_) return;
        const std::set<std::int64_t> due = std::exchange(due_, {});
        lock.unlock();
        for (const std::int64_t vault_row : due) tidy(vault_row);
        if (std::chrono::steady_clock::now() >= next_round) {
            look_at_all();
            next_round = std::chrono::steady_clock::now() + every_;
        }
        lock.lock();
    }
}

void caretaker::tidy(std::int64_t vault_row) {
    retention_writer::report done;
    do {
        done = {};
        run([&](write_store& store) { done = forget(store, vault_row); });
    } while (done.more);
}

bool caretaker::run(std::function<void(write_store&)> job) {
    const auto ran = std::make_shared<std::promise<bool>>();
    const bool queued = write_.submit({[job = std::move(job)](write_store& store) {
                                           job(store);
                                           return verdict{};
                                       },
                                       [ran](const verdict& v) { ran->set_value(v.keep); }, 0});
    return queued && ran->get_future().get();
}

}  // namespace casasync::relay
