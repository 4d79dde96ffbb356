// SPDX-License-Identifier: MIT
// Values keep their type and their bytes, whatever column they are in; the largest ones stay at home.
#include "forge.hpp"
#include "schema_story.hpp"

#include <cmath>
#include <limits>

using namespace casasync;
using casasync_test::lost_write;
using casasync_test::schema_story;
using casasync_test::sqlite_schema;

namespace {

sqlite_schema every_affinity() {
    return {{"CREATE TABLE thing(id TEXT PRIMARY KEY NOT NULL, whole INTEGER, floating REAL, amount NUMERIC, "
             "words TEXT, raw BLOB, anything)",
             "CREATE TABLE strictly(id TEXT PRIMARY KEY NOT NULL, anything ANY) STRICT"},
            {{"thing", {}}, {"strictly", {}}}};
}

double with_bits(std::uint64_t bits) {
    return std::bit_cast<double>(bits);
}

std::vector<value> numbers() {
    using of_double = std::numeric_limits<double>;
    using of_integer = std::numeric_limits<std::int64_t>;
    return {0.0,
            -0.0,
            of_double::quiet_NaN(),
            with_bits(0x7ff8'0000'0000'0001),
            with_bits(0xfff0'0000'0000'0007),
            of_double::infinity(),
            -of_double::infinity(),
            5e-324,
            of_double::max(),
            0.1 + 0.2,
            1e15,
            9.3e18,
            std::int64_t{1} << 53,
            (std::int64_t{1} << 53) + 1,
            (std::int64_t{1} << 53) - 1,
            9007199254740993.0,
            of_integer::min(),
            of_integer::max(),
            9223372036854775808.0,
            0,
            -1,
            7,
            7.0,
            "7",
            "7.0",
            " 7",
            "1e3",
            "0x10"};
}

std::string texts_made_of(const char* bytes_of, std::size_t n) {
    return {bytes_of, n};
}

std::vector<std::string> texts() {
    return {"",
            texts_made_of("a\0b", 3),
            texts_made_of("\0", 1),
            "\xff\x41",                      // not UTF-8
            "\xed\xa0\x80",                  // a lone surrogate
            "\xf0\x9f\x8f\xa0",              // a house
            "caf\xc3\xa9",                   // composed
            "cafe\xcc\x81",                  // decomposed
            "\xe2\x80\x8f\xd7\xa9\xd7\x9c",  // right to left
            "it's \"quoted\"; DROP TABLE thing; --",
            std::string(1 << 20, 'x')};
}

/// Writes every value into every column of a row of its own.
void write_all(casasync_test::file_device& device, const std::vector<value>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        const value id("row " + std::to_string(i));
        device.run("INSERT INTO thing VALUES(?1, ?2, ?2, ?2, ?2, ?2, ?2)", {id, values[i]});
        device.run("INSERT INTO strictly VALUES(?1, ?2)", {id, values[i]});
    }
}

}  // namespace

SCENARIO("S16 five copies of one device stamp five types alike", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    CAPTURE(seed);
    GIVEN("a column without a type, and five updates of it that have one stamp") {
        schema_story s(seed, every_affinity());
        const std::vector<value> types{value(), 7, 7.0, "7", bytes{0x37}};
        auto parts = casasync_test::tied_updates("thing", "anything", types, s.now() - 1000);
        WHEN("two devices receive them in different orders") {
            for (const char* who : {"desktop", "phone"}) {
                std::shuffle(parts.begin() + 1, parts.end(), s.random());
                for (const inbound_part& p : parts) CHECK(s[who].deliver(std::span(&p, 1)).changesets == 1);
            }
            THEN("the blob is shown on both, and the others are open with their exact types") {
                std::vector<lost_write> expected;
                for (std::size_t i = 0; i < 4; ++i)
                    expected.push_back(
                        {"thing 1", "anything", types[i], types[4], conflict_reason::duplicate_stamp});
                CHECK(s.conflicts() == expected);
                CHECK(s["phone"].row("thing 1").at("anything") == types[4]);
            }
            AND_WHEN("somebody restores the integer") {
                s["phone"].restore(
                    {"thing 1", "anything", types[1], types[4], conflict_reason::duplicate_stamp});
                s.everyone_syncs();
                THEN("the integer is back, and nothing is open") {
                    CHECK(s.conflicts().empty());
                    CHECK(s["desktop"].row("thing 1").at("anything") == types[1]);
                }
            }
        }
    }
}

SCENARIO("S17 numbers at their edges, in columns of every affinity", "[scenario]") {
    const int seed = GENERATE(range(0, 4));
    CAPTURE(seed);
    GIVEN("a device that wrote every number into every column") {
        schema_story s(seed, every_affinity());
        write_all(s["desktop"], numbers());
        const auto written = s["desktop"].rows();
        CHECK(written.at("strictly row 1").at("anything") == value(-0.0));
        CHECK(written.at("strictly row 2").at("anything") == value());
        WHEN("the other device receives them") {
            s.everyone_syncs();
            THEN("every bit is the same, and ten round trips of other columns change none") {
                CHECK(s["phone"].rows() == written);
                for (int trip = 0; trip < 10; ++trip) {
                    s.minutes_pass(1);
                    auto& who = s[trip % 2 == 0 ? "phone" : "desktop"];
                    const std::string column = trip % 3 == 0 ? "raw" : "words";
                    who.run("UPDATE thing SET " + column + " = " + std::to_string(trip));
                    s.everyone_syncs();
                }
                CHECK(s.conflicts().empty());
                for (const auto& [name, row] : s["desktop"].rows())
                    for (const auto& [column, what] : row)
                        if (column != "raw" && column != "words") CHECK(what == written.at(name).at(column));
            }
        }
        WHEN("both write the same number at once") {
            s.everyone_syncs();
            s.minutes_pass(1);
            for (const char* who : {"desktop", "phone"})
                s[who].run("UPDATE thing SET anything = ?1, floating = ?1 WHERE id = 'row 0'", {value(-0.0)});
            s.everyone_syncs();
            THEN("that is no conflict") {
                CHECK(s.conflicts().empty());
            }
        }
        WHEN("one writes zero and the other minus zero") {
            s.everyone_syncs();
            s.minutes_pass(1);
            s["desktop"].run("UPDATE thing SET anything = 0.5 WHERE id = 'row 7'");
            s["desktop"].run("UPDATE thing SET anything = 0.0 WHERE id = 'row 7'");
            s.minutes_pass(1);
            s["phone"].run("UPDATE thing SET anything = ?1 WHERE id = 'row 7'", {value(-0.0)});
            s.everyone_syncs();
            THEN("the later one is shown with its sign, and the other is open") {
                CHECK(s["desktop"].row("thing row 7").at("anything") == value(-0.0));
                CHECK(s.conflicts() == std::vector<lost_write>{{"thing row 7", "anything", 0.0, -0.0,
                                                                conflict_reason::older_stamp}});
            }
        }
    }
}

SCENARIO("S18 texts at their edges, as values and as keys", "[scenario]") {
    const int seed = GENERATE(range(0, 4));
    CAPTURE(seed);
    GIVEN("a device that wrote every text into every column, and as a key where it fits one") {
        schema_story s(seed, every_affinity());
        std::vector<value> values{value(bytes{})};
        for (const std::string& text : texts()) values.emplace_back(text);
        write_all(s["desktop"], values);
        std::size_t keys = 0;
        for (const std::string& text : texts())
            if (text.size() < limits::key_bytes_max)
                s["desktop"].run("INSERT INTO thing(id, words) VALUES(?1, ?2)",
                                 {value(text), value(static_cast<std::int64_t>(keys++))});
        const auto written = s["desktop"].rows();
        CHECK(written.size() == 2 * values.size() + keys);
        WHEN("the other device receives them, changes one of two twins and deletes a key with a NUL") {
            s.everyone_syncs();
            CHECK(s["phone"].rows() == written);
            s["phone"].run("UPDATE thing SET words = 'twin' WHERE id = ?1", {value("caf\xc3\xa9")});
            s["phone"].run("DELETE FROM thing WHERE id = ?1", {value(texts_made_of("a\0b", 3))});
            s.everyone_syncs();
            THEN("the twins are two rows, and empty text is not an empty blob") {
                auto& desktop = s["desktop"];
                CHECK(s.all_agree());
                CHECK(desktop.row("thing caf\xc3\xa9").at("words") == value("twin"));
                CHECK(desktop.row("thing cafe\xcc\x81").at("words") == value("7"));
                CHECK_FALSE(desktop.has("thing " + texts_made_of("a\0b", 3)));
                CHECK(desktop.row("thing row 0").at("anything") == value(bytes{}));
                CHECK(desktop.row("thing row 1").at("anything") == value(""));
                CHECK(desktop.rows().size() == written.size() - 1);
            }
        }
    }
}
