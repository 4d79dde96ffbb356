// SPDX-License-Identifier: MIT
#include "relay_under_test.hpp"
#include "snapshot_upload.hpp"

#include <casasync_test/catch.hpp>
#include <casasync_test/member_chain.hpp>

#include <string>

using namespace casasync;
using namespace casasync_test;

namespace {

/// Changes one character in the middle of a field's value.
void spoil(signed_request& r, const std::string& name, std::size_t at) {
    for (auto& [field, value] : r.fields)
        if (field == name) value[at] = value[at] == 'A' ? 'B' : 'A';
}

}  // namespace

TEST_CASE("a signed request is answered with the state of the log", "[conformance][auth]") {
    const relay_under_test f;
    const auto device = f.vault();
    const reply r = device.call("GET", "");
    CHECK(r.status == 200);
    CHECK(r.field("casasync-generation").size() == 22);
    CHECK(r.field("casasync-head") == "0");
    CHECK(r.field("casasync-floor") == "0");
    CHECK(std::stoull(r.field("casasync-time")) / 1000 <= f.now_s() + 60);
    CHECK(r.field("cache-control") == "no-store");
}

TEST_CASE("every part of a request is covered by its signature", "[conformance][auth]") {
    const relay_under_test f;
    const auto device = f.vault();
    const auto body = device.envelope(1);
    const auto good = device.make("POST", device.base() + "/changesets", body, envelopes_type);
    auto r = good;

    SECTION("another method") {
        r.method = "GET";
    }
    SECTION("another path") {
        r.target = "/vaults/" + device.vault.text() + "/changesets";
    }
    SECTION("another host") {
        r.set("Host", f.at().host + "." + std::to_string(f.at().port));
    }
    SECTION("another ack") {
        r.set("Casasync-Ack", "1");
    }
    SECTION("no ack") {
        r.remove("Casasync-Ack");
    }
    SECTION("an ack that is no number") {
        r.set("Casasync-Ack", "00");
    }
    SECTION("another digest") {
        spoil(r, "Content-Digest", 20);
    }
    SECTION("no digest") {
        r.remove("Content-Digest");
    }
    SECTION("no signature") {
        r.remove("Signature");
    }
    SECTION("no signature input") {
        r.remove("Signature-Input");
    }
    SECTION("another signature") {
        spoil(r, "Signature", 20);
    }
    SECTION("another nonce") {
        for (auto& [name, value] : r.fields) {
            if (name != "Signature-Input") continue;
            char& first = value[value.find("nonce=\"") + 7];  // random: it may be any
            first = first == '_' ? '-' : '_';
        }
    }
    SECTION("the media type with a parameter, which was not signed") {
        r.set("Content-Type", envelopes_type + "; a=b");
    }
    const reply answer = device.send(r);
    CHECK(answer.status == 401);
    CHECK(answer.problem() == "unauthenticated");
    CHECK(answer.field("casasync-generation").empty());
    CHECK(device.send(good).status == 201);
}

TEST_CASE("the query is covered, too", "[conformance][auth]") {
    const relay_under_test f;
    const auto device = f.vault();
    auto r = device.make("GET", device.base() + "/changesets?after=0");
    r.target += "&limit=1";
    CHECK(device.send(r).status == 401);
}

TEST_CASE("a 401 tells nothing of what is wrong", "[conformance][auth]") {
    const relay_under_test f;
    const auto device = f.vault();
    auto unknown_device = device;
    unknown_device.device = id<device_id>(9);
    auto unknown_vault = device;
    unknown_vault.vault = id<vault_id>(9);
    auto wrong_key = device;
    wrong_key.key[0] ^= 1;
    const auto text_of = [](const reply& r) {
        CHECK(r.status == 401);
        auto body = r.json();
        body.erase("instance");
        return std::pair(body, r.fields);
    };
    const auto expected = text_of(wrong_key.call("GET", ""));
    CHECK(text_of(unknown_device.call("GET", "")) == expected);
    CHECK(text_of(unknown_vault.call("GET", "")) == expected);
}

TEST_CASE("a key opens its own vault alone, on every route", "[conformance][auth]") {
    const relay_under_test f;
    const auto mine = f.vault(1);
    const auto other = f.vault(2);
    const std::string snapshot = id<snapshot_id>(1).text();
    struct one {
        std::string method, path, type;
    };
    const std::vector<one> routes = {
        {"GET", "", ""},
        {"DELETE", "", json_type},
        {"GET", "/members", ""},
        {"POST", "/members", json_type},
        {"POST", "/changesets", envelopes_type},
        {"GET", "/changesets?after=0", ""},
        {"PUT", "/devices/" + mine.device.text() + "/ack", json_type},
        {"POST", "/snapshots", json_type},
        {"PUT", "/snapshots/" + snapshot + "/parts/0", octets_type},
        {"POST", "/snapshots/" + snapshot + "/complete", octets_type},
        {"GET", "/snapshots/latest", ""},
        {"GET", "/snapshots/" + snapshot + "/content", ""},
    };
    for (const auto& route : routes) {
        INFO(route.method << " " << route.path);
        const bytes body = route.type.empty() ? bytes() : bytes{'{', '}'};
        const reply r = mine.send(mine.make(route.method, other.base() + route.path, body, route.type));
        CHECK(r.status == 401);
    }
}

