// SPDX-License-Identifier: MIT
// The n-th call fails, for each n: the sync says so, changes nothing that counts, and the next one goes on.
#include "vault_pair.hpp"

#include <functional>

using namespace vault_pair;

namespace {

/// Fails one call.
struct fault {
    std::size_t at = 0, calls = 0;

    [[nodiscard]] bool happens() noexcept { return ++calls == at; }
    [[nodiscard]] bool happened() const noexcept { return at != 0 && calls >= at; }
};

struct failing_store {
    memory_store<hand_clock>& store;
    fault& f;
    bool merged_once = false;

    [[nodiscard]] vault_id id() const { return store.id(); }
    [[nodiscard]] device_id device() const { return store.device(); }
    template <class Call>
    auto either(Call&& call) const -> decltype(call()) {
        if (f.happens()) return errc::io_failed;
        return call();
    }
    result<std::size_t> seal() {
        return either([&] { return store.seal(); });
    }
    result<std::vector<outbound_part>> outbox(std::size_t n) {
        return either([&] { return store.outbox(n); });
    }
    result<void> keep_envelope(std::uint64_t seq, bytes_view e, const digest256& d, const digest256& l) {
        return either([&] { return store.keep_envelope(seq, e, d, l); });
    }
    result<void> settle(std::uint64_t seq, std::uint64_t head) {
        return either([&] { return store.settle(seq, head); });
    }
    result<bool> settle(const digest256& d, std::uint64_t head) {
        return either([&] { return store.settle(d, head); });
    }
    result<cursor> position() {
        return either([&] { return store.position(); });
    }
    result<void> accept(std::span<const inbound_part> parts, const cursor& at,
                        const std::optional<digest256>& own) {
        return either([&] { return store.accept(parts, at, own); });
    }
    result<stream_mark> stream(const device_id& d) const {
        return either([&] { return store.stream(d); });
    }
    /// Lets others write once, before it begins.
    result<merge_report> merge_inbox(unix_ms now) {
        if (!std::exchange(merged_once, true)) {
            merge_report early;
            early.more = true;
            return early;
        }
        return either([&] { return store.merge_inbox(now); });
    }
    result<causal_context> write_snapshot(const snapshot_sink& sink) {
        return either([&] { return store.write_snapshot(sink); });
    }
    result<void> merge_snapshot(const snapshot_source& source, const cursor& at) {
        return either([&] { return store.merge_snapshot(source, at); });
    }
};
static_assert(change_store<failing_store>);

struct failing_cipher : plain_cipher {
    fault* f = nullptr;

    result<bytes> seal(const envelope_header& head, bytes_view payload) {
        if (f->happens()) return errc::io_failed;
        return plain_cipher::seal(head, payload);
    }
};

struct failing_way {
    loopback::transport& way;
    fault& f;

    template <class Call>
    auto either(Call&& call) const -> decltype(call()) {
        if (f.happens()) return errc::offline;
        return call();
    }
    result<push_answer> push(std::span<const bytes> e) {
        return either([&] { return way.push(e); });
    }
    result<page> pull(const pull_request& r) {
        return either([&] { return way.pull(r); });
    }
    result<void> acknowledge(std::uint64_t pos) {
        return either([&] { return way.acknowledge(pos); });
    }
    result<std::optional<snapshot_info>> latest_snapshot() {
        return either([&] { return way.latest_snapshot(); });
    }
    result<bytes> read_snapshot(const snapshot_info& i, std::uint64_t at, std::uint32_t n) {
        return either([&] { return way.read_snapshot(i, at, n); });
    }
    result<void> begin_snapshot(const snapshot_info& i) {
        return either([&] { return way.begin_snapshot(i); });
    }
    result<void> write_snapshot(const snapshot_info& i, std::uint64_t at, bytes_view p) {
        return either([&] { return way.write_snapshot(i, at, p); });
    }
    result<void> complete_snapshot(const snapshot_info& i) {
        return either([&] { return way.complete_snapshot(i); });
    }
};
static_assert(transport<failing_way>);

struct failing_spool {
    fault& f;
    memory_spool spool{};

    result<void> append(bytes_view data) {
        if (f.happens()) return errc::store_full;
        return spool.append(data);
    }
    result<bytes> read(std::uint64_t offset, std::size_t size) const {
        if (f.happens()) return errc::io_failed;
        return spool.read(offset, size);
    }
};

/// One whose snapshot is of a vault that thousands of devices wrote to.
struct crowded_store : failing_store {
    result<causal_context> write_snapshot(const snapshot_sink& sink) {
        auto out = failing_store::write_snapshot(sink);
        for (std::uint16_t n = 0; n < 3000; ++n) {
            replica_id id;
            id.octets[0] = static_cast<std::uint8_t>(n >> 8);
            id.octets[1] = static_cast<std::uint8_t>(n);
            out->vector.raise(id, hlc{1});
        }
        return out;
    }
};

/// Seals nothing.
struct failing_sealer {
    failing_sealer(const snapshot_key&, snapshot_id) {}
    result<bytes> chunk(bytes_view, bool) { return errc::io_failed; }
};

/// A vault of several chunks that A has synced, and B, who has written and received before.
struct two_devices : household {
    device a{*this, 1, true}, b{*this, 2};

