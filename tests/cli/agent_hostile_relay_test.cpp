// SPDX-License-Identifier: MIT
// What whoever runs a relay, or has its disk or its keys, can do to devices: docs/PROOF.md, "Threats".
#include "home.hpp"

#include <casasync/beast/client.hpp>
#include <casasync/envelope.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

using namespace casasync;
using namespace casasync_test;

namespace {

std::string everything_in(const std::string& directory) {
    std::string out;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        std::ifstream in(entry.path(), std::ios::binary);
        out.append(std::istreambuf_iterator<char>(in), {});
    }
    return out;
}

/// Pushes bytes that nobody sealed, in the name of a device whose key at the relay somebody has.
void push_garbage(const agent::link& as, std::uint64_t seq) {
    const agent::credentials& keys = as.keys();
    beast::client_options options;
    options.relay.url = keys.relay;
    options.vault = keys.vault;
    options.device = keys.device;
    options.device_key = keys.device_key;
    options.key_version = keys.key_version;
    envelope_header head;
    head.vault = keys.vault;
    head.device = keys.device;
    head.epoch = keys.epoch;
    head.seq = seq;
    head.ciphertext_bytes = 256;
    const auto first = encode_header(head);
    bytes envelope(envelope_overhead_bytes + head.ciphertext_bytes, std::uint8_t{0x5A});
    std::copy(first.begin(), first.end(), envelope.begin());
    const auto pushed = beast::client::make(options)->push(std::vector<bytes>{envelope});
    INFO((pushed ? std::string() : pushed.failure().text()));
    REQUIRE(pushed);
}

void write_text(const home& h, const std::string& name, const std::string& id, const std::string& text) {
    run_sql(h.file(name), "INSERT INTO note VALUES('" + id + "', '" + text +
                              "') ON CONFLICT(id) DO UPDATE SET text = excluded.text");
}
std::string text_of(const home& h, const std::string& name, const std::string& id) {
    return run_sql(h.file(name), "SELECT text FROM note WHERE id = '" + id + "'");
}

}  // namespace

TEST_CASE("nothing that a relay stores can be read, and no key is among it", "[agent][hostile]") {
    home h;
    auto desktop = h.open("desktop");
    run_sql(h.file("desktop"), "CREATE TABLE groceries(id TEXT NOT NULL PRIMARY KEY, milk_and_honey TEXT)");
    REQUIRE(desktop.vault().track("groceries"));
    run_sql(h.file("desktop"), "INSERT INTO groceries VALUES('g', 'two bottles of wine')");
    auto phone = h.add(desktop, "telephone");  // with a snapshot, and what the two said to each other
    const auto words = agent::make_recovery_kit(desktop);
    REQUIRE(words);
    write_text(h, "telephone", "n", "a letter to Ann");
    sync_all({&desktop, &phone});
    REQUIRE(text_of(h, "desktop", "n") == "a letter to Ann ");

    std::vector<std::string> secrets{"groceries", "milk_and_honey", "two bottles",       "a letter",
                                     "telephone", "desktop",        words->substr(0, 20)};
    for (const agent::link* d : {&desktop, &phone}) {
        const agent::credentials& keys = d->keys();
        for (const bytes_view key :
             {bytes_view(keys.vault_key), bytes_view(keys.device_key), bytes_view(keys.identity.signing),
              bytes_view(keys.identity.agreement)}) {
            secrets.emplace_back(key.begin(), key.end());
            secrets.push_back(to_base64url(key).substr(0, 40));
        }
    }
    const auto look = [&] {
        const std::string stored = everything_in(h.dir / "relay");
        CHECK(
            stored.find(std::string(phone.keys().device.octets.begin(), phone.keys().device.octets.end())) !=
            std::string::npos);  // one looks where things are
        for (const std::string& secret : secrets) {
            INFO(to_base64url(as_bytes(secret)));
            CHECK(stored.find(secret) == std::string::npos);
        }
    };
    look();
    h.server->stop();
    look();
}

