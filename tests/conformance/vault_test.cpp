// SPDX-License-Identifier: MIT
#include "relay_under_test.hpp"

#include <casasync/limits.hpp>

#include <boost/json/array.hpp>
#include <casasync_test/catch.hpp>
#include <casasync_test/member_chain.hpp>

using namespace casasync;
using namespace casasync_test;

namespace {

/// What the vault's own answer says of device `n`.
boost::json::object device_in(const reply& r, const device_client& device) {
    const auto body = r.json();
    for (const auto& value : body.at("devices").as_array())
        if (value.at("id").as_string() == device.device.text()) return value.as_object();
    return {};
}

}  // namespace

TEST_CASE("what the relay is and takes", "[conformance][vault]") {
    own_relay f;
    const reply r = http_client(f.at()).call("GET", "/v1/info", {{"Host", f.at().authority()}});
    CHECK(r.status == 200);
    CHECK(r.json().at("proto") == boost::json::value(boost::json::array{1}));
    CHECK(r.number("time") == f.now_s());
    CHECK(r.json().at("limits").at("request_bytes") == limits::request_bytes_max);
    CHECK(http_client(f.at()).call("GET", "/healthz", {{"Host", "10.0.0.1"}}).status == 200);
    CHECK(http_client(f.at()).call("GET", "/readyz", {{"Host", "probe"}}).status == 200);
}

TEST_CASE("an ack goes up and never back", "[conformance][vault]") {
    const relay_under_test f;
    auto a = f.vault();
    REQUIRE(a.push({a.envelope(1), a.envelope(2), a.envelope(3)}).status == 201);
    const std::string path = "/devices/" + a.device.text() + "/ack";
    const auto stored = [&] { return device_in(a.call("GET", ""), a).at("ack"); };
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

TEST_CASE("a vault tells about itself", "[conformance][vault]") {
    own_relay f;
    auto a = f.vault();
    const auto envelope = a.envelope(1);
    f.pass(61'000);
    a.created = f.now_s();
    REQUIRE(a.push({envelope}).status == 201);
    const reply r = a.call("GET", "");
    CHECK(r.number("head") == 1);
    CHECK(r.number("floor") == 0);
    CHECK(r.number("bytes") == envelope.size());
    CHECK(r.string("generation") == r.field("casasync-generation"));
    CHECK(r.json().at("snapshot").is_null());
    const auto device = device_in(r, a);
    CHECK(device.at("state") == "active");
    CHECK(device.at("last_seq") == 1);
    CHECK(device.at("last_seen") == f.now_s());
}
