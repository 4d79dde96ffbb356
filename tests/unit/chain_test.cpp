// SPDX-License-Identifier: MIT
// Each part names the one before it: what is kept back, or sent twice, is found out.
#include "three_devices.hpp"

using namespace vault_pair;

TEST_CASE("each part names the one before it", "[session][chain]") {
    three_devices h;
    const auto& records = h.relay.records();
    CHECK(opened_by(h.b, records[0].envelope).first.link == digest256{});
    for (std::size_t i = 1; i < 3; ++i)
        CHECK(opened_by(h.b, records[i].envelope).first.link == link_in(h.b, records[i - 1].envelope));
    const auto report = h.b.sync();
    REQUIRE(report.ok());
    CHECK(report->alarms.empty());
    CHECK(h.b.store.stream(h.a.store.device())->seq == 3);
    CHECK(h.b.store.stream(h.a.store.device())->link == link_in(h.b, records[2].envelope));

    for (int i = 4; i <= 6; ++i) h.a.write("a" + std::to_string(i), {{"amount", i}});
    REQUIRE(h.a.store.seal().ok());
    h.a.write("a7", {{"amount", 7}});
    REQUIRE(h.a.sync().ok());  // two at once
    CHECK(opened_by(h.b, records[4].envelope).first.link == link_in(h.b, records[2].envelope));
    CHECK(opened_by(h.b, records[5].envelope).first.link == link_in(h.b, records[4].envelope));
    CHECK(h.b.sync()->alarms.empty());
}

TEST_CASE("a device that sent two different changes under one number is found out", "[session][chain]") {
    three_devices h;
    REQUIRE(h.b.sync().ok());
    auto& records = h.relay.records();
    const bytes third = records[2].envelope;
    envelope_header head = *decode_header(third);
    part_front front = opened_by(h.a, third).first;

    SECTION("by what follows the other one") {
        head.seq = 4;
        front.link =
            link_of(head.device, 3, front.link, as_bytes("another third"), casasync_test::quick_digest);
    }
    SECTION("by the other one itself, from a relay that was put back") {}
    for (int twice = 0; twice < 2; ++twice)
        records.push_back(
            {head.device, head.seq, 0, {}, {}, sealed_as(h.a, head, with_front(front, as_bytes("x")))});
    h.relay.recompute_log();
    const auto report = h.b.sync();
    CHECK(tells(report, "two different changes under one number"));
    CHECK(report->alarms.size() == 1);
    CHECK(h.b.store.digest() == h.c.store.digest());
    CHECK_FALSE(tells(h.b.sync(), "two different"));  // said once
}

TEST_CASE("a relay that keeps changes back is found out by what comes behind them", "[session][chain]") {
    three_devices h;
    REQUIRE(h.c.sync().ok());
    h.c.write("a3", {{"note", "seen"}});
    REQUIRE(h.c.sync().ok());
    auto& records = h.relay.records();
    REQUIRE(records.size() == 5);

    SECTION("one in the middle of a stream") {
        records.erase(records.begin() + 1);
        h.relay.recompute_log();
        CHECK(
            tells(h.b.sync(), "keeps back, or has lost, changes of the device " + h.a.store.device().text()));
        CHECK(h.b.store.pending_in() == 2);
    }
    SECTION("the newest ones: what others built on them waits, as when their author has yet to send them") {
        records.erase(records.begin() + 2);
        h.relay.recompute_log();
        CHECK(h.b.sync()->alarms.empty());
        CHECK(h.b.store.pending_in() == 1);
    }
    SECTION("nothing is said when all is there") {
        CHECK(h.b.sync()->alarms.empty());
        h.check_b_has_all();
    }
}

namespace {

/// A cipher that knows a list of devices: entry n has the hash n, n, n ..; in a fork that of the last
/// differs.
class listing_cipher : public plain_cipher {
 public:
    std::uint32_t entries = 1;
    bool forked = false;

    [[nodiscard]] std::uint32_t members_count() const noexcept { return entries; }
    [[nodiscard]] std::optional<digest256> members_head(std::uint32_t count) const {
        if (count > entries) return std::nullopt;
        digest256 out{};
        out.fill(static_cast<std::uint8_t>(count + (forked && count == entries ? 100 : 0)));
        return out;
    }
};

}  // namespace

TEST_CASE("a relay that keeps back who joined or left is found out by the next change", "[session][chain]") {
    household h;
    device a(h, 1), b(h, 2);
    listing_cipher of_a, of_b;
    std::uint64_t told = 0;
    b.way.on_page = [&told](loopback::page_bytes& p) { p.relay.members = told; };
    const auto sync_a = [&] {
        a.write("1", {{"amount", static_cast<std::int64_t>(h.relay.state().head)}});
        REQUIRE(sync<plain_opener>(a.store, of_a, a.way).ok());
    };
    const auto sync_b = [&] { return sync<plain_opener>(b.store, of_b, b.way); };
    of_a.entries = 3;
    of_b.entries = 2;
    sync_a();

    SECTION("the relay tells of the entry: the list is asked for, and nothing is wrong") {
        told = 3;
        CHECK(sync_b()->alarms.empty());
    }
    SECTION("it does not") {
        told = 2;
        CHECK(tells(sync_b(), "keeps back, or has lost, who joined or left"));
    }
    SECTION("a longer list with the same beginning is fine") {
        of_b.entries = 4;
        CHECK(sync_b()->alarms.empty());
    }
    SECTION("another list is not") {
        of_b.entries = 3;
        of_b.forked = true;
        CHECK(tells(sync_b(), "another list of the vault's devices"));
    }
    CHECK(b.has("1"));
}

TEST_CASE("links that nobody knows accuse nobody", "[session][chain]") {
    three_devices h;
    auto& records = h.relay.records();
    SECTION("an author that does not tell what came before") {
        REQUIRE(h.b.sync().ok());
        envelope_header head = *decode_header(records[2].envelope);
        head.seq = 4;
        records.push_back({head.device, 4, 0, {}, {}, sealed_as(h.a, head, with_front({}, as_bytes("x")))});
    }
    SECTION("a part that the snapshot had, once more") {
        REQUIRE(h.a.sync().ok());
        REQUIRE(h.a.offer().ok());
        REQUIRE(merge_latest_snapshot<plain_opener>(h.b.store, h.b.keys, h.b.way).ok());
        CHECK(h.b.store.stream(h.a.store.device())->seq == 3);
        CHECK(h.b.store.stream(h.a.store.device())->link == digest256{});
        records.push_back(records[2]);
    }
    h.relay.recompute_log();
    const auto report = h.b.sync();
    REQUIRE(report.ok());
    CHECK(report->alarms.empty());
}