TEST_CASE("a device acknowledges and pushes for itself alone", "[conformance][auth]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    CHECK(a.call("PUT", "/devices/" + b.device.text() + "/ack", R"({"pos":0})").status == 401);
    CHECK(a.push({b.envelope(1)}).status == 401);
    CHECK(b.push({b.envelope(1)}).status == 201);
}

TEST_CASE("a request may be off by five minutes and no more", "[conformance][auth]") {
    own_relay f;
    auto device = f.vault();
    for (const std::int64_t off : {-300, 300}) {
        device.created = f.now_s() + static_cast<std::uint64_t>(off);
        CHECK(device.call("GET", "").status == 200);
    }
    for (const std::int64_t off : {-301, 301}) {
        device.created = f.now_s() + static_cast<std::uint64_t>(off);
        const reply r = device.call("GET", "");
        CHECK(r.status == 401);
        CHECK(r.problem() == "clock-skew");
        CHECK(r.number("server_time") == f.now_s());
    }
}

TEST_CASE("the key version is the one the relay gave", "[conformance][auth]") {
    const relay_under_test f;
    const auto device = f.vault();
    auto r = device.make("GET", device.base());
    for (auto& [name, value] : r.fields)
        if (name == "Signature-Input") value.replace(value.find(".1\";tag"), 2, ".2");
    CHECK(device.send(r).status == 401);
}

TEST_CASE("a body that is not what was signed is refused", "[conformance][auth]") {
    const relay_under_test f;
    const auto device = f.vault();
    auto r = device.make("POST", device.base() + "/changesets", device.envelope(1), envelopes_type);
    r.body.back() ^= 1;
    const reply answer = device.send(r);
    CHECK(answer.status == 400);
    CHECK(answer.problem() == "bad-digest");
    CHECK(answer.field("casasync-head") == "0");
    CHECK(device.pull(0, "").status == 204);
}

TEST_CASE("a request signed without a body cannot carry one", "[conformance][auth]") {
    const relay_under_test f;
    const auto a = f.vault();
    auto r = a.make("POST", a.base() + "/members");
    r.body = {'{', '}'};
    r.set("Content-Type", json_type);
    CHECK(a.send(r).status == 401);
}

TEST_CASE("an ack above the head is refused on any request", "[conformance][auth]") {
    const relay_under_test f;
    auto device = f.vault();
    device.ack = 1;
    const reply r = device.call("GET", "");
    CHECK(r.status == 409);
    CHECK(r.problem() == "cursor-mismatch");
    CHECK(r.number("head") == 0);
}

TEST_CASE("a request that somebody sends again, as it was, does nothing twice", "[conformance][auth]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto statuses = [&a](const signed_request& r) {
        const unsigned first = a.send(r).status;
        return std::to_string(first) + " " + std::to_string(a.send(r).status);
    };
    const auto signed_call = [&a](const std::string& method, const std::string& path, bytes_view body,
                                  const std::string& type = json_type) {
        return a.make(method, a.base() + path, body, type);
    };
    CHECK(statuses(signed_call("POST", "/changesets", a.envelope(1), envelopes_type)) == "201 200");
    CHECK(statuses(signed_call("PUT", "/devices/" + a.device.text() + "/ack", as_bytes(R"({"pos":1})"))) ==
          "204 204");
    const bytes entry = add_entry(a.members(), f.who(2), a.self);
    CHECK(statuses(signed_call("POST", "/members",
                               as_bytes(R"({"entry":")" + to_base64url(entry) + R"("})"))) == "201 200");
    const upload u = make_upload(1, 100, 1);
    CHECK(statuses(signed_call("POST", "/snapshots",
                               as_bytes(R"({"snapshot_id":")" + u.id.text() +
                                        R"(","pos":1,"size":100,"part_size":1000})"))) == "201 201");
    CHECK(statuses(signed_call("PUT", u.path() + "/parts/0", u.content, octets_type)) == "204 204");
    CHECK(statuses(signed_call("POST", u.path() + "/complete", manifest_of(a), octets_type)) == "201 201");
    CHECK(statuses(a.attaching({})) == "200 401");
    CHECK(statuses(a.make("POST", "/v1/pairings")) == "201 401");
    CHECK(a.call("GET", "").number("head") == 1);
    CHECK(a.members().entries().size() == 2);
    CHECK(a.call("GET", "/snapshots/latest").string("snapshot_id") == u.id.text());
}
