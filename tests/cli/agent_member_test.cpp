// SPDX-License-Identifier: MIT
// Devices leave a vault: what those who stay notice, and what the one that left no longer gets.
#include "home.hpp"

#include <casasync/agent/setup.hpp>
#include <casasync/openssl/cipher.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/recovery_words.hpp>
#include <casasync/openssl/snapshot_cipher.hpp>
#include <casasync/relay/server.hpp>
#include <casasync/relay/upkeep.hpp>
#include <casasync/snapshot_transfer.hpp>

#include <casasync_test/catch.hpp>
#include <casasync_test/pair_devices.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace casasync;
using namespace casasync_test;

TEST_CASE("S59: a device that is removed gets nothing more, and the others go on under a new key",
          "[agent][members]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    auto laptop = h.add(phone, "laptop");
    h.write("phone", "from-phone");
    sync_all({&desktop, &phone, &laptop});
    const device_id gone = phone.keys().device;
    CHECK(desktop.keys().members.find(gone)->added_by == desktop.keys().device);
    CHECK(desktop.keys().members.find(laptop.keys().device)->added_by == gone);

    h.write("laptop", "unsent");  // sealed under the old key, and sent after it was replaced
    REQUIRE(laptop.vault().seal());
    for (int i = 10; i < 30; ++i) h.write("phone", "too-late-" + std::to_string(i));
    const auto removed = desktop.remove_device(gone);
    INFO((removed ? std::string() : removed.failure().text()));
    REQUIRE(removed);
    CHECK(desktop.keys().epoch == 2);
    CHECK(desktop.keys().members.active_count() == 2);
    CHECK(desktop.remove_device(gone));  // once more changes nothing
    CHECK(desktop.keys().epoch == 2);

    const error shut_out = failure_of(phone);
    CHECK(shut_out.code == errc::device_revoked);
    CHECK(shut_out.detail.find("Everything on it stays") != std::string::npos);
    CHECK_FALSE(phone.keys().members.is_active(gone));
    CHECK(failure_of(phone).code == errc::device_revoked);
    CHECK(run_sql(h.file("phone"), "SELECT count(*) FROM note") == "21 ");

    h.write("desktop", "secret");
    sync_all({&desktop, &laptop});
    CHECK(h.notes("desktop") == "from-phone secret unsent ");
    CHECK(h.notes("laptop") == h.notes("desktop"));
    CHECK(laptop.keys().epoch == 2);
    CHECK(laptop.keys().vault_key == desktop.keys().vault_key);
    CHECK(laptop.keys().vault_key != phone.keys().vault_key);
    CHECK(agent::read_credentials(h.file("laptop"))->epoch == 2);

    std::vector<std::string> shown;
    agent::join_options joining{h.file("tablet"), {}, {}, "tablet", {}, {}};
    joining.confirm = [&](const agent::vault_offer& offer) {
        shown = offer.devices;
        return true;
    };
    auto joined = pair_devices(laptop, joining);
    REQUIRE(joined);
    agent::link& tablet = *joined;
    std::sort(shown.begin(), shown.end());
    CHECK(shown == std::vector<std::string>{"desktop", "laptop"});  // and not who was removed
    CHECK(h.notes("tablet") == h.notes("desktop"));
    CHECK(tablet.keys().members.entries().size() == 5);
}

TEST_CASE("several programs on one vault share what one of them learned of its devices", "[agent][members]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    auto beside = h.open("desktop");
    REQUIRE(beside.remove_device(phone.keys().device));
    h.write("desktop", "later");
    sync_all({&desktop});
    CHECK(desktop.keys() == beside.keys());
    CHECK(desktop.keys() == *agent::read_credentials(h.file("desktop")));
}

TEST_CASE("a device cannot remove itself, nor one that is not there", "[agent][members]") {
    home h;
    auto desktop = h.open("desktop");
    CHECK(desktop.remove_device(desktop.keys().device).code() == errc::invalid_argument);
    CHECK(desktop.remove_device({}).code() == errc::not_found);
    CHECK(desktop.keys().members.entries().size() == 1);
}

