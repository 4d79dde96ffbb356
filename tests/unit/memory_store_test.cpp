// SPDX-License-Identifier: MIT
#include "vault_pair.hpp"

#include <algorithm>
#include <array>
#include <tuple>

using namespace vault_pair;

namespace {

constexpr std::size_t amount = 0, note = 1, high = 2, low = 3;

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

/// Devices that write a small table, and what each makes of the others' changesets.
class writers {
 public:
    explicit writers(std::uint64_t seed) : random_{seed} {
        traits_.name = "t";
        for (const char* name : {"a", "b", "the name of a column that is not short"})
            traits_.columns.push_back({name, merge_rule::lww, {}});
        traits_.columns.push_back({"most", merge_rule::max, {}});
        if (seed % 2 == 0) traits_.policy = delete_policy::delete_wins;
        for (device& d : devices_) std::ignore = d.rows.add(traits_.without_columns());
    }

    /// One device writes a few rows, after it has merged what it has not yet heard of, up to some point.
    void step() {
        const std::size_t n = random_.below(devices_.size());
        device& d = devices_[n];
        for (std::size_t ahead = random_.below(3); ahead > 0 && d.heard < sent_.size(); --ahead) hear(d);
        changeset c = written_by(n);
        d.clock = greatest_stamp(c).when;
        take(d, c);
        sent_.push_back(std::move(c));
    }
    void finish() {
        for (device& d : devices_)
            while (d.heard < sent_.size()) hear(d);
    }
    /// In place, and by plans.
    [[nodiscard]] static bool equal(const memory_rows& a, const memory_rows& b) {
        return a.digest() == b.digest() && a.open_digest() == b.open_digest() && a.counts() == b.counts() &&
               a.merged() == b.merged() && a.tables().front().registers() == b.tables().front().registers();
    }
    [[nodiscard]] bool all_equal() const {
        return std::all_of(devices_.begin(), devices_.end(), [this](const device& d) {
            return equal(d.rows, d.planned) && equal(d.rows, devices_.front().rows);
        });
    }
    [[nodiscard]] const accounts& counts() const { return devices_.front().rows.counts(); }

 private:
    struct device {
        memory_rows rows{}, planned{};
        hlc clock{};
        std::uint64_t seq = 0;
        std::size_t heard = 0;  ///< of all that was sent
    };

    void hear(device& d) {
        const changeset& c = sent_[d.heard++];
        if (c.device.octets[0] == static_cast<std::uint8_t>(&d - devices_.data() + 1)) return;
        take(d, c);
        d.clock = observe(d.clock, greatest_stamp(c).when);
    }
    static void take(device& d, const changeset& c) {
        const auto merged = d.rows.merge(c);
        const auto plan = merge(c, d.planned);
        REQUIRE((merged.ok() && plan.ok()));
        REQUIRE((merged->rows == plan->rows.size() && merged->greatest == plan->greatest));
        d.planned.apply(*plan);
        REQUIRE(equal(d.rows, d.planned));
    }
    changeset written_by(std::size_t n) {
        device& d = devices_[n];
        changeset c;
        c.device.octets[0] = static_cast<std::uint8_t>(n + 1);
        c.seq = c.last_seq = ++d.seq;
        c.context = d.rows.merged();
        table_changes& t = c.tables.emplace_back(table_changes{traits_, {}});
        std::swap(t.table.columns[0], t.table.columns[1]);  // its own order of columns
        const std::size_t operations = 1 + random_.below(6);
        for (std::size_t i = 0; i < operations; ++i) {
            row_change& r = t.rows.emplace_back(row_change{bytes(1 + random_.below(2) * 30, 7), {}});
            r.key.back() = static_cast<std::uint8_t>(random_.below(4));
            d.clock = tick_user(d.clock, static_cast<unix_ms>(now_ += random_.below(2)));
            r.op.when.when = d.clock;
            r.op.when.replica.octets[0] = static_cast<std::uint8_t>(9 - n);
            r.op.kind = random_.below(8) == 0   ? op_kind::erase
                        : random_.below(3) == 0 ? op_kind::insert
                                                : op_kind::update;
            r.op.blind = random_.below(10) == 0;
            for (column_no column = 0; column < 4 && r.op.kind != op_kind::erase; ++column)
                if (r.op.kind == op_kind::insert || random_.below(2) == 0)
                    r.op.cells.push_back({column, a_value(column)});
        }
        std::stable_sort(t.rows.begin(), t.rows.end(),
                         [](const row_change& a, const row_change& b) { return a.key < b.key; });
        return c;
    }
    value a_value(column_no column) {
        if (column == 3) return static_cast<int>(random_.below(5));
        switch (random_.below(5)) {
            case 0:
                return {};
            case 1:
                return 0.5;
            case 2:
                return bytes(random_.below(40), 1);
            default:
                return std::string(random_.below(40), 'x');
        }
    }

