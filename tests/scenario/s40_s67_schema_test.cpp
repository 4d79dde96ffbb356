// SPDX-License-Identifier: MIT
// Other programs at the file, clocks that are set, versions that are newer, hostile changesets, very many
// rows.
#include "forge.hpp"
#include "schema_story.hpp"

#include <chrono>
#include <cstdlib>
#include <ctime>

using namespace casasync;
using casasync_test::app_connection;
using casasync_test::file_device;
using casasync_test::forge;
using casasync_test::forged_id;
using casasync_test::forged_write;
using casasync_test::part_of;
using casasync_test::schema_story;

namespace {

casasync_test::sqlite_schema transactions() {
    return casasync_test::txn_schema(delete_policy::later_wins);
}

sqlite::vault_status status_of(file_device& device) {
    auto s = device.vault().status();
    REQUIRE(s.ok());
    return std::move(*s);
}

/// The stamps of what a device has sealed and not sent, in order.
std::vector<stamp> unsent_stamps(file_device& device) {
    std::vector<stamp> out;
    for (const inbound_part& p : device.sealed()) {
        const auto c = decode(p.payload);
        REQUIRE(c.ok());
        for (const table_changes& t : c->tables)
            for (const row_change& r : t.rows) out.push_back(r.op.when);
    }
    std::sort(out.begin(), out.end());
    return out;
}

/// The time zone of this process while it lives.
class time_zone {
 public:
    explicit time_zone(const char* name) {
        if (const char* now = std::getenv("TZ")) before_ = now;
        set(name);
    }
    time_zone(const time_zone&) = delete;
    time_zone& operator=(const time_zone&) = delete;
    ~time_zone() { set(before_ ? before_->c_str() : nullptr); }