TEST_CASE("who has a relay's keys can shut a device out, and neither write for it nor make two of it",
          "[agent][hostile]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    write_text(h, "phone", "before", "x");
    sync_all({&desktop, &phone});
    push_garbage(phone, phone.vault().known_of_relay()->last_sent + 1);

    const auto seen = desktop.sync();
    REQUIRE(seen);
    CHECK(seen->refused == 1);
    CHECK(seen->alarms.size() == 1);
    const device_id was = phone.keys().device;
    SECTION("") {}
    SECTION("though it has forgotten what could be looked at") {
        run_sql((h.dir / "relay") + "/relay.db",
                "DELETE FROM changeset; UPDATE vault SET floor = head, floor_log = log");
    }
    write_text(h, "phone", "after", "x");
    for (int i = 0; i < 2; ++i) {
        const error said = failure_of(phone);
        CHECK(said.code == errc::authentication_failed);
        CHECK(said.detail.find("is safe") != std::string::npos);
    }
    CHECK(phone.keys().device == was);
    CHECK(desktop.keys().members.active_count() == 2);
    CHECK(h.notes("desktop") == "before ");
    CHECK(h.notes("phone") == "after before ");

    // A relay that is what it should be again gets everything.
    h.server->stop();
    h.server.reset();
    std::filesystem::remove_all(h.dir / "relay");
    h.restart();
    for (agent::link* d : {&desktop, &phone, &desktop}) {
        const auto done = d->sync();
        INFO((done ? std::string() : done.failure().text()));
        REQUIRE(done);
        CHECK(done->refused == 0);
    }
    CHECK(h.notes("desktop") == "after before ");
    CHECK(desktop.keys().members.active_count() == 2);
}

TEST_CASE(
    "a relay that shows two histories is found out once a device sees the other one, and nothing is lost",
    "[agent][hostile]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    auto laptop = h.add(desktop, "laptop");
    write_text(h, "desktop", "n", "old");
    sync_all({&desktop, &phone, &laptop});
    const auto shows = [&h](const std::string& history) {
        h.server->stop();
        h.server.reset();
        h.options.data = h.dir / history;
        if (!std::filesystem::exists(h.options.data))
            std::filesystem::copy(h.dir / "relay", h.options.data, std::filesystem::copy_options::recursive);
        h.restart();
    };
    write_text(h, "desktop", "n", "by the desktop");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // stamps are of milliseconds
    write_text(h, "phone", "n", "by the phone, later");
    write_text(h, "phone", "p", "x");
    shows("other");
    sync_all({&phone, &laptop});  // nothing tells these two, as long as they see nothing of the desktop
    CHECK(h.notes("laptop") == "n p ");
    shows("relay");
    sync_all({&desktop});
    CHECK(h.notes("desktop") == "n ");

    for (agent::link* d : {&phone, &laptop}) {
        const auto done = d->sync();
        INFO((done ? std::string() : done.failure().text()));
        REQUIRE(done);
        REQUIRE(done->alarms.size() >= 1);
        CHECK(done->alarms.back().find("The relay had lost something") == 0);
    }
    sync_all({&desktop, &phone, &laptop});
    for (agent::link* d : {&desktop, &phone, &laptop}) {
        CHECK(run_sql(d->path(), "SELECT text FROM note ORDER BY id") == "by the phone, later x ");
        CHECK(d->vault().digest().value() == desktop.vault().digest().value());
        CHECK(d->vault().status()->open_conflicts == 1);  // what the desktop wrote
    }
}

TEST_CASE("a relay whose clock is a year off decides no conflict and loses nothing", "[agent][hostile]") {
    const std::int64_t off = GENERATE(-1, 1) * std::int64_t{365} * 86'400'000;
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    write_text(h, "desktop", "n", "old");
    sync_all({&desktop, &phone});
    h.relay_ahead_ms = off;
    h.restart();
    sync_all({&desktop});  // hears of it
    write_text(h, "desktop", "n", "earlier");
    write_text(h, "desktop", "m", "alone");
    const auto there = desktop.sync();
    if (off > 0) {
        CHECK(there.ok());
    } else {
        CHECK(there.code() == errc::stamp_ahead);  // it takes nothing from what is its future
    }
    CHECK(desktop.vault().status()->clock_disagrees);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    write_text(h, "phone", "n", "later");
    h.relay_ahead_ms = 0;
    h.restart();
    sync_all({&desktop, &phone});
    sync_all({&desktop, &phone});
    for (const char* const device : {"desktop", "phone"}) {
        CHECK(text_of(h, device, "n") == "later ");
        CHECK(text_of(h, device, "m") == "alone ");
    }
    CHECK_FALSE(desktop.vault().status()->clock_disagrees);
    CHECK(desktop.vault().digest().value() == phone.vault().digest().value());
}
