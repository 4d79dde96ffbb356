// SPDX-License-Identifier: MIT
#include "vault_pair.hpp"

#include <casasync/page.hpp>
#include <casasync/part_front.hpp>

#include <variant>

using namespace vault_pair;

namespace {

/// A session whose relay is this test.
struct by_hand {
    household h{};
    device d{h, 1};
    session<memory_store<hand_clock>, plain_cipher> s{d.store, d.keys};
    page last{{id_of<generation_id>(8)}, {}, 0, {}, true};

    /// The session has something to push.
    push_request pushing() {
        d.write("1", {{"amount", 1}});
        const auto request = s.next();
        REQUIRE(std::holds_alternative<push_request>(request));
        return std::get<push_request>(request);
    }
    void pulling() { REQUIRE(std::holds_alternative<pull_request>(s.next())); }
    /// The next page: one record with this envelope.
    page& record(const bytes& envelope) {
        last.records = {{++last.last, 0, envelope, casasync_test::quick_digest(envelope)}};
        last.log = advance_log(last.log, last.records[0].digest, casasync_test::quick_digest);
        return last;
    }
    void fail_pull(errc code) { s.receive(result<page>(code)); }
    void fail_push(errc code) { s.receive(result<push_answer>(code)); }
    [[nodiscard]] errc failure() const { return s.failure() ? s.failure()->code : errc{}; }
};

}  // namespace

