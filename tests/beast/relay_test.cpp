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
        {{{info_reply(
             R"({"proto":[1,2],"limits":{},"time":1795338685,"features":["longpoll","ws"],"x":1})")}},
         {{info_reply(R"({"proto":[1],"time":1795338685})")}}});
    const auto info = beast::probe(at(server.url()));
    REQUIRE(code(info) == errc{});
    CHECK(info->time == 1795338685000);
    CHECK(info->long_poll);
    CHECK(info->live);
    const auto plain = beast::probe(at(server.url())).value();
    CHECK_FALSE(plain.long_poll);
    CHECK_FALSE(plain.live);
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

namespace {

const std::string attached_body = R"({"device_key":")" + key_text + R"(","key_ver":1,"members":2})";

openssl::device_identity some_identity() {
    openssl::device_identity out;
    out.signing.fill(5);
    return out;
}

/// Tells whether a request to attach is signed by the device for the relay that got it.
bool attaches(const std::string& request, const openssl::device_identity& who) {
    const auto text =
        openssl::attach_text(field_of(request, "Host"), openssl::sha256(as_bytes(body_of(request))));
    const auto given = openssl::from_base64(field_of(request, "Casasync-Attach"));
    signature512 s{};
    if (!given || given->size() != s.size()) return false;
    std::copy(given->begin(), given->end(), s.begin());
    return openssl::is_signed(who.public_keys().signing, text, s);
}

std::string member_of(const std::string& request, const std::string& name) {
    const std::string body = body_of(request);
    const std::size_t at = body.find("\"" + name + "\":") + name.size() + 3;
    return body.substr(at, body.find_first_of(",}", at) - at);
}

}  // namespace

TEST_CASE("a device attaches, with and without a list and a token", "[beast][relay]") {
    const auto self = some_identity();
    scripted_server server({{{json_reply(201, attached_body)}}, {{json_reply(200, attached_body)}}});
    const auto in = beast::attach(at(server.url()), vault, self, {{1, 2}, {3}}, "s3cret");
    REQUIRE(code(in) == errc{});
    CHECK(in->device_key == device_key());
    CHECK(in->key_version == 1);
    CHECK(code(beast::attach(at(server.url()), vault, self, {})) == errc{});
    const auto requests = server.requests();
    CHECK(line_of(requests[0]) == "POST /v1/vaults/" + vault.text() + "/attach");
    CHECK(
        body_of(requests[0]).starts_with(R"({"members":["AQI","Aw"],"device":")" + self.id().text() + "\""));
    CHECK(body_of(requests[1]).starts_with(R"({"members":[],)"));
    CHECK(member_of(requests[0], "nonce").size() == 24);
    CHECK(member_of(requests[0], "nonce") != member_of(requests[1], "nonce"));
    CHECK(field_of(requests[0], "Content-Type") == "application/json");
    CHECK(field_of(requests[0], "Authorization") == "Bearer s3cret");
    CHECK(field_of(requests[1], "Authorization").empty());
    for (const auto& request : requests) CHECK(attaches(request, self));
    CHECK(beast::attach(at(server.url()), vault, self, {}, "a\r\nb").code() == errc::invalid_argument);
}

TEST_CASE("a device with a wrong clock attaches by the relay's", "[beast][relay]") {
    const auto self = some_identity();
    scripted_server server({{{problem_reply(401, "clock-skew", R"(,"server_time":1795338000)")}},
                            {{json_reply(200, attached_body)}}});
    CHECK(code(beast::attach(at(server.url()), vault, self, {})) == errc{});
    CHECK(member_of(server.requests()[1], "created") == "1795338000");
    CHECK(attaches(server.requests()[1], self));
}

TEST_CASE("a device does not attach by a wrong answer", "[beast][relay]") {
    const std::pair<std::string, errc> cases[] = {
        {problem_reply(401, "unauthenticated"), errc::unauthenticated},
        {problem_reply(403, "device-revoked"), errc::device_revoked},
        {problem_reply(409, "members-fork"), errc::members_fork},
        {json_reply(201, R"({"device_key":"AAAA","key_ver":1})"), errc::malformed_answer},
        {json_reply(201, R"({"device_key":")" + key_text + R"(","key_ver":0})"), errc::malformed_answer},
        {json_reply(201, R"({"device_key":")" + key_text + R"("})"), errc::malformed_answer},
        {json_reply(201, R"({"key_ver":1})"), errc::malformed_answer},
        {http_reply(201, "Content-Type: text/plain\r\n", "made"), errc::wrong_relay},
    };
    for (const auto& [reply, expected] : cases) {
        CAPTURE(reply);
        scripted_server server({{{reply}}});
        CHECK(code(beast::attach(at(server.url()), vault, some_identity(), {})) == expected);
    }
    scripted_server server({{{problem_reply(401, "unauthenticated")}}});
    const auto refused = beast::attach(at(server.url()), vault, some_identity(), {{1}});
    CHECK(refused.failure().detail.find("token") != std::string::npos);
}
