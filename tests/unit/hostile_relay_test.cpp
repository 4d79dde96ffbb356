// SPDX-License-Identifier: MIT
// What a relay may say, and what a session takes of it.
#include "three_devices.hpp"

using namespace vault_pair;

TEST_CASE("a page that is cut off anywhere has no effect", "[session][hostile]") {
    three_devices h;
    std::size_t size = 0;
    h.b.way.on_page = [&size](loopback::page_bytes& p) {
        size = p.body.size();
        p.body.clear();
    };
    CHECK(h.b.sync().code() == errc::malformed_answer);
    REQUIRE(size > 0);
    for (std::size_t n = 0; n < size; ++n) {
        h.b.way.on_page = [n](loopback::page_bytes& p) { p.body.resize(n); };
        REQUIRE(h.b.sync().code() == errc::malformed_answer);
    }
    h.check_b_is_untouched();
    h.b.way.on_page = {};
    h.check_b_has_all();
}

TEST_CASE("no flipped bit of a page changes what is merged", "[session][hostile]") {
    three_devices h;
    std::size_t size = 1, refused = 0;
    for (std::size_t bit = 0; bit < size * 8; bit += 3) {
        device reader(h, 9);
        reader.way.on_page = [&](loopback::page_bytes& p) {
            size = p.body.size();
            p.body[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        };
        const auto report = reader.sync();
        if (report.ok()) {  // times are not part of the log
            REQUIRE(reader.store.digest() == h.c.store.digest());
            continue;
        }
        ++refused;
        REQUIRE(report.code() == errc::malformed_answer);
        REQUIRE(reader.position() == 0);
        REQUIRE(reader.store.tables().front().rows.size() == 0);
    }
    CHECK(refused * 3 > size * 7);
}

TEST_CASE("an envelope altered at the relay is left out, and the rest goes on", "[session][hostile]") {
    three_devices h;
    const bytes good = h.relay.records()[1].envelope;
    h.relay.records()[1].envelope.back() ^= 1;
    h.relay.recompute_log();
    for (int round = 0; round < 2; ++round) {
        const auto report = h.b.sync();
        REQUIRE(report.ok());
        CHECK(report->refused == 1);
        REQUIRE(report->alarms.size() == 1);
        CHECK(report->alarms[0].find("(2 in the relay's log) does not open") != std::string::npos);
        CHECK(h.b.position() == 1);  // it is asked for again
        CHECK(h.b.has("a1"));
        CHECK_FALSE(h.b.has("a2"));
        CHECK_FALSE(h.b.has("a3"));  // waits for the one before it
        CHECK(h.b.has("c1"));        // waits for nobody
        CHECK(h.b.store.pending_in() == 1);
        CHECK(h.relay.acknowledged(h.b.store.device()) == 1);
    }
    h.relay.records()[1].envelope = good;
    h.relay.recompute_log();
    h.check_b_has_all();
}

TEST_CASE("what is not of this vault, or pretends to be this device's, is not stored", "[session][hostile]") {
    three_devices h;
    envelope_header head;
    head.vault = h.a.store.id();
    head.device = id_of<device_id>(5);
    head.seq = 1;
    std::string expected = "does not open";
    SECTION("another vault") {
        head.vault = id_of<vault_id>(6);
    }
    SECTION("this device's own name") {
        head.device = h.b.store.device();
    }
    SECTION("a manifest in the log") {
        head.kind = envelope_kind::snapshot_manifest;
        head.seq = 0;
    }
    SECTION("a newer version") {
        head.version = 2;
        expected = "newer casasync";
    }
    h.relay.records().push_back({id_of<device_id>(5), 1, 0, {}, {}, sealed_as(h.a, head, as_bytes("x"))});
    h.relay.recompute_log();
    const auto report = h.b.sync();
    REQUIRE(report.ok());
    CHECK(report->received == 4);
    CHECK(report->refused == 1);
    REQUIRE(report->alarms.size() == 1);
    CHECK(report->alarms[0].find(expected) != std::string::npos);
    CHECK(h.b.position() == 4);
    CHECK(h.b.store.pending_in() == 0);
}

TEST_CASE("an authentic envelope whose content is none waits, and stops only its author",
          "[session][hostile]") {
    three_devices h;
    envelope_header head;
    head.vault = h.a.store.id();
    head.device = id_of<device_id>(5);
    head.seq = 1;
    bytes content;
    SECTION("noise") {
        content = {1, 2, 3};
    }
    SECTION("another device's changeset") {
        content = opened_by(h.a, h.relay.records()[0].envelope).second;
    }
    h.relay.records().push_back({id_of<device_id>(5), 1, 0, {}, {}, sealed_as(h.a, head, content)});
    h.relay.recompute_log();
    const auto report = h.b.sync();
    REQUIRE(report.ok());
    CHECK(report->merged == 4);
    CHECK(h.b.store.pending_in() == 1);
    CHECK(h.b.store.digest() == h.c.store.digest());
}

TEST_CASE("a record that the log repeats counts once", "[session][hostile]") {
    three_devices h;
    auto& records = h.relay.records();
    records.push_back(records[0]);
    records.push_back(records[3]);
    records.push_back(records[0]);
    h.relay.recompute_log();
    const auto report = h.b.sync();
    REQUIRE(report.ok());
    CHECK(report->merged == 4);
    CHECK(h.b.position() == 7);
    CHECK(h.b.store.digest() == h.c.store.digest());
}

TEST_CASE("an empty page that promises more ends the sync", "[session][hostile]") {
    three_devices h;
    int pages = 0;
    h.b.way.on_page = [&pages](loopback::page_bytes& p) {
        ++pages;
        p.body.clear();
        append_page_end(p.body, 0, 1, digest256{});
        p.more = true;
    };
    CHECK(h.b.sync().ok());
    CHECK(pages == 1);
    h.b.way.on_page = {};
    h.check_b_has_all();
}

TEST_CASE("a relay that confirms something else is not believed", "[session][hostile]") {
    household h;
    device a(h, 1);
    a.write("1", {{"amount", 1}});
    session<memory_store<hand_clock>, plain_cipher> s(a.store, a.keys);
    REQUIRE(std::holds_alternative<push_request>(s.next()));
    push_answer answer{h.relay.state(), {{2, 1, false}}};
    SECTION("another seq") {}
    SECTION("nothing") {
        answer.receipts.clear();
    }
    SECTION("one too many") {
        answer.receipts = {{1, 1, false}, {2, 2, false}};
    }
    s.receive(result<push_answer>(answer));
    CHECK(std::holds_alternative<nothing_left>(s.next()));
    REQUIRE(s.failure());
    CHECK(s.failure()->code == errc::malformed_answer);
    CHECK(a.store.pending_out() == 1);
}
