// SPDX-License-Identifier: MIT
#include "relay_under_test.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/request_signature.hpp>

#include <casasync_test/catch.hpp>
#include <casasync_test/member_chain.hpp>
#include <casasync_test/spoiled.hpp>

using namespace casasync;
using namespace casasync_test;

namespace {

const std::string host = "Host: " + relay_under_test().at().authority() + "\r\n";
/// A route that takes JSON and needs no signature in the head.
const std::string attach_path = "/v1/vaults/AAAAAAAAAAAAAAAAAAAAAA/attach";

reply say(const endpoint& at, const std::string& text) {
    http_client client(at);
    client.send(text);
    return client.receive();
}

}  // namespace

TEST_CASE("a request that others could read differently is refused", "[conformance][http]") {
    const relay_under_test f;
    const std::string post =
        "POST " + attach_path + " HTTP/1.1\r\n" + host + "Content-Type: application/json\r\n";
    const std::vector<std::string> bad = {
        post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        post + "Content-Length: 2, 2\r\n\r\n{}",
        post + "Content-Length: -1\r\n\r\n",
        post + "Content-Length: 99999999999999999999\r\n\r\n",
        post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: identity\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "POST " + attach_path + " HTTP/1.0\r\n" + host +
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /v1/info HTTP/1.1\r\n\r\n",
        "GET /v1/info HTTP/1.1\r\n" + host + host + "\r\n",
        "GET /v1/info HTTP/1.1\r\n" + host + "Name : value\r\n\r\n",
        "GET /v1/info HTTP/1.1\n" + host + "\n\r\n\r\n",
        "GET /v1/info HTTP/2.0\r\n" + host + "\r\n",
        "GET  /v1/info HTTP/1.1\r\n" + host + "\r\n",
        "\x16\x03\x01\x02\r\n\r\n",
    };
    for (const auto& text : bad) {
        INFO(text);
        http_client client(f.at());
        client.send(text);
        const reply r = client.receive();
        CHECK(r.status == 400);
        CHECK(r.problem() == "malformed");
        CHECK(r.field("connection") == "close");
        CHECK(client.is_closed());  // nothing after it is taken for a request
    }
}

TEST_CASE("a field that decides something must not come twice", "[conformance][http]") {
    const relay_under_test f;
    const auto a = f.vault();
    for (const std::string name :
         {"Signature", "Signature-Input", "Casasync-Ack", "Content-Digest", "Content-Type", "Host"}) {
        INFO(name);
        auto r = a.make("POST", a.base() + "/changesets", a.envelope(1), envelopes_type);
        for (const auto& field : r.fields) {
            if (field.first != name) continue;
            r.fields.push_back(field);
            break;
        }
        CHECK(a.send(r).status == 400);
    }
}

TEST_CASE("a target holds nothing that is normalised on the way", "[conformance][http]") {
    const relay_under_test f;
    for (const std::string target : {"/v1//info", "/v1/%69nfo", "/v1/../v1/info", "/v1/./info", "/v1/info?",
                                     "/v1/info?a=b?c=d", "/v1/info#top", "/v1/info;a", "/v1/info/", "*",
                                     "http://localhost/v1/info", "v1/info", "/v1/info?a=1&", "/v1/info?=1"}) {
        INFO(target);
        const reply r = say(f.at(), "GET " + target + " HTTP/1.1\r\n" + host + "\r\n");
        CHECK(r.status == 400);
        CHECK(r.problem() == "malformed");
    }
    const std::string longest = "/v1/" + std::string(2044, 'a');
    CHECK(say(f.at(), "GET " + longest + " HTTP/1.1\r\n" + host + "\r\n").status == 404);
    CHECK(say(f.at(), "GET " + longest + "a HTTP/1.1\r\n" + host + "\r\n").status == 400);
}

TEST_CASE("unknown paths and methods", "[conformance][http]") {
    const relay_under_test f;
    for (const std::string target :
         {"/", "/v1", "/v1/nothing", "/v2/info", "/v1/vaults/a/b/c/d/e/f", "/V1/info"}) {
        INFO(target);
        const reply r = say(f.at(), "GET " + target + " HTTP/1.1\r\n" + host + "\r\n");
        CHECK(r.status == 404);
        CHECK(r.problem() == "not-found");
    }
    for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"}) {
        INFO(method);
        CHECK(say(f.at(), method + " /v1/info HTTP/1.1\r\n" + host + "\r\n").status == 405);
    }
    http_client client(f.at());
    client.send("HEAD /v1/info HTTP/1.1\r\n" + host + "\r\n");
    CHECK(client.receive_head().status == 405);
    CHECK(client.call("GET", "/v1/info", {{"Host", f.at().authority()}}).status ==
          200);  // no body came before
}

