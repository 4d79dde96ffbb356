// SPDX-License-Identifier: MIT
// A program may open only so many files, or write only such short ones: it says what it lacks, and what is
// done again with enough is done.
#include "household.hpp"

#include <casasync_test/catch.hpp>

#include <csignal>

using casasync_test::has;
using casasync_test::household;
using casasync_test::outcome;

namespace {

/// Runs casasync under a limit of the shell's: "-n 7", seven files open at once; "-f 3", three blocks in a
/// file.
outcome run_limited(const household& home, const std::string& limit, std::vector<std::string> arguments) {
    const std::vector<std::string> program{"sh",
                                           "-c",
                                           "trap '' XFSZ; ulimit " + limit + "; exec env \"$@\"",
                                           "sh",
                                           "TMPDIR=" + home.dir / "",
                                           CASASYNC_PROGRAM};
    arguments.insert(arguments.begin(), program.begin(), program.end());
    return casasync_test::run(arguments);
}

/// Runs a command with ever more until it has enough, or has done its work before it failed. \param when_done
/// what it exits with then \returns how often it did not
unsigned until_enough(const household& home, const std::string& option,
                      const std::vector<std::string>& arguments, int when_done = 0) {
    unsigned refused = 0;
    for (unsigned limit = option == "-n" ? 4 : 0; limit < 2000; limit += option == "-n" ? 1 : 1 + limit / 2) {
        const outcome done = run_limited(home, option + " " + std::to_string(limit), arguments);
        if (done.exit == 0 || done.exit == when_done) return refused;
        INFO(arguments[0] << " with " << option << " " << limit << ": exit " << done.exit << " " << done.err);
        CHECK(done.signal == 0);
        if (done.exit == 127) continue;  // not even the program's libraries could be opened
        CHECK(done.exit >= 65);
        CHECK(done.exit <= 78);
        CHECK(has(done.err, "casasync: "));
        ++refused;
    }
    FAIL(arguments[0] << " never has enough");
    return refused;
}

}  // namespace

TEST_CASE("a program that may open few files, or write short ones, says so", "[cli][faults]") {
    const household home;
    for (const std::string option : {"-n", "-f"}) {
        const std::string a = home.make_file("a" + option + ".db");
        CHECK(until_enough(home, option, {"init", a, "--relay", home.url(), "--name", "a"}, 73) > 1);
        REQUIRE(home.casasync({"sync", a}).exit == 0);
        const std::string b = home.add_device(a, "b" + option + ".db");
        home.sql(a, "UPDATE txn SET note = 'x' WHERE id = 'rent'");
        CHECK(until_enough(home, option, {"sync", a}) > 0);
        CHECK(until_enough(home, option, {"sync", b}) > 0);
        CHECK(home.sql(b, "SELECT note FROM txn WHERE id = 'rent'") == "x");
        if (option == "-n")
            for (const char* command : {"status", "devices", "verify", "digest", "conflicts"})
                CHECK(until_enough(home, option, {command, a}) > 0);
        CHECK(until_enough(home, option, {"recovery", a}) > 0);
        CHECK(until_enough(home, option, {"devices", "remove", a, "b" + option + ".db"}, 66) > 0);
        CHECK(home.casasync({"sync", b}).exit == 77);
        CHECK(until_enough(home, option, {"leave", b, "--yes"}, 66) > 0);
        CHECK(home.casasync({"status", b}).exit == 65);
        CHECK(home.casasync({"verify", a}).exit == 0);
    }
}

TEST_CASE("a relay that may open few files, or write short ones, does not begin, and says why",
          "[cli][faults]") {
    const household home;
    for (const std::string option : {"-n", "-f"}) {
        unsigned refused = 0;
        const std::string data = home.dir / ("data" + option);
        for (unsigned limit = option == "-n" ? 4 : 0; limit < 2000;
             limit += option == "-n" ? 1 : 1 + limit / 2) {
            casasync_test::process relay(
                {"sh", "-c", "trap '' XFSZ; ulimit " + option + " " + std::to_string(limit) + "; exec \"$@\"",
                 "sh", CASASYNC_PROGRAM, "relay", "--listen", "127.0.0.1:0", "--data", data});
            bool up = true;
            try {
                relay.line();
            } catch (const std::exception&) {
                up = false;
            }
            relay.signal(SIGTERM);
            const outcome end = relay.wait();
            INFO(option << " " << limit << ": exit " << end.exit << " " << end.err);
            CHECK(end.signal == 0);
            CHECK((end.exit == 0) == up);
            if (up) break;
            if (end.exit == 127) continue;  // not even the program's libraries could be opened
            CHECK(has(end.err, "casasync"));
            ++refused;
        }
        CHECK(refused > 1);
    }
}