TEST_CASE("a relay's word alone removes nobody", "[agent][members]") {
    home h;
    auto desktop = h.open("desktop");
    run_sql((h.dir / "relay") + "/relay.db", "UPDATE device SET revoked = 1");
    const error said = failure_of(desktop);
    CHECK(said.code == errc::relay_refused);
    CHECK(said.detail.find("cannot show who") != std::string::npos);
    run_sql((h.dir / "relay") + "/relay.db", "UPDATE device SET revoked = 0");
    h.write("desktop", "later");
    sync_all({&desktop});
}

TEST_CASE("a relay cannot make the list another one", "[agent][members]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    sync_all({&desktop, &phone});
    const std::string db = (h.dir / "relay") + "/relay.db";
    errc expected{};
    SECTION("an entry that goes on from another one") {
        run_sql(
            db,
            "INSERT INTO member SELECT vault, 2, CAST(substr(entry, 1, 8) || x'02' || substr(entry, 10) AS "
            "BLOB) FROM member WHERE n = 1; UPDATE vault SET members = 3");
        expected = errc::members_fork;
    }
    SECTION("an entry that it has not") {
        run_sql(db, "UPDATE vault SET members = 3");
        expected = errc::malformed_answer;
    }
    const error said = failure_of(phone);
    CHECK(said.code == expected);
    CHECK(said.detail.find("is safe") != std::string::npos);
    CHECK(phone.keys().members.entries().size() == 2);
}

TEST_CASE("what a relay lets a removed device write is refused by the others", "[agent][members]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    sync_all({&desktop, &phone});
    auto laptop = h.add(desktop, "laptop");
    sync_all({&desktop, &phone, &laptop});
    REQUIRE(desktop.remove_device(phone.keys().device));
    // The relay works with it: the phone knows nothing of its removal, and its pushes are taken.
    run_sql((h.dir / "relay") + "/relay.db",
            "UPDATE device SET revoked = 0; UPDATE vault SET epoch = 1, members = 2");
    h.write("phone", "back-dated");
    REQUIRE(phone.sync());
    run_sql((h.dir / "relay") + "/relay.db", "UPDATE vault SET epoch = 2, members = 4");
    for (agent::link* d : {&desktop, &laptop}) {
        const auto done = d->sync();
        REQUIRE(done);
        CHECK(done->refused == 1);
        CHECK(done->alarms.size() == 1);
    }
    CHECK(h.notes("desktop").empty());
    CHECK(h.notes("laptop").empty());
}