TEST_CASE("a relay that always has more is left after ten thousand requests", "[session][hostile]") {
    by_hand t;
    std::size_t requests = 0;
    while (std::holds_alternative<pull_request>(t.s.next())) {
        t.s.receive(result<page>(t.record({1, 2, 3})));
        ++requests;
    }
    CHECK(requests == 10'000);
    CHECK(t.s.report().more);
    CHECK(t.s.report().refused == 10'000);
    CHECK(t.s.report().alarms.size() == sync_report::alarms_max);
    CHECK(t.d.position() == 0);  // the first of them is asked for again
}

TEST_CASE("a page that does not follow is not used", "[session][hostile]") {
    by_hand t;
    t.pulling();
    page& p = t.record({1});
    SECTION("a hole") {
        p.records[0].pos = p.last = 2;
    }
    SECTION("an end that is not the last record's") {
        p.last = 2;
    }
    SECTION("a log without a name") {
        p.relay.generation = {};
    }
    SECTION("another running hash") {
        p.log[0] ^= 1;
    }
    t.s.receive(result<page>(p));
    CHECK(t.failure() == errc::malformed_answer);
    CHECK(t.s.report().refused == 0);
}

TEST_CASE("an error that does not fit the request ends the sync", "[session][hostile]") {
    by_hand t;
    SECTION("an old key, twice") {
        static_cast<void>(t.pushing());
        t.fail_push(errc::stale_epoch);
        CHECK(t.failure() == errc{});
        REQUIRE(std::holds_alternative<push_request>(t.s.next()));
        t.fail_push(errc::stale_epoch);
        CHECK(t.failure() == errc::stale_epoch);
    }
    SECTION("an old key, to a pull") {
        t.pulling();
        t.fail_pull(errc::stale_epoch);
        CHECK(t.failure() == errc::stale_epoch);
    }
    SECTION("a full vault, to a pull") {
        t.pulling();
        t.fail_pull(errc::quota_exceeded);
        CHECK(t.failure() == errc::quota_exceeded);
    }
    SECTION("another log, to a push") {
        static_cast<void>(t.pushing());
        t.fail_push(errc::log_mismatch);
        CHECK(t.failure() == errc::log_mismatch);
    }
    SECTION("a second one: the first is told") {
        static_cast<void>(t.pushing());
        t.fail_push(errc::quota_exceeded);
        t.pulling();
        t.fail_pull(errc::offline);
        CHECK(t.failure() == errc::quota_exceeded);
    }
    SECTION("a copy is told of nothing else") {
        static_cast<void>(t.pushing());
        t.fail_push(errc::seq_conflict);
        t.pulling();
        t.fail_pull(errc::log_mismatch);
        CHECK(t.failure() == errc::seq_conflict);
    }
    CHECK(std::holds_alternative<nothing_left>(t.s.next()));
}

TEST_CASE("a log that changes its life between two pages, and again after the snapshot",
          "[session][hostile]") {
    by_hand t;
    t.pulling();
    t.s.receive(result<page>(t.record({1})));
    t.pulling();
    t.last.relay.generation = id_of<generation_id>(9);
    t.s.receive(result<page>(t.record({2})));
    REQUIRE(std::holds_alternative<snapshot_request>(t.s.next()));
    SECTION("the snapshot does not come") {
        t.s.receive(result<std::optional<cursor>>(errc::offline));
        CHECK(t.failure() == errc::offline);
        CHECK(t.d.store.position()->generation.is_zero());  // the store knows that it left the log
    }
    SECTION("there is none, and the log that is read anew is another one, too") {
        t.s.receive(result<std::optional<cursor>>(std::optional<cursor>{}));
        CHECK(t.failure() == errc::wrong_relay);
        t.pulling();
        t.fail_pull(errc::log_mismatch);
    }
    SECTION("its place is in another log") {
        t.s.receive(result<std::optional<cursor>>(std::optional(cursor{id_of<generation_id>(9), 3, {}})));
        t.pulling();
        SECTION("one that the relay does not know") {
            t.fail_pull(errc::log_mismatch);
            CHECK(t.failure() == errc::wrong_relay);
            t.pulling();
            t.fail_pull(errc::log_mismatch);  // once is enough
        }
        SECTION("one that the relay has forgotten") {
            t.fail_pull(errc::history_compacted);
            CHECK(t.failure() == errc::history_compacted);
        }
        SECTION("one that goes on under another name") {
            t.s.receive(result<page>(page{{id_of<generation_id>(10)}, {}, 3, {}, false}));
            CHECK(std::holds_alternative<acknowledge_request>(t.s.next()));
            t.s.receive(result<void>(errc::offline));
            CHECK(t.failure() == errc::offline);
        }
    }
    CHECK(std::holds_alternative<nothing_left>(t.s.next()));
}

TEST_CASE("a push takes as many envelopes, and as many bytes, as a request may have", "[session]") {
    by_hand t;
    SECTION("seventy small ones") {
        for (int i = 0; i < 70; ++i) {
            t.d.write("1", {{"amount", i}});
            REQUIRE(t.d.store.seal().ok());
        }
        CHECK(std::get<push_request>(t.s.next()).envelopes.size() == limits::request_envelopes_max);
    }
    SECTION("four large ones; the fifth would fit without its header") {
        t.d.write("1", {{"note", bytes(limits::request_bytes_max - 600, 7)}});
        CHECK(std::get<push_request>(t.s.next()).envelopes.size() == 4);
        CHECK(t.d.store.pending_out() == 5);
    }
    SECTION("a number that is not there any more: what follows goes by itself, and its link does not join") {
        for (int i = 0; i < 3; ++i) {
            t.d.write("1", {{"amount", i}});
            REQUIRE(t.d.store.seal().ok());
        }
        REQUIRE(t.d.store.settle(2).ok());
        REQUIRE(std::get<push_request>(t.s.next()).envelopes.size() == 1);
        push_answer taken;
        taken.receipts = {{1, 1}};
        t.s.receive(result<push_answer>(taken));
        const auto push = std::get<push_request>(t.s.next());
        REQUIRE(push.envelopes.size() == 1);
        CHECK(decode_header(push.envelopes[0])->seq == 3);
        auto payload = t.d.keys.open(push.envelopes[0]);
        REQUIRE(payload.ok());
        CHECK(take_front(*payload)->link == digest256{});
    }
    SECTION("an envelope that cannot be read is made anew") {
        t.d.write("1", {{"amount", 1}});
        REQUIRE(t.d.store.seal().ok());
        REQUIRE(t.d.store.keep_envelope(1, as_bytes("?"), {}, {}).ok());
        const auto push = std::get<push_request>(t.s.next());
        REQUIRE(push.envelopes.size() == 1);
        CHECK(decode_header(push.envelopes[0]).ok());
    }
}
