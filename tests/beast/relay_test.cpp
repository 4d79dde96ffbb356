// SPDX-License-Identifier: MIT
#include "fixtures.hpp"

using namespace fixtures;

namespace {
const std::string key_text = to_base64url(device_key());
std::string info_reply(const std::string& body) {
    return http_reply(200, "Content-Type: application/json; charset=utf-8\r\n", body);
}
}  // namespace

TEST_CASE("a relay is recognised", "[beast][relay]") {
    scripted_server server(
        {{{info_reply(R"({"proto":[1,2],"limits":{},"time":1795338685,"features":["longpoll"],"x":1})")}},
         {{info_reply(R"({"proto":[1],"time":1795338685})")}}});
    const auto info = beast::probe(at(server.url()));
    REQUIRE(code(info) == errc{});
    CHECK(info->time == 1795338685000);
    CHECK(info->long_poll);
    CHECK_FALSE(beast::probe(at(server.url())).value().long_poll);
    CHECK(line_of(server.requests()[0]) == "GET /v1/info");
    CHECK(field_of(server.requests()[0], "Host") == server.url().substr(7));
}

TEST_CASE("something else than a relay is told as such", "[beast][relay]") {
    const std::string replies[] = {
        http_reply(200, "Content-Type: text/html\r\n", "<html>Welcome</html>"),
        http_reply(404, "Content-Type: text/html\r\n", "not here"),
        http_reply(302, "Location: http://elsewhere/\r\n", ""),
        http_reply(401, "WWW-Authenticate: Basic\r\n", ""),
        http_reply(204, "", ""),
        info_reply("[]"),
        info_reply("{"),
        info_reply(""),
        info_reply(R"({"proto":[1]})"),
        info_reply(R"({"proto":1,"time":5})"),
        info_reply(R"({"proto":[2],"time":5})"),
        info_reply(R"({"proto":[1],"time":-5})"),
        info_reply(R"({"proto":[1],"time":5.5})"),
        info_reply(R"({"proto":[1],"time":9007199254740992})"),
        info_reply(R"({"proto":[1],"time":5,"x":)" + std::string(20, '[') + std::string(20, ']') + "}"),
        "SSH-2.0-OpenSSH_9.2\r\n",
        "220 mail.example ESMTP\r\n",
        std::string("\x15\x03\x01\x00\x02\x02\x50", 7),
        "HTTP/1.1 200 OK\r\nX: " + std::string(20000, 'a') + "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 100 Continue\r\n\r\n",
    };
    for (const std::string& reply : replies) {
        CAPTURE(reply.substr(0, 100));
        scripted_server server({{{reply, exchange::after::close}}});
        const auto info = beast::probe(at(server.url()));
        CHECK(code(info) == errc::wrong_relay);
        CHECK((info.ok() || info.failure().detail.find(server.url()) != std::string::npos));
    }
}

TEST_CASE("a vault is made, with and without a token", "[beast][relay]") {
    const std::string body =
        R"({"generation":"AQEBAQEBAQEBAQEBAQEBAQ","device_key":")" + key_text + R"(","head":0,"floor":0})";
    scripted_server server({{{json_reply(201, body)}}, {{json_reply(200, body)}}});
    const auto made = beast::create_vault(at(server.url()), vault, device);
    REQUIRE(code(made) == errc{});
    CHECK(made->device_key == device_key());
    CHECK(made->generation == id_of<generation_id>(1));
    CHECK(code(beast::create_vault(at(server.url()), vault, device, "s3cret")) == errc{});
    const auto requests = server.requests();
    CHECK(line_of(requests[0]) == "POST /v1/vaults");
    CHECK(body_of(requests[0]) ==
          R"({"vault":")" + vault.text() + R"(","device":")" + device.text() + R"("})");
    CHECK(field_of(requests[0], "Content-Type") == "application/json");
    CHECK(field_of(requests[0], "Authorization").empty());
    CHECK(field_of(requests[1], "Authorization") == "Bearer s3cret");
    CHECK(beast::create_vault(at(server.url()), vault, device, "a\r\nb").code() == errc::invalid_argument);
}

TEST_CASE("a vault is not made from a wrong answer", "[beast][relay]") {
    const std::pair<std::string, errc> cases[] = {
        {problem_reply(401, "unauthenticated"), errc::unauthenticated},
        {problem_reply(409, "already-exists"), errc::already_exists},
        {json_reply(201, R"({"generation":"AQEBAQEBAQEBAQEBAQEBAQ","device_key":"AAAA","head":0,"floor":0})"),
         errc::malformed_answer},
        {json_reply(201, R"({"generation":"short","device_key":")" + key_text + R"(","head":0,"floor":0})"),
         errc::malformed_answer},
        {json_reply(201, R"({"device_key":")" + key_text + R"("})"), errc::malformed_answer},
        {http_reply(201, "Content-Type: text/plain\r\n", "made"), errc::wrong_relay},
    };
    for (const auto& [reply, expected] : cases) {
        CAPTURE(reply);
        scripted_server server({{{reply}}});
        CHECK(code(beast::create_vault(at(server.url()), vault, device)) == expected);
    }
}
