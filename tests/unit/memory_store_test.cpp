// SPDX-License-Identifier: MIT
#include "vault_pair.hpp"

#include <algorithm>

using namespace vault_pair;

namespace {

/// Hands everything `from` has not had confirmed to `to`.
merge_report hand_over(device& from, device& to) {
    REQUIRE(from.store.seal().ok());
    std::vector<inbound_part> parts;
    const auto out = from.store.outbox(limits::changeset_bytes_max);
    for (const outbound_part& p : *out)
        parts.push_back({0, from.store.device(), p.seq, p.part, p.parts, p.payload});
    REQUIRE(to.store.accept(parts, *to.store.position()).ok());
    const auto report = to.store.merge_inbox(0);
    REQUIRE(report.ok());
    return *report;
}

std::size_t sealed(device& d) {
    const auto n = d.store.seal();
    REQUIRE(n.ok());
    return *n;
}

}  // namespace

TEST_CASE("a write that changes nothing is none, and what came and went leaves nothing", "[memory_store]") {
    household h;
    device a(h, 1);
    a.write("1", {{"amount", 1}});
    CHECK(sealed(a) == 1);
    a.write("1", {{"amount", 1}});
    CHECK(sealed(a) == 0);
    a.write("2", {{"amount", 1}});
    a.erase("2");
    a.erase("3");
    CHECK(sealed(a) == 0);
    a.erase("1");
    a.write("1", {{"amount", 5}});
    CHECK(sealed(a) == 2);  // DELETE and INSERT
    CHECK(a.store.pending_out() == 2);
}

TEST_CASE("members of a group are stamped together", "[memory_store]") {
    household h;
    device a(h, 1, true), b(h, 2, true);
    a.write("1", {{"amount", 10}, {"note", "EUR"}});
    hand_over(a, b);
    h.clock.time += 10;
    a.write("1", {{"amount", 20}});
    h.clock.time += 10;
    b.write("1", {{"note", "USD"}});
    hand_over(a, b);
    hand_over(b, a);
    for (device* d : {&a, &b}) {
        CHECK(d->cell("1", amount) == value(10));  // never 20 dollars
        CHECK(d->cell("1", note) == value("USD"));
    }
    REQUIRE(a.store.conflicts().size() == 2);
    CHECK(a.store.conflicts()[0].what.what == value(20));
    CHECK(a.store.conflicts()[1].what.what == value("EUR"));
    CHECK(a.store.digest() == b.store.digest());
}

TEST_CASE("under max and min a lesser write is put back at the seal", "[memory_store]") {
    household h;
    device a(h, 1), b(h, 2);
    a.write("1", {{"high", 10}, {"low", 10}});
    CHECK(sealed(a) == 1);
    a.write("1", {{"high", 7}, {"low", 12}});
    CHECK(sealed(a) == 1);
    CHECK(a.cell("1", high) == value(10));
    CHECK(a.cell("1", low) == value(10));
    hand_over(a, b);
    b.write("1", {{"high", 11}, {"low", 9}});
    a.write("1", {{"high", 12}, {"low", 8}});
    hand_over(b, a);
    hand_over(a, b);
    CHECK(b.cell("1", high) == value(12));
    CHECK(a.cell("1", low) == value(8));
    CHECK(a.store.conflicts().empty());
    CHECK(a.store.digest() == b.store.digest());
}

TEST_CASE("tables and columns of others become known", "[memory_store]") {
    household h;
    device a(h, 1), b(h, 2);
    a.write("1", {{"note", "older"}});
    hand_over(a, b);
    REQUIRE(b.store.create_table({"tag", delete_policy::delete_wins, {{"name", merge_rule::lww}}}).ok());
    REQUIRE(b.store.write("tag", device::key("t"), {{"name", "food"}}).ok());
    hand_over(b, a);
    CHECK(a.store.read("tag", device::key("t")) == std::vector<value>{"food"});
    CHECK(a.store.create_table({"tag", delete_policy::later_wins, {}}).code() == errc::already_exists);
}

