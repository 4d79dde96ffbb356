// SPDX-License-Identifier: MIT
#include "fixtures.hpp"

#include <casasync/limits.hpp>

#include <boost/json/array.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync_test;

namespace {

reply create(std::uint16_t port, std::uint8_t vault, std::uint8_t device, const std::string& token = {}) {
    const std::string body = R"({"vault":")" + id<vault_id>(vault).text() + R"(","device":")" +
                             id<device_id>(device).text() + R"(","later":[1]})";
    header_fields fields{{"Host", "localhost"}, {"Content-Type", json_type}};
    if (!token.empty()) fields.emplace_back("Authorization", "Bearer " + token);
    return http_client(port).call("POST", "/v1/vaults", fields, as_bytes(body));
}

/// What the vault's own answer says of device `n`.
boost::json::object device_in(const reply& r, std::uint8_t n) {
    const auto body = r.json();
    for (const auto& value : body.at("devices").as_array())
        if (value.at("id").as_string() == id<device_id>(n).text()) return value.as_object();
    return {};
}

}  // namespace

TEST_CASE("what the relay is and takes", "[relay][vault]") {
    relay_fixture f;
    f.start();
    const reply r = http_client(f.port()).call("GET", "/v1/info", {{"Host", "127.0.0.1"}});
    CHECK(r.status == 200);
    CHECK(r.json().at("proto") == boost::json::value(boost::json::array{1}));
    CHECK(r.json().at("features") == boost::json::value(boost::json::array{"longpoll"}));
    CHECK(r.number("time") == f.now_s());
    CHECK(r.json().at("limits").at("request_bytes") == limits::request_bytes_max);
    CHECK(http_client(f.port()).call("GET", "/healthz", {{"Host", "10.0.0.1"}}).status == 200);
    CHECK(http_client(f.port()).call("GET", "/readyz", {{"Host", "probe"}}).status == 200);
}

TEST_CASE("a vault is made once", "[relay][vault]") {
    relay_fixture f;
    f.start();
    const reply first = create(f.port(), 1, 1);
    CHECK(first.status == 201);
    CHECK(first.string("generation").size() == 22);
    CHECK(first.string("device_key").size() == 43);
    CHECK(first.number("head") == 0);
    CHECK(first.number("floor") == 0);

    SECTION("a client that lost the answer gets it again") {
        f.now_ms += 5000;
        const reply again = create(f.port(), 1, 1);
        CHECK(again.status == 200);
        CHECK(again.string("generation") == first.string("generation"));
        CHECK(again.string("device_key") == first.string("device_key"));
    }
    SECTION("another device does not") {
        CHECK(create(f.port(), 1, 2).problem() == "already-exists");
    }
    SECTION("after the first push, nobody does") {
        const auto device = make_vault(f.port(), f.now_s());
        REQUIRE(device.push({device.envelope(1)}).status == 201);
        const reply late = create(f.port(), 1, 1);
        CHECK(late.status == 409);
        CHECK(late.problem() == "already-exists");
        CHECK(late.string("device_key").empty());
    }
    SECTION("a device that was enrolled is not its maker") {
        const auto device = make_vault(f.port(), f.now_s());
        enrol(device, 2);
        CHECK(create(f.port(), 1, 2).status == 409);
    }
    SECTION("a maker that was removed does not get in by this door") {
        const auto device = make_vault(f.port(), f.now_s());
        const auto second = enrol(device, 2);
        REQUIRE(second.call("DELETE", "/devices/" + device.device.text()).status == 204);
        CHECK(create(f.port(), 1, 1).status == 409);
    }
    SECTION("two vaults have two generations") {
        CHECK(create(f.port(), 2, 1).string("generation") != first.string("generation"));
    }
}

TEST_CASE("creating a vault needs proper JSON", "[relay][vault]") {
    relay_fixture f;
    f.start();
    for (const std::string body :
         {"", "{", "[]", "{}", R"({"vault":1,"device":2})",
          R"({"vault":"AAAAAAAAAAAAAAAAAAAAAA","device":"AAAAAAAAAAAAAAAAAAAAAB"})"}) {
        INFO(body);
        const reply r = http_client(f.port()).call(
            "POST", "/v1/vaults", {{"Host", "127.0.0.1"}, {"Content-Type", json_type}}, as_bytes(body));
        CHECK(r.status == 400);
        CHECK(r.problem() == "malformed");
    }
    const reply r = http_client(f.port()).call("POST", "/v1/vaults", {{"Host", "127.0.0.1"}}, as_bytes("{}"));
    CHECK(r.status == 415);
    CHECK(r.problem() == "unsupported-media");
}

TEST_CASE("an operator may ask a token of those who create vaults", "[relay][vault]") {
    relay_fixture f;
    f.options.create_token = "open-sesame";
    f.start();
    CHECK(create(f.port(), 1, 1).status == 401);
    CHECK(create(f.port(), 1, 1, "open-sesam").status == 401);
    CHECK(create(f.port(), 1, 1, "open-sesame").status == 201);
}

