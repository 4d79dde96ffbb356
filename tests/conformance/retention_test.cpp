// SPDX-License-Identifier: MIT
// What the relay forgets, and what it must not.
#include "relay_under_test.hpp"
#include "snapshot_upload.hpp"

#include <casasync/cursor.hpp>
#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/vault_keys.hpp>
#include <casasync/page.hpp>

#include <casasync_test/catch.hpp>
#include <casasync_test/member_chain.hpp>

#include <map>

using namespace casasync;
using namespace casasync_test;

namespace {

constexpr std::int64_t day_ms = 24 * 3600 * 1000LL;

/// A relay, and the log as its devices know it.
struct household {
    explicit household(const std::vector<std::string>& arguments = {}) : f(arguments) {}

    own_relay f;
    std::vector<digest256> log{digest256{}};  ///< log values by position
    std::map<std::uint8_t, device_client> devices{};
    std::map<std::uint8_t, std::uint64_t> seqs{};
    std::uint8_t snapshots = 0;

    void start() { devices[1] = f.vault(); }
    device_client& join(std::uint8_t n) { return devices[n] = f.enrol(devices.at(1), n); }
    void pass(std::int64_t ms) {
        f.pass(ms);
        for (auto& [n, d] : devices) d.created = f.now_s();
    }
    reply push(std::uint8_t n, std::size_t size = 256) {
        const bytes envelope = devices.at(n).envelope(seqs[n] + 1, size, n, 0, epoch);
        const reply r = devices.at(n).push({envelope});
        if (r.status != 201) return r;
        ++seqs[n];
        log.push_back(advance_log(log.back(), openssl::sha256(envelope), openssl::sha256));
        return r;
    }
    void acknowledge(std::uint8_t n, std::uint64_t pos) {
        const auto& d = devices.at(n);
        REQUIRE(
            d.call("PUT", "/devices/" + d.device.text() + "/ack", R"({"pos":)" + std::to_string(pos) + "}")
                .status == 204);
    }
    void offer(std::uint8_t n, std::uint64_t pos) {
        auto& d = devices.at(n);
        const upload u = make_upload(++snapshots, 100, pos);
        REQUIRE(begin(d, u).status == 201);
        REQUIRE(put(d, u, 0, u.content).status == 204);
        bytes manifest = d.envelope(0, 256, 1, 0, epoch);
        manifest[5] = static_cast<std::uint8_t>(envelope_kind::snapshot_manifest);
        REQUIRE(d.call("POST", u.path() + "/complete", manifest, octets_type).status == 201);
    }
    void remove_device(std::uint8_t n) {
        remove(devices.at(1), devices.at(n));
        devices.erase(n);
        ++epoch;
    }
    [[nodiscard]] reply pull(std::uint8_t n, std::uint64_t after) const {
        return devices.at(n).pull(after, after == 0 ? "" : log_text(log[after]));
    }
    [[nodiscard]] std::uint64_t floor() const { return devices.at(1).call("GET", "").number("floor"); }
    [[nodiscard]] std::uint64_t tidied() {
        f.tidy();
        return floor();
    }
    std::uint32_t epoch = 1;
};

/// Two devices that both have a log of four, a week ago.
void old_log(household& h) {
    h.start();
    h.join(2);
    for (int i = 0; i < 4; ++i) REQUIRE(h.push(i % 2 == 0 ? 1 : 2).status == 201);
    h.pass(8 * day_ms);
}

}  // namespace

TEST_CASE("what all have and two snapshots cover is forgotten", "[conformance][retention]") {
    household h;
    old_log(h);
    h.acknowledge(1, 4);
    h.acknowledge(2, 3);
    CHECK(h.tidied() == 0);
    h.offer(1, 2);
    CHECK(h.tidied() == 0);  // one snapshot may turn out to be bad
    h.offer(2, 4);
    CHECK(h.floor() == 2);  // at once
    h.offer(1, 4);
    CHECK(h.floor() == 3);  // and not what device 2 has not acknowledged
    h.acknowledge(2, 4);
    CHECK(h.tidied() == 4);
    const reply vault = h.devices.at(1).call("GET", "");
    CHECK(vault.number("bytes") == 0);
    CHECK(vault.field("casasync-floor") == "4");
    CHECK(h.devices.at(1).attach({}).number("floor") == 4);
}