TEST_CASE("a table that merges otherwise stops its author alone", "[memory_store]") {
    household h;
    device a(h, 1), b(h, 2), c(h, 3);
    const auto rule = GENERATE(merge_rule::lww, merge_rule::min);
    REQUIRE(a.store.create_table({"t", delete_policy::later_wins, {{"n", rule}}}).ok());
    REQUIRE(b.store.create_table({"t", delete_policy::later_wins, {{"n", merge_rule::max}}}).ok());
    REQUIRE(b.store.write("t", device::key("1"), {{"n", 1}}).ok());
    c.write("1", {{"amount", 1}});
    CHECK(hand_over(b, a).changesets == 0);
    CHECK(hand_over(c, a).changesets == 1);
    CHECK(a.store.pending_in() == 1);
    CHECK(a.has("1"));
}

TEST_CASE("amounts are compared, whatever their author did with them", "[memory_store]") {
    household h;
    device a(h, 1), b(h, 2);
    REQUIRE(a.store.create_table({"t", delete_policy::later_wins, {{"n", merge_rule::max}}}).ok());
    REQUIRE(b.store.create_table({"t", delete_policy::later_wins, {{"n", merge_rule::lww}}}).ok());
    REQUIRE(a.store.write("t", device::key("1"), {{"n", 5}}).ok());
    sealed(a);
    h.clock.time += 10;
    REQUIRE(b.store.write("t", device::key("1"), {{"n", 3}}).ok());
    REQUIRE(b.store.write("t", device::key("2"), {{"n", 8}}).ok());
    CHECK(hand_over(b, a).changesets == 1);
    std::vector<std::vector<value>> shown;
    for (const auto& [key, values] : a.store.tables().back().shown()) shown.push_back(values);
    CHECK(shown == std::vector<std::vector<value>>{{value(5)}, {value(8)}});
}

TEST_CASE("a changeset waits for what its author had merged", "[memory_store]") {
    household h;
    device a(h, 1), b(h, 2), c(h, 3);
    a.write("1", {{"amount", 1}});
    hand_over(a, b);
    b.write("1", {{"amount", 2}});
    CHECK(hand_over(b, c).changesets == 0);
    CHECK_FALSE(c.has("1"));
    CHECK(hand_over(a, c).changesets == 2);
    CHECK(c.cell("1", amount) == value(2));
    CHECK(c.store.conflicts().empty());
    CHECK(c.store.digest() == b.store.digest());
}

TEST_CASE("a conflict that was settled meanwhile is not settled again", "[memory_store]") {
    household h;
    device a(h, 1), b(h, 2);
    a.write("1", {{"note", "x"}});
    hand_over(a, b);
    a.write("1", {{"note", "A"}});
    h.clock.time += 1;
    b.write("1", {{"note", "B"}});
    hand_over(a, b);
    REQUIRE(b.store.conflicts().size() == 1);
    const memory_conflict open = b.store.conflicts()[0];
    b.write("1", {{"note", "C"}});
    CHECK(b.store.restore(open).code() == errc::not_found);
    CHECK(b.store.keep(open).code() == errc::not_found);
    CHECK(b.cell("1", note) == value("C"));
}

TEST_CASE("a write that cannot be sent is refused whole", "[memory_store]") {
    household h;
    device a(h, 1);
    const auto refused = [&](const std::vector<value>& key, const std::map<std::string, value>& cells) {
        const auto ok = a.store.write("txn", key, cells);
        return ok ? errc{} : ok.code();
    };
    CHECK(refused(device::key("1"), {{"amount", 1}, {"nowhere", 2}}) == errc::not_found);
    CHECK(refused({value()}, {{"amount", 1}}) == errc::invalid_argument);
    CHECK(refused({value(std::string(limits::key_bytes_max, 'k'))}, {}) == errc::limit_exceeded);
    CHECK(refused(device::key("1"), {{"note", std::string(limits::value_bytes_max + 1, 'x')}}) ==
          errc::limit_exceeded);
    CHECK(a.store.write("nowhere", device::key("1"), {}).code() == errc::not_found);
    CHECK(a.store.erase("nowhere", device::key("1")).code() == errc::not_found);
    CHECK(a.store.create_table({"t", delete_policy::later_wins, {}}, {{"nowhere"}}).code() ==
          errc::invalid_argument);
    CHECK(sealed(a) == 0);
    CHECK_FALSE(a.has("1"));
    CHECK(refused(device::key("1"), {{"note", std::string(limits::value_bytes_max, 'x')}}) == errc{});
    CHECK(sealed(a) == 1);
}

