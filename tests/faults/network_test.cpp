// SPDX-License-Identifier: MIT
// The network between a real client and a real relay fails after every byte, in both directions: the sync
// ends with an error that says so, the next one goes on, and nothing counts twice.
#include "app.hpp"
#include "cutting_proxy.hpp"

#include <casasync/agent/agent.hpp>
#include <casasync/agent/setup.hpp>
#include <casasync/openssl/cipher.hpp>
#include <casasync/openssl/snapshot_cipher.hpp>
#include <casasync/relay/server.hpp>
#include <casasync/session.hpp>

#include <casasync_test/catch.hpp>
#include <casasync_test/pair_devices.hpp>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <iostream>
#include <memory>
#include <set>

using namespace casasync;
using namespace casasync_test;

namespace {

struct folder {
    std::string path = (std::filesystem::temp_directory_path() / "casasync-network-XXXXXX").string();
    folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder() { std::filesystem::remove_all(path); }
};

/// A vault, its keys, and an app that writes.
struct device {
    explicit device(const std::string& path)
        : keys(agent::read_credentials(path).value()),
          vault(sqlite::vault::open(path).value()),
          cipher(keys.members, {{keys.epoch, keys.vault_key}}, keys.identity),
          sql(path) {}

    agent::credentials keys;
    sqlite::vault vault;
    openssl::vault_cipher cipher;
    app sql;

    /// Syncs over connections of its own, as a program does that starts.
    result<sync_report> sync(const std::string& url, std::chrono::milliseconds patience) {
        agent::credentials here = keys;
        here.relay = url;
        beast::endpoint at;
        at.connect_timeout = at.answer_timeout = patience;
        auto relay = agent::make_client(here, at);
        if (!relay) return relay.failure();
        return casasync::sync<openssl::snapshot_opener>(vault, cipher, *relay);
    }
};

class household {
 public:
    household() {
        relay::server_options options;
        options.data = dir_.path + "/relay";
        options.rates.pushes_per_minute = options.rates.pulls_per_minute = 0;
        relay_ = std::move(relay::server::start(options).value());
        const std::string url = relay_->address(), a = dir_.path + "/a.db", b = dir_.path + "/b.db";
        app(a).run("CREATE TABLE note(id TEXT NOT NULL PRIMARY KEY, text TEXT)");
        agent::init_options init{a, url, "a", {}, {}};
        init.track = [](sqlite::vault& v) { return v.track("note"); };
        auto first = agent::init_vault(init);
        REQUIRE(first);
        REQUIRE(first->sync());
        REQUIRE(casasync_test::pair_devices(*first, {b, {}, {}, "b", {}, {}}));
        a_ = std::make_unique<device>(a);
        b_ = std::make_unique<device>(b);
        const std::string port = url.substr(url.rfind(':') + 1);
        proxy_ = std::make_unique<cutting_proxy>(static_cast<std::uint16_t>(std::stoi(port)));
        settle();
    }

    /// Both write; `b`'s write is at the relay. `a` syncs while the network fails as planned. Then all is
    /// well again. \returns whether the network failed
    bool sync_through(const cut_plan& plan) {
        const std::string n = std::to_string(++writes_);
        REQUIRE(a_->sql.run("INSERT INTO note VALUES('a" + n + "', '" + n + "')") == SQLITE_OK);
        REQUIRE(b_->sql.run("INSERT INTO note VALUES('b" + n + "', '" + n + "')") == SQLITE_OK);
        REQUIRE(b_->sync(relay_->address(), patient));
        proxy_->plan(plan);
        const auto done = a_->sync(proxy_->url(), plan.how == cut_how::stall ? impatient : patient);
        const bool failed = proxy_->repair();
        if (!done) {
            codes_.insert(done.code());
            INFO(name_of(done.code()) << ": " << done.failure().text());
            CHECK(done.failure().what() == condition::retryable);
            CHECK(done.failure().detail.find("Nothing is lost") != std::string::npos);
        }
        settle();
        return failed;
    }

    /// Every changeset is at the relay once, every row is at both, and no conflict was seen.
    void check() {
        for (device* d : {a_.get(), b_.get()}) {
            CHECK(d->sql.rows("SELECT count(*) FROM note") == "1:" + std::to_string(2 * writes_) + "|\n");
            CHECK(d->vault.conflicts().value().empty());
            CHECK(d->vault.verify().value().differences.empty());
            CHECK(d->sql.integrity() == "ok");
        }
        CHECK(a_->vault.digest().value() == b_->vault.digest().value());
    }
    [[nodiscard]] const std::set<errc>& codes() const noexcept { return codes_; }

 private:
    static constexpr std::chrono::milliseconds patient{20'000}, impatient{40};

    void settle() {
        std::uint64_t head = 0;
        for (device* d : {a_.get(), b_.get(), a_.get()}) {
            const auto done = d->sync(relay_->address(), patient);
            INFO(problem_of(done));
            REQUIRE(done);
            CHECK(done->alarms.empty());
            head = done->relay.head;
        }
        if (base_ == 0) base_ = head;
        CHECK(head == base_ + 2 * writes_);
        CHECK(a_->vault.digest().value() == b_->vault.digest().value());
    }
    static std::string problem_of(const result<sync_report>& r) {
        return r ? "" : std::string(name_of(r.code())) + ": " + r.failure().text();
    }

    folder dir_{};
    std::unique_ptr<relay::server> relay_{};
    std::unique_ptr<device> a_{}, b_{};
    std::unique_ptr<cutting_proxy> proxy_{};
    std::uint64_t writes_ = 0, base_ = 0;
    std::set<errc> codes_{};
};

/// Cuts every `stride`-th byte, in both directions, until the sync gets through. \returns how many times
std::size_t cut_everywhere(cut_how how, bool sticky, std::uint64_t stride) {
    household home;
    std::size_t points = 0;
    for (const bool upwards : {true, false}) {
        std::uint64_t at = 0;
        for (; home.sync_through({upwards, at, how, sticky}); at += stride) ++points;
        INFO((upwards ? "sent " : "received ") << at << " bytes");
        CHECK(at > 1000);
    }
    home.check();
    for (const errc c : home.codes()) std::cout << name_of(c) << " ";
    std::cout << points << " points\n";
    return points;
}

std::uint64_t stride() {
    const char* const text = std::getenv("CASASYNC_STRIDE");
    return text == nullptr ? 53 : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE("the connection is reset after some bytes", "[faults][network]") {
    CHECK(cut_everywhere(cut_how::reset, false, stride()) > 50);
}

TEST_CASE("the connection is closed after some bytes", "[faults][network]") {
    CHECK(cut_everywhere(cut_how::close, false, stride()) > 50);
}

TEST_CASE("there is no network any more after some bytes", "[faults][network]") {
    CHECK(cut_everywhere(cut_how::reset, true, stride()) > 50);
}

TEST_CASE("the connection stands still after some bytes", "[faults][network]") {
    CHECK(cut_everywhere(cut_how::stall, false, 2 * stride()) > 25);
}
