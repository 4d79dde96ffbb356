// SPDX-License-Identifier: MIT
#include <casasync/capture.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace casasync;

namespace {

using values = std::vector<value>;

const table_traits table{"t", delete_policy::later_wins, {{"a", merge_rule::lww}, {"b", merge_rule::lww}}};

/// A device with one row: statements change the table and the log, seal() empties the log into registers.
struct bench {
    std::optional<values> row;
    captured_row log;
    std::vector<std::size_t> ticks;
    row_state registers;
    bool sealed_row = false, sealed_any = false;

    explicit bench(bool present) {
        if (!present) return;
        row = values{0, 0};
        sealed_row = sealed_any = true;
        merge_operation(registers, {op_kind::insert, false, at(1), {{0, 0}, {1, 0}}}, {}, table);
    }
    static stamp at(std::size_t n) { return {hlc{band::adopt.packed + n}, {}}; }
    void entry(captured_kind kind, std::vector<column_no> columns, std::size_t tick) {
        log.writes.push_back({kind, std::move(columns)});
        ticks.push_back(tick);
    }
    /// i insert, d delete, r replace by another row's victim and insert again, a and b update.
    bool run(char statement, std::size_t n) {
        const int fresh = static_cast<int>(n);
        if ((statement == 'i') == row.has_value()) return false;
        if (statement == 'd' || statement == 'r') {
            log.buried = row;
            entry(statement == 'd' ? captured_kind::erase : captured_kind::displaced, {}, 10 * n);
            row.reset();
        }
        if (statement == 'i' || statement == 'r') {
            row = values{fresh, fresh};
            entry(captured_kind::insert, {}, 10 * n + 1);
        }
        if (statement == 'a' || statement == 'b') {
            const column_no column = statement == 'a' ? 0 : 1;
            (*row)[column] = value(fresh);
            entry(captured_kind::update, {column}, 10 * n);
        }
        return true;
    }
    void seal() {
        log.existed = sealed_row;
        log.known = sealed_any;
        log.now = row;
        captured_operations operations = operations_of(log);
        const auto moved = operations_of(captured_row(log));  // the same, with the values moved out
        CHECK(std::equal(operations.begin(), operations.end(), moved.begin(), moved.end(),
                         [](const auto& a, const auto& b) { return a.write == b.write && a.op == b.op; }));
        for (captured_operation& o : operations) {
            o.op.when = at(ticks[o.write]);
            merge_operation(registers, o.op, {}, table);
            sealed_any = true;
        }
        sealed_row = row.has_value();
        log = {};
        ticks.clear();
    }
    std::optional<values> shown() const {
        if (!is_visible(registers, table.policy)) return std::nullopt;
        values out;
        for (const cell& c : registers.cells) out.push_back(*c.what);
        return out;
    }
};

}  // namespace

TEST_CASE("what others see does not depend on when a seal falls", "[capture]") {
    std::vector<std::string> scripts{""};
    for (std::size_t begin = 0, length = 0; length < 4; ++length) {
        const std::size_t end = scripts.size();
        for (; begin < end; ++begin)
            for (const char c : {'i', 'd', 'r', 'a', 'b'}) scripts.push_back(scripts[begin] + c);
    }
    std::size_t runs = 0;
    for (const bool present : {false, true}) {
        for (const std::string& script : scripts) {
            bench trial(present);
            bool valid = !script.empty();
            for (std::size_t i = 0; i < script.size() && valid; ++i) valid = trial.run(script[i], i + 1);
            if (!valid) continue;
            for (unsigned remote = 0; remote <= 45;
                 remote += 5) {  // 0: none; else an unseen update of a at that time
                std::set<std::string> outcomes;
                for (unsigned cut = 0; cut < 1U << (script.size() - 1); ++cut) {
                    bench d(present);
                    for (std::size_t i = 0; i < script.size(); ++i) {
                        d.run(script[i], i + 1);
                        if (i + 1 == script.size() || (cut >> i & 1U) != 0) d.seal();
                    }
                    INFO(script << ", cut " << cut << ", remote " << remote);
                    REQUIRE(d.shown() == d.row);
                    replica_id other;
                    other.octets[0] = 1;
                    const stamp when{hlc{band::adopt.packed + remote}, other};
                    if (remote > 0 && present)
                        merge_operation(d.registers, {op_kind::update, false, when, {{0, -1}}}, {}, table);
                    std::string text;
                    if (const auto seen = d.shown())
                        for (const value& v : *seen) text += std::to_string(v.integer()) + " ";
                    outcomes.insert(text);
                    ++runs;
                }
                INFO(script << " of a row that was " << (present ? "there" : "not there") << ", remote "
                            << remote);
                REQUIRE(outcomes.size() == 1);
            }
        }
    }
    CHECK(runs > 10000);
}

TEST_CASE("a row that came and went unseen leaves nothing", "[capture]") {
    captured_row row;
    row.writes = {{captured_kind::insert, {}}, {captured_kind::erase, {}}};
    CHECK(operations_of(row).empty());
}

