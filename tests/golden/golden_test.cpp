// SPDX-License-Identifier: MIT
// The bytes of released formats. A file here changes by decision only: what was written once stays readable.
#include <casasync/casasync.hpp>
#include <casasync_test/catch.hpp>

#include <fstream>
#include <sstream>
#include <string>

using namespace casasync;

namespace {

/// The bytes of a golden file: hexadecimal digits, white space, and lines that begin with '#'.
bytes golden(const std::string& name) {
    std::ifstream file(std::string(CASASYNC_GOLDEN) + "/" + name);
    REQUIRE(file.good());
    bytes out;
    int high = -1;
    for (std::string line; std::getline(file, line);) {
        if (line.rfind('#', 0) == 0) continue;
        for (const char c : line) {
            if (c == ' ') continue;
            const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
            REQUIRE((digit >= 0 && digit < 16));
            if (high < 0) {
                high = digit;
            } else {
                out.push_back(static_cast<std::uint8_t>(high * 16 + digit));
                high = -1;
            }
        }
    }
    REQUIRE(high < 0);
    return out;
}

template <class Id>
Id id(std::uint8_t n) {
    Id out;
    for (std::size_t i = 0; i < 16; ++i) out.octets[i] = static_cast<std::uint8_t>(n + i);
    return out;
}

stamp at(std::uint64_t n, std::uint8_t who) {
    return {hlc{band::adopt.packed + (n << 16)}, id<replica_id>(who)};
}

changeset sample_changeset() {
    changeset c;
    c.device = id<device_id>(0x10);
    c.seq = 41;
    c.device_name = "phone";
    c.context.vector.raise(replica_id{}, band::adopt);
    c.context.vector.raise(id<replica_id>(0x20), at(3, 0x20).when);
    c.context.seen.raise(id<device_id>(0x30), 7);
    table_changes txn;
    txn.table = {"txn",
                 delete_policy::later_wins,
                 {{"amount"}, {"note"}, {"rate"}, {"seen", merge_rule::max}, {"raw"}}};
    const value a[] = {value("550e8400-e29b-41d4-a716-446655440000")},
                b[] = {value("550e8400-e29b-41d4-a716-446655440001")};
    txn.rows = {
        {*encode_key(a),
         {op_kind::insert,
          false,
          at(5, 0x20),
          {{0, -1250}, {1, "lunch"}, {2, -0.0}, {3, 5}, {4, bytes{0, 255}}}}},
        {*encode_key(b), {op_kind::update, false, at(6, 0x20), {{0, 9007199254740993}, {1, "lunch"}}}},
        {*encode_key(b), {op_kind::update, true, at(7, 0x20), {{1, value{}}}}},
        {*encode_key(b), {op_kind::erase, false, at(9, 0x21), {}}},
    };
    table_changes link{{"link", delete_policy::delete_wins, {}}, {}};
    const value c1[] = {value("x"), value(-3), value(bytes{7})};
    link.rows = {{*encode_key(c1), {op_kind::insert, false, at(8, 0x20), {}}}};
    c.tables = {link, txn};
    return c;
}

}  // namespace

TEST_CASE("changeset, format 2", "[golden]") {
    const bytes expected = golden("changeset-2.hex");
    CHECK(to_hex(encode(sample_changeset())) == to_hex(expected));
    const auto back = decode(expected);
    REQUIRE(back.ok());
    CHECK(*back == sample_changeset());
}

TEST_CASE("snapshot, format 1", "[golden]") {
    bytes out;
    snapshot_writer w([&out](bytes_view part) -> result<void> {
        return out.insert(out.end(), part.begin(), part.end()), result<void>{};
    });
    snapshot_header h;
    h.merged = sample_changeset().context;
    h.base = {0x0102030405060708, 0x090a0b0c0d0e0f10};
    h.devices = {{id<device_id>(0x30), "desktop", {id<replica_id>(0x20)}}};
    h.tables = {{{"txn", delete_policy::later_wins, {{"amount"}, {"note"}}},
                 {{"amount", "note"}},
                 {"CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, amount, note)"}}};
    h.schema = {"CREATE VIEW v AS SELECT 1"};
    REQUIRE(w.begin(h).ok());
    const value key[] = {value("k")};
    row_state row = adopted_row(2);
    row.cells[0].what = value(1);
    row.cells[1] = {1, at(4, 0x20), value("note")};
    row.touched = at(4, 0x20);
    row.live = {{1, at(2, 0x21), value("lost")}};
    REQUIRE(w.add(0, *encode_key(key), row).ok());
    row_state gone;
    gone.dead = at(9, 0x20);
    gone.dead_seen = true;
    const value other[] = {value("l")};
    REQUIRE(w.add(0, *encode_key(other), gone).ok());
    REQUIRE(w.add(unmerged_part{id<device_id>(0x40), 12, 0, 2, bytes{1, 2, 3}}).ok());
    REQUIRE(w.end().ok());
    CHECK(to_hex(out) == to_hex(golden("snapshot-1.hex")));
}

TEST_CASE("envelope header, version 1", "[golden]") {
    envelope_header h;
    h.vault = id<vault_id>(0x50);
    h.device = id<device_id>(0x10);
    h.epoch = 2;
    h.part = 1;
    h.parts = 3;
    h.seq = 42;
    h.max_hour = 498'000;
    for (std::size_t i = 0; i < 24; ++i) h.nonce[i] = static_cast<std::uint8_t>(0xa0 + i);
    h.ciphertext_bytes = 4;
    const auto head = encode_header(h);
    const bytes expected = golden("envelope-header-1.hex");
    CHECK(to_hex(head) == to_hex(expected));
    bytes whole = expected;
    whole.resize(envelope_overhead_bytes + 4);
    const auto back = decode_header(whole);
    REQUIRE(back.ok());
    CHECK(*back == h);
}

TEST_CASE("page of a log", "[golden]") {
    bytes body;
    log_record own{8, 1'795'000'000, {}, {}}, foreign{9, 1'795'000'001, bytes{'e', 'n', 'v'}, {}};
    own.digest.fill(0xdd);
    digest256 log;
    log.fill(0x11);
    append_record(body, own);
    append_record(body, foreign);
    append_page_end(body, 9, 1'795'000'002, log);
    CHECK(to_hex(body) == to_hex(golden("page-1.hex")));
    const auto back = decode_page(golden("page-1.hex"), 7);
    REQUIRE(back.ok());
    CHECK(back->records.size() == 2);
    CHECK(back->last == 9);
}

TEST_CASE("digests and stamps are the same everywhere", "[golden]") {
    const table_traits table{"txn", delete_policy::later_wins, {{"amount"}, {"note"}}};
    row_state row = adopted_row(2);
    row.cells[1].when = row.touched = at(4, 0x20);
    const value key[] = {value("k")};
    const digest128 sum = row_digest(table, *encode_key(key), row);
    bytes out;
    detail::writer w(out);
    w.u64(sum.high);
    w.u64(sum.low);
    CHECK(to_hex(out) == to_hex(golden("digest-2.hex")));
}
