// SPDX-License-Identifier: MIT
#include "fixtures.hpp"
#include "tls_client.hpp"

#include <casasync_test/catch.hpp>
#include <casasync_test/certificate.hpp>
#include <casasync_test/relay_process.hpp>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

using namespace casasync;
using namespace casasync_test;

namespace {

std::uint64_t real_now_s() {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count());
}

}  // namespace

TEST_CASE("a relay that is told to stop finishes and leaves one file", "[relay][process]") {
    temporary_directory directory;
    for (const int number : {SIGTERM, SIGINT}) {
        relay_process relay(CASASYNC_RELAY_PROGRAM,
                            {"--listen", "127.0.0.1:0", "--data", directory.path(), "--verbose"});
        REQUIRE_FALSE(relay.address().empty());
        auto device = make_vault(relay.port(), real_now_s(), static_cast<std::uint8_t>(number));
        REQUIRE(device.push({device.envelope(1)}).status == 201);
        relay.signal(number);
        CHECK(relay.wait() == 0);
        CHECK_FALSE(std::filesystem::exists(directory.path() + "/relay.db-wal"));
        // The log of requests: routes, not paths; no whole id and no key.
        CHECK(relay.errors().find(R"("route":"vaults/{v}/changesets","status":201)") != std::string::npos);
        CHECK(relay.errors().find(device.vault.text()) == std::string::npos);
        CHECK(relay.errors().find(device.device.text()) == std::string::npos);
        CHECK(relay.errors().find(device.vault.text().substr(0, 6)) != std::string::npos);
        CHECK(relay.errors().find(to_base64url(device.key).substr(0, 8)) == std::string::npos);
    }
}

TEST_CASE("a relay with a certificate takes another one at SIGHUP", "[relay][process][tls]") {
    temporary_directory directory;
    const tls_identity first, second;
    const tls_files files(first);
    relay_process relay(CASASYNC_RELAY_PROGRAM,
                        {"--listen", "127.0.0.1:0", "--data", directory.path(), "--tls-cert",
                         files.certificate(), "--tls-key", files.key()});
    REQUIRE(relay.address().starts_with("https://127.0.0.1:"));
    const auto sees = [&](const tls_identity& who) { return tls_client(relay.port()).sees(who.key.get()); };
    CHECK(sees(first));
    std::filesystem::remove(files.key());
    relay.signal(SIGHUP);  // goes on with the one it has
    CHECK(sees(first));
    files.write(second);
    relay.signal(SIGHUP);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!sees(second) && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(sees(second));
    relay.signal(SIGTERM);
    CHECK(relay.wait() == 0);
}

TEST_CASE("SIGHUP does not end a relay that has no certificate", "[relay][process]") {
    temporary_directory directory;
    relay_process relay(CASASYNC_RELAY_PROGRAM, {"--listen", "127.0.0.1:0", "--data", directory.path()});
    REQUIRE_FALSE(relay.address().empty());
    relay.signal(SIGHUP);
    CHECK(make_vault(relay.port(), real_now_s()).call("GET", "").status == 200);
    relay.signal(SIGTERM);
    CHECK(relay.wait() == 0);  // and not by the signal that came first
}

TEST_CASE("what is wrong is one sentence and an exit code", "[relay][process]") {
    temporary_directory directory;
    const auto run = [](const std::vector<std::string>& arguments) {
        relay_process relay(CASASYNC_RELAY_PROGRAM, arguments);
        CHECK(relay.address().empty());
        const int code = relay.wait();
        CHECK(relay.errors().starts_with("casasync-relay: "));
        CHECK(relay.errors().find('\n') == relay.errors().size() - 1);
        return code;
    };
    relay_process running(CASASYNC_RELAY_PROGRAM,
                          {"--listen", "127.0.0.1:0", "--data", directory.path() + "/a"});
    const std::string taken = running.address().substr(7);
    CHECK(run({"--listen", taken, "--data", directory.path() + "/b"}) == 69);
    CHECK(run({"--listen", "127.0.0.1:0", "--data", directory.path() + "/a"}) == 69);
    std::ofstream(directory.path() + "/file") << "x";
    CHECK(run({"--listen", "127.0.0.1:0", "--data", directory.path() + "/file"}) == 73);
    CHECK(run({"--listen", "0.0.0.0:0", "--data", directory.path() + "/c"}) == 78);
    CHECK(run({"--listen", "127.0.0.1:0", "--data", directory.path() + "/c", "--origin", "a/b"}) == 78);
    CHECK(run({"--listen", "127.0.0.1:0", "--data", directory.path() + "/c", "--tls-cert", "x"}) == 78);
    CHECK(run({"--listen", "127.0.0.1:0", "--data", directory.path() + "/c", "--trusted-proxy", "x"}) == 78);
    CHECK(run({"--listen", "nowhere", "--data", directory.path() + "/c"}) == 64);
    relay_process usage(CASASYNC_RELAY_PROGRAM, {"--what"});
    CHECK(usage.wait() == 64);
}

