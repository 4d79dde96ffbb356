// SPDX-License-Identifier: MIT
// How devices come to a vault and go.
#include "relay_under_test.hpp"

#include <casasync/limits.hpp>
#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/request_signature.hpp>
#include <casasync/openssl/vault_keys.hpp>

#include <boost/json/array.hpp>
#include <casasync_test/catch.hpp>
#include <casasync_test/member_chain.hpp>

using namespace casasync;
using namespace casasync_test;

namespace {

std::vector<bytes> list_of(const bytes& first, const std::vector<bytes>& more = {}) {
    std::vector<bytes> out{first};
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

std::string state_of(const device_client& asked, const device_client& device) {
    const auto body = asked.call("GET", "").json();
    for (const auto& d : body.at("devices").as_array())
        if (d.at("id").as_string() == device.device.text()) return std::string(d.at("state").as_string());
    return {};
}

}  // namespace

TEST_CASE("a device attaches, and with the first one comes the vault", "[conformance][members]") {
    own_relay f;
    const auto a = f.nobody(1, 1);
    const bytes genesis = first_entry(a.self);
    const reply first = a.attach({genesis});
    CHECK(first.status == 201);
    CHECK(first.string("generation").size() == 22);
    CHECK(first.string("device_key").size() == 43);
    CHECK(first.number("head") == 0);
    CHECK(first.number("epoch") == 1);
    CHECK(first.number("members") == 1);

    SECTION("a client that lost the answer gets it again, with or without the list") {
        f.pass(5000);
        for (const auto& entries : {std::vector<bytes>{genesis}, std::vector<bytes>{}}) {
            const reply again = a.attach(entries);
            CHECK(again.status == 200);
            CHECK(again.string("generation") == first.string("generation"));
            CHECK(again.string("device_key") == first.string("device_key"));
        }
    }
    SECTION("later as well, and it hears how far it was") {
        const auto device = f.vault();
        REQUIRE(device.push({device.envelope(1), device.envelope(2)}).status == 201);
        const reply late = a.attach({genesis});
        CHECK(late.status == 200);
        CHECK(late.number("last_seq") == 2);
        CHECK(late.number("head") == 2);
    }
    SECTION("a device that is not in the list does not get in, nor one with the id of another") {
        CHECK(f.nobody(2, 1).attach({}).status == 401);
        auto thief = f.nobody(2, 1);
        thief.device = a.device;
        CHECK(thief.attach({genesis}).status == 401);
    }
    SECTION("two vaults have two generations") {
        const auto b = f.nobody(2, 2);
        CHECK(b.attach({first_entry(b.self)}).string("generation") != first.string("generation"));
    }
}

TEST_CASE("nobody gets a vault's id but by its first entry", "[conformance][members]") {
    const relay_under_test f;
    const auto a = f.nobody(1, 1);
    auto b = f.nobody(2, 1);  // the vault's id is that of a's first entry
    CHECK(b.attach({first_entry(b.self)}).status == 401);
    CHECK(b.attach({}).status == 401);
    CHECK(a.attach({first_entry(a.self)}).status == 201);
    const reply fork = b.attach({first_entry(b.self)});
    CHECK(fork.status == 409);
    CHECK(fork.problem() == "members-fork");
    CHECK(fork.number("index") == 0);
}

TEST_CASE("an attach counts once, for one relay, for five minutes", "[conformance][members]") {
    own_relay f;
    auto a = f.nobody(1, 1);
    const auto entries = list_of(first_entry(a.self));
    auto request = a.attaching(entries);
    REQUIRE(a.send(request).status == 201);
    CHECK(a.send(request).status == 401);  // somebody who saw it gets no key by it
    f.pass(200'000);
    CHECK(a.send(request).status == 401);

    a.created = f.now_s();
    auto elsewhere = a.attaching(entries);
    elsewhere.set("Host", "localhost:1");
    CHECK(a.send(elsewhere).status == 401);
    auto altered = a.attaching(entries);
    altered.body.insert(altered.body.begin() + 1, ' ');
    CHECK(a.send(altered).status == 401);
    auto unsigned_one = a.attaching(entries);
    unsigned_one.remove("Casasync-Attach");
    CHECK(a.send(unsigned_one).problem() == "malformed");

    a.created = f.now_s() - 301;
    const reply late = a.attach(entries);
    CHECK(late.problem() == "clock-skew");
    CHECK(late.number("server_time") == f.now_s());
    a.created = f.now_s() + 300;
    CHECK(a.attach(entries).status == 200);
}

TEST_CASE("attaching needs proper JSON", "[conformance][members]") {
    const relay_under_test f;
    const std::string path = "/v1/vaults/" + id<vault_id>(1).text() + "/attach";
    for (
        const std::string body :
        {"", "{", "[]", "{}", R"({"members":[],"device":1,"created":2,"nonce":3})",
         R"({"members":["*"],"device":"AAAAAAAAAAAAAAAAAAAAAA","created":2,"nonce":"AAAAAAAAAAAAAAAAAAAAAA"})"}) {
        INFO(body);
        const reply r = http_client(f.at()).call("POST", path,
                                                 {{"Host", f.at().authority()},
                                                  {"Content-Type", json_type},
                                                  {"Casasync-Attach", std::string(86, 'A') + "=="}},
                                                 as_bytes(body));
        CHECK(r.status == 400);
        CHECK(r.problem() == "malformed");
    }
    const auto a = f.nobody(1, 1);
    CHECK(a.attach({bytes{1, 2, 3}}).problem() == "malformed");
    bytes altered = first_entry(a.self);
    altered.back() ^= 1;
    CHECK(a.attach({altered}).problem() == "malformed");
}

TEST_CASE("an operator may ask a token of those who create vaults", "[conformance][members]") {
    own_relay f({"--create-token", "open-sesame"});
    const auto a = f.nobody(1, 1);
    const auto with = [&](const std::string& token) {
        auto r = a.attaching({first_entry(a.self)});
        if (!token.empty()) r.set("Authorization", "Bearer " + token);
        return a.send(r).status;
    };
    CHECK(with("") == 401);
    CHECK(with("open-sesam") == 401);
    CHECK(with("open-sesame") == 201);
    CHECK(with("") == 200);  // it is there
}

TEST_CASE("a member adds a device, which attaches", "[conformance][members]") {
    const relay_under_test f;
    const auto a = f.vault();
    auto b = f.nobody(2, 1);
    const bytes entry = add_entry(a.members(), b.self, a.self);
    const reply made = a.post(entry);
    CHECK(made.status == 201);
    CHECK(made.number("index") == 1);
    CHECK(made.field("casasync-members") == "2");
    CHECK(a.post(entry).status == 200);  // the answer was lost
    const reply attached = b.attach({});
    CHECK(attached.status == 200);
    CHECK(attached.number("members") == 2);
    CHECK(attached.string("device_key") != a.attach({}).string("device_key"));
    CHECK(f.enrol(a, 3).call("GET", "").json().at("devices").as_array().size() == 3);
    CHECK(a.call("GET", "/members?after=1").json().at("entries").as_array().size() == 2);
    CHECK(a.call("GET", "/members?after=3").json().at("entries").as_array().empty());
    CHECK(a.call("GET", "/members?after=x").problem() == "malformed");

    CHECK(a.call("POST", "/members", "{}").problem() == "malformed");
    const auto c = f.who(9);
    CHECK(a.post(add_entry(a.members(), f.who(10), c)).problem() == "malformed");  // a stranger's
    const reply behind = a.post(add_entry(member_list{}, c, a.self));
    CHECK(behind.status == 412);
    CHECK(behind.number("members") == 3);
}

TEST_CASE("a relay that lost its data gets the list back from who attaches", "[conformance][members]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    remove(a, f.enrol(a, 3));
    const auto entries = a.members().entries();
    const own_relay wiped;
    auto again = b;
    again.at = wiped.at();
    again.created = wiped.now_s();
    const reply r = again.attach(entries);
    CHECK(r.status == 201);
    CHECK(r.number("members") == 4);
    CHECK(r.number("epoch") == 2);
    const auto gone = nobody(wiped.at(), wiped.now_s(), f.who(3), f.who(1));
    CHECK(gone.attach({}).problem() == "device-revoked");
    const auto other = nobody(wiped.at(), wiped.now_s(), f.who(1), f.who(1));
    CHECK(other.attach({entries[0], entries[1]}).status == 200);  // it knows less
}

TEST_CASE("a vault has at most sixteen devices", "[conformance][members]") {
    const relay_under_test f;
    const auto a = f.vault();
    for (std::uint8_t n = 2; n <= limits::devices_max; ++n) f.enrol(a, n);
    const auto one_more = [&] { return a.post(add_entry(a.members(), f.who(100), a.self)); };
    const reply full = one_more();
    CHECK(full.status == 409);
    CHECK(full.problem() == "device-limit");
    CHECK(full.number("limit") == limits::devices_max);
    remove(a, f.nobody(2, 1));
    CHECK(one_more().status == 201);
}

TEST_CASE("a device that was removed is shut out at once, and may see by whom", "[conformance][members]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    REQUIRE(b.push({b.envelope(1)}).status == 201);
    remove(a, b);

    const reply r = b.call("GET", "");
    CHECK(r.status == 403);
    CHECK(r.problem() == "device-revoked");
    CHECK(r.field("casasync-head") == "1");
    CHECK(b.push({b.envelope(2)}).status == 403);
    CHECK(b.push({b.envelope(2, 256, 1, 0, 2)}).status == 403);
    CHECK(b.pull(0, "").status == 403);
    CHECK(b.attach({}).status == 403);
    CHECK(b.post(add_entry(b.members(), f.who(9), b.self)).status == 403);
    CHECK_FALSE(b.members().is_active(b.device));
    CHECK(state_of(a, b) == "revoked");
    CHECK(a.pull(0, "").status == 200);  // what it had pushed stays

    CHECK(a.post(add_entry(a.members(), b.self, a.self)).problem() == "malformed");  // never again
}

TEST_CASE("a removal says where the streams end, or is made anew", "[conformance][members]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    const bytes early = a.removal({b.device});
    REQUIRE(b.push({b.envelope(1)}).status == 201);
    const reply r = a.post(early);
    CHECK(r.status == 412);
    CHECK(r.problem() == "precondition-failed");
    CHECK(b.call("GET", "").status == 200);
    CHECK(a.post(a.removal({b.device})).status == 201);
}

TEST_CASE("what was sealed under an old key is no longer taken, but for what is there",
          "[conformance][members]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    REQUIRE(b.push({b.envelope(1)}).status == 201);
    REQUIRE(a.post(a.removal({})).status == 201);  // nobody goes: the key alone is new
    CHECK(b.push({b.envelope(1)}).status == 200);
    const reply stale = b.push({b.envelope(2)});
    CHECK(stale.status == 409);
    CHECK(stale.problem() == "stale-epoch");
    CHECK(stale.number("current") == 2);
    CHECK(stale.number("last_seq") == 1);
    CHECK(stale.field("casasync-members") == "3");
    CHECK(b.push({b.envelope(2, 256, 1, 0, 2)}).status == 201);
    CHECK(b.push({b.envelope(3, 256, 1, 0, 3)}).problem() == "stale-epoch");
    CHECK(a.call("GET", "").number("epoch") == 2);
}

TEST_CASE("a recovery kit takes another one's place 72 hours later, by the relay's clock",
          "[conformance][members][clock]") {
    own_relay f;
    auto a = f.vault();
    auto thief = f.enrol(a, 2);
    const auto first = f.who(7), second = f.who(8);
    const std::uint64_t now = f.now_s();
    REQUIRE(a.post(openssl::kit_entry(a.members(), a.self, first.public_keys(), now)).status == 201);
    // Whatever its maker says of when that was.
    const std::uint64_t said = now - 2 * kit_wait_s;
    const bytes kit = openssl::kit_entry(a.members(), thief.self, second.public_keys(), said);
    const auto replaced = [&] { return thief.post(thief.removal({first.id()})); };

    SECTION("that are not shortened by a client that dates it back") {
        REQUIRE(thief.post(kit).status == 201);
        const reply early = replaced();
        CHECK(early.status == 409);
        CHECK(early.problem() == "kit-waits");
        CHECK(early.number("until") == now + kit_wait_s);
        f.pass(static_cast<std::int64_t>(kit_wait_s) * 1000 - 1000);
        thief.created = a.created = f.now_s();
        CHECK(replaced().problem() == "kit-waits");
        f.pass(1000);
        CHECK(replaced().status == 201);
        CHECK_FALSE(a.members().is_active(first.id()));
    }
    SECTION("nor by one that attaches with what it says") {
        member_list list = a.members();
        REQUIRE(list.append(kit, openssl::verifier{}));
        const bytes gone = signed_entry(rotation_entry(list, {first.id()}, 0), thief.self);
        REQUIRE(list.append(gone, openssl::verifier{}));
        REQUIRE(list.entries().size() == 5);
        CHECK(thief.attach(list.entries()).problem() == "kit-waits");
        CHECK(a.members().entries().size() == 4);  // the kit is announced, whatever its maker wanted
        CHECK(thief.attach(list.entries()).problem() == "kit-waits");
        CHECK(a.attach(list.entries()).problem() == "kit-waits");  // it is as new here as the other
        f.pass(static_cast<std::int64_t>(kit_wait_s) * 1000);
        thief.created = a.created = f.now_s();
        CHECK(thief.attach(list.entries()).status == 200);
        CHECK(a.members().entries().size() == 5);
    }
    SECTION("but for a relay that had lost it, as another device that was there for so long tells") {
        f.pass(static_cast<std::int64_t>(kit_wait_s) * 1000 - 1000);
        a.created = thief.created = f.now_s();
        member_list list = a.members();
        REQUIRE(list.append(kit, openssl::verifier{}));
        const bytes gone = signed_entry(rotation_entry(list, {first.id()}, 0), thief.self);
        REQUIRE(list.append(gone, openssl::verifier{}));
        CHECK(thief.attach(list.entries()).problem() == "kit-waits");
        CHECK(a.attach(list.entries()).problem() == "kit-waits");
        f.pass(1000);
        a.created = thief.created = f.now_s();
        CHECK(thief.attach(list.entries()).problem() == "kit-waits");  // who signed it proves nothing
        CHECK(a.attach(list.entries()).status == 200);
        CHECK_FALSE(a.members().is_active(first.id()));
    }
    SECTION("nor by a nonce that is used up before") {
        auto r = thief.attaching({});
        std::string body(r.body.begin(), r.body.end());
        body.replace(body.size() - 24, 22, second.id().text());
        r.body.assign(body.begin(), body.end());
        r.set("Casasync-Attach",
              openssl::to_base64(openssl::sign(
                  thief.self.signing, openssl::attach_text(thief.at.authority(), openssl::sha256(r.body)))));
        REQUIRE(thief.send(r).status == 200);
        REQUIRE(thief.post(kit).status == 201);
        f.pass(700'000);  // nonces are forgotten
        thief.created = f.now_s();
        REQUIRE(thief.attach({}).status == 200);
        CHECK(replaced().problem() == "kit-waits");
    }
    SECTION("and is void with a maker who is removed until then") {
        REQUIRE(thief.post(kit).status == 201);
        CHECK(a.post(a.removal({thief.device, second.id()})).status == 201);
        CHECK(a.members().is_active(first.id()));
        CHECK_FALSE(a.members().is_active(second.id()));
    }
    SECTION("a relay that begins anew takes the list as it is") {
        REQUIRE(thief.post(kit).status == 201);
        f.pass(static_cast<std::int64_t>(kit_wait_s) * 1000);
        thief.created = a.created = f.now_s();
        REQUIRE(replaced().status == 201);
        const auto entries = a.members().entries();
        own_relay other;
        other.set_clock(f.now_ms());
        a.at = other.at();
        CHECK(a.attach(entries).status == 201);
    }
}
