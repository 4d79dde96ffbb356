// SPDX-License-Identifier: MIT
#include <casasync/agent/pairing_link.hpp>
#include <casasync/agent/recovery_link.hpp>

#include <casasync_test/catch.hpp>

#include <string>

using namespace casasync;
using agent::pairing_link;

namespace {

pairing_link sample() {
    pairing_link out{"https://relay.example:8443", *openssl::pairing_slot::parse("7KQ2"), {}, {}};
    out.mailbox.octets.fill(0xab);
    out.key.fill(0x17);
    return out;
}

}  // namespace

TEST_CASE("a link reads back as it is written", "[agent][pairing]") {
    CHECK(sample().text() ==
          "casasync://pair/1#r=https://relay.example:8443&s=7KQ2&m=q6urq6urq6urq6urq6urqw&k="
          "FxcXFxcXFxcXFxcXFxcXFw");
    CHECK(pairing_link::parse(sample().text()).value() == sample());
    CHECK(sample().secret().how == openssl::pairing_secret::kind::scanned);
    pairing_link local = sample();
    local.relay = "http://[::1]:8080";
    CHECK(pairing_link::parse(local.text()).value() == local);
    CHECK(agent::looks_like_link(local.text()));
    CHECK_FALSE(agent::looks_like_link("7KQ2-M4ZP-9TX"));
}

TEST_CASE("a link that is damaged, altered or of another version is refused whole", "[agent][pairing]") {
    const std::string good = sample().text();
    for (std::size_t size = 0; size < good.size(); ++size)
        if (pairing_link::parse(good.substr(0, size)).ok()) FAIL(good.substr(0, size));
    const auto replaced = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        return text.replace(text.find(from), from.size(), to);
    };
    const std::string wrong[] = {good + "&",
                                 good + "&x=1",
                                 good + " ",
                                 " " + good,
                                 replaced("casasync:", "CASASYNC:"),
                                 replaced("pair/1", "pair/2"),
                                 replaced("pair/1", "join/1"),
                                 replaced("#", "?"),
                                 replaced("s=7KQ2", "s=7kq2"),
                                 replaced("s=7KQ2", "s=7KQ2&s=7KQ2"),
                                 replaced("&s=7KQ2", ""),
                                 replaced("qw&k", "qx&k"),  // bits that no id has
                                 replaced("FxcX", "Fxc%58"),
                                 replaced("https://", "http://"),  // in the clear, to another machine
                                 replaced("https://", "ftp://"),
                                 replaced("relay.example:8443", "relay.example:8443/"),
                                 replaced("relay.example:8443", "Relay.Example:8443"),
                                 replaced("relay.example:8443", "user@relay.example"),
                                 replaced("relay.example:8443", std::string(3000, 'a')),
                                 replaced("7KQ2", std::string("7K\0Q", 4))};
    for (const std::string& text : wrong) {
        CAPTURE(text);
        const auto parsed = pairing_link::parse(text);
        REQUIRE_FALSE(parsed.ok());
        CHECK(parsed.code() == errc::malformed_text);
        CHECK_FALSE(parsed.failure().detail.empty());
    }
}

TEST_CASE("a recovery kit reads back as it is written, and nothing else is one", "[agent][members]") {
    agent::recovery_link kit{"https://relay.example", {}, {}};
    kit.vault.octets.fill(0xab);
    kit.secret.fill(0x17);
    const std::string good =
        "casasync://recover/1#r=https://relay.example&v=q6urq6urq6urq6urq6urqw&k=FxcXFxcXFxcXFxcXFxcXFw";
    CHECK(kit.text() == good);
    CHECK(agent::recovery_link::parse(good).value() == kit);
    for (std::size_t size = 0; size < good.size(); ++size)
        if (agent::recovery_link::parse(good.substr(0, size)).ok()) FAIL(good.substr(0, size));
    const auto replaced = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        return text.replace(text.find(from), from.size(), to);
    };
    for (const std::string& text :
         {good + "&", good + "\n", " " + good, sample().text(), replaced("recover/1", "recover/2"),
          replaced("recover/1", "pair/1"), replaced("&v=q6ur", "&v=q6u"), replaced("qw&k", "qx&k"),
          replaced("FxcX", "Fxc%58"), replaced("https://", "http://"),
          replaced("relay.example", "Relay.example"), replaced("relay.example", "relay.example/x"),
          replaced("relay.example", std::string(3000, 'a')), replaced("&k=", "&k=AAAA"),
          replaced("&v=", "&v=&v=")}) {
        CAPTURE(text);
        const auto parsed = agent::recovery_link::parse(text);
        REQUIRE_FALSE(parsed.ok());
        CHECK(parsed.code() == errc::malformed_text);
        CHECK_FALSE(parsed.failure().detail.empty());
    }
}
