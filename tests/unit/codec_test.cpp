// SPDX-License-Identifier: MIT
#include <casasync/casasync.hpp>
#include <casasync_test/catch.hpp>

#include <limits>
#include <string>

using namespace casasync;

namespace {

changeset sample() {
    changeset c;
    c.device.octets[0] = 7;
    c.seq = 3;
    c.device_name = "desktop";
    replica_id r;
    r.octets[3] = 9;
    c.context.vector.raise(r, hlc{band::adopt.packed + 5});
    c.context.seen.raise(c.device, 2);
    table_changes t;
    t.table = {"txn",
               delete_policy::later_wins,
               {{"amount", merge_rule::lww}, {"note", merge_rule::lww}, {"raw", merge_rule::max}}};
    const value key[] = {value("550e8400-e29b-41d4-a716-446655440000")};
    const value other[] = {value("z"), value(-4)};
    const auto at = [&r](std::uint64_t n) { return stamp{hlc{band::adopt.packed + n}, r}; };
    t.rows.push_back({*encode_key(other),
                      {op_kind::insert,
                       false,
                       at(9),
                       {{0, std::numeric_limits<std::int64_t>::min()}, {1, ""}, {2, bytes{0, 255}}}}});
    t.rows.push_back(
        {*encode_key(key), {op_kind::update, true, at(10), {{0, -0.0}, {1, std::string("a\0b", 3)}}}});
    t.rows.push_back({*encode_key(key), {op_kind::erase, false, at(12), {}}});
    c.tables.push_back(t);
    return c;
}

}  // namespace

TEST_CASE("a changeset comes back as it was, to the byte", "[codec]") {
    const bytes data = encode(sample());
    const auto back = decode(data);
    REQUIRE(back.ok());
    CHECK(*back == sample());
    CHECK(encode(*back) == data);
    const auto head = decode_head(data);
    REQUIRE(head.ok());
    CHECK(head->greatest == greatest_stamp(sample()).when);
}

TEST_CASE("a row that is all key is inserted without cells, an update without cells is refused", "[codec]") {
    changeset c = sample();
    c.tables[0].table.columns.clear();
    c.tables[0].rows.resize(1);
    c.tables[0].rows[0].op.cells.clear();
    REQUIRE(decode(encode(c)).ok());
    CHECK(*decode(encode(c)) == c);
    c.tables[0].rows[0].op.kind = op_kind::update;
    CHECK(decode(encode(c)).code() == errc::malformed_changeset);
}

TEST_CASE("every truncation is refused, every bit flip is refused or decodes to what encodes the same",
          "[codec]") {
    const bytes data = encode(sample());
    for (std::size_t n = 0; n < data.size(); ++n) CHECK_FALSE(decode(bytes_view(data).first(n)).ok());
    for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
        bytes flipped = data;
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        const auto back = decode(flipped);
        INFO("bit " << bit);
        if (back) CHECK(encode(*back) == flipped);
    }
}

TEST_CASE("an operation without a time is refused", "[codec]") {
    changeset c = sample();
    c.tables[0].rows.resize(1);
    c.tables[0].rows[0].op.when.when = hlc{1};
    REQUIRE(decode(encode(c)).ok());
    c.tables[0].rows[0].op.when.when = hlc{0};
    CHECK(decode(encode(c)).code() == errc::malformed_changeset);
}

TEST_CASE("a changeset that names one table twice is refused", "[codec]") {
    changeset c = sample();
    c.tables.push_back(c.tables[0]);
    CHECK(decode(encode(c)).code() == errc::malformed_changeset);
    c.tables[1].table.name = "other";
    CHECK(*decode(encode(c)) == c);
}

TEST_CASE("a changeset that lists an author who wrote nothing in it is refused", "[codec]") {
    const changeset c = sample();
    bytes data = encode(c), front;
    detail::writer w(front);
    w.raw(as_bytes("CSC"));
    w.u8(changeset_format);
    w.raw(c.device.octets);
    w.varint(c.seq);
    w.counted(c.device_name);
    detail::put_context(w, c.context);
    const auto count = data.begin() + static_cast<std::ptrdiff_t>(front.size());
    REQUIRE(*count == 1);
    *count = 2;
    data.insert(count + 1 + 16, 16, 0xFF);  // sorted behind the one that is there
    CHECK(decode_head(data).ok());
    CHECK(decode(data).code() == errc::malformed_changeset);
}

TEST_CASE("bytes above the limit of a changeset are not looked at", "[codec]") {
    bytes data = encode(sample());
    data.resize(limits::changeset_bytes_max);
    CHECK(decode(data).code() == errc::malformed_changeset);
    data.push_back(0);
    CHECK(decode(data).code() == errc::limit_exceeded);
}

TEST_CASE("names of the engine's and SQLite's own tables are refused", "[codec]") {
    for (const char* name : {"casasync_log", "SQLITE_master", ""}) {
        changeset c = sample();
        c.tables[0].table.name = name;
        CHECK(decode(encode(c)).code() == errc::malformed_changeset);
    }
}

