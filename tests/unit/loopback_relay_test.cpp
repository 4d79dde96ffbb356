// SPDX-License-Identifier: MIT
// What the relay in memory refuses, as docs/WIRE.md has it; a refused call leaves it as it was.
#include "vault_pair.hpp"

#include <casasync/page.hpp>

using namespace vault_pair;

namespace {

const device_id ann = id_of<device_id>(1), bob = id_of<device_id>(2);

/// A relay, and what a device of its vault would send there.
struct refusing_relay : household {
    device d{*this, 1};

    /// An envelope of `ann`. \param change  what is wrong with its header
    bytes envelope(std::uint64_t seq, std::size_t size = 10,
                   const std::function<void(envelope_header&)>& change = {}) {
        envelope_header head;
        head.vault = id_of<vault_id>(7);
        head.device = ann;
        head.seq = seq;
        if (change) change(head);
        return d.keys.seal(head, bytes(size)).value();
    }
    std::vector<bytes> envelopes(std::uint64_t first, std::uint64_t last, std::size_t size = 10) {
        std::vector<bytes> out;
        for (; first <= last; ++first) out.push_back(envelope(first, size));
        return out;
    }
    /// Pushes, which is refused whole. \returns why
    errc refusal(const std::vector<bytes>& sent) {
        const std::uint64_t head = relay.state().head;
        const auto last = relay.last_seq(ann, ann).value();
        const auto done = relay.push(ann, sent);
        CHECK(relay.state().head == head);
        CHECK(relay.last_seq(ann, ann).value() == last);
        return done ? errc{} : done.code();
    }
    void push(const std::vector<bytes>& sent) { REQUIRE(relay.push(ann, sent)); }
    /// The place in the log that a device is at that has read up to `pos`.
    [[nodiscard]] cursor place(std::uint64_t pos) const {
        return {relay.state().generation, pos, relay.log_at(pos)};
    }
};

template <class T>
errc code_of(const result<T>& done) {
    return done ? errc{} : done.code();
}

}  // namespace