TEST_CASE("a row that is there is sent, whatever the log missed", "[capture]") {
    captured_row row;
    row.now = values{1, 2};
    row.writes = {{captured_kind::update, {0}}, {captured_kind::update, {1}}};
    const auto sent = operations_of(row);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].write == 1);
    CHECK(sent[0].op == row_operation{op_kind::insert, false, {}, {{0, 1}, {1, 2}}});
}

TEST_CASE("a second life whose beginning the log missed is one insert and one delete", "[capture]") {
    captured_row row;
    row.existed = row.known = true;
    row.buried = values{1, 2};
    row.writes = {{captured_kind::insert, {}}, {captured_kind::erase, {}}};
    const auto sent = operations_of(row);
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].op.kind == op_kind::insert);
    CHECK(sent[1].op.kind == op_kind::erase);
}

TEST_CASE("a column that the row has no more is not sent", "[capture]") {
    captured_row row;
    row.existed = row.known = true;
    row.now = values{1, 2};
    row.writes = {{captured_kind::update, {2}}};
    CHECK(operations_of(row).empty());
    row.writes = {{captured_kind::update, {0, 2}}, {captured_kind::update, {2}}};
    const auto sent = operations_of(row);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].op == row_operation{op_kind::update, false, {}, {{0, 1}}});
}

TEST_CASE("a possible victim that is still there was not deleted", "[capture]") {
    captured_row row;
    row.existed = row.known = true;
    row.now = values{1, 2};
    row.writes = {{captured_kind::displaced, {}}};
    CHECK(operations_of(row).empty());
}

TEST_CASE("a write whose values are large together becomes one operation and updates", "[capture]") {
    const std::size_t half = limits::operation_bytes_max / 2;
    const value large(bytes(half, 1)), larger(bytes(half + 1, 2));
    const row_operation row{
        op_kind::insert, true, {}, {{0, large}, {1, large}, {2, 3}, {4, larger}, {5, larger}}};
    const row_operations expected{{op_kind::insert, true, {}, {{0, large}, {1, large}}},
                                  {op_kind::update, true, {}, {{2, 3}, {4, larger}}},
                                  {op_kind::update, true, {}, {{5, larger}}}};
    CHECK((in_pieces(row) == expected));
    const row_operation erased{op_kind::erase, false, {}, {}};
    CHECK((in_pieces(erased) == row_operations{erased}));
}

TEST_CASE("a row of which nothing was captured says nothing", "[capture]") {
    captured_row row{true, true, {}, values{1, 2}, std::nullopt};
    CHECK(operations_of(row).empty());
    row.now.reset();
    CHECK(operations_of(row).empty());
}

TEST_CASE("what the log of a row missed does not lose the row", "[capture]") {
    const auto kinds = [](const captured_row& row) {
        std::vector<op_kind> out;
        for (const captured_operation& o : operations_of(row)) out.push_back(o.op.kind);
        return out;
    };
    captured_row row;
    row.now = values{1, 2};
    row.writes = {{captured_kind::update, {0}}};  // there, and no INSERT was logged
    CHECK((kinds(row) == std::vector{op_kind::insert}));
    row.existed = row.known = true;
    row.writes = {{captured_kind::insert, {}}};  // there before, and no DELETE was logged
    CHECK((kinds(row) == std::vector{op_kind::insert}));
    row.writes = {
        {captured_kind::displaced, {}}, {captured_kind::insert, {}}, {captured_kind::displaced, {}}};
    CHECK((kinds(row) == std::vector{op_kind::erase, op_kind::insert}));
    row.writes = {{captured_kind::insert, {}}, {captured_kind::displaced, {}}};
    CHECK((kinds(row) == std::vector{op_kind::erase, op_kind::insert}));
    row.writes = {{captured_kind::update, {0, 7}}};  // a column that the table does not have
    REQUIRE(operations_of(row).empty() == false);
    CHECK(operations_of(row)[0].op.cells.size() == 1);
    row.writes = {{captured_kind::update, {0}}, {captured_kind::update, {7, 1}}};
    CHECK((kinds(row) == std::vector{op_kind::update, op_kind::update}));
    row.now.reset();  // gone, and no DELETE was logged
    CHECK((kinds(row) == std::vector{op_kind::erase}));
    CHECK(operations_of(row)[0].write == 1);
    row.existed = false;
    row.buried = values{1, 2};
    row.writes = {{captured_kind::erase, {}}, {captured_kind::update, {0}}};
    CHECK((kinds(row) == std::vector{op_kind::erase}));
    CHECK(operations_of(captured_row{}).empty());
}

TEST_CASE("one value that is too large for an operation stays in one", "[capture]") {
    const value huge(bytes(limits::operation_bytes_max + 1, 1));
    CHECK(in_pieces({op_kind::update, false, {}, {{0, huge}}}).size() == 1);
    CHECK(in_pieces({op_kind::update, false, {}, {{0, huge}, {1, 2}}}).size() == 2);
}
