// SPDX-License-Identifier: MIT
#include "fixtures.hpp"

#include <future>

using namespace fixtures;

namespace {

const mailbox_id box = id_of<mailbox_id>(0x66);
const auto slot = *openssl::pairing_slot::parse("7KQ2");
const std::string box_path = "/v1/mailboxes/" + box.text();
using side = beast::mailbox::side;

std::string opened_body(const std::string& token, const std::string& expires) {
    return R"({"slot":"7KQ2","mailbox_id":")" + box.text() + R"(","side_token":")" + token +
           R"(","expires_at":)" + expires + "}";
}
std::string opened_reply(unsigned status, const std::string& body = opened_body("Tok_en-1", "1795339285")) {
    return http_reply(status, "Content-Type: application/json\r\n", body);
}
std::string message_reply(const std::string& body) {
    return http_reply(200, "Content-Type: application/octet-stream\r\n", body);
}
const std::string done = http_reply(204, "", "");

}  // namespace

TEST_CASE("two devices leave messages for each other", "[beast][mailbox]") {
    scripted_server old_side({{{opened_reply(201)}}, {{done}, {done}, {message_reply("from b")}, {done}}});
    auto c = client_at(old_side.url());
    auto opened = c.open_mailbox();
    REQUIRE(code(opened) == errc{});
    { auto closed = std::move(c); }  // so that the server goes on to the mailbox's own connection
    CHECK(opened->expires_at() == 1795339285);
    CHECK(opened->slot() == slot);
    CHECK(opened->id() == box);
    CHECK(code(opened->put(0, as_bytes("from a"))) == errc{});
    CHECK_FALSE(opened->get(side::new_device, 0, 20).value().has_value());
    CHECK(opened->get(side::new_device, 0, 0).value() == bytes{'f', 'r', 'o', 'm', ' ', 'b'});
    CHECK(code(opened->remove()) == errc{});
    const auto requests = old_side.requests();
    CHECK(line_of(requests[0]) == "POST /v1/pairings");
    CHECK(body_of(requests[0]).empty());
    CHECK(is_signed(requests[0]));
    CHECK(line_of(requests[1]) == "PUT " + box_path + "/a/0");
    CHECK(body_of(requests[1]) == "from a");
    CHECK(line_of(requests[2]) == "GET " + box_path + "/b/0?wait=20");
    CHECK(line_of(requests[3]) == "GET " + box_path + "/b/0");
    CHECK(line_of(requests[4]) == "DELETE " + box_path);
    for (std::size_t i = 1; i < requests.size(); ++i) {
        CHECK(field_of(requests[i], "Authorization") == "Bearer Tok_en-1");
        CHECK(field_of(requests[i], "Signature").empty());
    }

    scripted_server new_side({{{opened_reply(200)}}, {{done}}});
    auto claimed = beast::claim_mailbox(at(new_side.url()), slot);
    REQUIRE(code(claimed) == errc{});
    CHECK(code(claimed->put(0, as_bytes("from b"))) == errc{});
    CHECK(line_of(new_side.requests()[0]) == "POST /v1/pairings/7KQ2/claim");
    CHECK(field_of(new_side.requests()[0], "Content-Length") == "0");
    CHECK(line_of(new_side.requests()[1]) == "PUT " + box_path + "/b/0");
}

TEST_CASE("a code that is wrong, used or expired is told apart", "[beast][mailbox]") {
    const std::pair<std::string, errc> cases[] = {
        {problem_reply(404, "not-found"), errc::pairing_wrong_code},
        {problem_reply(409, "crowded"), errc::pairing_used},
        {problem_reply(410, "pairing-expired"), errc::pairing_expired},
        {problem_reply(429, "slow", "", "Retry-After: 5\r\n"), errc::too_many_requests},
        {http_reply(404, "Content-Type: text/html\r\n", "nothing here"), errc::wrong_relay},
        {http_reply(200, "Content-Type: text/html\r\n", "welcome"), errc::wrong_relay},
        {opened_reply(200, opened_body("a b", "5")), errc::malformed_answer},
        {opened_reply(200, opened_body(R"(a\r\nX: y)", "5")), errc::malformed_answer},
        {opened_reply(200, opened_body("", "5")), errc::malformed_answer},
        {opened_reply(200, opened_body("a", R"("5")")), errc::malformed_answer},
        {opened_reply(200, R"({"side_token":"a","expires_at":5})"), errc::malformed_answer},
        {opened_reply(200, "{}"), errc::malformed_answer},
    };
    for (const auto& [reply, expected] : cases) {
        CAPTURE(reply);
        scripted_server server({{{reply}}});
        CHECK(code(beast::claim_mailbox(at(server.url()), slot)) == expected);
    }
}

TEST_CASE("a pairing without a slot that can be typed is no answer", "[beast][mailbox]") {
    for (const std::string wrong : {"", "7KQ", "7KQ22", "7kq2", "7KQU", "../.."}) {
        CAPTURE(wrong);
        std::string body = opened_body("a", "5");
        body.replace(body.find("7KQ2"), 4, wrong);
        scripted_server server({{{opened_reply(201, body)}}});
        auto c = client_at(server.url());
        CHECK(code(c.open_mailbox()) == errc::malformed_answer);
    }
}

TEST_CASE("a mailbox that is gone or disturbed ends the pairing", "[beast][mailbox]") {
    scripted_server server({{{opened_reply(200)}},
                            {{problem_reply(404, "not-found")},
                             {problem_reply(412, "precondition-failed")},
                             {problem_reply(409, "crowded")},
                             {message_reply("")},
                             {message_reply(std::string(4097, 'x'))},
                             {json_reply(200, "{}")},
                             {problem_reply(404, "not-found")}}});
    auto m = beast::claim_mailbox(at(server.url()), slot).value();
    CHECK(code(m.put(0, as_bytes("x"))) == errc::pairing_expired);
    CHECK(code(m.put(0, as_bytes("x"))) == errc::pairing_used);
    CHECK(code(m.get(side::old_device, 0, 0)) == errc::pairing_used);
    CHECK(code(m.get(side::old_device, 0, 0)) == errc::malformed_answer);
    CHECK(code(m.get(side::old_device, 0, 0)) == errc::malformed_answer);
    CHECK(code(m.get(side::old_device, 0, 0)) == errc::wrong_relay);
    CHECK(code(m.remove()) == errc{});
    CHECK(code(m.put(8, as_bytes("x"))) == errc::invalid_argument);
    CHECK(code(m.get(side::old_device, 8, 0)) == errc::invalid_argument);
    CHECK(code(m.put(0, {})) == errc::invalid_argument);
    CHECK(code(m.put(0, bytes(4097, 1))) == errc::limit_exceeded);
}

TEST_CASE("waiting for the other device can be stopped", "[beast][mailbox]") {
    scripted_server server({{{opened_reply(200)}}, {{"", exchange::after::hold}}});
    auto m = beast::claim_mailbox(at(server.url()), slot).value();
    auto waiting = std::async(std::launch::async, [&] { return code(m.get(side::old_device, 0, 25)); });
    server.wait_for_requests(2);
    m.cancel();
    CHECK(waiting.get() == errc::canceled);
}
