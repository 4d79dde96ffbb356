// SPDX-License-Identifier: MIT
// Values of every size.
#include "schema_story.hpp"

using namespace casasync;
using casasync_test::schema_story;
using casasync_test::sqlite_schema;

namespace {

sqlite_schema files() {
    return {{"CREATE TABLE file(id TEXT PRIMARY KEY NOT NULL, name TEXT, a BLOB, b BLOB, c BLOB, d BLOB)"},
            {{"file", {}}}};
}

value blob_of(std::size_t n, std::uint8_t with = 0x5a) {
    return value(bytes(n, with));
}

std::size_t too_large(casasync_test::file_device& device) {
    const auto status = device.vault().status();
    REQUIRE(status.ok());
    return status->too_large;
}

}  // namespace

SCENARIO("S19 large values: up to the limit they sync, above it they stay where they were written",
         "[scenario]") {
    schema_story s(0, files());
    auto &desktop = s["desktop"], &phone = s["phone"];
    GIVEN("blobs of every size up to 16 MiB") {
        const std::vector<std::size_t> sizes{0, 1, 255, 65536, limits::value_bytes_max};
        for (const std::size_t n : sizes)
            desktop.run("INSERT INTO file(id, a) VALUES(?1, ?2)", {value(std::to_string(n)), blob_of(n)});
        WHEN("they sync") {
            s.everyone_syncs();
            THEN("all of them arrive, byte for byte") {
                for (const std::size_t n : sizes) CHECK((phone.row(std::to_string(n)).at("a") == blob_of(n)));
                CHECK(too_large(desktop) == 0);
            }
        }
    }
    GIVEN("cells that grew to one byte over the limit, and a row that was born so") {
        const std::vector<std::string> grown{"shrunk", "cleared", "deleted", "deleted there",
                                             "written there"};
        for (const std::string& id : grown)
            desktop.run("INSERT INTO file(id, a) VALUES(?1, x'01')", {value(id)});
        s.everyone_syncs();
        s.minutes_pass(1);
        const value large = blob_of(limits::value_bytes_max + 1);
        desktop.run("UPDATE file SET a = ?1, name = 'G'", {large});
        desktop.run("INSERT INTO file(id, name, a) VALUES('born', 'b', ?1)", {large});
        s.everyone_syncs();
        CHECK(too_large(desktop) == 6);
        CHECK(too_large(phone) == 0);
        for (const std::string& id : grown) {
            CHECK((desktop.row(id).at("a") == large));
            CHECK(phone.row(id).at("name") == value("G"));
            CHECK(phone.row(id).at("a") == value(bytes{1}));
        }
        CHECK(phone.row("born").at("name") == value("b"));
        CHECK(phone.row("born").at("a") == value());
        WHEN(
            "they stay, listed, while everything else arrives, and then shrink, or go, or somebody else "
            "writes them") {
            s.minutes_pass(1);
            desktop.run("UPDATE file SET a = x'02' WHERE id = 'shrunk' OR id = 'born'");
            desktop.run("UPDATE file SET a = NULL WHERE id = 'cleared'");
            desktop.run("DELETE FROM file WHERE id = 'deleted'");
            phone.run("DELETE FROM file WHERE id = 'deleted there'");
            phone.run("UPDATE file SET a = x'03' WHERE id = 'written there'");
            s.everyone_syncs();
            THEN("both show the same, and nothing is listed") {
                CHECK(s.all_agree());
                CHECK(phone.row("born").at("a") == value(bytes{2}));
                CHECK(phone.row("shrunk").at("a") == value(bytes{2}));
                CHECK(phone.row("cleared").at("a") == value());
                CHECK(desktop.row("written there").at("a") == value(bytes{3}));
                CHECK(phone.rows().size() == 4);
                CHECK(too_large(desktop) == 0);
            }
        }
    }
    GIVEN("a row whose values do not fit into one changeset") {
        desktop.run("INSERT INTO file VALUES('wide', 'w', ?1, ?1, ?1, ?1)",
                    {blob_of(limits::value_bytes_max)});
        desktop.run("INSERT INTO file(id, name) VALUES('small', 's')");
        WHEN("it syncs") {
            s.everyone_syncs();
            THEN("it arrives in several, and holds up nothing") {
                CHECK((phone.rows() == desktop.rows()));
                CHECK(phone.row("small").at("name") == value("s"));
                CHECK(too_large(desktop) == 0);
            }
        }
    }
}
