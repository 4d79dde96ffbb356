// SPDX-License-Identifier: MIT
// Very much to do, and nothing at all.
#include "schema_story.hpp"

#include <fstream>
#include <iterator>

using namespace casasync;
using casasync_test::file_device;
using casasync_test::schema_story;

namespace {

/// Everything the files of a device hold.
std::string content_of(file_device& device) {
    std::string out;
    for (const char* part : {"", "-wal"}) {
        std::ifstream in(device.path() + part, std::ios::binary);
        out.append(std::istreambuf_iterator<char>(in), {});
    }
    return out;
}

}  // namespace

SCENARIO("S65 a backlog of 100,000 changes arrives in pieces, and goes on where it was cut off",
         "[scenario]") {
    GIVEN("a hundred changesets of a thousand rows that the phone has not seen") {
        schema_story s(0, casasync_test::txn_schema(delete_policy::later_wins));
        auto &desktop = s["desktop"], &phone = s["phone"];
        for (int i = 0; i < 100; ++i) {
            desktop.run(
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
                "INSERT INTO txn SELECT ?1 || '-' || i, i, hex(randomblob(300)) FROM n",
                {value(std::to_string(i))});
            desktop.seal();
        }
        REQUIRE(desktop.sync().ok());
        WHEN("the network goes after every third page") {
            int pages = 0, syncs = 0;
            std::size_t shown = 0;
            phone.way().on_page = [&](loopback::page_bytes& sent) {
                if (++pages % 3 == 0) sent.body.clear();
            };
            for (bool done = false; !done && syncs < 200; ++syncs) {
                done = phone.sync().ok();
                const auto now =
                    static_cast<std::size_t>(phone.run("SELECT count(*) FROM txn")[0][0].integer());
                CHECK(now >= shown);  // what has arrived stays
                shown = now;
            }
            phone.way().on_page = nullptr;
            CHECK(syncs > 2);
            s.everyone_syncs();
            THEN("all of it is there") {
                CHECK(phone.run("SELECT count(*), sum(amount) FROM txn") ==
                      desktop.run("SELECT count(*), sum(amount) FROM txn"));
                CHECK(phone.run("SELECT count(*) FROM txn")[0][0] == value(100'000));
                CHECK(phone.digest() == desktop.digest());
            }
        }
    }
}

SCENARIO("S66 silence: a thousand rounds of two devices that agree change not a byte", "[scenario]") {
    GIVEN("two devices that agree") {
        schema_story s(0, casasync_test::txn_schema(delete_policy::later_wins));
        s["desktop"].write("1", {{"note", "desk"}});
        s["phone"].write("1", {{"note", "phone"}});
        s.everyone_syncs();
        const std::string desktop = content_of(s["desktop"]), phone = content_of(s["phone"]);
        WHEN("they go on syncing, and time passes") {
            std::size_t moved = 0;
            for (int round = 0; round < 1000; ++round) {
                s.minutes_pass(1);
                for (const char* who : {"desktop", "phone"}) {
                    const auto done = s[who].sync();
                    REQUIRE(done.ok());
                    moved += done->sealed + done->pushed + done->received + done->merged;
                }
            }
            THEN("nothing moved, and no byte of their files has changed") {
                CHECK(moved == 0);
                CHECK(content_of(s["desktop"]) == desktop);
                CHECK(content_of(s["phone"]) == phone);
            }
        }
    }
}