TEST_CASE("an envelope is kept, replaced, and settled by number or by digest", "[memory_store]") {
    household h;
    device a(h, 1);
    for (int i = 0; i < 2; ++i) {
        a.write(std::to_string(i), {{"amount", i}});
        CHECK(sealed(a) == 1);
    }
    digest256 digest{};
    digest.fill(9);
    CHECK(
        a.store.keep_envelope(1, as_bytes("other"), casasync_test::quick_digest(as_bytes("other")), {}).ok());
    CHECK(a.store.keep_envelope(1, as_bytes("one"), digest, digest).ok());
    CHECK(a.store.keep_envelope(3, as_bytes("none"), digest, digest).code() == errc::invalid_argument);
    CHECK((*a.store.outbox(1))[0].envelope == bytes{'o', 'n', 'e'});
    CHECK(a.store.outbox(1)->size() == 1);
    CHECK(a.store.outbox(1000)->size() == 2);
    CHECK(a.store.settle(digest256{}).value() == false);  // nobody's
    CHECK(a.store.settle(casasync_test::quick_digest(as_bytes("other"))).value() ==
          true);  // the first is there
    CHECK(a.store.pending_out() == 1);
    CHECK(a.store.settle(digest).value() == true);  // it remembers
    CHECK(a.store.pending_out() == 1);
    CHECK(a.store.settle(std::uint64_t{2}).ok());
    CHECK(a.store.pending_out() == 0);
}