TEST_CASE("a position below the floor is told which snapshot leads on", "[conformance][retention]") {
    household h;
    old_log(h);
    h.acknowledge(1, 4);
    h.acknowledge(2, 4);
    h.offer(1, 2);
    h.offer(2, 3);
    REQUIRE(h.floor() == 2);
    for (const std::uint64_t below : {0U, 1U}) {
        const reply r = h.pull(2, below);
        CHECK(r.status == 410);
        CHECK(r.problem() == "history-compacted");
        CHECK(r.number("floor") == 2);
        CHECK(r.json().at("snapshot").at("snapshot_id").as_string() == id<snapshot_id>(2).text());
        CHECK(r.json().at("snapshot").at("pos") == 3);
    }
    const reply at_floor = h.pull(2, 2);
    REQUIRE(at_floor.status == 200);
    const auto page = decode_page(at_floor.body, 2);
    REQUIRE(page);
    CHECK(page->records.size() == 2);
    CHECK(page->log == h.log[4]);
    CHECK(h.devices.at(2).pull(2, log_text(h.log[1])).problem() == "cursor-mismatch");
    h.f.restart();
    for (auto& [n, d] : h.devices) d.at = h.f.at();
    CHECK(h.pull(2, 1).status == 410);
    CHECK(h.pull(2, 2).status == 200);
    CHECK(h.push(1).status == 201);
    CHECK(decode_page(h.pull(2, 4).body, 4)->log == h.log[5]);
}

TEST_CASE("a vault of one device needs one snapshot, and two again when another joins",
          "[conformance][retention]") {
    household h;
    h.start();
    for (int i = 0; i < 3; ++i) REQUIRE(h.push(1).status == 201);
    h.pass(8 * day_ms);
    h.acknowledge(1, 3);
    h.offer(1, 2);
    CHECK(h.floor() == 2);
    h.join(2);
    CHECK(h.pull(2, 0).status == 410);
    h.acknowledge(2, 3);
    h.offer(1, 3);
    CHECK(h.tidied() == 2);
    h.offer(1, 3);
    CHECK(h.tidied() == 3);
}

TEST_CASE("nothing younger than a week is forgotten while there is room", "[conformance][retention]") {
    household h;
    h.start();
    REQUIRE(h.push(1).status == 201);
    h.pass(6 * day_ms);
    REQUIRE(h.push(1).status == 201);
    h.acknowledge(1, 2);
    h.offer(1, 2);
    CHECK(h.tidied() == 0);
    h.pass(day_ms + 1000);
    CHECK(h.tidied() == 1);
    h.pass(6 * day_ms);
    CHECK(h.tidied() == 2);
}

TEST_CASE("a vault that is nearly full makes room as soon as its devices allow", "[conformance][retention]") {
    household h({"--vault-bytes-max", "3600"});
    h.start();
    h.join(2);
    const auto wanted = [&] { return h.devices.at(1).call("GET", "").field("casasync-snapshot-wanted"); };
    for (int i = 0; i < 8; ++i) REQUIRE(h.push(1).status == 201);
    CHECK(wanted().empty());
    for (int i = 0; i < 2; ++i) REQUIRE(h.push(1).status == 201);
    CHECK(h.push(1).problem() == "vault-quota");
    CHECK(wanted() == "high");
    h.offer(1, 10);
    CHECK(wanted() == "high");  // another one has to cover it
    h.offer(2, 10);
    CHECK(wanted().empty());
    CHECK(h.floor() == 0);
    h.acknowledge(1, 10);
    CHECK(h.push(1).status == 507);
    h.acknowledge(2, 6);
    CHECK(h.floor() == 6);  // without waiting for a round of the caretaker, and at any age
    for (int i = 0; i < 6; ++i) CHECK(h.push(1).status == 201);
    CHECK(h.push(1).status == 507);
}