TEST_CASE("keys come back byte for byte, a UUID text in 16 bytes", "[key]") {
    const value uuid[] = {value("550e8400-e29b-41d4-a716-446655440000")},
                upper[] = {value("550E8400-e29b-41d4-a716-446655440000")};
    CHECK(encode_key(uuid)->size() == 17);
    for (const auto& key : {std::vector<value>(uuid, uuid + 1), std::vector<value>(upper, upper + 1),
                            std::vector<value>{value(1), value(1.0), value(bytes{1})}})
        CHECK(*decode_key(*encode_key(key)) == key);
    const value null[] = {value{}};
    CHECK(encode_key(null).code() == errc::invalid_argument);
}

TEST_CASE("the clock goes forward whatever the wall clock does", "[hlc]") {
    const hlc late = hlc::at(1'700'000'000'000);
    CHECK(tick(late, 5) == hlc{late.packed + 1});
    CHECK(tick(hlc{late.packed | 0xFFFF}, 0).ms() == 1'700'000'000'001);
    CHECK(tick_user({}, -1) > band::adopt);
}

TEST_CASE("INTEGER and REAL compare exactly", "[value]") {
    const std::int64_t big = (std::int64_t{1} << 53) + 1;
    CHECK((compare_amount(value(big), value(9007199254740992.0)) > 0));
    CHECK(
        (compare_amount(value(std::numeric_limits<std::int64_t>::max()), value(9223372036854775808.0)) < 0));
    CHECK(value(1) != value(1.0));
    CHECK(value(0.0) != value(-0.0));
    CHECK(value(std::numeric_limits<double>::quiet_NaN()).is_null());
}

TEST_CASE("what a table's keys are, and what its columns refer to, travels with its name", "[codec]") {
    changeset c = sample();
    c.tables[0].table.number = "id";
    c.tables[0].table.columns[0].refers = "account";
    c.tables[0].table.key_refers = {"", "account"};
    const auto back = decode(encode(c));
    REQUIRE(back);
    CHECK(*back == c);
    c.tables[0].table.key_refers = {"account", ""};  // the last one says nothing
    CHECK(decode(encode(c)).code() == errc::malformed_changeset);
    c.tables[0].table.key_refers = {"sqlite_schema"};
    CHECK(decode(encode(c)).code() == errc::malformed_changeset);
}

TEST_CASE("what columns hold where nobody wrote travels at the end, in one order", "[codec]") {
    changeset c = sample();
    const bytes without = encode(c);
    c.defaults = {{"account", "color", value("red")}, {"account", "n", value(0)}, {"txn", "note", {}}};
    const bytes with = encode(c);
    CHECK(std::equal(without.begin(), without.end(), with.begin()));
    const auto back = decode(with);
    REQUIRE(back);
    CHECK(*back == c);
    for (std::size_t n = without.size() + 1; n < with.size(); ++n)
        CHECK(decode(bytes_view(with).first(n)).code() == errc::malformed_changeset);
    bytes none = without;
    none.push_back(0);
    CHECK(decode(none).code() == errc::malformed_changeset);
    std::swap(c.defaults[0], c.defaults[1]);
    CHECK(decode(encode(c)).code() == errc::malformed_changeset);
    c.defaults = {{"txn", "note", value(1)}, {"txn", "note", value(2)}};
    CHECK(decode(encode(c)).code() == errc::malformed_changeset);
    c.defaults = {{"sqlite_schema", "note", value(1)}};
    CHECK(decode(encode(c)).code() == errc::malformed_changeset);
    c.defaults = {{"txn", "", value(1)}};
    CHECK(decode(encode(c)).code() == errc::malformed_changeset);
    c.defaults = {{"txn", "note", value(std::string(limits::default_bytes_max + 1, 'x'))}};
    CHECK(decode(encode(c)).code() == errc::malformed_changeset);
}

TEST_CASE("what an author says of its state is the last thing in a changeset", "[codec]") {
    changeset c = sample();
    const bytes without = encode(c);
    const std::vector<column_default> some{{"txn", "note", value("x")}};
    for (const bool asks : {false, true})
        for (const bool says : {false, true})
            for (const auto& defaults : {std::vector<column_default>{}, some}) {
                c.asks_snapshot = asks;
                c.state.reset();
                if (says) c.state = detail::u128{0x0102030405060708, 9};
                c.defaults = defaults;
                const bytes with = encode(c);
                CHECK((with == without) == (!asks && !says && defaults.empty()));
                const auto back = decode(with);
                REQUIRE(back);
                CHECK(*back == c);
                for (std::size_t n = without.size() + 1; n < with.size(); ++n) {
                    const auto part = decode(bytes_view(with).first(n));
                    CHECK((!part || (!defaults.empty() && !part->state && !part->asks_snapshot)));
                }
                bytes longer = with;
                longer.push_back(0);
                CHECK(decode(longer).code() == errc::malformed_changeset);
            }
    for (const std::uint8_t flags : bytes{0, 4, 7, 255}) {
        bytes wrong = without;
        wrong.push_back(0);
        wrong.push_back(flags);
        wrong.resize(wrong.size() + 16);
        CHECK(decode(wrong).code() == errc::malformed_changeset);
    }
}
