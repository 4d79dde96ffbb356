// SPDX-License-Identifier: MIT
// A device whose clock was a year ahead for a while (scenario S47), at a real relay.
#include "home.hpp"

#include <chrono>

using namespace casasync;
using namespace casasync_test;

namespace {

unix_ms next_year() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + unix_ms{365} * 86'400'000;
}

}  // namespace

TEST_CASE("S47_plus_one_year: what the relay refuses for its clock goes out once the clock is right",
          "[agent][scenario]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    h.write("desktop", "before");
    {
        sqlite::vault_options wrong;
        wrong.now = next_year;
        auto vault = sqlite::vault::open(h.file("desktop"), wrong);
        REQUIRE(vault->seal());
        h.write("desktop", "next-year");
        run_sql(h.file("desktop"),
                "UPDATE note SET text = 'y' WHERE id = 'before';"
                "UPDATE casasync_log SET at = NULL");  // SQLite's clock is right
        REQUIRE(vault->seal());
    }
    h.write("desktop", "after");
    const auto done = desktop.sync();
    REQUIRE(done);
    REQUIRE(done->alarms.size() == 1);
    CHECK(done->alarms[0].find("clock was far ahead") != std::string::npos);
    sync_all({&phone, &desktop});
    CHECK(h.notes("phone") == "after before next-year ");
    CHECK(run_sql(h.file("phone"), "SELECT text FROM note WHERE id = 'before'") == "y ");
    CHECK(phone.vault().status()->held == 0);
    CHECK(desktop.vault().digest().value() == phone.vault().digest().value());

    run_sql(h.file("phone"), "UPDATE note SET text = 'later'");  // counts as later
    sync_all({&phone, &desktop});
    CHECK(run_sql(h.file("desktop"), "SELECT DISTINCT text FROM note") == "later ");
}