 private:
    static void set(const char* name) {
        if (name == nullptr)
            ::unsetenv("TZ");
        else
            ::setenv("TZ", name, 1);
        ::tzset();
    }
    std::optional<std::string> before_{};
};

unix_ms wall_now() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

SCENARIO("S40 second writer: other programs write, lock and alter the file, and nothing of it is missed",
         "[scenario]") {
    schema_story s(0, transactions());
    auto &desktop = s["desktop"], &phone = s["phone"];
    desktop.write("1", {{"note", "first"}});
    s.everyone_syncs();
    s.minutes_pass(1);
    GIVEN("another program that has the phone's file open") {
        app_connection other(phone.path());
        WHEN("it writes") {
            other.run("UPDATE txn SET note = 'theirs' WHERE id = '1'");
            other.run("INSERT INTO txn VALUES('2', 7, 'of another program')");
            s.everyone_syncs();
            THEN("that arrives like the app's own writes") {
                CHECK(s.all_agree());
                CHECK(desktop.row("1").at("note") == value("theirs"));
                CHECK(desktop.row("2").at("amount") == value(7));
            }
        }
        WHEN("it keeps the file locked while changes arrive") {
            desktop.write("1", {{"amount", 5}});
            REQUIRE(desktop.sync().ok());
            sqlite::vault_options impatient;
            impatient.busy_timeout_ms = 1;
            auto beside = sqlite::vault::open(phone.path(), impatient);
            REQUIRE(beside.ok());
            other.run("BEGIN IMMEDIATE");
            other.run("UPDATE txn SET note = 'locked' WHERE id = '1'");
            const auto merged = beside->merge_inbox(0);
            const auto tried = beside->rename("phone, impatient");
            other.run("COMMIT");
            THEN("a call says that it may be tried again, and after that everything is there") {
                CHECK((merged.ok() || merged.code() == errc::store_busy));
                REQUIRE_FALSE(tried.ok());
                CHECK(tried.code() == errc::store_busy);
                CHECK(condition_of(tried.code()) == condition::retryable);
                s.everyone_syncs();
                CHECK(s.all_agree());
                CHECK(phone.row("1").at("amount") == value(5));
                CHECK(desktop.row("1").at("note") == value("locked"));
            }
        }
        WHEN("it adds a column, and writes to it") {
            other.run("ALTER TABLE txn ADD COLUMN place TEXT DEFAULT 'home'");
            other.run("UPDATE txn SET place = 'shop' WHERE id = '1'");
            s.everyone_syncs();
            THEN("the column is taken in; the desktop keeps what it has no column for, until it has") {
                CHECK(status_of(phone).schema.empty());
                REQUIRE(status_of(desktop).schema.size() == 1);
                CHECK(status_of(desktop).schema[0].column == "place");
                desktop.run("ALTER TABLE txn ADD COLUMN place TEXT DEFAULT 'home'");
                s.everyone_syncs();
                CHECK(desktop.row("1").at("place") == value("shop"));
                CHECK(s.all_agree());
            }
        }
        WHEN("it renames a column that the vault knows") {
            other.run("ALTER TABLE txn RENAME COLUMN note TO remark");
            REQUIRE(phone.sync().ok());
            THEN("the table is left alone, and status says why and what to do; undone, it goes on") {
                REQUIRE(status_of(phone).schema.size() == 1);
                CHECK(status_of(phone).schema[0].verdict == sqlite::schema_verdict::refused);
                other.run("UPDATE txn SET remark = 'meanwhile' WHERE id = '1'");
                other.run("ALTER TABLE txn RENAME COLUMN remark TO note");
                s.everyone_syncs();
                CHECK(status_of(phone).schema.empty());
                CHECK(desktop.row("1").at("note") == value("meanwhile"));
                CHECK(s.all_agree());
            }
        }
        WHEN("it makes the table anew, without our triggers, and adds a row") {
            other.run("CREATE TABLE fresh(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, note TEXT)");
            other.run("INSERT INTO fresh SELECT * FROM txn");
            other.run("DROP TABLE txn");
            other.run("ALTER TABLE fresh RENAME TO txn");
            other.run("INSERT INTO txn VALUES('3', 3, 'unseen')");
            s.minutes_pass(1);
            s.everyone_syncs();
            THEN("the row is found, and gets the time at which it was found") {
                CHECK(desktop.row("3").at("note") == value("unseen"));
                CHECK(s.all_agree());
                phone.run("UPDATE txn SET amount = 4 WHERE id = '3'");  // and it is captured again
                s.everyone_syncs();
                CHECK(desktop.row("3").at("amount") == value(4));
            }
        }
    }
}

SCENARIO("S45 one stamp, two values: the greater is shown everywhere, and both files say so", "[scenario]") {
    GIVEN("two copies of one device that wrote two values at one moment") {
        schema_story s(0, transactions(), {"desktop", "phone", "tablet"});
        const std::vector<value> values{"abacus", "zebra"};
        auto parts = casasync_test::tied_updates("txn", "note", values, s.now() - 1000);
        WHEN("the devices receive them in either order") {
            for (const char* who : {"desktop", "phone", "tablet"}) {
                std::size_t told = 0;
                for (const inbound_part& p : parts) {
                    const auto done = s[who].deliver(std::span(&p, 1));
                    CHECK(done.changesets == 1);
                    told += done.duplicates;
                }
                CHECK(told == 1);
                CHECK(s[who].deliver(parts).duplicates == 0);
                std::swap(parts[1], parts[2]);
            }
            THEN("all show the greater one; the other is kept, told as a duplicate, and can be decided") {
                CHECK(s.conflicts() ==
                      std::vector<casasync_test::lost_write>{
                          {"1", "note", "abacus", "zebra", conflict_reason::duplicate_stamp}});
                const auto told = s["phone"].vault().conflicts();
                REQUIRE(told.ok());
                REQUIRE(told->size() == 1);
                CHECK(told->front().loser_by.device != device_id{});
                s["phone"].restore(s["phone"].conflicts().front());
                s.everyone_syncs();
                CHECK(s.conflicts().empty());
                CHECK(s["tablet"].row("1").at("note") == value("abacus"));
            }
        }
    }
}

SCENARIO("S52 time zones, seconds that come twice, weeks of sleep: only the order of time counts",
         "[scenario]") {
    schema_story s(0, transactions());
    auto& desktop = s["desktop"];
    GIVEN("a device that travels around the world between writes, and stamps with the true time") {
        sqlite::vault_options real;
        auto vault = sqlite::vault::open(desktop.path(), real);
        REQUIRE(vault.ok());
        const unix_ms before = wall_now();
        std::vector<hlc> stamps;
        int n = 0;
        for (const char* zone :
             {"UTC", "Pacific/Kiritimati", "America/Adak", "right/UTC", "EST5EDT", "XYZ-23:59"}) {
            const time_zone here(zone);
            desktop.run("INSERT INTO txn(id, note) VALUES(?1, ?2)",
                        {value(std::to_string(n++)), value(zone)});
            REQUIRE(vault->seal().ok());
        }
        const unix_ms after = wall_now();
        const auto parts = vault->outbox(limits::changeset_bytes_max);
        REQUIRE(parts.ok());
        for (const outbound_part& p : *parts) {
            const auto head = decode_head(p.payload);
            REQUIRE(head.ok());
            stamps.push_back(head->greatest);
        }
        THEN("each stamp is the true time, and greater than the one before") {
            REQUIRE(stamps.size() == 6);
            for (std::size_t i = 0; i < stamps.size(); ++i) {
                // The story's clock is ahead of the true one: nothing goes back behind what was merged.
                CHECK(stamps[i].ms() <= std::max(after, s.now()) + 1);
                CHECK(stamps[i].ms() + 1 >= before);
                if (i > 0) CHECK(stamps[i - 1] < stamps[i]);
            }
        }
    }
    GIVEN(
        "a clock that is set back by a second, as at a leap second, or slewed, and then sleeps for a week") {
        desktop.write("1", {{"note", "23:59:60"}});
        desktop.seal();
        desktop.skew(-1000);
        desktop.write("1", {{"note", "23:59:59 again"}});
        desktop.skew(-999);
        desktop.write("1", {{"amount", 1}});
        desktop.skew(0);
        s.minutes_pass(7 * 24 * 60);
        desktop.write("1", {{"amount", 2}});
        THEN("stamps rise all the same, and the last write is what all show") {
            const std::vector<stamp> all = unsent_stamps(desktop);
            REQUIRE(all.size() == 4);
            CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
            s.everyone_syncs();
            CHECK(s["phone"].row("1").at("note") == value("23:59:59 again"));
            CHECK(s["phone"].row("1").at("amount") == value(2));
            CHECK(s.conflicts().empty());
        }
    }
}

SCENARIO("S63 wire version: what a newer casasync wrote waits for the update, by name, and nothing else does",
         "[scenario]") {
    schema_story s(0, transactions(), {"desktop", "phone"});
    auto& phone = s["phone"];
    GIVEN("a changeset in a format that this version does not know, and an ordinary one after it") {
        const auto of = [&s](std::uint8_t author, std::uint64_t seq, const value& what) {
            return part_of(forge(author, seq, "txn",
                                 {{op_kind::insert,
                                   {value(std::to_string(author))},
                                   {{"note", what}},
                                   hlc::at(s.now() - 1000 + static_cast<unix_ms>(seq))}}));
        };
        inbound_part newer = of(100, 1, "of tomorrow"), later = of(100, 2, "after it");
        const inbound_part other = of(101, 1, "of today");
        newer.payload[3] += 100;  // after the three letters that begin each
        const auto head = decode_head(newer.payload);
        REQUIRE_FALSE(head.ok());
        WHEN("they arrive") {
            const std::string before = phone.digest();
            CHECK(phone.deliver(std::vector{newer, later}).changesets == 0);
            THEN("both wait, nothing of them is shown or dropped, and other devices' changes go on") {
                CHECK(head.code() == errc::unknown_format_version);
                CHECK(phone.digest() == before);
                CHECK(status_of(phone).pending_in == 2);
                CHECK(phone.deliver(std::vector{other}).changesets == 1);
                CHECK(phone.row("101").at("note") == value("of today"));
                CHECK_FALSE(phone.has("100"));
                CHECK(status_of(phone).pending_in == 2);
                phone.write("1", {{"note", "own"}});
                REQUIRE(phone.sync().ok());
            }
            AND_WHEN("the device is updated to a casasync that knows the format") {
                phone.restart();
                CHECK(status_of(phone).pending_in == 2);
                // The bytes are there as they came. The newer version is played by this one: in its format,
                // they say the same.
                CHECK(phone.run("SELECT payload FROM casasync_inbox ORDER BY seq") ==
                      std::vector<std::vector<value>>{{value(newer.payload)}, {value(later.payload)}});
                newer.payload[3] -= 100;
                phone.run("UPDATE casasync_inbox SET payload = ?1 WHERE seq = 1", {value(newer.payload)});
                phone.restart();
                REQUIRE(phone.sync().ok());
                THEN("what waited is shown, in its order, and nothing waits any more") {
                    CHECK(status_of(phone).pending_in == 0);
                    CHECK(phone.row("100").at("note") == value("after it"));
                    const std::string key[] = {"100"};
                    const auto story = phone.vault().why("txn", key);
                    REQUIRE(story.ok());
                    CHECK(story->visible);
                }
            }
        }
    }
}

SCENARIO("S64 hostile changesets touch nothing but the rows of tracked tables", "[scenario]") {
    casasync_test::sqlite_schema schema = transactions();
    schema.statements.emplace_back("CREATE TABLE private(id TEXT PRIMARY KEY NOT NULL, note TEXT)");
    schema.statements.emplace_back("CREATE VIRTUAL TABLE words USING fts5(note)");
    schema_story s(0, schema, {"desktop"});
    auto& desktop = s["desktop"];
    desktop.run("INSERT INTO private VALUES('1', 'mine')");
    desktop.write("1", {{"note", "own"}});
    desktop.seal();
    const auto objects = [&] {
        return desktop.run(
            "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE "
            "'casasync%' ORDER BY name");
    };
    const auto before = objects();
    const auto rows = desktop.rows();
    const hlc when = hlc::at(s.now() - 1000);
    std::uint8_t author = 100;
    const auto arrives = [&](const changeset& c) {
        return desktop.deliver(std::vector{part_of(c)}).changesets;
    };
    const auto naming = [&](const std::string& table, const std::string& column) {
        return forge(author++, 1, table, {{op_kind::insert, {value("1")}, {{column, "evil"}}, when}});
    };
    GIVEN("changesets that name tables and columns which are none of theirs") {
        const std::vector<std::string> names{"private",
                                             "words",
                                             "words_content",
                                             "sqlite_schema",
                                             "sqlite_master",
                                             "casasync_log",
                                             "casasync_settings",
                                             "casasync_m_1",
                                             "txn\"; DROP TABLE txn; --",
                                             "txn'; DELETE FROM txn; --",
                                             std::string("txn\0", 4),
                                             ""};
        for (const std::string& name : names) {
            INFO(name);
            static_cast<void>(arrives(naming(name, "note")));
            static_cast<void>(arrives(naming("txn", name)));
        }
        THEN("whatever of it is kept, is kept beside") {
            CHECK(objects() == before);
            CHECK(desktop.run("SELECT * FROM private") ==
                  std::vector<std::vector<value>>{{value("1"), value("mine")}});
            CHECK(desktop.run("SELECT count(*) FROM words")[0][0] == value(0));
            const auto now = desktop.rows();
            CHECK(now.size() == rows.size());
            CHECK(now.at("1").at("note") == rows.at("1").at("note"));
            desktop.write("2", {{"note", "goes on"}});
            REQUIRE(desktop.sync().ok());
            const auto found = desktop.vault().verify();
            REQUIRE(found.ok());
            CHECK(found->digest_matches);
        }
    }
    GIVEN("changesets with keys of another shape, in this device's name, or with a hole before them") {
        const std::string digest = desktop.digest();
        const auto keyed = [&](std::vector<value> key) {
            return forge(author++, 1, "txn", {{op_kind::insert, std::move(key), {{"note", "evil"}}, when}});
        };
        CHECK(arrives(forge(author++, 3, "txn", {{op_kind::erase, {value("1")}, {}, when}})) == 0);
        changeset own = keyed({value("own")});
        own.device = desktop.vault().device();
        CHECK(arrives(own) == 0);
        CHECK(desktop.digest() == digest);
        for (std::vector<value> key :
             {std::vector<value>{value("a"), value("b")}, {value(1.5)}, {value(7)}, {value(bytes{1, 2})}})
            static_cast<void>(arrives(keyed(std::move(key))));
        THEN("what the table cannot hold is beside it, and everything goes on") {
            for (const auto& row :
                 desktop.run("SELECT typeof(id) FROM txn"))  // as a TEXT column would have them
                CHECK((row[0] == value("text") || row[0] == value("blob")));
            const auto found = desktop.vault().verify();
            REQUIRE(found.ok());
            CHECK(found->digest_matches);
            CHECK(desktop.row("1").at("note") == value("own"));
            CHECK(objects() == before);
            desktop.write("2", {{"note", "goes on"}});
            REQUIRE(desktop.sync().ok());
        }
    }
}

namespace {

/// A vault of many rows: one device joins by the snapshot, another one had everything from the log.
void many_rows_join(int thousands) {
    schema_story s(0, transactions());
    auto& desktop = s["desktop"];
    for (int i = 0; i < thousands; ++i)
        desktop.run(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
            "INSERT INTO txn SELECT ?1 || '-' || i, i, 'note ' || i FROM n",
            {value(std::to_string(i))});
    s.everyone_syncs();
    s["phone"].run("UPDATE txn SET note = 'edited' WHERE amount % 100 = 1");
    s.minutes_pass(1);
    desktop.run("UPDATE txn SET note = 'here, too' WHERE amount % 1000 = 1");
    desktop.run("DELETE FROM txn WHERE amount % 100 = 2");
    s.everyone_syncs();
    s.joins("tablet");
    s.everyone_syncs();
    CHECK(s["tablet"].digest() == desktop.digest());
    CHECK(s["tablet"].digest() == s["phone"].digest());
    CHECK(s["tablet"].run("SELECT count(*), sum(amount), count(DISTINCT id) FROM txn") ==
          s["phone"].run("SELECT count(*), sum(amount), count(DISTINCT id) FROM txn"));
    CHECK(s["tablet"].conflicts().size() == static_cast<std::size_t>(thousands));
    CHECK(s["tablet"].conflicts() == desktop.conflicts());
    CHECK(s["tablet"].run("SELECT count(*) FROM txn")[0][0] == value(thousands * 990));
}

}  // namespace

SCENARIO("S67 very many rows: a device that joins by snapshot knows what one knows that read the log",
         "[scenario]") {
    many_rows_join(20);
}

SCENARIO("S67 a million rows: a device that joins by snapshot knows what one knows that read the log",
         "[.soak]") {
    many_rows_join(1000);
}
