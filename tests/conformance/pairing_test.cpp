// SPDX-License-Identifier: MIT
#include "relay_under_test.hpp"

#include <casasync/limits.hpp>

#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync_test;

namespace {

reply open(const device_client& d) {
    return d.send(d.make("POST", "/v1/pairings"));
}

reply claim(const endpoint& at, const std::string& slot) {
    return http_client(at).call("POST", "/v1/pairings/" + slot + "/claim", {{"Host", at.authority()}});
}

/// Returns another slot than these.
std::string other_slot(const std::string& a, const std::string& b = {}) {
    for (const char* slot : {"0000", "0001", "0002"})
        if (a != slot && b != slot) return slot;
    return {};
}

/// One side of a mailbox.
struct side {
    endpoint at{};
    std::string mailbox{};
    std::string token{};

    [[nodiscard]] reply call(const std::string& method, const std::string& path, bytes_view body = {}) const {
        return http_client(at).call(method, "/v1/mailboxes/" + mailbox + path,
                                    {{"Host", at.authority()}, {"Authorization", "Bearer " + token}}, body);
    }
    [[nodiscard]] reply put(const std::string& place, const std::string& text) const {
        return call("PUT", "/" + place, as_bytes(text));
    }
    [[nodiscard]] reply get(const std::string& place, const std::string& query = {}) const {
        return call("GET", "/" + place + query);
    }
};

template <class Relay = relay_under_test>
struct pairing_fixture : Relay {
    device_client device{};
    std::string slot{};
    std::string mailbox{};
    side a{};
    side b{};

    pairing_fixture() {
        device = this->vault();
        const reply opened = open(device);
        slot = opened.string("slot");
        mailbox = opened.string("mailbox_id");
        a = {this->at(), mailbox, opened.string("side_token")};
        b = {this->at(), mailbox, claim(this->at(), slot).string("side_token")};
    }
};

}  // namespace

TEST_CASE("two devices meet in a mailbox", "[conformance][pairing]") {
    const own_relay f;
    const auto device = f.vault();
    const reply opened = open(device);
    CHECK(opened.status == 201);
    const std::string slot = opened.string("slot"), mailbox = opened.string("mailbox_id");
    CHECK(slot.size() == 4);
    CHECK(mailbox.size() == 22);
    CHECK(opened.number("expires_at") == f.now_s() + 300);
    CHECK(opened.field("casasync-generation").size() == 22);
    const reply another = open(device);
    CHECK(another.string("slot") != slot);
    CHECK(another.string("mailbox_id") != mailbox);

    const reply claimed = claim(f.at(), slot);
    CHECK(claimed.status == 200);
    CHECK(claimed.string("mailbox_id") == mailbox);
    CHECK(claimed.number("expires_at") == f.now_s() + 300);
    const side a{f.at(), mailbox, opened.string("side_token")};
    const side b{f.at(), mailbox, claimed.string("side_token")};
    CHECK(a.token != b.token);

    CHECK(a.put("a/0", "from the old one").status == 204);
    CHECK(b.get("a/0").text() == "from the old one");
    CHECK(b.get("a/0").field("content-type") == octets_type);
    CHECK(b.put("b/7", "from the new one").status == 204);
    CHECK(a.get("b/7").text() == "from the new one");
    CHECK(a.get("a/0").text() == "from the old one");
    CHECK(a.get("b/1").status == 204);
    CHECK(a.get("b/1", "?wait=1").status == 204);
    CHECK(b.call("DELETE", "").status == 204);
    CHECK(a.get("a/0").status == 401);
    CHECK(claim(f.at(), slot).status == 404);
}

TEST_CASE("a message is written once, by its own side", "[conformance][pairing]") {
    pairing_fixture<> f;
    REQUIRE(f.a.put("a/0", "one").status == 204);
    CHECK(f.a.put("a/0", "one").status == 204);
    const reply other = f.a.put("a/0", "two");
    CHECK(other.status == 412);
    CHECK(other.problem() == "precondition-failed");
    CHECK(f.a.put("b/0", "x").status == 401);
    CHECK(f.b.put("a/1", "x").status == 401);
    CHECK(f.a.put("a/8", "x").status == 404);
    CHECK(f.a.put("c/0", "x").status == 404);
    CHECK(f.a.put("a/1", "").status == 400);
    CHECK(f.a.put("a/1", std::string(limits::mailbox_message_bytes_max + 1, 'x')).status == 413);
    CHECK(f.a.put("a/1", std::string(limits::mailbox_message_bytes_max, 'x')).status == 204);
    CHECK(f.b.get("a/0").text() == "one");
    CHECK(f.b.get("a/0", "?wait=26").status == 400);
}

