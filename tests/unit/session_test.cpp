// SPDX-License-Identifier: MIT
#include "three_devices.hpp"

using namespace vault_pair;

TEST_CASE("a sync tells what it did, and another one moves nothing", "[session]") {
    three_devices h;
    h.b.write("b1", {{"amount", 7}});
    const auto report = h.b.sync();
    REQUIRE(report.ok());
    CHECK(report->sealed == 1);
    CHECK(report->pushed == 1);
    CHECK(report->received == 4);
    CHECK(report->merged == 4);
    CHECK(report->rows == 4);
    CHECK(report->relay.head == 5);
    CHECK(h.b.store.pending_out() == 0);
    const auto again = h.b.sync();
    REQUIRE(again.ok());
    CHECK(again->sealed + again->pushed + again->received + again->merged == 0);
}

TEST_CASE("two values under one stamp are told of, once", "[session]") {
    household h;
    const auto twin = [&](std::uint8_t n) {
        return device(h, n, false, id_of<vault_id>(7), id_of<replica_id>(9));
    };
    device a = twin(1), b = twin(2), c(h, 3);
    a.write("1", {{"amount", 1}});
    REQUIRE(a.sync().ok());
    CHECK_FALSE(tells(c.sync(), "Two copies"));
    b.write("1", {{"amount", 2}});
    REQUIRE(b.sync().ok());
    CHECK(tells(c.sync(), "Two copies of one device wrote different values at the same instant"));
    CHECK(c.cell("1", amount) == value(2));
    REQUIRE(a.sync().ok());
    c.write("2", {{"amount", 3}});
    REQUIRE(a.sync().ok());
    CHECK_FALSE(tells(c.sync(), "Two copies"));
}

namespace {

/// Finds that a device which has merged the same has something else.
struct suspicious_store : memory_store<hand_clock> {
    [[nodiscard]] result<merge_report> merge_inbox(unix_ms relay_now) {
        auto done = memory_store<hand_clock>::merge_inbox(relay_now);
        done->differs = id_of<device_id>(1);
        return done;
    }
};

}  // namespace

TEST_CASE("a device that differs is told of, and the question for a snapshot goes out at once", "[session]") {
    household h;
    device a(h, 1), b(h, 2);
    a.write("1", {{"amount", 1}});
    REQUIRE(a.sync().ok());
    suspicious_store store{b.store};
    const auto report = sync<plain_opener>(store, b.keys, b.way);
    CHECK(tells(report, "has merged the same changes as this one, and has something else"));
    CHECK(report->more);
}