    struct {
        std::uint64_t state;
        std::size_t below(std::size_t n) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            return static_cast<std::size_t>(state >> 33) % n;
        }
    } random_;
    std::uint64_t now_ = 1'800'000'000'000;
    table_traits traits_{};
    std::array<device, 3> devices_{};
    std::vector<changeset> sent_{};
};

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
    REQUIRE(a.store.create_table({"t", delete_policy::later_wins, {{"n", merge_rule::max}}}).ok());
    REQUIRE(b.store.create_table({"t", delete_policy::later_wins, {{"n", merge_rule::lww}}}).ok());
    REQUIRE(b.store.write("t", device::key("1"), {{"n", 1}}).ok());
    c.write("1", {{"amount", 1}});
    CHECK(hand_over(b, a).changesets == 0);
    CHECK(hand_over(c, a).changesets == 1);
    CHECK(a.store.pending_in() == 1);
    CHECK(a.has("1"));
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

TEST_CASE("merging in place is merging by a plan", "[memory_store][laws]") {
    accounts all;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        writers w(seed);
        for (int i = 0; i < 60; ++i) w.step();
        w.finish();
        REQUIRE(w.all_equal());
        all += w.counts();
    }
    CHECK(all.conflicts > 100);  // and everything else that can become of a write
    CHECK(all.absorbed > 100);
    CHECK(all.applied > 100);
    CHECK(all.superseded > 1000);
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
    SECTION("a group has a column that its table has not") {
        header.tables.push_back({{"new", delete_policy::later_wins, {{"a", merge_rule::lww}}}, {{"b"}}, {}});
        expected = errc::malformed_snapshot;
    }
    SECTION("a table that is new here") {
        header.tables.push_back(
            {{"new", delete_policy::later_wins, {{"a", merge_rule::lww}, {"b", merge_rule::lww}}},
             {{"b", "a"}},
             {}});
    }
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
        CHECK(a.store.tables().size() == 1);
    }
}

namespace {

/// Merges changesets of one table in place and by plans, and compares what comes of each.
struct two_ways {
    table_traits traits{"t", delete_policy::later_wins, {{"a", merge_rule::lww}, {"b", merge_rule::lww}}};
    memory_rows in_place{}, planned{};

    /// What device `author` says, who has merged everything up to `seen` of `of`.
    changeset said(std::uint8_t author, std::uint8_t of, stamp seen, std::vector<row_change> rows) {
        changeset c;
        c.device = id_of<device_id>(author);
        c.seq = in_place.merged().seen.of(c.device) + 1;
        if (seen.exists()) c.context.vector.raise(id_of<replica_id>(of), seen.when);
        c.tables.push_back({traits, std::move(rows)});
        return c;
    }
    void take(const changeset& c) {
        REQUIRE(in_place.merge(c).ok());
        const auto plan = merge(c, planned);
        REQUIRE(plan.ok());
        planned.apply(*plan);
        CHECK(writers::equal(in_place, planned));
    }
};

stamp user(std::uint64_t n, std::uint8_t replica) {
    return {hlc{band::adopt.packed + n}, id_of<replica_id>(replica)};
}

row_change op(op_kind kind, stamp when, std::vector<cell_write> cells, std::uint8_t key = 1) {
    return {{key}, {kind, false, when, std::move(cells)}};
}

}  // namespace

