// SPDX-License-Identifier: MIT
#include "household.hpp"

#include <boost/json/parse.hpp>
#include <casasync_test/catch.hpp>

#include <csignal>
#include <stdexcept>
#include <utility>

namespace casasync_test {

household::household() {
    start_relay();
}

void household::start_relay() {
    relay_ = casasync_beside({"relay", "--listen", listen_, "--data", dir / "relay"});
    const std::string said = relay_->line();
    url_ = said.substr(said.find("http://"));
    listen_ = url_.substr(7);
}

void household::stop_relay() {
    relay_->signal(SIGTERM);
    if (const outcome end = relay_->wait(); end.exit != 0) throw std::runtime_error("relay: " + end.err);
}

void household::kill_relay() {
    relay_->signal(SIGKILL);
    relay_->wait();
}

outcome household::casasync(std::vector<std::string> arguments) const {
    return casasync_beside(std::move(arguments))->wait();
}

std::unique_ptr<process> household::casasync_beside(std::vector<std::string> arguments) const {
    // What a killed program leaves in its temporary folder goes with the household.
    const std::vector<std::string> program{"env", "TMPDIR=" + dir / "", CASASYNC_PROGRAM};
    arguments.insert(arguments.begin(), program.begin(), program.end());
    return std::make_unique<process>(arguments);
}

boost::json::value household::json(std::vector<std::string> arguments) const {
    arguments.push_back("--json");
    outcome done = casasync(arguments);
    if (done.exit != 0) throw std::runtime_error(arguments[0] + ": " + done.out + done.err);
    done.out.erase(done.out.find_last_not_of('\n') + 1);
    return boost::json::parse(done.out.substr(done.out.rfind('\n') + 1));
}

std::unique_ptr<process> household::sql_beside(const std::string& db, const std::string& statements) const {
    return std::make_unique<process>(
        std::vector<std::string>{CASASYNC_SQLITE3, "-bail", "-cmd", ".timeout 10000", db, statements});
}

std::string household::sql(const std::string& db, const std::string& statements) const {
    outcome done = sql_beside(db, statements)->wait();
    if (done.exit != 0) throw std::runtime_error("sqlite3: " + done.err);
    done.out.erase(done.out.find_last_not_of('\n') + 1);
    return done.out;
}

std::string household::make_file(const std::string& name) const {
    const std::string db = dir / name;
    sql(db,
        "CREATE TABLE account(id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL);"
        "CREATE TABLE txn(id TEXT NOT NULL PRIMARY KEY, account TEXT REFERENCES account(id),"
        " category TEXT, amount INTEGER NOT NULL, note TEXT);"
        "CREATE TABLE tag(id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        "INSERT INTO account VALUES('giro','Giro');"
        "INSERT INTO txn VALUES('coffee','giro','Food',-350,NULL),('rent','giro','Home',-90000,'May');");
    return db;
}

std::string household::make_vault(const std::string& name) const {
    const std::string db = make_file(name);
    const outcome made = casasync({"init", db, "--relay", url_, "--name", name});
    if (made.exit != 0) throw std::runtime_error("init: " + made.err);
    return db;
}

std::pair<std::unique_ptr<process>, std::string> household::invite(const std::string& db) const {
    auto inviting = casasync_beside({"pair", db, "--json"});
    const auto shown = boost::json::parse(inviting->line());
    return {std::move(inviting), std::string(shown.at("code").as_string())};
}

std::vector<std::string> household::join_command(const std::string& db, const std::string& code,
                                                 const std::string& name) const {
    return {"join", db, code, "--relay", url_, "--name", name, "--yes", "--json"};
}

void household::admit(const std::string& inviting, process& joining) const {
    const auto shown = boost::json::parse(joining.line());
    const std::string digits(shown.at("check").as_string());
    if (const outcome told = casasync({"pair", inviting, "--check", digits}); told.exit != 0)
        throw std::runtime_error("pair --check: " + told.err);
}

std::string household::add_device(const std::string& inviting, const std::string& name) const {
    const std::string db = dir / name;
    auto [pair, code] = invite(inviting);
    auto joining = casasync_beside(join_command(db, code, name));
    admit(inviting, *joining);
    if (const outcome joined = joining->wait(); joined.exit != 0)
        throw std::runtime_error("join: " + joined.err);
    if (const outcome ended = pair->wait(); ended.exit != 0) throw std::runtime_error("pair: " + ended.err);
    return db;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

void check_error(const outcome& done, int exit, const std::string& said) {
    INFO(done.out << done.err);
    CHECK(done.exit == exit);
    CHECK(done.err.rfind("casasync: ", 0) == 0);
    CHECK(has(done.err, said));
}

}  // namespace casasync_test