TEST_CASE("a session says what to ask, and takes the answers in hand", "[session]") {
    household h;
    device a(h, 1);
    a.write("1", {{"amount", 1}});
    session<memory_store<hand_clock>, plain_cipher> s(a.store, a.keys);

    const auto first = s.next();
    const auto* push = std::get_if<push_request>(&first);
    REQUIRE(push != nullptr);
    REQUIRE(push->envelopes.size() == 1);
    const auto head = decode_header(push->envelopes[0]);
    REQUIRE(head.ok());
    CHECK(head->vault == a.store.id());
    CHECK(head->device == a.store.device());
    CHECK(head->seq == 1);
    CHECK(head->epoch == 1);
    CHECK(head->max_hour == 500'000);  // the clock says exactly that many hours
    s.receive(h.relay.push(a.store.device(), push->envelopes));
    CHECK(a.store.pending_out() == 0);

    const auto second = s.next();
    const auto* pull = std::get_if<pull_request>(&second);
    REQUIRE(pull != nullptr);
    CHECK(pull->from == cursor{});  // an own push moves no cursor
    s.receive(a.way.pull(*pull));

    const auto third = s.next();
    const auto* done = std::get_if<acknowledge_request>(&third);
    REQUIRE(done != nullptr);
    CHECK(done->pos == 1);
    s.receive(result<void>());
    CHECK(std::holds_alternative<nothing_left>(s.next()));
    CHECK_FALSE(s.failure());
}

namespace {

/// Keeps what it is told of its own envelopes in the log.
struct noting_store : memory_store<hand_clock> {
    std::vector<std::optional<digest256>> own{};
    [[nodiscard]] result<void> accept(std::span<const inbound_part> parts, const cursor& at,
                                      const std::optional<digest256>& mine) {
        own.push_back(mine);
        return memory_store<hand_clock>::accept(parts, at, mine);
    }
};

}  // namespace

TEST_CASE("of its own envelopes a store hears of the last one below the cursor", "[session]") {
    three_devices h;
    noting_store store{h.b.store};
    const auto write_and_sync = [&](const std::string& id) {
        REQUIRE(store.write("txn", device::key(id), {{"amount", 7}}).ok());
        store.own.clear();
        REQUIRE(sync<plain_opener>(store, h.b.keys, h.b.way).ok());
        return store.own;
    };
    const auto read = write_and_sync("b1");
    REQUIRE(read.size() == 1);
    CHECK(read[0] == h.relay.records().back().digest);

    h.c.write("c2", {{"amount", 9}});
    REQUIRE(h.c.sync().ok());
    h.relay.records().back().envelope.back() ^= 1;  // the cursor stays before this one
    h.relay.recompute_log();
    const auto behind = write_and_sync("b2");
    REQUIRE(behind.size() == 1);
    CHECK_FALSE(behind[0].has_value());
    CHECK(store.pending_out() == 0);
}

TEST_CASE("a record in this device's name that it did not make tells that another copy of it did",
          "[session]") {
    three_devices h;
    envelope_header head;
    head.vault = h.b.store.id();
    head.device = h.b.store.device();
    head.seq = 1;
    h.relay.records().push_back({h.b.store.device(), 1, 0, {}, {}, sealed_as(h.b, head, as_bytes("x"))});
    h.relay.recompute_log();
    CHECK(h.b.sync().code() == errc::device_copied);
    h.check_b_is_untouched();
    CHECK(h.c.sync()->received == 1);  // for others it is a record like any other
}

TEST_CASE("a lost answer is made up for by the same bytes again", "[session]") {
    household h;
    device a(h, 1);
    a.write("1", {{"amount", 1}});
    h.network.set({0, 100, 0, 0, 0});
    CHECK(a.sync().code() == errc::offline);
    REQUIRE(h.relay.records().size() == 1);
    const bytes sent = h.relay.records()[0].envelope;
    CHECK(a.store.pending_out() == 1);
    h.network.set({});
    const auto report = a.sync();
    REQUIRE(report.ok());
    CHECK(report->pushed == 1);
    CHECK(h.relay.records().size() == 1);
    CHECK(h.relay.records()[0].envelope == sent);
    CHECK(a.store.pending_out() == 0);
}

TEST_CASE("what keeps a device from pushing does not keep it from receiving", "[session]") {
    three_devices h;
    h.b.write("b1", {{"amount", 1}});
    errc expected{};
    SECTION("the vault is full at the relay") {
        h.relay.limit_bytes(0);
        expected = errc::quota_exceeded;
    }
    SECTION("its clock is two days ahead") {
        h.clock.time += 48 * 3'600'000LL;
        h.b.write("b2", {{"amount", 2}});
        REQUIRE(h.b.store.seal().ok());
        h.clock.time -= 48 * 3'600'000LL;
        expected = errc::stamp_ahead;
    }
    session<memory_store<hand_clock>, plain_cipher> s(h.b.store, h.b.keys);
    CHECK(casasync::sync<plain_opener>(s, h.b.store, h.b.keys, h.b.way).code() == expected);
    CHECK(s.report().merged == 4);
    CHECK(h.b.has("a3"));
    CHECK(h.b.has("b1"));
    CHECK(h.b.store.pending_out() == 1);
}

TEST_CASE("a changeset larger than an envelope arrives whole, page by page", "[session]") {
    household h;
    device a(h, 1), b(h, 2);
    h.network.set({0, 0, 0, 0, 1});
    bytes large(std::size_t{5} << 20);
    for (std::uint32_t drawn = 1; std::uint8_t & b : large)
        b = static_cast<std::uint8_t>((drawn = drawn * 1664525 + 1013904223) >> 24);
    a.write("1", {{"note", large}});
    const auto sent = a.sync();
    REQUIRE(sent.ok());
    CHECK(sent->pushed == 6);
    const auto report = b.sync();
    REQUIRE(report.ok());
    CHECK(report->received == 6);
    CHECK(report->merged == 1);
    CHECK(b.cell("1", note) == value(large));
    CHECK(a.store.digest() == b.store.digest());
}

TEST_CASE("a device that the relay's history has overtaken catches up through a snapshot",
          "[session][snapshot]") {
    three_devices h;
    REQUIRE(h.b.sync().ok());
    h.b.write("a1", {{"note", "written away"}});
    h.b.write("a2", {{"note", "lost to a delete"}});
    h.b.write("b1", {{"amount", 5}});
    REQUIRE(h.b.store.seal().ok());
    h.clock.time += 1000;
    h.a.erase("a2");
    h.a.erase("a3");
    REQUIRE(h.a.sync().ok());
    h.relay.compact(h.relay.state().head);

    CHECK(h.b.position() == 4);
    SECTION("there is none: nothing is lost, and the device says so") {
        const auto failed = h.b.sync();
        CHECK(failed.code() == errc::history_compacted);
        CHECK(failed.failure().detail.find("safe") != std::string::npos);
        CHECK(h.b.cell("a1", note) == value("written away"));
        CHECK(h.b.position() == 4);
    }
    SECTION("there is one") {
        REQUIRE(h.a.offer().ok());
        const auto report = h.b.sync();
        REQUIRE(report.ok());
        CHECK(report->snapshot_merged);
        CHECK(report->pushed == 1);
        CHECK_FALSE(h.b.has("a2"));
        CHECK_FALSE(h.b.has("a3"));  // absence deletes nothing, a tombstone does
        CHECK(h.b.has("b1"));
        REQUIRE(h.b.store.conflicts().size() == 1);
        CHECK(h.b.store.conflicts()[0].what.why == conflict_reason::hidden_by_delete);
        REQUIRE(h.a.sync().ok());
        CHECK(h.a.store.digest() == h.b.store.digest());
        const auto again = h.b.sync();
        REQUIRE(again.ok());
        CHECK_FALSE(again->snapshot_merged);
    }
}

TEST_CASE("a wiped relay is noticed once, told, and followed", "[session]") {
    three_devices h;
    REQUIRE(h.b.sync().ok());
    h.relay.wipe(id_of<generation_id>(9));
    device late(h, 4);
    late.write("late", {{"amount", 9}});
    REQUIRE(late.sync().ok());

    session<memory_store<hand_clock>, plain_cipher> s(h.b.store, h.b.keys);
    const auto report = casasync::sync<plain_opener>(s, h.b.store, h.b.keys, h.b.way);
    CHECK(report.code() == errc::wrong_relay);
    CHECK(report.failure().detail.find("safe on this device") != std::string::npos);
    CHECK(s.report().alarms.size() == 1);
    CHECK(h.b.has("late"));
    CHECK(h.b.has("a3"));
    CHECK(h.b.store.position()->generation == id_of<generation_id>(9));
    CHECK(h.b.sync().ok());

    h.b.write("b1", {{"amount", 1}});
    CHECK(h.b.sync().ok());  // its first changeset: the new log takes it
    h.a.write("a4", {{"amount", 4}});
    CHECK(h.a.sync().code() == errc::seq_gap);  // the log lacks what A sent before
    CHECK(h.a.has("late"));
    CHECK(h.a.store.pending_out() == 1);
}

TEST_CASE("a relay that went back and was filled again is noticed by its running hash", "[session]") {
    three_devices h;
    REQUIRE(h.b.sync().ok());
    REQUIRE(h.b.position() == 4);
    auto& records = h.relay.records();
    records.erase(records.begin() + 1);
    envelope_header head;
    head.vault = h.a.store.id();
    head.device = id_of<device_id>(5);
    head.seq = 1;
    records.push_back({id_of<device_id>(5), 1, 0, {}, {}, sealed_as(h.a, head, as_bytes("?"))});
    h.relay.recompute_log();
    CHECK(h.b.sync().code() == errc::wrong_relay);
    CHECK(h.b.has("a2"));
    CHECK(h.b.position() == 4);
    CHECK(h.b.sync().ok());
}

TEST_CASE("a held changeset is stored, acknowledged, and merged when its time has come", "[session]") {
    household h;
    device a(h, 1), b(h, 2);
    h.clock.time += 6 * 60'000;
    a.write("1", {{"amount", 1}});
    REQUIRE(a.store.seal().ok());
    h.clock.time -= 6 * 60'000;
    REQUIRE(a.sync().ok());
    b.write("2", {{"amount", 2}});
    REQUIRE(b.sync().ok());
    CHECK_FALSE(b.has("1"));
    CHECK(b.store.pending_in() == 1);
    CHECK(b.position() == 2);
    h.clock.time += 60'000 - 1;
    REQUIRE(b.sync().ok());
    CHECK_FALSE(b.has("1"));
    h.clock.time += 1;  // exactly five minutes ahead
    REQUIRE(b.sync().ok());
    CHECK(b.cell("1", amount) == value(1));
    CHECK(b.store.pending_in() == 0);
}

namespace {

/// A cipher whose vault gets a new key: what has an old one counts up to the end of this device's stream
/// then.
class epoch_cipher : public plain_cipher {
 public:
    std::uint32_t epoch = 1;
    std::uint64_t end = 0;

    [[nodiscard]] bool admits(const envelope_header& head) const {
        return head.epoch == epoch || head.seq <= end;
    }
    [[nodiscard]] result<bytes> seal(envelope_header head, bytes_view payload) {
        head.epoch = epoch;
        return plain_cipher::seal(head, payload);
    }
};

using epoch_session = session<memory_store<hand_clock>, epoch_cipher>;

std::vector<bytes> pushed_by(epoch_session& s) {
    const auto request = s.next();
    const auto* push = std::get_if<push_request>(&request);
    REQUIRE(push != nullptr);
    return push->envelopes;
}

}  // namespace

TEST_CASE("what had not reached the relay before the vault's key was replaced is sealed anew", "[session]") {
    household h;
    device a(h, 1);
    epoch_cipher keys;
    for (int i = 1; i <= 2; ++i) {
        a.write(std::to_string(i), {{"amount", i}});
        REQUIRE(a.store.seal().ok());
    }
    std::vector<bytes> first;
    {
        epoch_session s(a.store, keys);
        first = pushed_by(s);  // the answer is lost; the relay took the first alone
    }
    REQUIRE(first.size() == 2);
    epoch_session s(a.store, keys);
    CHECK(pushed_by(s) == first);
    keys.epoch = 2;
    keys.end = 1;
    s.receive(result<push_answer>(errc::stale_epoch));
    const auto second = pushed_by(s);
    REQUIRE(second.size() == 2);
    CHECK(second[0] == first[0]);  // the same bytes: the relay finds that it has them
    CHECK(decode_header(second[1])->epoch == 2);
    CHECK(decode_header(second[1])->seq == 2);
    CHECK(keys.open(second[1]).value() == keys.open(first[1]).value());

    SECTION("and the same bytes again, if that answer is lost") {
        epoch_session later(a.store, keys);
        CHECK(pushed_by(later) == second);
    }
    SECTION("a relay that goes on naming newer keys is not asked for ever") {
        s.receive(result<push_answer>(errc::stale_epoch));
        CHECK(std::holds_alternative<nothing_left>(s.next()));
        REQUIRE(s.failure());
        CHECK(s.failure()->code == errc::stale_epoch);
        CHECK(a.store.pending_out() == 2);
    }
}