TEST_CASE("a header larger than 16 KiB is refused", "[conformance][http]") {
    const relay_under_test f;
    const std::string start = "GET /v1/info HTTP/1.1\r\n" + host;
    CHECK(say(f.at(), start + "Padding: " + std::string(15'000, 'x') + "\r\n\r\n").status == 200);
    CHECK(say(f.at(), start + "Padding: " + std::string(17'000, 'x') + "\r\n\r\n").status == 431);
    CHECK(say(f.at(), start + "Padding: " + std::string(200'000, 'x')).status == 431);
    CHECK(say(f.at(), "GET /" + std::string(200'000, 'x')).status == 431);
}

TEST_CASE("a header without end is cut off", "[conformance][http]") {
    const relay_under_test f;
    http_client client(f.at());
    REQUIRE(client.send("GET /v1/info HTTP/1.1\r\n" + host + "Padding: "));
    const std::string piece(std::size_t{1} << 20, 'x');
    std::size_t sent = 0;
    while (sent < 2048 && client.send(piece)) ++sent;  // up to 2 GiB
    CHECK(sent < 256);
}

TEST_CASE("chunk extensions and trailers do not grow without end", "[conformance][http]") {
    const relay_under_test f;
    const std::string head = "POST " + attach_path + " HTTP/1.1\r\n" + host +
                             "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    CHECK(say(f.at(), head + "2;" + std::string(200'000, 'x')).status == 431);
    CHECK(say(f.at(), head + "2\r\n{}\r\n0\r\nTrailer: " + std::string(200'000, 'x')).status == 431);
    CHECK(say(f.at(), head + "2\r\n{}\r\n0\r\nHost: evil\r\n\r\n").problem() ==
          "malformed");  // {} is no list
}

TEST_CASE("a body above the route's limit is refused before it is read", "[conformance][http]") {
    const relay_under_test f;
    const std::string head =
        "POST " + attach_path + " HTTP/1.1\r\n" + host + "Content-Type: application/json\r\n";
    const reply r = say(f.at(), head + "Content-Length: 400000\r\n\r\n");
    CHECK(r.status == 413);
    CHECK(r.problem() == "too-large");
    CHECK(say(f.at(), head + "Transfer-Encoding: chunked\r\n\r\n61A80\r\n").status == 413);
    CHECK(say(f.at(), "GET /v1/info HTTP/1.1\r\n" + host + "Content-Length: 1\r\n\r\nx").status == 413);
    const auto a = f.vault();
    CHECK(a.call("POST", "/changesets", bytes(4 * 1024 * 1024 + 1), envelopes_type).status == 413);
}

TEST_CASE("a stranger's body is not read", "[conformance][http]") {
    const relay_under_test f;
    const auto a = f.vault();
    CHECK(
        say(f.at(), "POST " + a.base() + "/changesets HTTP/1.1\r\n" + host +
                        "Content-Type: application/vnd.casasync.envelopes\r\nContent-Length: 4000000\r\n\r\n")
            .status == 401);
}

TEST_CASE("a compressed body is refused", "[conformance][http]") {
    const relay_under_test f;
    const reply r = say(f.at(), "POST " + attach_path + " HTTP/1.1\r\n" + host +
                                    "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"
                                    "Content-Length: 2\r\n\r\n{}");
    CHECK(r.status == 415);
    CHECK(r.problem() == "unsupported-media");
}

TEST_CASE("a client that asks whether to go on is told so, or refused", "[conformance][http]") {
    const relay_under_test f;
    const auto a = f.vault();
    const bytes body = a.envelope(1);
    const auto request = a.make("POST", a.base() + "/changesets", body, envelopes_type);
    std::string head = "POST " + request.target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : request.fields) head += name + ": " + value + "\r\n";
    head += "Content-Length: " + std::to_string(body.size()) + "\r\n";

    http_client client(f.at());
    client.send(head + "Expect: 100-continue\r\n\r\n");
    CHECK(client.receive_head().status == 100);
    client.send(std::string(body.begin(), body.end()));
    CHECK(client.receive().status == 201);

    CHECK(say(f.at(), head + "Expect: more\r\n\r\n").status == 417);
    CHECK(say(f.at(),
              "POST " + attach_path + " HTTP/1.1\r\n" + host +
                  "Content-Type: application/json\r\nContent-Length: 999999\r\nExpect: 100-continue\r\n\r\n")
              .status == 413);
}

TEST_CASE("requests of one connection are answered in their order", "[conformance][http]") {
    const relay_under_test f;
    http_client client(f.at());
    const std::string info = "GET /v1/info HTTP/1.1\r\n" + host + "\r\n";
    client.send(info + "GET /v1/nothing HTTP/1.1\r\n" + host + "\r\n" + info);
    CHECK(client.receive().status == 200);
    CHECK(client.receive().status == 404);
    CHECK(client.receive().status == 200);
    client.send("GET /v1/info HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n");
    const reply last = client.receive();
    CHECK(last.status == 200);
    CHECK(last.field("connection") == "close");
    CHECK(client.is_closed());
}

TEST_CASE("a request may come byte by byte, or in chunks", "[conformance][http]") {
    const relay_under_test f;
    const auto request = f.nobody(3, 3).attaching({first_entry(f.who(3))});
    std::string text = "POST " + request.target + " HTTP/1.1\r\nTransfer-Encoding: chunked\r\n";
    for (const auto& [name, value] : request.fields) text += name + ": " + value + "\r\n";
    text += "\r\n";
    for (const std::uint8_t c : request.body) text += std::string("1\r\n") + static_cast<char>(c) + "\r\n";
    text += "0\r\n\r\n";
    http_client client(f.at());
    for (const char c : text) client.send(std::string(1, c));
    CHECK(client.receive().status == 201);
}

TEST_CASE("random bytes do no harm", "[conformance][http]") {
    const relay_under_test f;
    std::uint64_t seed = 42;
    for (int round = 0; round < 200; ++round) {
        std::string text = round % 2 == 0 ? "" : "POST " + attach_path + " HTTP/1.1\r\n" + host;
        for (int i = 0; i < 100; ++i) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            text += static_cast<char>(seed >> 56);
        }
        http_client client(f.at());
        client.send(text + "\r\n\r\n");
        const unsigned status = client.receive().status;
        INFO(round);
        CHECK(status >= 400);
        CHECK(status < 500);
    }
    CHECK(say(f.at(), "GET /v1/info HTTP/1.1\r\n" + host + "\r\n").status == 200);
}

TEST_CASE("a body that lacks a member, or has one of another type, is refused and changes nothing",
          "[conformance][http]") {
    own_relay f;
    const device_client a = f.vault();
    const auto text = [](const std::string& id) { return '"' + id + '"'; };
    const auto refused = [&](const std::string& method, const std::string& path, const json_parts& right) {
        for (const std::string& wrong : spoiled(right)) {
            INFO(method << " " << path << " " << wrong);
            const reply answer = a.call(method, path, std::string_view(wrong));
            CHECK(answer.status >= 400);
            CHECK(answer.status < 500);
        }
    };
    refused("POST", "/snapshots",
            {{"snapshot_id", text(id<snapshot_id>(9).text())},
             {"pos", "0"},
             {"size", "100"},
             {"part_size", "100"}});
    refused("POST", "/members", {{"entry", text(to_base64url(bytes(300, 0x55)))}});
    refused("PUT", "/devices/" + a.device.text() + "/ack", {{"pos", "0"}});
    refused("DELETE", "",
            {{"created", std::to_string(a.created)},
             {"nonce", text(id<mailbox_id>(9).text())},
             {"signature", text(to_base64url(bytes(64, 0x55)))}});
    CHECK(a.call("GET", "").status == 200);
    CHECK(a.call("GET", "/snapshots/latest").status == 404);

    device_client b = f.nobody(2, 1);
    const json_parts attach{{"members", "[]"},
                            {"device", text(b.device.text())},
                            {"created", std::to_string(b.created)},
                            {"nonce", text(id<mailbox_id>(9).text())}};
    for (const std::string& wrong : spoiled(attach)) {
        INFO(wrong);
        signed_request r = b.attaching({});
        r.body.assign(wrong.begin(), wrong.end());
        r.set("Casasync-Attach",
              openssl::to_base64(openssl::sign(
                  b.self.signing, openssl::attach_text(b.at.authority(), openssl::sha256(as_bytes(wrong))))));
        const reply answer = b.send(r);
        CHECK(answer.status >= 400);
        CHECK(answer.status < 500);
    }
}