    two_devices() {
        b.write("b0", {{"amount", 1}});
        REQUIRE(b.sync().ok());
        for (int i = 0; i < 1200; ++i)
            a.write(std::to_string(i), {{"note", std::string(100, static_cast<char>('a' + i % 26))}});
        REQUIRE(a.sync().ok());
        b.write("b1", {{"amount", 2}});
        REQUIRE(b.store.seal().ok());
        b.write("b2", {{"amount", 3}});
    }
    result<sync_report> sync_b(fault& f) {
        failing_store store{b.store, f};
        failing_way way{b.way, f};
        failing_cipher keys;
        keys.f = &f;
        return casasync::sync<plain_opener>(store, keys, way);
    }
    void check_both_have_all() {
        REQUIRE(b.sync().ok());
        REQUIRE(a.sync().ok());
        CHECK(a.store.digest() == b.store.digest());
        CHECK(a.has("b2"));
        CHECK(b.store.pending_out() == 0);
        CHECK(relay.state().head == 4);  // each changeset once
    }
};

}  // namespace

TEST_CASE("each call of a sync fails once: it is told, and the next sync goes on", "[session][faults]") {
    std::size_t n = 0;
    for (;;) {
        two_devices h;
        fault f{++n};
        const auto report = h.sync_b(f);
        if (!f.happened()) {
            CHECK(report.ok());
            break;
        }
        CAPTURE(n);
        CHECK((report.code() == errc::io_failed || report.code() == errc::offline));
        h.check_both_have_all();
    }
    CHECK(n > 15);
}

TEST_CASE("each call of a sync with a relay that begins its log anew fails once", "[session][faults]") {
    std::size_t n = 0;
    for (;;) {
        two_devices h;
        h.relay.wipe(id_of<generation_id>(9));
        fault f{++n};
        const auto report = h.sync_b(f);
        CHECK_FALSE(report.ok());
        if (!f.happened()) {
            CHECK(report.code() == errc::seq_gap);  // it lacks what B sent before
            break;
        }
    }
    CHECK(n > 8);
}

TEST_CASE("each call of offering a snapshot fails once: the relay shows none", "[snapshot][faults]") {
    two_devices h;
    std::size_t n = 0;
    for (;;) {
        fault f{++n};
        failing_store store{h.a.store, f};
        failing_way way{h.a.way, f};
        failing_cipher keys;
        keys.f = &f;
        failing_spool spool{f};
        counting_random random;
        const auto offered = offer_snapshot<plain_sealer>(store, keys, way, spool, random);
        CHECK(h.a.way.latest_snapshot()->has_value() == !f.happened());
        CHECK(offered.ok() == !f.happened());
        if (!f.happened()) break;
    }
    CHECK(n > 8);
    memory_spool spool;
    counting_random random;
    CHECK(offer_snapshot<failing_sealer>(h.a.store, h.a.keys, h.a.way, spool, random).code() ==
          errc::io_failed);
    fault none;
    crowded_store crowd{{h.a.store, none}};
    CHECK(offer_snapshot<plain_sealer>(crowd, h.a.keys, h.a.way, spool, random).code() ==
          errc::limit_exceeded);
}

TEST_CASE("each call of joining by a snapshot fails once: nothing has changed", "[snapshot][faults]") {
    two_devices h;
    REQUIRE(h.a.offer().ok());
    std::size_t n = 0;
    for (;;) {
        device c(h, 3);
        fault f{++n};
        failing_store store{c.store, f};
        failing_way way{c.way, f};
        const auto at = merge_latest_snapshot<plain_opener>(store, c.keys, way);
        CHECK(at.ok() == !f.happened());
        CHECK(c.has("7") == !f.happened());
        CHECK(c.position() == (f.happened() ? 0 : 2));
        if (!f.happened()) break;
    }
    CHECK(n > 3);
}

TEST_CASE("a snapshot that nobody takes ends with the error, at every piece", "[snapshot][faults]") {
    two_devices h;
    h.clock.time += 10 * 60'000;
    device ahead(h, 4);
    ahead.write("ahead", {{"amount", 1}});
    REQUIRE(ahead.sync().ok());
    h.clock.time -= 10 * 60'000;
    REQUIRE(h.a.sync().ok());
    REQUIRE(h.a.store.pending_in() == 1);  // an unmerged part is in the snapshot, too
    std::size_t n = 0;
    for (;;) {
        fault f{++n};
        const auto written = h.a.store.write_snapshot(
            [&f](bytes_view) { return f.happens() ? result<void>(errc::store_full) : result<void>(); });
        CHECK(written.ok() == !f.happened());
        if (!f.happened()) break;
        CHECK(written.code() == errc::store_full);
    }
    CHECK(n > 8);
}