TEST_CASE("a relay asks for snapshots as its log grows", "[conformance][retention]") {
    household h;
    h.start();
    const auto wanted = [&] { return h.devices.at(1).call("GET", "").field("casasync-snapshot-wanted"); };
    std::vector<std::size_t> sizes(9, (std::size_t{1} << 20) - 168);
    for (const std::size_t size : sizes) {
        CHECK(wanted().empty());
        REQUIRE(h.push(1, size).status == 201);
    }
    const reply vault = h.devices.at(1).call("GET", "");
    CHECK(vault.field("casasync-snapshot-wanted") == "low");
    CHECK(vault.json().at("hints").at("snapshot_wanted") == "low");
    h.offer(1, 8);
    CHECK(wanted().empty());
}

TEST_CASE("a member that never came, and one that is away, hold everything until they are removed",
          "[conformance][retention]") {
    household h;
    old_log(h);
    const auto& maker = h.devices.at(1);
    REQUIRE(maker.post(add_entry(maker.members(), h.f.who(3), maker.self)).status == 201);
    h.acknowledge(1, 4);
    h.acknowledge(2, 1);
    h.offer(1, 4);
    h.offer(1, 4);
    CHECK(h.tidied() == 0);
    remove(maker, h.f.nobody(3, 1));
    ++h.epoch;
    CHECK(h.tidied() == 1);
    h.remove_device(2);
    CHECK(h.tidied() == 4);
}

TEST_CASE("a recovery kit holds nothing back", "[conformance][retention]") {
    household h;
    old_log(h);
    const auto& maker = h.devices.at(1);
    const auto entry = openssl::kit_entry(maker.members(), maker.self, h.f.who(7).public_keys(), h.f.now_s());
    REQUIRE(maker.post(entry).status == 201);
    REQUIRE(h.f.nobody(7, 1).attach({}).status == 200);
    h.acknowledge(1, 4);
    h.acknowledge(2, 4);
    h.offer(1, 4);
    h.offer(1, 4);
    CHECK(h.tidied() == 4);
}

TEST_CASE("a removed device takes its snapshots with it: nobody opens them", "[conformance][retention]") {
    household h;
    old_log(h);
    h.acknowledge(1, 4);
    h.acknowledge(2, 4);
    h.offer(2, 4);
    h.offer(2, 4);
    REQUIRE(h.floor() == 4);
    h.remove_device(2);
    CHECK(h.devices.at(1).call("GET", "/snapshots/latest").status == 404);
    const reply vault = h.devices.at(1).call("GET", "");
    CHECK(vault.field("casasync-snapshot-wanted") == "high");  // who comes new would find nothing
    CHECK(h.pull(1, 0).json().at("snapshot").is_null());
    h.offer(1, 4);
    CHECK(h.devices.at(1).call("GET", "").field("casasync-snapshot-wanted").empty());
}

TEST_CASE("a device that is silent for long is dormant, and holds nothing back where the operator says so",
          "[conformance][retention]") {
    const bool expires = GENERATE(false, true);
    household h({"--dormant-days", expires ? "100" : "0"});
    old_log(h);
    h.acknowledge(1, 4);
    h.acknowledge(2, 1);
    h.offer(1, 4);
    h.offer(1, 4);
    CHECK(h.tidied() == 1);
    const auto state_of_2 = [&] {
        const auto vault = h.devices.at(1).call("GET", "").json();
        for (const auto& d : vault.at("devices").as_array())
            if (d.at("id").as_string() == h.devices.at(2).device.text())
                return std::string(d.at("state").as_string());
        return std::string();
    };
    h.pass(89 * day_ms);
    CHECK(state_of_2() == "active");
    h.pass(2 * day_ms);
    CHECK(state_of_2() == "dormant");
    CHECK(h.tidied() == 1);
    h.pass(10 * day_ms);
    CHECK(h.tidied() == (expires ? 4 : 1));
    CHECK(h.pull(2, 1).status == (expires ? 410 : 200));
    h.acknowledge(1, 4);  // stored behind the visit of device 2
    CHECK(state_of_2() == "active");
}

