// SPDX-License-Identifier: MIT
#include "vault_pair.hpp"

using namespace vault_pair;

namespace {

/// A device with enough rows for several chunks, that has synced.
struct large_vault : household {
    device a{*this, 1};

    large_vault() {
        for (int i = 0; i < 2000; ++i)
            a.write(std::to_string(i),
                    {{"amount", i}, {"note", std::string(100, static_cast<char>('a' + i % 26))}});
        a.erase("17");
        REQUIRE(a.sync().ok());
    }
};

result<std::optional<cursor>> join(device& d) {
    return merge_latest_snapshot<plain_opener>(d.store, d.keys, d.way);
}

/// Reads a snapshot through a transport that alters the content.
struct altering_way {
    loopback::transport& way;
    std::function<void(bytes&, std::uint64_t offset)> alter;

    result<push_answer> push(std::span<const bytes> e) { return way.push(e); }
    result<page> pull(const pull_request& r) { return way.pull(r); }
    result<void> acknowledge(std::uint64_t pos) { return way.acknowledge(pos); }
    result<std::optional<snapshot_info>> latest_snapshot() { return way.latest_snapshot(); }
    result<bytes> read_snapshot(const snapshot_info& i, std::uint64_t at, std::uint32_t n) {
        auto out = way.read_snapshot(i, at, n);
        if (out) alter(*out, at);
        return out;
    }
    result<void> begin_snapshot(const snapshot_info& i) { return way.begin_snapshot(i); }
    result<void> write_snapshot(const snapshot_info& i, std::uint64_t at, bytes_view p) {
        return way.write_snapshot(i, at, p);
    }
    result<void> complete_snapshot(const snapshot_info& i) { return way.complete_snapshot(i); }
};
static_assert(transport<altering_way>);

}  // namespace

TEST_CASE("a snapshot brings a new device to the same state, and again changes nothing", "[snapshot]") {
    large_vault h;
    const auto offered = h.a.offer();
    REQUIRE(offered.ok());
    CHECK(offered->plain_bytes > 3 * snapshot_chunk_bytes);
    CHECK(offered->at == *h.a.store.position());
    CHECK(offered->merged == h.a.store.merged());

    device b(h, 2);
    b.write("own", {{"amount", 1}});
    const auto at = join(b);
    REQUIRE(at.ok());
    CHECK(*at == offered->at);
    CHECK(*b.store.position() == offered->at);
    CHECK(b.has("own"));
    CHECK_FALSE(b.has("17"));
    CHECK(b.store.name_of(h.a.store.device()) == "device 1");
    CHECK(b.store.author_of(id_of<replica_id>(1)) == h.a.store.device());
    const auto digest = b.store.digest();
    REQUIRE(join(b).ok());
    CHECK(b.store.digest() == digest);
    REQUIRE(b.sync().ok());
    REQUIRE(h.a.sync().ok());
    CHECK(h.a.store.digest() == b.store.digest());
    CHECK(h.a.store.merged() == b.store.merged());
}

TEST_CASE("a snapshot carries what its maker had received and not merged", "[snapshot]") {
    household h;
    device a(h, 1), b(h, 2), c(h, 3);
    h.clock.time += 10 * 60'000;
    b.write("ahead", {{"amount", 1}});
    REQUIRE(b.store.seal().ok());
    h.clock.time -= 10 * 60'000;
    REQUIRE(b.sync().ok());
    REQUIRE(a.sync().ok());
    REQUIRE(a.store.pending_in() == 1);
    REQUIRE(a.offer().ok());
    h.relay.compact(h.relay.state().head);
    REQUIRE(join(c).ok());
    CHECK(c.store.pending_in() == 1);
    h.clock.time += 10 * 60'000;
    REQUIRE(c.sync().ok());
    CHECK(c.has("ahead"));
}

TEST_CASE("an altered, shortened or exchanged snapshot changes nothing", "[snapshot][hostile]") {
    large_vault h;
    REQUIRE(h.a.offer().ok());
    device b(h, 2);
    b.write("own", {{"amount", 1}});
    REQUIRE(b.store.seal().ok());
    const auto before = b.store.digest();
    constexpr std::size_t sealed_chunk = snapshot_chunk_bytes + snapshot_chunk_overhead_bytes;
    altering_way way{b.way, {}};
    SECTION("a byte of the first chunk") {
        way.alter = [](bytes& out, std::uint64_t at) { out[at == 0 ? 1000 : 0] ^= at == 0 ? 1 : 0; };
    }
    SECTION("the last byte") {
        way.alter = [](bytes& out, std::uint64_t) { out.back() ^= 1; };
    }
    SECTION("two chunks exchanged") {
        way.alter = [](bytes& out, std::uint64_t at) {
            const auto chunk = out.begin() + static_cast<std::ptrdiff_t>(sealed_chunk);
            if (at == 0) std::swap_ranges(out.begin(), chunk, chunk);
        };
    }
    SECTION("empty ranges") {
        way.alter = [](bytes& out, std::uint64_t) { out.clear(); };
    }
    SECTION("ranges longer than asked for") {
        way.alter = [](bytes& out, std::uint64_t) { out.resize(out.size() + 100'000'000); };
    }
    const auto merged = merge_latest_snapshot<plain_opener>(b.store, b.keys, way);
    REQUIRE_FALSE(merged.ok());
    CHECK(condition_of(merged.code()) == condition::corrupt);
    CHECK(b.store.digest() == before);
    CHECK(b.store.position()->pos == 0);
    CHECK(b.store.pending_out() == 1);
}