TEST_CASE("whoever runs a relay asks it what it holds, backs it up and gives it another key",
          "[relay][process]") {
    temporary_directory directory;
    const std::string data = directory.path() + "/relay", copy = directory.path() + "/copy",
                      back = directory.path() + "/back";
    const auto command = [](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), CASASYNC_RELAY_PROGRAM);
        return run(arguments);
    };
    const auto says = [&](const std::vector<std::string>& arguments) {
        const outcome done = command(arguments);
        INFO(done.err);
        CHECK(done.exit == 0);
        return done.out;
    };
    const auto fails = [&](const std::vector<std::string>& arguments) {
        const outcome done = command(arguments);
        CHECK(done.err.starts_with("casasync-relay: "));
        return done.exit;
    };
    const auto has = [](const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    };
    for (const char* asked : {"stats", "vaults", "rotate-key"}) CHECK(fails({asked, "--data", data}) == 66);
    CHECK(fails({"backup", "--data", data, "--to", copy}) == 66);

    relay_process relay(CASASYNC_RELAY_PROGRAM, {"--listen", "127.0.0.1:0", "--data", data});
    REQUIRE_FALSE(relay.address().empty());
    auto device = make_vault(relay.port(), real_now_s());
    REQUIRE(device.push({device.envelope(1)}).status == 201);
    const std::string stats = says({"stats", "--data", data});
    CHECK(has(stats, "vaults           1\ndevices          1\n"));
    CHECK(has(stats, "changesets       1\n"));
    CHECK(has(says({"stats", "--data", data, "--json"}), R"({"vaults":1,"devices":1,"dormant":0,)"));
    CHECK(has(says({"vaults", "--data", data}), "vault            " + device.vault.text() + "\n"));
    CHECK(has(says({"vaults", "--data", data, "--json"}), R"("vault":")" + device.vault.text() + '"'));
    CHECK(fails({"rotate-key", "--data", data}) == 69);  // while it runs
    says({"backup", "--data", data, "--to", copy});
    CHECK(fails({"backup", "--data", data, "--to", copy}) == 73);
    relay.signal(SIGTERM);
    CHECK(relay.wait() == 0);

    CHECK(fails({"restore", "--data", data, "--from", copy}) == 73);
    says({"restore", "--data", back, "--from", copy});
    CHECK(says({"rotate-key", "--data", back}) == "master_key       2\naccepts_before   true\n");
    CHECK(says({"rotate-key", "--data", back, "--drop-before", "--json"}) ==
          "{\"master_key\":3,\"accepts_before\":false}\n");
    CHECK(has(says({"stats", "--data", back}), "changesets       1\n"));
    std::filesystem::remove(copy + "/master.key");
    CHECK(fails({"restore", "--data", directory.path() + "/none", "--from", copy}) == 66);
}

TEST_CASE("a relay shows its metrics where it is told to", "[relay][process]") {
    temporary_directory directory;
    const std::vector<std::string> arguments{"--listen", "127.0.0.1:0", "--data", directory.path(),
                                             "--metrics"};
    const auto with = [&](const std::string& at) {
        std::vector<std::string> all = arguments;
        all.push_back(at);
        all.insert(all.begin(), CASASYNC_RELAY_PROGRAM);
        return all;
    };
    for (const char* wrong : {"nowhere", "127.0.0.1", ":9"}) {
        const outcome done = run(with(wrong));
        CHECK(done.exit == 64);
        CHECK(done.err.starts_with("casasync-relay: The address of the metrics has to be HOST:PORT"));
    }
    process relay(with("127.0.0.1:0"));
    CHECK(relay.line().starts_with("casasync-relay listening on http://127.0.0.1:"));
    CHECK(relay.line().starts_with("casasync-relay metrics at http://127.0.0.1:"));
    relay.signal(SIGTERM);
    CHECK(relay.wait().exit == 0);
}
