// SPDX-License-Identifier: MIT
// What a vault remembers of itself.
#include <casasync_test/catch.hpp>

#include "settings.hpp"

#include <functional>
#include <vector>

using namespace casasync;
using namespace casasync::sqlite;

TEST_CASE("whatever differs in what a vault remembers of itself is kept, and makes another record",
          "[sqlite][settings]") {
    settings all;
    all.succeeded.emplace();
    all.suspect.emplace();
    all.asked.emplace();
    const auto one = [](auto id) {
        id.octets.back() = 1;
        return id;
    };
    const std::vector<std::function<void(settings&)>> changes{
        [&](settings& s) { s.vault = one(s.vault); },
        [&](settings& s) { s.device = one(s.device); },
        [&](settings& s) { s.replica = one(s.replica); },
        [](settings& s) { s.device_name = "phone"; },
        [](settings& s) { s.name_said = true; },
        [](settings& s) { s.relay = "https://relay.example"; },
        [](settings& s) { s.last_seq = 7; },
        [](settings& s) { s.read_back = 6; },
        [](settings& s) { s.clock = hlc{1}; },
        [&](settings& s) { s.at.generation = one(s.at.generation); },
        [](settings& s) { s.at.pos = 5; },
        [](settings& s) { s.at.log.back() = 4; },
        [](settings& s) { s.digest.low = 1; },
        [](settings& s) { s.open_digest.high = 1; },
        [](settings& s) { s.base.low = 1; },
        [](settings& s) { s.replicas.high = 1; },
        [](settings& s) { s.adopting = false; },
        [](settings& s) { s.write_time = false; },
        [](settings& s) { s.hydrated = false; },
        [&](settings& s) { s.seeds = one(s.seeds); },
        [](settings& s) { s.seed_clock = hlc{2}; },
        [](settings& s) { s.relay_offset = -3; },
        [](settings& s) { s.relay_heard = true; },
        [](settings& s) { s.relay_head = 8; },
        [](settings& s) { s.last_synced_at = 9; },
        [](settings& s) { s.last_error = "no way to the relay"; },
        [](settings& s) { s.counts.applied = 1; },
        [](settings& s) { s.counts.conflicts = 1; },
        [](settings& s) { s.counts.absorbed = 1; },
        [](settings& s) { s.counts.superseded = 1; },
        [](settings& s) { s.refused = 2; },
        [](settings& s) { s.history.keep = history_kept::all; },
        [](settings& s) { s.history.days = 30; },
        [](settings& s) { s.relay_fed_at = 10; },
        [](settings& s) { s.relay_owed = true; },
        [](settings& s) { s.copied = true; },
        [](settings& s) { s.succeeded.reset(); },
        [&](settings& s) { s.succeeded->from = one(s.succeeded->from); },
        [](settings& s) { s.succeeded->at = 11; },
        [](settings& s) { s.succeeded->sent_again = 3; },
        [](settings& s) { s.suspect.reset(); },
        [&](settings& s) { s.suspect->device = one(s.suspect->device); },
        [](settings& s) { s.suspect->at = 12; },
        [](settings& s) { s.suspect->asked = 13; },
        [](settings& s) { s.asked_at = 14; },
        [](settings& s) { s.asked.reset(); },
        [&](settings& s) { s.asked->by = one(s.asked->by); },
        [](settings& s) { s.asked->seq = 15; },
    };
    const bytes record = encode_settings(all);
    CHECK(decode_settings(record).value() == all);
    for (std::size_t i = 0; i < changes.size(); ++i) {
        INFO("change " << i);
        settings other = all;
        changes[i](other);
        CHECK_FALSE(other == all);
        const bytes changed = encode_settings(other);
        CHECK(changed != record);  // or a vault would take it for what it has in memory
        CHECK(decode_settings(changed).value() == other);
    }
}