TEST_CASE("the relay in memory takes no push that no device of its vault sends", "[loopback]") {
    refusing_relay h;
    h.push(h.envelopes(1, 2));
    using head = envelope_header;
    CHECK(h.refusal({}) == errc::malformed_envelope);
    CHECK(h.refusal(h.envelopes(3, 67)) == errc::malformed_envelope);
    CHECK(h.refusal(h.envelopes(3, 7, limits::envelope_payload_bytes_max)) == errc::malformed_envelope);
    CHECK(h.refusal({bytes(200)}) == errc::malformed_envelope);
    CHECK(h.refusal({h.envelope(3, 1, [](head& e) { e.vault.octets[0] = 0; })}) == errc::malformed_envelope);
    CHECK(h.refusal({h.envelope(3, 1, [](head& e) { e.device = bob; })}) == errc::malformed_envelope);
    CHECK(h.refusal({h.envelope(0, 1, [](head& e) { e.kind = envelope_kind::snapshot_manifest; })}) ==
          errc::malformed_envelope);
    CHECK(h.refusal({h.envelope(3), h.envelope(5)}) == errc::malformed_envelope);
    CHECK(h.refusal({h.envelope(4)}) == errc::seq_gap);
    CHECK(h.refusal({h.envelope(3, 1, [](head& e) { e.max_hour = 500'026; })}) == errc::stamp_ahead);
    h.push({h.envelope(3, 1, [](head& e) { e.max_hour = 500'025; })});
    h.relay.limit_bytes(1000);
    CHECK(h.refusal(h.envelopes(4, 5, 300)) == errc::quota_exceeded);
    h.push({h.envelope(4, 300)});
}

TEST_CASE("the relay in memory knows again what it has, while its author may not have read it back",
          "[loopback]") {
    refusing_relay h;
    const auto sent = h.envelopes(1, 3);
    h.push(sent);
    const auto again = h.relay.push(ann, sent);
    REQUIRE(again);
    CHECK(again->receipts.at(2).pos == 3);
    CHECK(again->receipts.at(2).duplicate);
    CHECK(h.refusal({h.envelope(3, 11)}) == errc::seq_conflict);
    REQUIRE(h.relay.acknowledge(ann, 1));
    h.relay.compact(2);
    CHECK(h.refusal({sent[0]}) == errc::seq_conflict);
    CHECK(h.relay.push(ann, {&sent[1], 1}));
    REQUIRE(h.relay.acknowledge(ann, 3));
    CHECK(h.relay.push(ann, {&sent[2], 1}));
    REQUIRE(h.relay.attach(bob, bob, 5));  // what was before, another life of the log had
    CHECK(code_of(h.relay.push(bob, std::vector<bytes>{h.envelope(5, 1, [](auto& e) { e.device = bob; })})) ==
          errc::seq_conflict);
    CHECK(h.relay.push(bob, std::vector<bytes>{h.envelope(6, 1, [](auto& e) { e.device = bob; })}));
}

TEST_CASE("the relay in memory answers devices that attached, until they are removed", "[loopback]") {
    refusing_relay h;
    h.push(h.envelopes(1, 1));
    h.relay.require_attach();
    loopback::transport way(h.relay, h.network, bob);
    const snapshot_info info{id_of<snapshot_id>(1), 1, 10, {}};
    const auto all = [&] {
        const std::vector<bytes> sent{h.envelope(1, 1, [](auto& e) { e.device = bob; })};
        return std::vector{code_of(way.push(sent)),
                           code_of(way.pull({h.place(0)})),
                           code_of(way.record(1)),
                           code_of(way.acknowledge(1)),
                           code_of(way.last_seq(ann)),
                           code_of(way.latest_snapshot()),
                           code_of(way.begin_snapshot(info)),
                           code_of(way.read_snapshot(info, 0, 1))};
    };
    for (const errc said : std::vector(all()))
        CHECK((said == errc::unauthenticated || said == errc::not_found));
    REQUIRE(way.attach(bob, 0));
    CHECK(all() == std::vector<errc>{{}, {}, {}, {}, {}, {}, {}, errc::not_found});
    h.relay.revoke(bob);
    for (const errc said : std::vector(all()))
        CHECK((said == errc::device_revoked || said == errc::not_found));
    CHECK(code_of(way.attach(ann, 0)) == errc::device_revoked);
    way.sign_as(ann);
    CHECK(code_of(way.attach(bob, 0)) == errc::device_revoked);
    CHECK(way.attach(ann, 0));
}

TEST_CASE("the relay in memory shows no place that its log does not have", "[loopback]") {
    refusing_relay h;
    h.push(h.envelopes(1, 3));
    CHECK(code_of(h.relay.record(ann, 0)) == errc::not_found);
    CHECK(code_of(h.relay.record(ann, 4)) == errc::not_found);
    CHECK(code_of(h.relay.acknowledge(ann, 4)) == errc::log_mismatch);
    CHECK(code_of(h.relay.pull(ann, {{{}, 4, {}}})) == errc::log_mismatch);
    cursor other = h.place(2);
    other.log[0] ^= 1;
    CHECK(code_of(h.relay.pull(ann, {other})) == errc::log_mismatch);
    CHECK(h.relay.pull(ann, {h.place(2)})->more == false);
    CHECK(h.relay.record(ann, 2)->more);
    CHECK_FALSE(h.relay.record(ann, 3)->more);
    h.relay.compact(2);
    CHECK(code_of(h.relay.record(ann, 2)) == errc::history_compacted);
    CHECK(code_of(h.relay.pull(ann, {h.place(1)})) == errc::history_compacted);
    CHECK(h.relay.pull(ann, {h.place(2)}));
}

TEST_CASE("a page of the relay in memory ends where it is full", "[loopback]") {
    refusing_relay h;
    const std::size_t large = limits::envelope_payload_bytes_max;
    h.push(h.envelopes(1, 3, large));
    h.push(h.envelopes(4, 6, large));
    const auto first = h.relay.pull(bob, {h.place(0)});
    REQUIRE(first);
    CHECK(first->more);
    CHECK(first->body.size() <= limits::page_bytes_max);
    const std::uint64_t last = decode_page(first->body, 0)->last;
    CHECK((last == 3 || last == 4));
    CHECK(h.relay.pull(bob, {h.place(last)})->more == false);
    CHECK_FALSE(h.relay.pull(ann, {h.place(0)})->more);  // of what is its own it is told digests
}

TEST_CASE("the relay in memory takes a snapshot part by part, and shows it when it is whole", "[loopback]") {
    refusing_relay h;
    h.push(h.envelopes(1, 3));
    constexpr std::size_t part = limits::snapshot_part_bytes;
    const auto info = [](std::uint8_t n, std::uint64_t pos, std::uint64_t size) {
        return snapshot_info{id_of<snapshot_id>(n), pos, size, {}};
    };
    const snapshot_info s = info(1, 2, part + 5);
    CHECK(code_of(h.relay.begin_snapshot(info(1, 4, 1))) == errc::log_mismatch);
    CHECK(code_of(h.relay.begin_snapshot(info(1, 2, 0))) == errc::limit_exceeded);
    CHECK(code_of(h.relay.begin_snapshot(info(1, 2, limits::snapshot_bytes_max + 1))) ==
          errc::limit_exceeded);
    CHECK(code_of(h.relay.write_snapshot(s.id, 0, bytes(part))) == errc::not_found);
    CHECK(code_of(h.relay.complete_snapshot(s)) == errc::not_found);
    REQUIRE(h.relay.begin_snapshot(s));
    CHECK(h.relay.begin_snapshot(s));
    CHECK(code_of(h.relay.begin_snapshot(info(1, 2, part))) == errc::already_exists);
    CHECK(code_of(h.relay.write_snapshot(s.id, 5, bytes(part))) == errc::invalid_argument);
    CHECK(code_of(h.relay.write_snapshot(s.id, 2 * part, bytes(5))) == errc::invalid_argument);
    CHECK(code_of(h.relay.write_snapshot(s.id, part, bytes(6))) == errc::invalid_argument);
    REQUIRE(h.relay.write_snapshot(s.id, 0, bytes(part, 1)));
    CHECK(code_of(h.relay.complete_snapshot(s)) == errc::relay_refused);
    CHECK(code_of(h.relay.read_snapshot(s.id, 0, 1)) == errc::not_found);
    CHECK_FALSE(h.relay.latest_snapshot());
    REQUIRE(h.relay.write_snapshot(s.id, part, bytes(5, 2)));
    REQUIRE(h.relay.complete_snapshot(s));
    CHECK(h.relay.read_snapshot(s.id, part - 1, 100).value() == bytes{1, 2, 2, 2, 2, 2});
    CHECK(code_of(h.relay.read_snapshot(s.id, part + 5, 1)) == errc::not_found);
    CHECK(code_of(h.relay.read_snapshot(id_of<snapshot_id>(2), 0, 1)) == errc::not_found);
    CHECK(code_of(h.relay.begin_snapshot(s)) == errc::already_exists);
    CHECK(code_of(h.relay.write_snapshot(s.id, 0, bytes(part))) == errc::not_found);
    CHECK(code_of(h.relay.begin_snapshot(info(2, 1, 1))) == errc::already_exists);
    REQUIRE(h.relay.begin_snapshot(info(2, 3, 1)));
    REQUIRE(h.relay.write_snapshot(id_of<snapshot_id>(2), 0, bytes(1)));
    REQUIRE(h.relay.complete_snapshot(info(2, 3, 1)));
    CHECK(h.relay.latest_snapshot()->pos == 3);
    h.relay.roll_back(2, id_of<generation_id>(9));
    CHECK(h.relay.latest_snapshot()->pos == 2);
}

TEST_CASE("what the network in memory loses, doubles and delays is counted", "[loopback]") {
    refusing_relay h;
    const auto sent = h.envelopes(1, 1);
    const auto in = [&](const loopback::weather& w) {
        h.network.set(w);
        return code_of(h.d.way.push(sent));
    };
    CHECK(in({.drop_request = 100}) == errc::offline);
    CHECK(h.relay.state().head == 0);
    CHECK(in({.delay = 100}) == errc::offline);
    CHECK(h.relay.state().head == 0);
    h.network.calm();
    CHECK(h.relay.state().head == 1);
    CHECK(in({.drop_answer = 100}) == errc::offline);
    CHECK(in({.duplicate = 100}) == errc{});
    h.d.way.cut(true);
    CHECK(in({}) == errc::offline);
    h.d.way.cut(false);
    CHECK(in({}) == errc{});
    CHECK(h.relay.state().head == 1);
    const auto& n = h.network.counts();
    CHECK(std::vector{n.calls, n.dropped_requests, n.dropped_answers, n.duplicates, n.delayed,
                      n.delivered_late} == std::vector<std::size_t>{5, 1, 1, 1, 1, 1});
    h.d.way.on_page = [](loopback::page_bytes& p) { p.body.pop_back(); };
    CHECK(code_of(h.d.way.pull({h.place(0)})) == errc::malformed_answer);
    CHECK(h.network.below(0) == 0);
}
