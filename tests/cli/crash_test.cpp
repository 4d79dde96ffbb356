// SPDX-License-Identifier: MIT
// kill -9 of any process at any time loses nothing.
#include "household.hpp"

#include <casasync_test/catch.hpp>

#include <chrono>
#include <csignal>
#include <thread>

using casasync_test::household;
using casasync_test::outcome;

namespace {

/// Runs casasync and kills it after a while that grows from 0: at ever later points of what it does.
/// Returns true when it ended by itself.
bool killed_after(const household& home, const std::vector<std::string>& arguments,
                  std::chrono::microseconds pause) {
    auto running = home.casasync_beside(arguments);
    std::this_thread::sleep_for(pause);
    running->signal(SIGKILL);
    return running->wait().signal == 0;
}

/// Calls `attempt` with growing pauses until it returns true.
template <class Attempt>
void with_growing_pauses(Attempt attempt) {
    for (std::chrono::microseconds pause{0};; pause += std::chrono::microseconds{1500})
        if (attempt(pause)) return;
}

}  // namespace

TEST_CASE("init that is killed again and again ends as one working vault", "[cli][crash]") {
    const household home;
    const std::string db = home.make_file("home.db");
    const std::vector<std::string> init{"init", db, "--relay", home.url()};
    with_growing_pauses([&](auto pause) { return killed_after(home, init, pause); });
    // Either the last one was whole, or there was a whole one before and it said so.
    CHECK(home.casasync({"sync", db}).exit == 0);
    home.sql(db, "UPDATE txn SET note='x' WHERE id='rent'");
    CHECK(home.json({"sync", db}).at("sent").as_int64() == 1);
    const std::string other = home.add_device(db, "other.db");
    CHECK(home.casasync({"verify", db, other}).exit == 0);
}

TEST_CASE("join that is killed after it has the keys goes on with the same code", "[cli][crash]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    const std::string phone = home.dir / "phone.db";
    auto [pair, code] = home.invite(desktop);
    const std::vector<std::string> join = home.join_command(phone, code, "phone");
    {
        auto joining = home.casasync_beside(join);
        home.admit(desktop, *joining);
        CHECK(pair->wait().exit == 0);  // the keys are stored
        joining->signal(SIGKILL);
        joining->wait();
    }
    with_growing_pauses([&](auto pause) { return killed_after(home, join, pause); });
    CHECK(home.casasync({"sync", phone}).exit == 0);
    const outcome compared = home.casasync({"verify", desktop, phone});
    INFO(compared.out << compared.err);
    CHECK(compared.exit == 0);
}

TEST_CASE("removing a device, which gives the others a new key, is killed again and again", "[cli][crash]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    const std::string phone = home.add_device(desktop, "phone.db");
    (void)home.add_device(desktop, "tablet.db");
    home.sql(desktop,
             "UPDATE txn SET note='waits' WHERE id='rent'");  // sealed under the old key by a sync in between
    const std::vector<std::string> remove{"devices", "remove", desktop, "tablet.db"};
    with_growing_pauses([&](auto pause) {
        if (killed_after(home, remove, pause)) return true;
        (void)killed_after(home, {"sync", desktop}, pause);
        return false;
    });
    for (const std::string& db : {desktop, phone, desktop}) {
        const outcome synced = home.casasync({"sync", db});
        INFO(synced.out << synced.err);
        CHECK(synced.exit == 0);
    }
    CHECK(home.casasync({"verify", desktop, phone}).exit == 0);
    CHECK(home.casasync({"devices", phone}).out.find("removed") != std::string::npos);
    home.sql(phone, "UPDATE txn SET note='under the new key' WHERE id='rent'");
    CHECK(home.json({"sync", phone}).at("sent").as_int64() == 1);
    CHECK(home.json({"sync", desktop}).at("received").as_int64() == 1);
}