TEST_CASE("short ranges are put together", "[snapshot]") {
    large_vault h;
    REQUIRE(h.a.offer().ok());
    device b(h, 2);
    altering_way way{b.way,
                     [](bytes& out, std::uint64_t) { out.resize(std::min<std::size_t>(out.size(), 777)); }};
    REQUIRE(merge_latest_snapshot<plain_opener>(b.store, b.keys, way).ok());
    CHECK(b.store.digest() == h.a.store.digest());
}

TEST_CASE("a manifest of another vault, or one that does not fit its snapshot, is refused",
          "[snapshot][hostile]") {
    household h;
    device a(h, 1);
    REQUIRE(a.sync().ok());
    snapshot_manifest m;
    m.id = id_of<snapshot_id>(4);
    m.plain_bytes = 10;
    m.sealed_bytes = sealed_snapshot_bytes(10);
    snapshot_info info{m.id, 0, m.sealed_bytes, {}};
    envelope_header head;
    head.kind = envelope_kind::snapshot_manifest;
    head.vault = a.store.id();
    SECTION("vault") {
        head.vault = id_of<vault_id>(6);
    }
    SECTION("kind") {
        head.kind = envelope_kind::changeset;
        head.seq = 1;
    }
    SECTION("id") {
        m.id = id_of<snapshot_id>(5);
    }
    SECTION("position") {
        m.at.pos = 3;
    }
    SECTION("size") {
        m.plain_bytes = 11;
        m.sealed_bytes = sealed_snapshot_bytes(11);
    }
    const auto sealed = a.keys.seal(head, encode(m));
    REQUIRE(sealed.ok());
    info.manifest = *sealed;
    REQUIRE(a.way.begin_snapshot(info).ok());
    REQUIRE(a.way.write_snapshot(info, 0, bytes(info.size)).ok());
    REQUIRE(a.way.complete_snapshot(info).ok());
    CHECK(find_snapshot<plain_opener>(a.store.id(), a.keys, a.way).code() == errc::malformed_snapshot);
}

TEST_CASE("a manifest comes back as it was, and no part of one is taken for it", "[snapshot]") {
    snapshot_manifest m;
    m.id = id_of<snapshot_id>(1);
    m.key.fill(2);
    m.plain_bytes = 70'000;
    m.sealed_bytes = sealed_snapshot_bytes(70'000);
    CHECK(m.sealed_bytes == 70'000 + 80);
    m.at = {id_of<generation_id>(3), 4, {}};
    m.merged.vector.raise(id_of<replica_id>(5), hlc{6});
    m.merged.seen.raise(id_of<device_id>(7), 8);
    const bytes data = encode(m);
    const auto back = decode_manifest(data);
    REQUIRE(back.ok());
    CHECK(*back == m);
    for (std::size_t n = 0; n < data.size(); ++n)
        CHECK_FALSE(decode_manifest(bytes_view(data).first(n)).ok());
    bytes newer = data;
    newer[3] = 2;
    CHECK(decode_manifest(newer).code() == errc::unknown_format_version);
}

TEST_CASE("a device that never synced offers no snapshot", "[snapshot]") {
    household h;
    device a(h, 1);
    CHECK(a.offer().code() == errc::invalid_argument);
    REQUIRE(a.sync().ok());
    CHECK(a.offer().ok());
    CHECK(h.relay.latest_snapshot().has_value());
}

TEST_CASE("the limits of a snapshot hold", "[snapshot]") {
    CHECK(sealed_snapshot_bytes(0) == snapshot_chunk_overhead_bytes);  // one empty chunk
    snapshot_manifest m;
    m.plain_bytes = limits::snapshot_bytes_max + 1;
    m.sealed_bytes = sealed_snapshot_bytes(m.plain_bytes);
    CHECK(decode_manifest(encode(m)).code() == errc::malformed_snapshot);
    m.plain_bytes = 1;
    CHECK(decode_manifest(encode(m)).code() == errc::malformed_snapshot);  // not the size that this becomes
    for (std::size_t i = 0; i < 3; ++i) {
        bytes other = encode(snapshot_manifest{});
        other[i] ^= 1;
        CHECK(decode_manifest(other).code() == errc::malformed_snapshot);
    }
    memory_spool spool;
    REQUIRE(spool.append(as_bytes("four")).ok());
    CHECK(spool.read(5, 0).code() == errc::io_failed);
    CHECK(spool.read(3, 2).code() == errc::io_failed);
    detail::chunk_spooler<plain_sealer, memory_spool> chunks({}, spool);
    const std::uint8_t first = 0;  // the size alone is looked at
    CHECK(chunks.append(bytes_view(&first, limits::snapshot_bytes_max)).code() == errc::limit_exceeded);
}

TEST_CASE("a manifest that does not open, or is none, is refused", "[snapshot][hostile]") {
    large_vault h;
    REQUIRE(h.a.offer().ok());
    struct telling_way : altering_way {
        snapshot_info info;
        [[nodiscard]] result<std::optional<snapshot_info>> latest_snapshot() const {
            return std::optional(info);
        }
    } way{{h.a.way, {}}, **h.a.way.latest_snapshot()};
    const auto found = [&] { return find_snapshot<plain_opener>(h.a.store.id(), h.a.keys, way).code(); };
    const bytes manifest = way.info.manifest;
    way.info.manifest.back() ^= 1;
    CHECK(found() == errc::authentication_failed);
    way.info.manifest = {1, 2, 3};
    CHECK(found() == errc::malformed_envelope);
    way.info.manifest = *h.a.keys.seal(*decode_header(manifest), as_bytes("no manifest"));
    CHECK(found() == errc::malformed_snapshot);
}