TEST_CASE("a vault is deleted for all its devices, by a word they can check, and comes back with its kit",
          "[agent][deletion]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    sync_all({&desktop, &phone});
    const auto words = agent::make_recovery_kit(desktop);
    REQUIRE(words);
    h.write("phone", "not sent");
    const auto until = desktop.delete_vault();
    REQUIRE(until);
    CHECK(*until > static_cast<std::uint64_t>(std::time(nullptr)) + 29 * 86'400);
    CHECK(phone.delete_vault().code() == errc::vault_deleted);
    const error said = failure_of(phone);
    CHECK(said.code == errc::vault_deleted);
    CHECK(said.detail.find("by desktop.") != std::string::npos);
    CHECK(failure_of(desktop).code == errc::vault_deleted);
    CHECK(h.notes("phone") == "not sent ");

    // A relay that cannot show who did it is not believed.
    const std::string relay_db = (h.dir / "relay") + "/relay.db";
    run_sql(relay_db,
            "CREATE TABLE kept AS SELECT signature FROM deletion; "
            "UPDATE deletion SET signature = zeroblob(64)");
    CHECK(failure_of(phone).code == errc::relay_refused);
    run_sql(relay_db, "UPDATE deletion SET signature = (SELECT signature FROM kept); DROP TABLE kept");
    CHECK(failure_of(phone).code == errc::vault_deleted);

    auto tablet =
        agent::recover_vault({h.file("tablet"), h.server->address(), desktop.keys().vault, *words, "tablet"});
    INFO((tablet ? std::string() : tablet.failure().text()));
    REQUIRE(tablet);
    REQUIRE(phone.sync());
    REQUIRE(tablet->sync());
    CHECK(h.notes("tablet") == "not sent ");
}

namespace {

device_id kit_of(const std::string& words) {
    return openssl::recovery_identity(openssl::parse_words(words).value()).id();
}
/// How often a sync tells of a new kit.
std::size_t kit_news(agent::link& device) {
    const auto done = device.sync();
    INFO((done ? std::string() : done.failure().text()));
    REQUIRE(done);
    return static_cast<std::size_t>(
        std::count_if(done->alarms.begin(), done->alarms.end(), [](const std::string& alarm) {
            return alarm.find("A new recovery kit was made by phone") != std::string::npos;
        }));
}

constexpr std::int64_t hour_ms = 3'600'000;

}  // namespace

TEST_CASE("a new recovery kit takes the old one's place 72 hours later, and the other devices are told",
          "[agent][members][recovery]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    auto laptop = h.add(desktop, "laptop");
    h.write("phone", "kept");
    sync_all({&desktop, &phone});
    const std::string first = agent::make_recovery_kit(desktop).value();
    CHECK(kit_news(phone) == 0);  // nothing is replaced
    const std::string taken_back = agent::make_recovery_kit(phone).value();
    const std::string second = agent::make_recovery_kit(phone).value();
    CHECK(kit_news(desktop) == 1);
    CHECK(kit_news(desktop) == 0);
    CHECK(kit_news(phone) == 0);
    const auto good = [&](const std::string& words) {
        return desktop.keys().members.is_active(kit_of(words));
    };
    CHECK(good(first));
    CHECK_FALSE(good(taken_back));
    CHECK(good(second));
    CHECK(desktop.remove_device(kit_of(first)).code() == errc::invalid_argument);

    h.relay_ahead_ms = 71 * hour_ms;
    REQUIRE(desktop.sync());
    CHECK(good(first));
    h.relay_ahead_ms = 73 * hour_ms;
    const std::uint32_t before = desktop.keys().epoch;
    REQUIRE(desktop.sync());
    CHECK_FALSE(good(first));
    CHECK(good(second));
    CHECK(desktop.keys().epoch == before + 1);
    REQUIRE(phone.sync());
    CHECK(phone.keys().members == desktop.keys().members);
    CHECK(kit_news(laptop) == 1);  // it was away all the time
    CHECK(kit_news(laptop) == 0);

    const auto recover = [&](const std::string& words) {
        return agent::recover_vault(
            {h.file("tablet"), h.server->address(), desktop.keys().vault, words, "tablet"});
    };
    CHECK(recover(first).code() == errc::device_revoked);
    auto tablet = recover(second);
    INFO((tablet ? std::string() : tablet.failure().text()));
    REQUIRE(tablet);
    CHECK(h.notes("tablet") == "kept ");
    CHECK_FALSE(tablet->keys().members.is_active(kit_of(second)));
}

TEST_CASE("whoever made a new recovery kit and is removed within 72 hours has replaced nothing",
          "[agent][members][recovery]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    const std::string first = agent::make_recovery_kit(desktop).value();
    const std::string second = agent::make_recovery_kit(phone).value();
    REQUIRE(desktop.sync());
    const auto gone = desktop.remove_device(phone.keys().device);
    REQUIRE(gone);
    CHECK(gone->size() == 2);
    CHECK_FALSE(desktop.keys().members.is_active(kit_of(second)));
    h.relay_ahead_ms = 100 * hour_ms;
    REQUIRE(desktop.sync());
    CHECK(desktop.keys().members.is_active(kit_of(first)));
}

TEST_CASE("devices get new keys by themselves when the relay has another master key", "[agent][members]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    sync_all({&desktop, &phone});
    const auto before = desktop.keys().device_key;
    h.server.reset();
    REQUIRE(relay::rotate_master_key(h.dir / "relay", false));
    h.restart();
    h.write("phone", "after");
    sync_all({&phone, &desktop});
    CHECK(h.notes("desktop") == "after ");
    CHECK(desktop.keys().device_key != before);
    CHECK(desktop.keys().key_version == 2);
}

namespace {

/// A member's vault that gives others a snapshot without one of its rows.
struct forgetful_vault : sqlite::vault {
    explicit forgetful_vault(sqlite::vault whole) : sqlite::vault(std::move(whole)) {}

    result<causal_context> write_snapshot(const snapshot_sink& sink) {
        memory_spool whole;
        std::uint64_t size = 0, at = 0;
        auto merged = vault::write_snapshot([&](bytes_view part) {
            size += part.size();
            return whole.append(part);
        });
        if (!merged) return merged;
        snapshot_writer out(sink);
        bool first = true;
        const snapshot_visitor all_but_one{
            [&](const snapshot_header& h) { return out.begin(h); },
            [&](std::size_t place, const snapshot_row& row) {
                return std::exchange(first, false) ? result<void>{} : out.add(place, row.key, row.row);
            },
            [&](const unmerged_part& p) { return out.add(p); }};
        const auto next = [&]() -> result<bytes> {
            const std::uint64_t from = std::exchange(at, size);
            return whole.read(from, static_cast<std::size_t>(size - from));
        };
        if (auto ok = read_snapshot(next, all_but_one); !ok) return ok.failure();
        if (auto ok = out.end(); !ok) return ok.failure();
        return merged;
    }
};

void offer_too_little(const std::string& file, agent::link& member) {
    forgetful_vault vault(sqlite::vault::open(file).value());
    const agent::credentials& keys = member.keys();
    auto ring = openssl::open_vault_keys(keys.members, keys.identity, keys.epoch, keys.vault_key);
    openssl::vault_cipher cipher(keys.members, ring.value(), keys.identity);
    memory_spool spool;
    openssl::random random;
    const auto made = offer_snapshot<openssl::snapshot_sealer>(vault, cipher, member.relay(), spool, random);
    REQUIRE(made);
}

bool told(const result<sync_report>& done, const std::string& what) {
    REQUIRE(done);
    return std::any_of(done->alarms.begin(), done->alarms.end(),
                       [&](const std::string& alarm) { return alarm.find(what) != std::string::npos; });
}

}  // namespace

TEST_CASE("a snapshot of a member that lacks something is noticed, and another member's adds it",
          "[agent][members]") {
    home h;
    auto desktop = h.open("desktop");
    auto laptop = h.add(desktop, "laptop");
    for (const char* id : {"a", "b", "c"}) h.write("desktop", id);
    sync_all({&desktop, &laptop});
    agent::join_options joining{h.file("phone"), {}, {}, "phone", {}, {}};
    joining.confirm = [&](const agent::vault_offer&) {
        offer_too_little(h.file("laptop"), laptop);
        return true;
    };
    auto joined = pair_devices(desktop, joining);
    REQUIRE(joined);
    agent::link& phone = *joined;
    REQUIRE(phone.sync());
    CHECK(h.notes("phone") == "b c ");

    CHECK(told(desktop.sync(), "has something else"));
    CHECK(desktop.vault().status()->suspect->device == phone.keys().device);
    CHECK(told(phone.sync(), "has something else"));
    CHECK(phone.vault().status()->suspect->device == desktop.keys().device);
    CHECK(h.notes("phone") == "b c ");                         // until there is an answer
    CHECK(told(desktop.sync(), "another device's snapshot"));  // the phone's, and answers with its own
    CHECK(told(phone.sync(), "another device's snapshot"));
    CHECK(h.notes("phone") == "a b c ");
    h.write("phone", "d");
    REQUIRE(phone.sync());
    REQUIRE(laptop.sync());
    sync_all({&desktop, &phone, &laptop});
    for (agent::link* device : {&desktop, &phone, &laptop}) {
        CHECK_FALSE(device->vault().status()->suspect);
        CHECK(device->vault().digest().value() == desktop.vault().digest().value());
        CHECK(h.notes(device == &laptop ? "laptop" : "phone") == "a b c d ");
    }
}