TEST_CASE("rare changesets merge in place as by a plan", "[memory_store][laws]") {
    two_ways t;
    SECTION("a table without operations") {
        t.take(t.said(1, 1, {}, {}));
        CHECK(t.in_place.merged().seen.of(id_of<device_id>(1)) == 1);
    }
    SECTION("a device that got another name between two writes") {
        t.take(t.said(
            1, 1, {},
            {op(op_kind::insert, user(1, 1), {{0, 1}}, 1), op(op_kind::insert, user(2, 2), {{0, 1}}, 2),
             op(op_kind::insert, user(3, 1), {{0, 1}}, 3)}));
        CHECK(t.in_place.merged().vector.of(id_of<replica_id>(1)) == user(3, 1).when);
        CHECK(t.in_place.merged().vector.of(id_of<replica_id>(2)) == user(2, 2).when);
    }
    SECTION("rows that were there when the vault began") {
        t.take(t.said(1, 1, {}, {op(op_kind::insert, band::adopted, {{0, "old"}, {1, "old"}})}));
        CHECK(t.in_place.digest() == digest128{});
        t.take(t.said(1, 1, {}, {op(op_kind::update, band::adopted, {{1, "older"}})}));
        t.take(t.said(2, 1, {}, {op(op_kind::update, user(5, 2), {{0, "new"}})}));
        CHECK(t.in_place.counts().conflicts == 0);  // nobody wrote the old value
    }
    SECTION("an author who claims to have seen what was there when the vault began") {
        t.take(t.said(1, 1, {}, {op(op_kind::insert, band::adopted, {{0, "old"}, {1, "old"}})}));
        t.take(t.said(3, 0, band::adopted, {op(op_kind::update, user(6, 3), {{1, "new"}})}));
    }
    SECTION("a column that one row never had, and one that no device had before") {
        t.take(t.said(1, 1, {}, {op(op_kind::insert, user(1, 1), {{0, 1}})}));
        t.take(t.said(1, 1, {}, {op(op_kind::update, user(2, 1), {{1, 2}})}));
        t.traits.columns.push_back({"c", merge_rule::lww, {}});
        t.take(t.said(1, 1, {}, {op(op_kind::update, user(3, 1), {{2, 3}})}));
        CHECK(t.in_place.tables().front().show(*t.in_place.tables().front().find(bytes{1})) ==
              std::vector<value>{1, 2, 3});
    }
    SECTION("writes at the very beginning of users' time") {
        t.take(t.said(1, 1, {}, {op(op_kind::insert, user(0, 1), {{0, 1}, {1, 1}})}));
        t.take(t.said(2, 1, user(0, 1), {op(op_kind::update, user(0, 2), {{0, 2}})}));
        t.take(t.said(2, 1, user(0, 1), {op(op_kind::update, user(7, 2), {{0, 3}})}));
        CHECK(t.in_place.counts().conflicts == 0);
    }
    SECTION("an author who has seen what is later than his own write") {
        t.take(t.said(1, 1, {}, {op(op_kind::insert, user(3, 1), {{0, 1}, {1, 1}})}));
        t.take(t.said(1, 1, {}, {op(op_kind::update, user(9, 1), {{0, 2}})}));
        t.take(t.said(2, 1, user(9, 1), {op(op_kind::update, user(5, 2), {{0, 3}})}));
        CHECK(t.in_place.tables().front().show(*t.in_place.tables().front().find(bytes{1}))[0] == value(2));
    }
    SECTION("a row that was made anew without one of its fields") {
        t.take(t.said(1, 1, {}, {op(op_kind::insert, user(1, 1), {{0, 1}, {1, "of the first life"}})}));
        t.take(t.said(2, 1, user(1, 1), {op(op_kind::insert, user(4, 2), {{0, 2}})}));
        t.take(t.said(2, 1, user(1, 1), {op(op_kind::update, user(6, 2), {{1, "of the second"}})}));
        CHECK(t.in_place.counts().superseded == 2);  // both of the first life
    }
    SECTION("a table that is all key") {
        t.traits.columns.clear();
        t.take(t.said(1, 1, {}, {op(op_kind::insert, user(1, 1), {})}));
        t.take(t.said(2, 1, user(1, 1), {op(op_kind::insert, user(2, 2), {})}));
    }
}

TEST_CASE("a register whose value was never given has none, and takes its place", "[memory_store]") {
    detail::packed_rows rows("t");
    rows.widen(1);
    row_state row;
    row.born = row.touched = user(1, 1);
    row.cells.push_back({0, user(1, 1), std::nullopt});
    rows.store(bytes{1}, row);
    CHECK(rows.load(*rows.find(bytes{1}), true) == row);
}

TEST_CASE("rows whose hashes are equal are told apart", "[memory_store]") {
    detail::row_index index;
    index.add(7, 0);
    index.add(7, 1);
    for (const detail::row_no wanted : {detail::row_no{0}, detail::row_no{1}})
        CHECK(index.find(7, [wanted](detail::row_no r) { return r == wanted; }) == wanted);
    CHECK_FALSE(index.find(7, [](detail::row_no) { return false; }));
}
