// SPDX-License-Identifier: MIT
#include <casasync/casasync.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

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
    const std::size_t authors = front.size() + 1;
    std::copy_n(&data[authors], 16, &data[authors + 16]);
    CHECK_FALSE(decode_head(data).ok());  // the same author twice
}

TEST_CASE("bytes above the limit of a changeset are not looked at", "[codec]") {
    bytes data = encode(sample());
    data.resize(limits::changeset_bytes_max);
    CHECK(decode(data).code() == errc::malformed_changeset);
    data.push_back(0);
    CHECK(decode(data).code() == errc::limit_exceeded);
}

TEST_CASE("names of the engine's and SQLite's own tables are refused", "[codec]") {
    for (const char* name : {"casasync_log", "CASASYNC_LOG", "casasync_", "SQLITE_master", "sqlite_", ""}) {
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

TEST_CASE("a list of defaults comes back; one that has none is not written, and not read", "[codec]") {
    const std::vector<column_default> some{{"txn", "note", value("x")}};
    for (const auto& list : {some, std::vector<column_default>{}}) {
        bytes data;
        detail::writer w(data);
        detail::put_defaults(w, list);
        CHECK(data.empty() == list.empty());
        detail::reader r(data);
        CHECK(detail::get_defaults(r) == list);
        CHECK(r.ok());
    }
    const bytes none{0};
    detail::reader r(none);
    CHECK(detail::get_defaults(r).empty());
    CHECK_FALSE(r.ok());
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

namespace {

/// Writes with `put` and reads with `get`.
template <class Put, class Get>
bool comes_back(Put&& put, Get&& get) {
    bytes data;
    detail::writer w(data);
    put(w);
    detail::reader r(data);
    return get(r);
}

replica_id author(std::uint8_t n) {
    replica_id id;
    id.octets[0] = n;
    return id;
}

}  // namespace

TEST_CASE("operations come back in any order of their clocks, with equal ones among them", "[codec]") {
    changeset c = sample();
    c.tables[0].rows.clear();
    const auto add = [&c](std::uint8_t key, std::uint64_t when, std::uint8_t by) {
        c.tables[0].rows.push_back(
            {bytes{key}, {op_kind::insert, false, {hlc{when}, author(by)}, {{0, 1}, {1, 1}, {2, 1}}}});
    };
    add(1, 10, 2);
    add(2, 10, 1);
    add(3, 10, 1);
    add(4, 9, 1);
    const auto back = decode(encode(c));
    REQUIRE(back.ok());
    CHECK(*back == c);
    c.seq = 0;
    CHECK(decode_head(encode(c)).code() == errc::malformed_changeset);
}

TEST_CASE("many operations come back in any order of their clocks, near and far", "[codec]") {
    for (const std::size_t count : {499U, 500U, 3000U})
        for (const unsigned shift : {0U, 9U, 21U, 40U}) {
            changeset c = sample();
            c.tables[0].rows.clear();
            for (std::size_t i = 0; i < count; ++i) {
                const std::uint64_t random = detail::fmix64(i * 64 + shift);
                const bytes key{static_cast<std::uint8_t>(1 + i / 256), static_cast<std::uint8_t>(i)};
                const stamp when{hlc{1 + ((random % 1000) << shift)},
                                 author(static_cast<std::uint8_t>(1 + random / 1000 % 3))};
                c.tables[0].rows.push_back({key, {op_kind::insert, false, when, {{0, 1}, {1, 1}, {2, 1}}}});
            }
            INFO(count << " operations, " << shift);
            const auto back = decode(encode(c));
            REQUIRE(back.ok());
            CHECK(*back == c);
        }
}

TEST_CASE("clocks are sorted by each of their bits, equal ones as they were", "[codec]") {
    for (const unsigned shift : {0U, 9U, 21U, 40U, 54U}) {
        std::vector<detail::clock_place> all;
        for (std::size_t i = 0; i < 2000; ++i) all.push_back({1 + (detail::fmix64(i) % 1000 << shift), i});
        auto sorted = all;
        std::stable_sort(sorted.begin(), sorted.end(), [](auto& a, auto& b) { return a.clock < b.clock; });
        detail::sort_by_clock(all);
        INFO(shift);
        CHECK(std::equal(all.begin(), all.end(), sorted.begin(),
                         [](auto& a, auto& b) { return a.clock == b.clock && a.row == b.row; }));
    }
}

TEST_CASE("operations that write few columns each come back, whatever the order", "[codec]") {
    changeset c = sample();
    c.tables[0].rows.clear();
    std::uint8_t key = 0;
    for (const std::vector<cell_write>& cells :
         {std::vector<cell_write>{{2, 1}}, {{0, 1}}, {{0, 1}, {1, 2}}, {{2, 1}}, {{0, 1}, {1, 2}}}) {
        ++key;
        c.tables[0].rows.push_back({bytes{key}, {op_kind::update, false, {hlc{key}, author(1)}, cells}});
    }
    const auto back = decode(encode(c));
    REQUIRE(back.ok());
    CHECK(*back == c);
}

TEST_CASE("names have a length, and the engine's own ones have none of the user's", "[codec]") {
    CHECK(detail::good_name(std::string(limits::name_bytes_max, 'x')));
    CHECK_FALSE(detail::good_name(std::string(limits::name_bytes_max + 1, 'x')));
    CHECK(detail::good_table_name("1234567890"));
    CHECK_FALSE(detail::good_table_name("SQLite_x"));
    const auto traits = [](const bytes& behind_name) {
        return comes_back(
            [&](detail::writer& w) {
                w.counted(std::string_view("t"));
                w.raw(behind_name);
            },
            [](detail::reader& r) {
                static_cast<void>(detail::get_traits(r));
                return r.done();
            });
    };
    CHECK(traits({4, 2, 0, 1, 'p', 0}));          // two key columns, the second refers to p; no other columns
    CHECK_FALSE(traits({4, 2, 0, 0, 0}));         // the last one refers to nothing
    CHECK_FALSE(traits({4, 2, 100, 1, 'p', 0}));  // a name that is longer than what is there
    CHECK_FALSE(traits({4, 0, 0}));
    CHECK(traits({0, 1, 1, 'a', 2}));          // one column, under min
    CHECK(traits({0, 1, 1, 'a', 6, 1, 'p'}));  // the same, and it refers to p
    CHECK_FALSE(traits({0, 1, 1, 'a', 3}));    // a rule that there is not
    CHECK_FALSE(traits({0, 1, 1, 0, 0}));      // a NUL in a name
    CHECK_FALSE(traits({8, 0}));               // flags of a newer casasync
    CHECK(traits({7, 1, 'n', 1, 1, 'p', 0}));
}

TEST_CASE("a context whose numbers do not end is refused", "[codec]") {
    CHECK_FALSE(comes_back(
        [](detail::writer& w) {
            w.varint(0);
            w.varint(2);
            for (std::uint8_t n = 1; n <= 2; ++n) {
                w.raw(bytes(16, n));
                w.raw(bytes(12, 0x80));
            }
        },
        [](detail::reader& r) {
            static_cast<void>(detail::get_context(r));
            return r.ok();
        }));
}

TEST_CASE("a context that names somebody twice is refused", "[codec]") {
    const auto named = [](std::uint8_t first, std::uint8_t second) {
        return comes_back(
            [=](detail::writer& w) {
                w.varint(2);
                for (const std::uint8_t n : {first, second}) {
                    w.raw(bytes(16, n));
                    w.u64(1);
                }
                w.varint(0);
            },
            [](detail::reader& r) {
                static_cast<void>(detail::get_context(r));
                return r.done();
            });
    };
    CHECK(named(1, 2));
    CHECK_FALSE(named(1, 1));
    CHECK_FALSE(named(2, 1));
}

TEST_CASE("a key has one way to be written behind another one", "[codec]") {
    const auto second = [](const bytes& first, std::size_t size, std::size_t shared, const bytes& rest) {
        return comes_back(
            [&](detail::writer& w) {
                detail::put_numbers(w, detail::numbers{first.size(), size});
                detail::put_numbers(w, detail::numbers{0, shared});
                w.raw(first);
                w.raw(rest);
            },
            [](detail::reader& r) {
                std::vector<row_change> rows(2);
                std::size_t left = 100;
                return detail::get_keys(r, rows, left) && r.done();
            });
    };
    CHECK(second({1, 2}, 2, 1, {3}));
    CHECK(second({1, 2}, 2, 1, {2}));           // the same key
    CHECK(second({1, 2}, 3, 2, {1}));           // a longer one
    CHECK_FALSE(second({1, 2}, 2, 0, {1, 3}));  // shares more than it says
    CHECK_FALSE(second({1, 2}, 2, 0, {1, 2}));  // the same key, written whole
    CHECK_FALSE(second({1, 2, 3}, 2, 1, {2}));  // a shorter one: keys go back
    CHECK_FALSE(second({1, 2}, 2, 1, {1}));     // a smaller one
    CHECK_FALSE(second({1, 2}, 2, 2, {}));      // shares all of itself
    CHECK_FALSE(second({1, 2}, 4, 3, {1}));     // shares more than there was
}

TEST_CASE("keys are as long as a key may be, and together as long as a changeset may be", "[codec]") {
    const auto keys = [](std::size_t size, std::size_t left) {
        return comes_back(
            [size](detail::writer& w) {
                w.varint(size);
                w.varint(0);
                w.raw(bytes(size, 1));
            },
            [left](detail::reader& r) mutable {
                std::vector<row_change> rows(1);
                return detail::get_keys(r, rows, left);
            });
    };
    CHECK(keys(limits::key_bytes_max, limits::key_bytes_max));
    CHECK_FALSE(keys(limits::key_bytes_max + 1, 2 * limits::key_bytes_max));
    CHECK_FALSE(keys(2, 1));
    CHECK_FALSE(keys(0, 1));
}

TEST_CASE("stamps that put_stamps does not write are refused", "[codec]") {
    struct given {
        std::uint64_t before = 0;
        std::uint64_t step = 0;
        std::vector<std::int64_t> distances{0, 0};
        std::uint8_t authors[2] = {1, 1};
        std::uint8_t keys[2] = {1, 2};
    };
    const auto read = [](const given& g) {
        return comes_back(
            [&g](detail::writer& w) {
                w.varint(g.before);
                w.varint(g.step);
                detail::numbers all;
                for (const std::int64_t d : g.distances) all.push_back(detail::zigzag(d));
                detail::put_numbers(w, all);
            },
            [&g](detail::reader& r) {
                std::vector<row_change> rows(2);
                for (std::size_t i = 0; i < 2; ++i) {
                    rows[i].key = bytes{g.keys[i]};
                    rows[i].op.when.replica = author(g.authors[i]);
                }
                return detail::get_stamps(r, rows, hlc{100});
            });
    };
    CHECK(read({1, 1}));
    CHECK(read({1, 1, {1, -2}}));                        // the second row was written first
    CHECK(read({1, 0, {0, 0}, {1, 2}}));                 // at one moment by two
    CHECK_FALSE(read({101, 1}));                         // before time began
    CHECK_FALSE(read({100, 1}));                         // at no time
    CHECK_FALSE(read({1, 2}));                           // after the greatest
    CHECK_FALSE(read({1, 1, {0, -1}}));                  // both in one place
    CHECK_FALSE(read({1, 1, {0, 1}}));                   // behind the last place
    CHECK_FALSE(read({1, 1, {1, -2}, {1, 1}, {1, 1}}));  // one row, backwards
    CHECK_FALSE(read({1, 0, {0, 0}, {1, 1}, {1, 1}}));   // one row, twice at one moment
    CHECK_FALSE(read({1, 0, {1, -2}}));                  // equal stamps, not in the order of the rows
    CHECK_FALSE(read({1, 0, {0, 0}, {2, 1}}));           // at one moment, not in the order of their authors
}

TEST_CASE("masks are numbered as they are used, and cells are counted", "[codec]") {
    const auto read = [](const std::vector<std::uint64_t>& numbers, std::size_t left) {
        return comes_back(
            [&](detail::writer& w) {
                for (const std::uint64_t v : {1U, 1U, 0U}) w.varint(v);  // one mask: column 0
                detail::put_numbers(w, numbers);
            },
            [left](detail::reader& r) mutable {
                table_changes t{{"t", delete_policy::later_wins, {{"a", merge_rule::lww}}}, {}};
                t.rows.resize(2);
                for (row_change& row : t.rows) row.op.kind = op_kind::update;
                return detail::get_masks(r, t, left);
            });
    };
    CHECK(read({0, 0}, 2));
    CHECK_FALSE(read({0, 0}, 1));
    CHECK_FALSE(read({0, 1}, 2));  // there is one only
    CHECK_FALSE(read({1, 0}, 2));
}

TEST_CASE("texts and blobs that are not written so are refused", "[codec]") {
    const std::string uuid = "550e8400-e29b-41d4-a716-44665544abcd";
    const auto texts = [](const bytes& data, std::size_t left) {
        detail::reader r(data);
        std::string text;
        std::string* const out[] = {&text};
        return detail::get_new_texts(r, out, left);
    };
    bytes packed{detail::texts_of_uuids}, plain{0, 32};
    packed.resize(17, 1);
    plain.insert(plain.end(), uuid.begin(), uuid.begin() + 32);
    plain.push_back(4);
    plain.insert(plain.end(), uuid.begin() + 32, uuid.end());
    CHECK(texts(packed, 36));
    CHECK_FALSE(texts(packed, 35));
    CHECK_FALSE(texts(plain, 100));  // a UUID is written in 16 bytes
    plain[2] = 'x';
    CHECK(texts(plain, 100));
    const auto blob = [](std::uint64_t size) {
        return comes_back(
            [size](detail::writer& w) {
                w.varint(size);
                w.raw(bytes(3, 1));
            },
            [](detail::reader& r) {
                value v;
                value* const out[] = {&v};
                return detail::get_blobs(r, out);
            });
    };
    CHECK(blob(3));
    CHECK_FALSE(blob(4));
    CHECK_FALSE(blob(limits::value_bytes_max + 1));
}
