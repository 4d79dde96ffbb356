// SPDX-License-Identifier: MIT
// An app that writes all the time while 100,000 changes of another device arrive: none of its transactions
// fails, whether it has a connection of its own and begins as it should, or lends the one it has.
#include "vault_world.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

using namespace vault_test;

namespace {

constexpr int items = 20'000, at_once = 1'000, rounds = 5;

/// The app's writer queue: first come, first served.
class writer_queue {
 public:
    template <class Work>
    auto operator()(const Work& work) {
        std::unique_lock lock(guard_);
        const std::uint64_t mine = next_++;
        turn_.wait(lock, [&] { return serving_ == mine; });
        lock.unlock();
        auto done = work();
        lock.lock();
        ++serving_;
        turn_.notify_all();
        return done;
    }

 private:
    std::mutex guard_;
    std::condition_variable turn_;
    std::uint64_t next_ = 0, serving_ = 0;
};

/// Counts visits: reads, adds one, writes; as fast as it can, until it is told to stop.
class visitor_counter {
 public:
    visitor_counter(sqlite3* db, std::string begin, writer_queue* queue)
        : db_(db), begin_(std::move(begin)), queue_(queue), thread_([this] { work(); }) {}
    /// Waits for the first transaction, good or bad: from then on the app is at work.
    void await_one() const { begun_.wait(false); }
    void stop() {
        over_ = true;
        thread_.join();
    }
    int failures = 0, committed = 0;  ///< once stopped

 private:
    [[nodiscard]] bool run(const std::string& sql) {
        return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
    }
    [[nodiscard]] bool transact() {
        sqlite3_stmt* read = nullptr;
        bool fine = run(begin_) &&
                    sqlite3_prepare_v2(db_, "SELECT n FROM visits", -1, &read, nullptr) == SQLITE_OK &&
                    sqlite3_step(read) == SQLITE_ROW;
        const int n = fine ? sqlite3_column_int(read, 0) + 1 : 0;
        sqlite3_finalize(read);
        fine = fine && run("UPDATE visits SET n = " + std::to_string(n)) && run("COMMIT");
        if (!fine) (void)run("ROLLBACK");
        return fine;
    }
    void work() {
        while (!over_) {
            const bool fine = queue_ != nullptr ? (*queue_)([this] { return transact(); }) : transact();
            ++(fine ? committed : failures);
            begun_ = true;
            begun_.notify_all();
            std::this_thread::yield();
        }
    }

    sqlite3* db_;
    std::string begin_;
    writer_queue* queue_;
    std::atomic<bool> over_{false}, begun_{false};
    std::thread thread_;
};

/// A desktop that has 100,000 changes for a phone.
struct busy_app_story : world {
    busy_app_story() {
        first(
            "desktop",
            "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, n INTEGER); CREATE TABLE visits(id TEXT PRIMARY "
            "KEY NOT NULL, n INTEGER); INSERT INTO visits VALUES('all', 0); WITH RECURSIVE i(n) AS "
            "(VALUES(1) "
            "UNION ALL SELECT n + 1 FROM i WHERE n < " +
                std::to_string(items) + ") INSERT INTO item SELECT 'item ' || n, 0 FROM i");
        joins("phone", "desktop");
        for (int round = 0; round < rounds; ++round)
            for (int from = 0; from < items; from += at_once) {
                sql("desktop").run("UPDATE item SET n = n + 1 WHERE rowid > " + std::to_string(from) +
                                   " AND rowid <= " + std::to_string(from + at_once));
                push("desktop");
            }
    }
    /// Everything arrives; the phone's app has lost nothing, and both devices agree.
    void arrives(visitor_counter& app) {
        app.await_one();
        pull("phone");
        app.stop();
        CHECK(app.failures == 0);
        everyone_syncs();
        CHECK(sql("desktop").dump("SELECT n FROM visits") == std::to_string(app.committed) + "\n");
        CHECK(sql("phone").dump("SELECT DISTINCT n FROM item") == std::to_string(rounds) + "\n");
        all_agree({"SELECT * FROM item ORDER BY id", "SELECT * FROM visits"});
    }
};

}  // namespace

TEST_CASE("an app with BEGIN IMMEDIATE and a second of patience never fails while changes arrive",
          "[beside]") {
    busy_app_story s;
    sqlite3_busy_timeout(s.sql("phone").handle(), 1000);
    visitor_counter app(s.sql("phone").handle(), "BEGIN IMMEDIATE", nullptr);
    s.arrives(app);
}

TEST_CASE("an app that lends its connection may begin as it likes", "[beside]") {
    busy_app_story s;
    writer_queue queue;
    sqlite3* const lent = s.sql("phone").handle();
    sqlite3_busy_timeout(lent, 0);  // nobody else writes: there is nothing to wait for
    auto options = s.options();
    options.run_on_app = [&](const std::function<result<void>(sqlite3*)>& work) {
        return queue([&] { return work(lent); });
    };
    s.devices.erase("phone");
    s.devices.emplace("phone", must(vault::open(s.dir.file("phone"), options)));
    visitor_counter app(lent, "BEGIN", &queue);
    s.arrives(app);
}
