// SPDX-License-Identifier: MIT
// Memory runs out at every allocation of every flow, SQLite's and ours: an error or std::bad_alloc, nothing
// half done, nothing leaked, and the same vault object goes on when there is memory again.
#include "memory.hpp"
#include "connection.hpp"
#include "interruption.hpp"

#include <casasync_test/catch.hpp>

#include <iostream>
#include <map>

using namespace casasync;
using namespace casasync_test;

namespace {

[[maybe_unused]] const bool installed = (install_heap(), true);

constexpr std::uint64_t none = ~std::uint64_t{0};

/// Where allocations of a flow fail: once or from there on, at as many points as `most`, evenly.
struct shortage {
    heap which{};
    bool sticky = false;
    std::uint64_t most = none;
};

/// Fails allocations of a flow. \returns what went wrong; "" when nothing did
std::string fail_allocations(const flow& f, const shortage& s, std::size_t& points) {
    interruption i(f, "wal");
    if (!i.rehearsal_failed().empty()) return i.rehearsal_failed();
    std::uint64_t in_all = 0;
    if (auto p =
            i.errors([&] { plan_allocations(s.which, none, false); }, [&] { in_all = repair_heap().calls; });
        !p.empty())
        return p;
    const std::uint64_t step = in_all / s.most + 1;
    heap_report seen{0, true};
    for (std::uint64_t at = 1; seen.failed; at += step) {
        std::string p =
            i.errors([&] { plan_allocations(s.which, at, s.sticky); }, [&] { seen = repair_heap(); }, true);
        // What SQLite lacks is an error, and no exception. It can do without some of it, a cache for
        // instance.
        if (p.empty() && s.which == heap::of_sqlite && i.threw()) p = "an exception";
        if (p.empty() && i.last_error() != errc{} && i.last_error() != errc::io_failed)
            p = "another error: " + std::string(name_of(i.last_error()));
        if (!p.empty())
            return "allocation " + std::to_string(at) + " of " + std::to_string(in_all) + ": " + p;
        points += seen.failed ? 1 : 0;
    }
    return "";
}

/// Returns how many allocations failed.
std::size_t fail_allocations(const shortage& s) {
    std::size_t points = 0;
    for (const flow& f : all_flows()) {
        if (f.calls_alone) continue;
        if (s.which == heap::of_new && f.changes_relay) continue;  // the relay's memory does not run out
        INFO(f.name);
        const std::size_t before = points;
        const heap_use held = memory_held();
        const std::string p = fail_allocations(f, s, points);
        CHECK(p == "");
        CHECK(memory_held().of_sqlite == held.of_sqlite);
        std::cout << f.name << ": " << points - before << " allocations\n";
    }
    std::cout << "all flows: " << points << " allocations\n";
    return points;
}

constexpr std::uint64_t sample = 60;  ///< of each flow; some flows allocate 12,000 times

/// What a vault says of 300 rows with integer keys, "" when it did not take them.
struct tracked_shops {
    std::string digest{};
    heap_report seen{};
};
tracked_shops track_shops(device& d, std::uint64_t at) {
    d.load({});
    REQUIRE(d.open(false).ok());
    REQUIRE(d.sql().run("CREATE TABLE shop(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO shop(name) WITH "
                        "RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT "
                        "'shop ' || i FROM n") == SQLITE_OK);
    auto made = sqlite::vault::create(d.path(), d.who(), d.options());
    REQUIRE(made);
    plan_allocations(heap::of_sqlite, at, false);
    const bool tracked = made->track("shop").ok();
    const heap_report seen = repair_heap();
    return {tracked ? made->status()->digest : "", seen};
}

}  // namespace

// The first in the program: what is found out once a process is not found out yet.
TEST_CASE("SQLite has no memory while the first vault is made", "[faults]") {
    device d("a", 1);
    std::uint64_t at = 1;
    for (bool failed = true; failed; at += 19) {
        d.load({});
        REQUIRE(d.open(false).ok());
        REQUIRE(d.sql().run(text_keys().schema) == SQLITE_OK);
        plan_allocations(heap::of_sqlite, at, true);
        auto made = sqlite::vault::create(d.path(), d.who(), d.options());
        const auto tracked = made ? made->track("account") : result<void>{made.failure()};
        failed = repair_heap().failed;
        if (!failed) REQUIRE(problem("track", tracked) == "");
    }
    CHECK(at > 1000);
}

TEST_CASE("a value that SQLite has no memory for is not read as an empty one", "[faults]") {
    auto db = sqlite::connection::open(":memory:", sqlite::open_mode::create, 0);
    REQUIRE(db);
    REQUIRE(db->execute("CREATE TABLE t(a, b, c); INSERT INTO t VALUES(zeroblob(3000), 'text', 1234567)"));
    for (const std::string column : {"a", "b", "c"}) {
        auto s = db->prepare("SELECT " + column + " FROM t");
        REQUIRE(s);
        for (std::uint64_t at = 1, failed = 1; failed > 0; ++at) {
            s->reset();
            const auto row = s->step();
            REQUIRE(row);
            plan_allocations(heap::of_sqlite, at, false);
            std::size_t size = 0;
            bool threw = false;
            try {
                size = column == "c" ? s->text(0).size() : s->blob(0).size();
            } catch (const std::bad_alloc&) {
                threw = true;
            }
            failed = repair_heap().failed ? 1 : 0;
            INFO("column " << column << ", allocation " << at);
            CHECK((threw || size >= 4));
        }
    }
}

TEST_CASE("a value that cannot be copied for want of memory leaves nothing behind", "[faults]") {
    for (const value& v : {value(std::string(1000, 'x')), value(bytes(1000))}) {
        plan_allocations(heap::of_new, 1, false);
        bool threw = false;
        try {
            const value copy = v;
            threw = copy.is_null();
        } catch (const std::bad_alloc&) {
            threw = true;
        }
        CHECK(repair_heap().failed);
        CHECK(threw);
    }
}

TEST_CASE("a table is not tracked without the rows that SQLite has no memory for", "[faults]") {
    device d("a", 1);
    const tracked_shops whole = track_shops(d, none);
    REQUIRE(whole.digest != "");
    std::size_t refused = 0;
    bool failed = true;
    for (std::uint64_t at = 1; failed; at += whole.seen.calls / 150 + 1) {
        INFO("allocation " << at);
        const tracked_shops some = track_shops(d, at);
        failed = some.seen.failed;
        if (some.digest == "")
            ++refused;
        else
            CHECK(some.digest == whole.digest);
    }
    CHECK(refused > 100);
}

TEST_CASE("S39_out_of_memory: SQLite has no memory for one allocation", "[faults][scenario]") {
    CHECK(fail_allocations({heap::of_sqlite, false, sample}) > 900);
}

TEST_CASE("S39_out_of_memory: SQLite has no memory from one allocation on", "[faults][scenario]") {
    CHECK(fail_allocations({heap::of_sqlite, true, sample}) > 900);
}

TEST_CASE("S39_out_of_memory: one new fails", "[faults][scenario]") {
    CHECK(fail_allocations({heap::of_new, false, sample}) > 700);
}

TEST_CASE("S39_out_of_memory: every new fails from one on", "[faults][scenario]") {
    CHECK(fail_allocations({heap::of_new, true, sample}) > 700);
}

TEST_CASE("every single allocation fails", "[.soak]") {
    std::size_t points = 0;
    for (const heap which : {heap::of_sqlite, heap::of_new})
        for (const bool sticky : {false, true}) points += fail_allocations({which, sticky, none});
    CHECK(points > 100'000);
}