TEST_CASE("a member enrols a device", "[relay][vault]") {
    relay_fixture f;
    f.start();
    const auto a = make_vault(f.port(), f.now_s());
    const std::string body = R"({"device":")" + id<device_id>(2).text() + R"("})";
    const reply made = a.call("POST", "/devices", body);
    CHECK(made.status == 201);
    CHECK(made.string("device") == id<device_id>(2).text());
    f.now_ms += 5000;
    const reply again = a.call("POST", "/devices", body);
    CHECK(again.status == 200);
    CHECK(again.string("device_key") == made.string("device_key"));
    const auto b = enrol(a, 2);
    CHECK(b.key != a.key);
    CHECK(b.call("GET", "").json().at("devices").as_array().size() == 2);
    CHECK(a.call("POST", "/devices", "{}").problem() == "malformed");
}

TEST_CASE("a vault has at most sixteen active devices", "[relay][vault]") {
    relay_fixture f;
    f.start();
    const auto a = make_vault(f.port(), f.now_s());
    for (std::uint8_t n = 2; n <= limits::devices_max; ++n) enrol(a, n);
    const std::string body = R"({"device":")" + id<device_id>(100).text() + R"("})";
    const reply full = a.call("POST", "/devices", body);
    CHECK(full.status == 409);
    CHECK(full.problem() == "device-limit");
    CHECK(full.number("limit") == limits::devices_max);
    REQUIRE(a.call("DELETE", "/devices/" + id<device_id>(2).text()).status == 204);
    CHECK(a.call("POST", "/devices", body).status == 201);
}

TEST_CASE("a device that was removed is shut out at once", "[relay][vault]") {
    relay_fixture f;
    f.start();
    const auto a = make_vault(f.port(), f.now_s());
    const auto b = enrol(a, 2);
    REQUIRE(b.push({b.envelope(1)}).status == 201);
    CHECK(a.call("DELETE", "/devices/" + b.device.text()).status == 204);
    CHECK(a.call("DELETE", "/devices/" + b.device.text()).status == 204);
    CHECK(a.call("DELETE", "/devices/" + id<device_id>(9).text()).status == 404);
    CHECK(a.call("DELETE", "/devices/short").status == 404);

    const reply r = b.call("GET", "");
    CHECK(r.status == 403);
    CHECK(r.problem() == "device-revoked");
    CHECK(r.field("casasync-head") == "1");
    CHECK(b.push({b.envelope(2)}).status == 403);
    CHECK(b.pull(0, "").status == 403);
    CHECK(device_in(a.call("GET", ""), 2).at("state") == "revoked");
    CHECK(a.pull(0, "").status == 200);  // what it had pushed stays

    const reply back = a.call("POST", "/devices", R"({"device":")" + b.device.text() + R"("})");
    CHECK(back.status == 409);
    CHECK(back.problem() == "already-exists");
}

TEST_CASE("an ack goes up and never back", "[relay][vault]") {
    relay_fixture f;
    f.start();
    auto a = make_vault(f.port(), f.now_s());
    REQUIRE(a.push({a.envelope(1), a.envelope(2), a.envelope(3)}).status == 201);
    const std::string path = "/devices/" + a.device.text() + "/ack";
    const auto stored = [&] { return device_in(a.call("GET", ""), 1).at("ack"); };
    CHECK(a.call("PUT", path, R"({"pos":2})").status == 204);
    CHECK(stored() == 2);
    CHECK(a.call("PUT", path, R"({"pos":1})").status == 204);
    CHECK(stored() == 2);
    const reply above = a.call("PUT", path, R"({"pos":4})");
    CHECK(above.status == 409);
    CHECK(above.problem() == "cursor-mismatch");
    CHECK(above.number("head") == 3);
    for (const std::string body : {R"({"pos":-1})", R"({"pos":"1"})", R"({"pos":1.5})", "{}"})
        CHECK(a.call("PUT", path, body).status == 400);
    a.ack = 3;  // the header says the same
    REQUIRE(a.push({a.envelope(4)}).status == 201);
    CHECK(stored() == 3);
    a.ack = 4;
    REQUIRE(a.call("GET", "").status == 200);
    REQUIRE(a.call("PUT", path, R"({"pos":0})").status == 204);  // queued behind what the header said
    CHECK(stored() == 4);
}

TEST_CASE("a vault tells about itself", "[relay][vault]") {
    relay_fixture f;
    f.start();
    auto a = make_vault(f.port(), f.now_s());
    const auto envelope = a.envelope(1);
    f.now_ms += 61'000;
    a.created = f.now_s();
    REQUIRE(a.push({envelope}).status == 201);
    const reply r = a.call("GET", "");
    CHECK(r.number("head") == 1);
    CHECK(r.number("floor") == 0);
    CHECK(r.number("bytes") == envelope.size());
    CHECK(r.string("generation") == r.field("casasync-generation"));
    CHECK(r.json().at("snapshot").is_null());
    const auto device = device_in(r, 1);
    CHECK(device.at("state") == "active");
    CHECK(device.at("last_seq") == 1);
    CHECK(device.at("last_seen") == f.now_s());
}

TEST_CASE("creating vaults is limited for each address", "[relay][vault]") {
    relay_fixture f;
    f.options.rates.new_vaults_per_minute = 2;
    f.options.rates.loopback_factor = 1;
    f.start();
    CHECK(create(f.port(), 1, 1).status == 201);
    CHECK(create(f.port(), 2, 1).status == 201);
    const reply r = create(f.port(), 3, 1);
    CHECK(r.status == 429);
    CHECK(r.field("retry-after") == "30");
    f.now_ms += 30'000;
    CHECK(create(f.port(), 3, 1).status == 201);
}
