// SPDX-License-Identifier: MIT
// What an operator does: back up, restore, look, watch.
#include "fixtures.hpp"
#include "snapshot_upload.hpp"

#include <casasync/openssl/vault_deletion.hpp>
#include <casasync/relay/upkeep.hpp>

#include <sys/stat.h>

#include <casasync_test/catch.hpp>

#include <string>

using namespace casasync;
using namespace casasync_test;

namespace {

unsigned mode_of(const std::string& path) {
    struct stat s {};
    REQUIRE(::stat(path.c_str(), &s) == 0);
    return s.st_mode & 0777U;
}

/// Returns the value of a line of /metrics; -1 if there is none.
double metric(const std::string& page, const std::string& name) {
    const std::size_t at = page.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(page.substr(at + name.size() + 2));
}

}  // namespace

TEST_CASE("a backup made beside a running relay becomes a relay again", "[relay][upkeep]") {
    relay_fixture f;
    f.start();
    auto a = make_vault(f.port(), f.now_s());
    const bytes first = a.envelope(1);
    REQUIRE(a.push({first}).status == 201);
    const std::string generation = a.call("GET", "").string("generation");
    const std::string backup = f.directory.path() + "/it's a backup";
    REQUIRE(relay::back_up(f.options.data, backup));
    CHECK(mode_of(backup) == 0700);
    CHECK(mode_of(backup + "/relay.db") == 0600);
    CHECK(mode_of(backup + "/master.key") == 0600);
    CHECK(relay::back_up(f.options.data, backup).code() == errc::already_exists);
    REQUIRE(a.push({a.envelope(2)}).status == 201);
    CHECK(relay::restore(backup, f.options.data).code() == errc::already_exists);

    f.server.reset();
    f.options.data = f.directory.path() + "/restored";
    REQUIRE(relay::restore(backup, f.options.data));
    CHECK(mode_of(f.options.data + "/master.key") == 0600);
    f.start();
    a.at = f.port();
    const reply vault = a.call("GET", "");  // the key still holds
    REQUIRE(vault.status == 200);
    CHECK(vault.number("head") == 1);
    CHECK(vault.string("generation") != generation);  // so that no device overlooks it
    CHECK(a.push({first}).status == 200);
    CHECK(relay::list_vaults(f.options.data, f.now_s())->size() == 1);
}

TEST_CASE("what is no backup is not restored, and what is no data not backed up", "[relay][upkeep]") {
    const temporary_directory dir;
    std::filesystem::create_directory(dir.path() + "/empty");
    CHECK(relay::back_up(dir.path() + "/empty", dir.path() + "/to").code() == errc::not_found);
    CHECK(relay::restore(dir.path() + "/nowhere", dir.path() + "/data").code() == errc::not_found);
    CHECK(relay::summarize(dir.path() + "/empty", 0).code() == errc::not_found);
    CHECK_FALSE(std::filesystem::exists(dir.path() + "/data/relay.db"));
    CHECK_FALSE(std::filesystem::exists(dir.path() + "/to/relay.db"));
}

TEST_CASE("what a deleted vault holds is gone after 30 days", "[relay][upkeep]") {
    relay_fixture f;
    f.start();
    const auto a = make_vault(f.port(), f.now_s());
    for (std::uint64_t seq = 1; seq <= 3; ++seq) REQUIRE(a.push({a.envelope(seq)}).status == 201);
    upload_all(a, make_upload(1, 2500, 3));
    const auto word = openssl::delete_vault(a.self, a.at.authority(), a.vault, a.created);
    REQUIRE(a.call("DELETE", "",
                   R"({"created":)" + std::to_string(word.created) + R"(,"nonce":")" +
                       to_base64url(word.nonce) + R"(","signature":")" + to_base64url(word.signature) +
                       R"("})")
                .status == 202);
    const auto held = [&] {
        const auto all = relay::list_vaults(f.options.data, f.now_s());
        REQUIRE(all);
        REQUIRE(all->size() == 1);
        return all->front().bytes + all->front().snapshot_bytes;
    };
    f.now_ms += 30LL * 24 * 3600 * 1000 - 1000;
    f.server->tidy();
    CHECK(held() == 3 * 360 + 2500);
    f.now_ms += 1000;
    f.server->tidy();
    CHECK(held() == 0);
}