TEST_CASE("what an expired device has sent and not read back is known when it sends it again",
          "[conformance][retention]") {
    household h({"--dormant-days", "100"});
    old_log(h);  // device 2 made 2 and 4
    h.acknowledge(1, 4);
    h.acknowledge(2, 2);
    h.offer(1, 4);
    h.offer(1, 4);
    h.pass(101 * day_ms);
    REQUIRE(h.devices.at(1).call("GET", "").status == 200);
    REQUIRE(h.tidied() == 4);
    auto& two = h.devices.at(2);
    CHECK(two.push({two.envelope(2, 256, 2)}).status == 200);
    const reply other = two.push({two.envelope(2, 256, 9)});
    CHECK(other.problem() == "seq-conflict");
    CHECK(other.json().at("compacted") == false);
    const reply gone = two.push({two.envelope(1, 256, 2)});  // it had read that one back
    CHECK(gone.problem() == "seq-conflict");
    CHECK(gone.json().at("compacted") == true);
    h.acknowledge(2, 4);
    REQUIRE(h.tidied() == 4);
    CHECK(two.push({two.envelope(2, 256, 2)}).problem() == "seq-conflict");
    CHECK(h.push(2).status == 201);
}

TEST_CASE("an upload that nobody completes is removed after a day", "[conformance][retention]") {
    household h;
    h.start();
    REQUIRE(h.push(1).status == 201);
    const upload u = make_upload(1, 2500, 1);
    REQUIRE(begin(h.devices.at(1), u).status == 201);
    REQUIRE(put(h.devices.at(1), u, 0, u.part(0)).status == 204);
    h.f.tidy();
    CHECK(put(h.devices.at(1), u, 1, u.part(1)).status == 204);
    h.pass(day_ms + 1000);
    h.f.tidy();
    CHECK(put(h.devices.at(1), u, 2, u.part(2)).status == 404);
}

TEST_CASE("the floor is never above an ack of an active device, nor above the older snapshot",
          "[conformance][retention][property]") {
    const auto seed = GENERATE(1U, 2U, 3U, 4U);
    INFO("seed " << seed);
    std::uint64_t state = seed;
    const auto below = [&state](std::uint64_t n) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        return (state >> 33) % n;
    };
    household h({"--vault-bytes-max", seed % 2 == 0 ? "7200" : "1000000"});  // small: often full, any age
    h.start();
    std::map<std::uint8_t, std::uint64_t> acks{{1, 0}};
    std::vector<std::pair<std::uint8_t, std::uint64_t>> kept;  // complete snapshots: maker, position
    std::uint64_t floor = 0;
    std::uint8_t last_joined = 1;
    for (int step = 0; step < 120; ++step) {
        const auto who = std::next(acks.begin(), static_cast<std::ptrdiff_t>(below(acks.size())))->first;
        const std::uint64_t head = h.log.size() - 1;
        switch (below(10)) {
            case 0:
                if (acks.size() < 4) {
                    h.join(++last_joined);
                    acks[last_joined] = 0;
                }
                break;
            case 1:
                if (who == 1 || below(2) == 0) break;
                h.remove_device(who);
                acks.erase(who);
                std::erase_if(kept, [who](const auto& s) { return s.first == who; });
                break;
            case 2:
            case 3: {
                const std::uint64_t newest = kept.empty() ? 0 : kept.back().second;
                kept.emplace_back(who, std::max(newest, head - below(head + 1)));
                h.offer(who, kept.back().second);
                if (kept.size() > 2) kept.erase(kept.begin());
                break;
            }
            case 4:
            case 5:
            case 6:
                acks[who] = std::max(acks[who], head - std::min(head, below(3)));
                h.acknowledge(who, acks[who]);
                break;
            case 7:
                h.pass(static_cast<std::int64_t>(below(5)) * day_ms);
                break;
            default:
                static_cast<void>(h.push(who));
        }
        const std::uint64_t now = h.tidied();
        std::uint64_t limit = acks.size() == 1  ? (kept.empty() ? 0 : kept.back().second)
                              : kept.size() < 2 ? 0
                                                : kept.front().second;
        for (const auto& [n, ack] : acks) limit = std::min(limit, ack);
        CHECK(now >= floor);
        CHECK(now <=
              std::max(limit, floor));  // what is gone stays gone when a device or snapshot comes or goes
        floor = now;
        for (const auto& [n, ack] : acks)
            if (ack >= floor) {
                const reply r = h.pull(n, ack);
                CHECK(r.status == (ack == h.log.size() - 1 ? 204 : 200));
            } else {
                CHECK(h.pull(n, ack).status == 410);
            }
    }
    CHECK(floor > 0);
}
