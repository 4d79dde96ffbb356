// SPDX-License-Identifier: MIT
// What two devices tell each other: it fits into a mailbox whatever the names are, and what does not make
// sense is refused.
#include <casasync/agent/link.hpp>

#include <casasync/openssl/pairing_run.hpp>

#include <casasync_test/catch.hpp>

#include "pairing_message.hpp"
#include "push_pace.hpp"

#include <string>

using namespace casasync;

namespace {

bytes bytes_of(const std::string& text) {
    return {text.begin(), text.end()};
}

std::string text_of(const bytes& data) {
    return {data.begin(), data.end()};
}

/// Puts other text in the place of a part of a message.
bytes with(const bytes& message, const std::string& part, const std::string& instead) {
    std::string text = text_of(message);
    const auto at = text.find(part);
    REQUIRE(at != std::string::npos);
    return bytes_of(text.replace(at, part.size(), instead));
}

agent::welcome usual_welcome() {
    agent::welcome out;
    out.vault.octets[0] = 1;
    out.name = "desktop";
    out.vault_name = "home.db";
    out.devices = {"desktop"};
    out.pos = 7;
    return out;
}

}  // namespace

TEST_CASE("names that are too long for a message are cut between two characters", "[agent][pairing]") {
    agent::hello m;
    m.name = std::string(199, 'a') + "\u6f22\u6f22";
    m.platform = "Linux";
    const auto heard = agent::decode_hello(agent::encode(m));
    REQUIRE(heard);
    CHECK(heard->name == std::string(199, 'a'));
    CHECK(heard->platform == "Linux");
    CHECK(heard->device() == m.device());

    agent::welcome w = usual_welcome();
    w.devices = std::vector<std::string>(100, std::string(300, 'd'));
    const bytes sent = agent::encode(w);
    CHECK(sent.size() <= openssl::pairing_message_bytes_max);
    const auto told = agent::decode_welcome(sent);
    REQUIRE(told);
    CHECK(told->devices.size() > 5);
    CHECK(told->devices.size() < 100);
    CHECK(told->devices[0] == std::string(200, 'd'));
}

TEST_CASE("a message of a pairing that makes no sense is refused", "[agent][pairing]") {
    const auto refused = [](const auto& decoded) {
        CHECK_FALSE(decoded);
        if (!decoded) CHECK(decoded.code() == errc::malformed_answer);
    };
    const std::string long_name(201, 'x');
    agent::hello m;
    m.name = "phone";
    m.platform = "Linux";
    const bytes hello = agent::encode(m);
    REQUIRE(agent::decode_hello(hello));
    refused(agent::decode_hello(with(hello, "phone", long_name)));
    refused(agent::decode_hello(with(hello, "Linux", long_name)));
    refused(agent::decode_hello(with(hello, R"("proto":1)", R"("proto":2)")));

    const bytes welcome = agent::encode(usual_welcome());
    REQUIRE(agent::decode_welcome(welcome));
    CHECK(agent::decode_welcome(welcome)->pos == 7);
    refused(agent::decode_welcome(with(welcome, R"("name":"desktop")", R"("name":")" + long_name + '"')));
    refused(agent::decode_welcome(with(welcome, "home.db", long_name)));
    refused(agent::decode_welcome(with(welcome, usual_welcome().vault.text(), vault_id{}.text())));
    refused(agent::decode_welcome(with(welcome, R"(["desktop"])", "5")));
    refused(agent::decode_welcome(with(welcome, R"(["desktop"])", "[5]")));
    refused(agent::decode_welcome(with(welcome, R"("pos":7)", R"("pos":-1)")));
    refused(agent::decode_welcome(with(welcome, R"("pos":7)", R"("pos":"7")")));
    refused(agent::decode_welcome(bytes(std::size_t{3} << 20, ' ')));

    CHECK(*agent::decode_reply(agent::encode_reply(true)));
    CHECK_FALSE(*agent::decode_reply(agent::encode_reply(false)));
    refused(agent::decode_reply(bytes_of(R"({"proto":1,"joined":1})")));
    refused(agent::decode_reply(bytes_of(R"({"proto":1})")));
    refused(agent::decode_reply(bytes_of("[]")));
}

TEST_CASE("a failure that was written down is read again", "[agent]") {
    const error offline{errc::offline, "The relay cannot be reached."};
    const error read = agent::parse_failure(agent::failure_text(offline));
    CHECK(read.code == errc::offline);
    CHECK(read.detail == offline.detail);
    for (const char* const text : {"nothing that has a code", "of_a_newer_casasync: it says why"}) {
        CHECK(agent::parse_failure(text).code == errc::io_failed);
        CHECK(agent::parse_failure(text).detail == text);
    }
}

TEST_CASE("a device without a name is told of once it has one", "[agent]") {
    sqlite::device_info self, named, nameless;
    self.self = true;
    self.name = "this";
    self.id.octets[0] = 1;
    named.id.octets[0] = 2;
    named.name = "phone";
    nameless.id.octets[0] = 3;
    const std::vector before{self, nameless};
    const auto added = agent::devices_added(before, std::vector{self, named, nameless});
    REQUIRE(added.size() == 1);
    CHECK(added[0].name == "phone");
    sqlite::device_info later = nameless;
    later.name = "tablet";
    CHECK(agent::devices_added(before, std::vector{self, later}).size() == 1);
    CHECK(agent::devices_added(std::vector{later}, std::vector{later}).empty());
}

TEST_CASE("writes that do not pause go out all the same", "[agent][pace]") {
    using namespace std::chrono_literals;
    const agent::push_pace::clock::time_point start{};
    agent::push_pace pace({300ms, 1000ms, 0ms}, start);
    CHECK_FALSE(pace.due(start));
    for (auto at = 0ms; at < 1000ms; at += 200ms) {
        pace.wrote(start + at);
        CHECK_FALSE(pace.due(start + at));
    }
    CHECK(pace.due(start + 1000ms));
    pace.sent();
    CHECK_FALSE(pace.due(start + 2000ms));
    pace.wrote(start + 3000ms);
    CHECK_FALSE(pace.due(start + 3299ms));
    CHECK(pace.due(start + 3300ms));
}
