// SPDX-License-Identifier: MIT
// Pairing by the real programs, as people and scripts do it.
#include "household.hpp"

#include <casasync_test/catch.hpp>

#include <boost/json/parse.hpp>

#include <filesystem>

using casasync_test::check_error;
using casasync_test::has;
using casasync_test::household;
using casasync_test::outcome;

namespace {

void check_nothing_made(const household& home, const std::string& name) {
    CHECK_FALSE(std::filesystem::exists(home.dir / name));
    CHECK_FALSE(std::filesystem::exists(home.dir / (name + "-casasync.key")));
}

}  // namespace

TEST_CASE("codes that are mistyped, of nobody or used", "[cli][pairing]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    const auto join = [&](const std::string& name, const std::string& code) {
        return home.casasync(home.join_command(home.dir / name, code, name));
    };
    check_error(join("x.db", "hello"), 64, "code");
    check_error(join("x.db", "0000-0000-000"), 77, "code");  // well-formed, of nobody
    check_error(home.casasync({"join", home.dir / "x.db", "0000-0000-000"}), 64, "--relay is missing");
    check_error(join("x.db", "casasync://pair/9#what"), 64, "newer");
    check_nothing_made(home, "x.db");

    auto [pair, code] = home.invite(desktop);
    std::string mistyped = code;
    mistyped[0] = mistyped[0] == '1' ? '2' : '1';
    check_error(join("x.db", mistyped), 64, "typing mistake");
    auto joining = home.casasync_beside(home.join_command(home.dir / "phone.db", code, "phone"));
    home.admit(desktop, *joining);
    const outcome joined = joining->wait();
    INFO(joined.err);
    REQUIRE(joined.exit == 0);
    const outcome paired = pair->wait();
    CHECK(paired.exit == 0);
    CHECK(has(paired.out, R"({"asks":"phone")"));
    CHECK(has(paired.out, R"({"joined":"phone"})"));
    CHECK(has(joined.out, R"("vault_name":"desktop.db")"));
    check_error(join("y.db", code), 77, "code");
    check_nothing_made(home, "y.db");
    check_error(join("phone.db", code), 73, "vault already");
}

TEST_CASE("what a phone reads off the QR code is all it needs to join", "[cli][pairing]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    const std::string phone = home.dir / "phone.db", picture = home.dir / "code.png";
    auto pair = home.casasync_beside({"pair", desktop, "--json", "--qr", picture});
    const auto shown = boost::json::parse(pair->line());
    casasync_test::outcome read = casasync_test::run({CASASYNC_ZBARIMG, "--nodbus", "-q", "--raw", picture});
    read.out.erase(read.out.find_last_not_of('\n') + 1);
    const std::string link = read.out;
    CHECK(link == std::string(shown.at("link").as_string()));
    auto joining = home.casasync_beside({"join", phone, link, "--yes", "--json"});
    home.admit(desktop, *joining);
    CHECK(joining->wait().exit == 0);
    CHECK(pair->wait().exit == 0);
    CHECK(home.casasync({"verify", desktop, phone}).exit == 0);
    const outcome told = home.casasync({"sync", desktop});
    CHECK(has(told.err, "is a new device of this vault"));
    CHECK_FALSE(has(home.casasync({"sync", desktop}).err, "new device"));
    CHECK_FALSE(has(home.casasync({"sync", phone}).err, "new device"));
    CHECK_FALSE(std::filesystem::exists(desktop + "-casasync.check"));
}

TEST_CASE("digits that are wrong, and digits that nobody waits for", "[cli][pairing]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    check_error(home.casasync({"pair", desktop, "--check", "42"}), 66, "No casasync pair waits");
    auto [pair, code] = home.invite(desktop);
    auto joining = home.casasync_beside(home.join_command(home.dir / "phone.db", code, "phone"));
    const auto digits = boost::json::parse(joining->line()).at("check").as_string();
    CHECK(home.casasync({"pair", desktop, "--check", digits == "42" ? "43" : "42"}).exit == 0);
    check_error(pair->wait(), 77, "not let in");
    check_error(joining->wait(), 77, "pairing is over");
    check_nothing_made(home, "phone.db");
    const outcome next = [&] {
        auto [again, unused] = home.invite(desktop);
        again->signal(15);
        return again->wait();
    }();
    CHECK(has(next.err, "somebody may have tried to join"));
    // One that was killed leaves nothing that looks like a waiting one.
    check_error(home.casasync({"pair", desktop, "--check", "42"}), 66, "No casasync pair waits");
}

TEST_CASE("whoever does not say yes does not join", "[cli][pairing]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    auto [pair, code] = home.invite(desktop);
    auto command = home.join_command(home.dir / "phone.db", code, "phone");
    command.erase(std::find(command.begin(), command.end(), "--yes"));
    auto joining = home.casasync_beside(command);
    home.admit(desktop, *joining);
    check_error(joining->wait(), 75, "Not joined");
    check_error(pair->wait(), 75, "declined");
    check_nothing_made(home, "phone.db");
    CHECK(home.json({"status", desktop}).at("devices").as_array().size() == 1);
}