TEST_CASE("vaults are listed, the largest first, with what they take", "[relay][upkeep]") {
    relay_fixture f;
    f.start();
    const auto small = make_vault(f.port(), f.now_s(), 1);
    const auto large = make_vault(f.port(), f.now_s(), 2);
    enrol(large, 3);
    REQUIRE(small.push({small.envelope(1)}).status == 201);
    REQUIRE(large.push({large.envelope(1, 4000), large.envelope(2)}).status == 201);
    const auto vaults = relay::list_vaults(f.options.data, f.now_s());
    REQUIRE(vaults);
    REQUIRE(vaults->size() == 2);
    CHECK(vaults->front().id == large.vault);
    CHECK(vaults->front().devices == 2);
    CHECK(vaults->front().dormant == 0);
    CHECK(vaults->front().head == 2);
    CHECK(vaults->front().bytes == large.envelope(1, 4000).size() + large.envelope(2).size());
    const auto later = relay::summarize(f.options.data, f.now_s() + 100 * 24 * 3600);
    REQUIRE(later);
    CHECK(later->vaults == 2);
    CHECK(later->devices == 3);
    CHECK(later->dormant == 3);
    CHECK(later->changesets == 3);
    CHECK(later->forgotten == 0);
    CHECK(later->file_bytes > later->changeset_bytes);
}

TEST_CASE("metrics are at a port of their own, and name no vault", "[relay][metrics]") {
    relay_fixture f;
    f.options.metrics_host = "127.0.0.1";
    f.start();
    const auto a = make_vault(f.port(), f.now_s());
    REQUIRE(a.push({a.envelope(1)}).status == 201);
    REQUIRE(a.push({a.envelope(2)}).status == 201);
    REQUIRE(a.push({a.envelope(1, 256, 9)}).status == 409);
    const std::string url = f.server->metrics_address();
    const std::uint16_t port = port_of(url.substr(0, url.rfind('/')));
    CHECK(port != f.port());
    const reply r = http_client(port).call("GET", "/metrics", {{"Host", "anything"}});
    CHECK(r.status == 200);
    const std::string page = r.text();
    const std::string pushes =
        "casasync_relay_requests_total{method=\"POST\",route=\"vaults/{v}/changesets\",status=\"";
    CHECK(metric(page, pushes + "201\"}") == 2);
    CHECK(metric(page, pushes + "409\"}") == 1);
    CHECK(metric(page, "casasync_relay_vaults") == 1);
    CHECK(metric(page, "casasync_relay_changesets") == 2);
    CHECK(metric(page, "casasync_relay_changeset_bytes") == 720);
    CHECK(metric(page, "casasync_relay_database_failing") == 0);
    CHECK(metric(page, "casasync_relay_commits_total") >= 3);
    CHECK(page.find(a.vault.text().substr(0, 6)) == std::string::npos);
    CHECK(page.find(a.device.text().substr(0, 6)) == std::string::npos);
    CHECK(http_client(port).call("GET", "/v1/info", {{"Host", "127.0.0.1"}}).status == 404);
    CHECK(http_client(port).call("POST", "/metrics", {{"Host", "127.0.0.1"}}).status == 405);
    CHECK(http_client(f.port()).call("GET", "/metrics", {{"Host", "127.0.0.1"}}).status == 404);
}

TEST_CASE("an answer tells how much of a limit is left", "[relay][rate]") {
    relay_fixture f;
    f.options.rates.pushes_per_minute = 2;
    f.options.rates.loopback_factor = 1;
    f.start();
    const auto a = make_vault(f.port(), f.now_s());
    const reply one = a.push({a.envelope(1)});
    CHECK(one.field("ratelimit-policy") == "\"push\";q=2;w=60");
    CHECK(one.field("ratelimit") == "\"push\";r=1;t=30");
    CHECK(a.push({a.envelope(2)}).field("ratelimit") == "\"push\";r=0;t=60");
    const reply over = a.push({a.envelope(3)});
    CHECK(over.status == 429);
    CHECK(over.field("retry-after") == "30");
    CHECK(over.field("ratelimit") == "\"push\";r=0;t=60");
    CHECK(over.string("type") == "https://iana.org/assignments/http-problem-types#quota-exceeded");
    CHECK(over.json().at("violated-policies").as_array().at(0).as_string() == "push");
    CHECK(a.call("GET", "").field("ratelimit").empty());
}
