// SPDX-License-Identifier: MIT
// A vault is deleted by one of its devices, and brought back by its recovery kit.
#include "relay_under_test.hpp"

#include <casasync/openssl/vault_deletion.hpp>
#include <casasync/openssl/vault_keys.hpp>
#include <casasync/page.hpp>

#include <casasync_test/catch.hpp>
#include <casasync_test/member_chain.hpp>

#include <algorithm>

using namespace casasync;
using namespace casasync_test;

namespace {

constexpr std::int64_t month_ms = 30LL * 24 * 3600 * 1000;

std::string json_of(const openssl::vault_deletion& word) {
    return R"({"created":)" + std::to_string(word.created) + R"(,"nonce":")" + to_base64url(word.nonce) +
           R"(","signature":")" + to_base64url(word.signature) + R"("})";
}

openssl::vault_deletion word_of(const device_client& d) {
    return openssl::delete_vault(d.self, d.at.authority(), d.vault, d.created);
}

/// Returns who deleted the vault, as a refusal says.
openssl::vault_deletion word_in(const reply& r) {
    const auto body = r.json();
    const auto& said = body.at("deletion").as_object();
    const auto text = [&said](const char* key) { return std::string(said.at(key).as_string()); };
    openssl::vault_deletion out{device_id::parse(text("device")).value(),
                                said.at("created").to_number<std::uint64_t>(),
                                mailbox_id::parse(text("nonce")).value().octets,
                                {}};
    const auto signature = from_base64url(text("signature")).value();
    REQUIRE(signature.size() == out.signature.size());
    std::copy(signature.begin(), signature.end(), out.signature.begin());
    return out;
}

/// A vault of two devices and a kit, with one changeset.
struct deletable {
    own_relay f{};
    device_client a = f.vault(), b = f.enrol(a, 2);
    device_client kit = f.nobody(7, 1);

    deletable() {
        REQUIRE(a.post(openssl::kit_entry(a.members(), a.self, kit.self.public_keys(), f.now_s())).status ==
                201);
        REQUIRE(b.push({b.envelope(1)}).status == 201);
    }
};

}  // namespace

TEST_CASE("a deleted vault answers its devices who deleted it, and nothing else", "[conformance][deletion]") {
    deletable h;
    const auto members = h.b.members();
    const auto word = word_of(h.a);
    const reply done = h.a.call("DELETE", "", json_of(word));
    CHECK(done.status == 202);
    CHECK(done.number("purge_at") == h.f.now_s() + 30 * 24 * 3600);
    CHECK(h.a.call("DELETE", "", json_of(word)).number("purge_at") ==
          done.number("purge_at"));  // answer lost
    for (const reply& r :
         {h.b.call("GET", ""), h.b.pull(0, ""), h.b.push({h.b.envelope(2)}), h.b.attach({}),
          h.b.call("GET", "/snapshots/latest"), h.a.call("DELETE", "", json_of(word_of(h.a)))}) {
        CHECK(r.status == 410);
        CHECK(r.problem() == "vault-deleted");
        CHECK(r.number("purge_at") == done.number("purge_at"));
        CHECK(word_in(r) == word);
        CHECK(openssl::holds(word_in(r), h.b.at.authority(), members));
    }
    CHECK(h.b.members() == members);  // to see who that is
    auto stranger = h.b;
    stranger.key[0] ^= 1;
    CHECK(stranger.call("GET", "").status == 401);
}

TEST_CASE("a wait ends when the vault is deleted", "[conformance][deletion]") {
    deletable h;
    const std::string log = log_text(decode_page(h.a.pull(0, "").body, 0)->log);
    const auto poll = h.b.make("GET", h.b.base() + "/changesets?after=1&wait=25&log=" + log);
    std::string text = poll.method + " " + poll.target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : poll.fields) text += name + ": " + value + "\r\n";
    http_client waiting(h.f.at());
    waiting.send(text + "\r\n");
    REQUIRE(h.a.call("DELETE", "", json_of(word_of(h.a))).status == 202);
    CHECK(waiting.receive().problem() == "vault-deleted");
}

TEST_CASE("only a device's own word for this relay and vault deletes it", "[conformance][deletion]") {
    deletable h;
    const auto refused = [&](const openssl::vault_deletion& word) {
        const reply r = h.a.call("DELETE", "", json_of(word));
        CHECK(r.status == 400);
        CHECK(r.problem() == "malformed");
    };
    refused(word_of(h.b));
    refused(openssl::delete_vault(h.a.self, "other.example", h.a.vault, h.a.created));
    refused(openssl::delete_vault(h.a.self, h.a.at.authority(), id<vault_id>(9), h.a.created));
    auto altered = word_of(h.a);
    altered.created += 1;
    refused(altered);
    CHECK(h.a.call("DELETE", "", "{}").problem() == "malformed");
    CHECK(h.a.call("DELETE", "").status == 415);
    for (const std::int64_t off : {-301, 301}) {
        const auto created = static_cast<std::uint64_t>(static_cast<std::int64_t>(h.a.created) + off);
        const auto word = openssl::delete_vault(h.a.self, h.a.at.authority(), h.a.vault, created);
        CHECK(h.a.call("DELETE", "", json_of(word)).problem() == "clock-skew");
    }
    CHECK(h.b.call("GET", "").status == 200);
}

TEST_CASE("the recovery kit brings a deleted vault back for 30 days", "[conformance][deletion]") {
    deletable h;
    const bool late = GENERATE(false, true);
    const auto word = word_of(h.a);
    REQUIRE(h.a.call("DELETE", "", json_of(word)).status == 202);
    h.f.restart();
    h.a.at = h.b.at = h.kit.at = h.f.at();
    h.f.pass(month_ms - (late ? 0 : 1000));
    h.a.created = h.b.created = h.kit.created = h.f.now_s();
    h.f.tidy();
    CHECK(h.a.attach({}).problem() == "vault-deleted");
    const reply back = h.kit.attach({});
    CHECK(h.kit.attach({}).status == (late ? 410 : 200));
    if (late) {
        CHECK(back.problem() == "vault-deleted");
        CHECK(h.b.call("GET", "").problem() == "vault-deleted");  // however late a device comes
        CHECK(h.f.vault(3).call("GET", "").status == 200);
        return;
    }
    CHECK(back.status == 200);
    CHECK(h.a.call("GET", "").number("head") == 1);
    CHECK(decode_page(h.a.pull(0, "").body, 0)->records.at(0).envelope == h.b.envelope(1));
    CHECK(h.b.push({h.b.envelope(2)}).status == 201);
    CHECK(h.a.call("DELETE", "", json_of(word_of(h.a))).status == 202);  // and may be deleted again
}

TEST_CASE("a client that is too old is told so", "[conformance][client]") {
    own_relay f({"--min-client", "2"});
    const auto a = f.nobody(1, 1);
    auto request = a.attaching({first_entry(a.self)});
    for (const std::string says : {"", "casasync/0.1; proto=1", "app/9.9"}) {
        if (!says.empty()) request.set("Casasync-Client", says);
        const reply r = a.send(request);
        CHECK(r.status == 426);
        CHECK(r.problem() == "client-too-old");
        CHECK(r.field("casasync-min-client") == "2");
    }
    CHECK(f.call("GET", "/v1/info").number("min_client") == 2);
    CHECK(f.call("GET", "/healthz").status == 200);
    request.set("Casasync-Client", "casasync/0.2; proto=2");
    CHECK(a.send(request).status == 201);
}