TEST_CASE("a mailbox opens to its two tokens alone", "[conformance][pairing]") {
    pairing_fixture<> f;
    side stranger = f.a;
    stranger.token[0] = stranger.token[0] == 'A' ? 'B' : 'A';
    CHECK(stranger.get("a/0").problem() == "unauthenticated");
    CHECK(stranger.call("DELETE", "").status == 401);
    side elsewhere = f.a;
    elsewhere.mailbox = open(f.device).string("mailbox_id");
    CHECK(elsewhere.get("a/0").problem() == "unauthenticated");
    elsewhere.mailbox = "short";
    CHECK(elsewhere.get("a/0").status == 401);
    side nobody = f.a;
    nobody.token.clear();
    CHECK(nobody.get("a/0").status == 401);
}

TEST_CASE("a second claim burns the mailbox for both", "[conformance][pairing]") {
    pairing_fixture<> f;
    REQUIRE(f.a.put("a/0", "secret").status == 204);
    const reply second = claim(f.at(), f.slot);
    CHECK(second.status == 409);
    CHECK(second.problem() == "crowded");
    CHECK(second.string("side_token").empty());
    CHECK(f.a.get("b/0").problem() == "crowded");
    CHECK(f.b.get("a/0").problem() == "crowded");
    CHECK(f.b.put("b/0", "x").problem() == "crowded");
    CHECK(claim(f.at(), f.slot).problem() == "crowded");
}

TEST_CASE("a second claim wakes whoever waits", "[conformance][pairing]") {
    pairing_fixture<> f;
    http_client waiting(f.at());
    waiting.send("GET /v1/mailboxes/" + f.mailbox + "/b/0?wait=25 HTTP/1.1\r\nHost: " + f.at().authority() +
                 "\r\nAuthorization: "
                 "Bearer " +
                 f.a.token + "\r\n\r\n");
    REQUIRE(claim(f.at(), f.slot).status == 409);
    CHECK(waiting.receive().problem() == "crowded");
}

TEST_CASE("a message wakes whoever waits for it", "[conformance][pairing]") {
    pairing_fixture<> f;
    http_client waiting(f.at());
    waiting.send("GET /v1/mailboxes/" + f.mailbox + "/a/0?wait=25 HTTP/1.1\r\nHost: " + f.at().authority() +
                 "\r\nAuthorization: "
                 "Bearer " +
                 f.b.token + "\r\n\r\n");
    REQUIRE(f.a.put("a/1", "not this one").status == 204);
    REQUIRE(f.a.put("a/0", "hello").status == 204);
    CHECK(waiting.receive().text() == "hello");
}

TEST_CASE("a code can be claimed for five minutes, and two devices may talk for five more",
          "[conformance][pairing]") {
    pairing_fixture<own_relay> f;
    REQUIRE(f.a.put("a/0", "x").status == 204);
    const reply opened = open(f.device);
    const std::string unclaimed = opened.string("slot");
    const side waiting{f.at(), opened.string("mailbox_id"), opened.string("side_token")};
    f.pass(299'000);
    CHECK(waiting.get("b/0").status == 204);
    f.pass(1'000);
    CHECK(claim(f.at(), unclaimed).problem() == "pairing-expired");
    CHECK(waiting.get("b/0").problem() == "pairing-expired");  // nobody can come any more
    CHECK(claim(f.at(), f.slot).status == 410);                // too late to burn it
    f.pass(299'000);
    CHECK(f.b.get("a/0").status == 200);
    f.pass(1'000);
    CHECK(f.b.get("a/0").problem() == "pairing-expired");
    CHECK(f.b.get("a/0").status == 410);
    CHECK(f.a.put("a/1", "x").status == 410);

    f.pass(3'301'000);  // and is forgotten in time
    f.device.created = f.now_s();
    const std::string fresh = open(f.device).string("slot");
    if (fresh != unclaimed) CHECK(claim(f.at(), unclaimed).status == 404);
    CHECK(f.a.get("a/0").status == 401);
}

TEST_CASE("a code that was never made is unknown", "[conformance][pairing]") {
    pairing_fixture<> f;
    CHECK(claim(f.at(), other_slot(f.slot)).problem() == "not-found");
    for (const char* wrong : {"000", "00000", "zzzz", "000U", "AAAAAAAAAAAAAAAAAAAAAA"})
        CHECK(claim(f.at(), wrong).problem() == "not-found");
}

TEST_CASE("only a member opens a mailbox", "[conformance][pairing]") {
    const relay_under_test f;
    auto device = f.vault();
    CHECK(device.send(device.make("POST", "/v1/pairings", as_bytes("{}"))).status == 413);
    device.key[0] ^= 1;
    CHECK(open(device).status == 401);
}