TEST_CASE("ten thousand writes become changesets that arrive as one state", "[memory_store]") {
    household h;
    device a(h, 1), b(h, 2);
    for (int i = 0; i < 10'000; ++i) a.write(std::to_string(i % 9000), {{"amount", i}});
    CHECK(sealed(a) == 9000 + 1000);  // rows inserted and updated: an INSERT and an UPDATE each
    CHECK(a.store.pending_out() == 3);
    CHECK(hand_over(a, b).changesets == 3);
    CHECK(a.store.digest() == b.store.digest());
    CHECK(b.cell("500", amount) == value(9500));
}

TEST_CASE("long values that were replaced give their room back, the others stay", "[memory_store]") {
    household h;
    device a(h, 1);
    const std::string stays(100, 's');
    a.write("a key that is longer than its place in a row", {{"note", stays}});
    for (int i = 0; i < 100; ++i) {
        a.write("1", {{"note", std::string(50'000, static_cast<char>('a' + i % 26))}});
        CHECK(sealed(a) >= 1);
    }
    CHECK(a.cell("1", note) == value(std::string(50'000, static_cast<char>('a' + 99 % 26))));
    CHECK(a.cell("a key that is longer than its place in a row", note) == value(stays));
    CHECK(a.store.tables().front().rows.long_bytes() < 3'000'000);  // of five millions written
}

TEST_CASE("most of a large arena is not moved for the little that was replaced", "[memory_store]") {
    household h;
    device a(h, 1);
    for (int i = 0; i < 4; ++i) a.write(std::to_string(i), {{"note", std::string(1'200'000, 'a')}});
    sealed(a);
    a.write("0", {{"note", std::string(1'200'000, 'b')}});
    sealed(a);
    CHECK(a.store.tables().front().rows.long_bytes() >= 5 * 1'200'000);
}

TEST_CASE("what is not there is not found", "[memory_store]") {
    household h;
    device a(h, 1);
    a.write("1", {{"amount", 1}});
    CHECK(a.store.erase("txn", std::vector<value>{value()}).code() == errc::invalid_argument);
    CHECK(a.store.erase("other", device::key("1")).code() == errc::not_found);
    CHECK_FALSE(a.store.read("other", device::key("1")));
    CHECK_FALSE(a.store.read("txn", std::vector<value>{value()}));
    CHECK(a.store.author_of(id_of<replica_id>(9)) == device_id{});
    CHECK(a.store.name_of(id_of<device_id>(9)).empty());
    memory_conflict c{"other", *encode_key(device::key("1")), {}};
    CHECK(a.store.keep(c).code() == errc::not_found);
    c.table = "txn";
    c.key = *encode_key(device::key("2"));
    CHECK(a.store.restore(c).code() == errc::not_found);
}

TEST_CASE("a conflict in a table that is all key can be kept", "[memory_store]") {
    household h;
    device a(h, 1), b(h, 2);
    for (device* d : {&a, &b}) REQUIRE(d->store.create_table({"links", delete_policy::later_wins, {}}).ok());
    const auto both = [&h](auto&& what) {
        REQUIRE(what().ok());
        h.clock.time += 1000;
    };
    const auto key = device::key("1");
    both([&] { return a.store.write("links", key, {}); });
    hand_over(a, b);
    both([&] { return a.store.erase("links", key); });
    REQUIRE(a.store.seal().ok());
    both([&] { return b.store.erase("links", key); });
    both([&] { return a.store.write("links", key, {}); });
    hand_over(b, a);
    hand_over(a, b);
    REQUIRE(b.store.conflicts().size() == 1);
    CHECK(b.store.conflicts()[0].what.why == conflict_reason::delete_undone);
    REQUIRE(b.store.keep(b.store.conflicts()[0]).ok());
    hand_over(b, a);
    CHECK(a.store.conflicts().empty());
    CHECK(a.store.read("links", key));
    CHECK(a.store.digest() == b.store.digest());
}

TEST_CASE("what is decided about one conflict of a row leaves the others open", "[memory_store]") {
    // Where there is no column left to say that the row stays, it is said by the whole row.
    const bool grouped = GENERATE(false, true), all_of_them = GENERATE(false, true);
    CAPTURE(grouped, all_of_them);
    household h;
    device a(h, 1, grouped), b(h, 2, grouped), c(h, 3, grouped);
    a.write("1", {{"amount", 1}, {"note", "x"}});
    hand_over(a, b);
    hand_over(a, c);
    const std::map<std::string, value> first{{"amount", 2}, {"note", "a"}},
        last{{"amount", 3}, {"note", "b"}};
    const auto some = [&](auto cells) {
        if (!all_of_them) cells.erase("note");
        return cells;
    };
    a.write("1", some(first));
    REQUIRE(a.store.seal().ok());
    h.clock.time += 1000;
    c.erase("1");
    REQUIRE(c.store.seal().ok());
    h.clock.time += 1000;
    b.write("1", some(last));
    hand_over(b, a);
    hand_over(c, a);
    const auto open = a.store.conflicts();
    REQUIRE(open.size() == (all_of_them ? 3 : 2));
    REQUIRE(!open.back().what.column);
    REQUIRE(a.store.keep(open.back()).ok());
    for (device* d : {&b, &c}) hand_over(a, *d);
    hand_over(b, c);
    hand_over(c, b);
    for (device* d : {&a, &b, &c}) {
        const auto left = d->store.conflicts();
        if (all_of_them || grouped) {
            CHECK(left.empty());
        } else {
            REQUIRE(left.size() == 1);
            CHECK(left[0] == open[0]);
        }
        CHECK(d->cell("1", amount) == value(3));
        CHECK(d->store.digest() == a.store.digest());
    }
}

TEST_CASE("what is written in twenty megabytes becomes two changesets", "[memory_store]") {
    household h;
    device a(h, 1), b(h, 2);
    for (int i = 0; i < 5; ++i)
        a.write(std::to_string(i), {{"note", bytes(std::size_t{4} << 20, static_cast<std::uint8_t>(i))}});
    const auto n = a.store.seal();
    REQUIRE(n.ok());
    CHECK(*n == 5);
    const auto out = a.store.outbox(limits::changeset_bytes_max);
    CHECK(std::count_if(out->begin(), out->end(), [](const outbound_part& p) { return p.part == 0; }) == 2);
}

TEST_CASE("parts that do not fit their place wait, and stop only their author", "[memory_store][hostile]") {
    household h;
    device a(h, 1), b(h, 2);
    a.write("1", {{"amount", 1}});
    REQUIRE(a.store.seal().ok());
    a.write("1", {{"amount", 2}});
    REQUIRE(a.store.seal().ok());
    const auto out = *a.store.outbox(limits::changeset_bytes_max);
    REQUIRE(out.size() == 2);
    inbound_part p{0, a.store.device(), 1, 0, 1, out[0].payload, {}};
    SECTION("the middle of a changeset in the place of its beginning") {
        p.part = 1;
        p.parts = 2;
    }
    SECTION("another changeset of the same author") {
        p.payload = out[1].payload;
    }
    SECTION("another author's changeset") {
        p.device = id_of<device_id>(5);
    }
    SECTION("a changeset that is cut off behind its front") {
        p.payload.pop_back();
    }
    REQUIRE(b.store.accept(std::span(&p, 1), {}).ok());
    CHECK(b.store.merge_inbox(0)->changesets == 0);
    CHECK(b.store.pending_in() == 1);
    CHECK(b.store.tables().front().rows.size() == 0);
}

TEST_CASE("a snapshot that does not fit this vault changes nothing", "[memory_store][snapshot]") {
    household h;
    device a(h, 1);
    a.write("1", {{"amount", 1}});
    const auto digest = (sealed(a), a.store.digest());
    snapshot_header header;
    header.devices.push_back({id_of<device_id>(9), "", {}});
    errc expected{};
    SECTION("a column merges by another rule") {
        header.tables.push_back({{"txn", delete_policy::later_wins, {{"amount", merge_rule::max}}}, {}, {}});
        expected = errc::schema_mismatch;
    }
    SECTION("a column merges by another rule, though its changesets would fit") {
        REQUIRE(a.store.create_table({"most", delete_policy::later_wins, {{"n", merge_rule::max}}}).ok());
        header.tables.push_back({{"most", delete_policy::later_wins, {{"n", merge_rule::lww}}}, {}, {}});
        expected = errc::schema_mismatch;
    }
    SECTION("a group has a column that its table has not") {
        header.tables.push_back({{"new", delete_policy::later_wins, {{"a", merge_rule::lww}}}, {{"b"}}, {}});
        expected = errc::malformed_snapshot;
    }
    SECTION("two groups share a column") {
        header.tables.push_back({{"new",
                                  delete_policy::later_wins,
                                  {{"a", merge_rule::lww}, {"b", merge_rule::lww}, {"c", merge_rule::lww}}},
                                 {{"a", "b"}, {"b", "c"}},
                                 {}});
        expected = errc::malformed_snapshot;
    }
    SECTION("a table that is new here") {
        header.tables.push_back(
            {{"new", delete_policy::later_wins, {{"a", merge_rule::lww}, {"b", merge_rule::lww}}},
             {{"b", "a"}},
             {}});
    }
    const std::size_t tables = a.store.tables().size();
    bytes data;
    snapshot_writer w([&data](bytes_view part) -> result<void> {
        data.insert(data.end(), part.begin(), part.end());
        return {};
    });
    REQUIRE((w.begin(header).ok() && w.end().ok()));
    bool read = false;
    const auto merged = a.store.merge_snapshot(
        [&]() -> result<bytes> { return std::exchange(read, true) ? bytes{} : data; }, {});
    CHECK(a.store.digest() == digest);
    if (expected == errc{}) {
        REQUIRE(merged.ok());
        REQUIRE(a.store.tables().size() == 2);
        CHECK(a.store.tables().back().groups == std::vector<std::vector<column_no>>{{1, 0}});
    } else {
        CHECK(merged.code() == expected);
        CHECK(a.store.tables().size() == tables);
    }
}
