// SPDX-License-Identifier: MIT
#include "fixtures.hpp"
#include "snapshot_upload.hpp"
#include "tls_client.hpp"

#include <casasync/beast/client.hpp>
#include <casasync/beast/relay.hpp>
#include <casasync/openssl/hash.hpp>

#include <casasync_test/catch.hpp>
#include <casasync_test/certificate.hpp>
#include <casasync_test/connect_proxy.hpp>
#include <casasync_test/member_chain.hpp>

#include <chrono>
#include <fstream>
#include <thread>

using namespace casasync;
using namespace casasync_test;

namespace {

const tls_identity& own_identity() {
    static const tls_identity one;
    return one;
}

/// A relay with a certificate for "localhost".
struct secret_relay : relay_fixture {
    tls_files files{own_identity()};

    secret_relay() {
        options.tls_certificate = files.certificate();
        options.tls_key = files.key();
    }
    [[nodiscard]] beast::endpoint endpoint() const {
        beast::endpoint out;
        out.url = "https://localhost:" + std::to_string(port());
        out.ca_file = files.certificate();
        out.proxy = "";
        return out;
    }
};

}  // namespace

TEST_CASE("a device attaches, pushes and pulls over TLS", "[relay][tls]") {
    secret_relay f;
    f.start();
    CHECK(f.server->address() == "https://127.0.0.1:" + std::to_string(f.port()));
    const auto device = nobody(f.port(), f.now_s(), 1, 1);
    const auto attached = beast::attach(f.endpoint(), device.vault, device.self, {first_entry(device.self)});
    REQUIRE(attached);
    auto client = beast::client::make(
        {f.endpoint(), device.vault, device.device, attached->device_key, attached->key_version});
    REQUIRE(client);
    const bytes large = device.envelope(1, 900'000);  // many TLS records
    REQUIRE(client->push(std::vector<bytes>{large}));
    const auto page = client->pull({});
    REQUIRE(page);
    CHECK(page->records.at(0).digest == openssl::sha256(large));
    const snapshot_info snapshot{id<snapshot_id>(1), 1, large.size(), manifest_of(device)};
    REQUIRE(client->begin_snapshot(snapshot));
    REQUIRE(client->write_snapshot(snapshot, 0, large));
    REQUIRE(client->complete_snapshot(snapshot));
    const auto content = client->read_snapshot(snapshot, 0, 1U << 20);
    REQUIRE(content);
    CHECK(*content == large);
    REQUIRE(client->open_live());
    CHECK(client->next_hint().value().head == 1);
    beast::endpoint stranger = f.endpoint();
    stranger.ca_file.clear();
    CHECK(beast::probe(stranger).code() == errc::wrong_relay);
}

TEST_CASE("a live channel goes through a proxy", "[relay][tls][live][proxy]") {
    secret_relay f;
    f.now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count();  // as the client's: it asks once
    f.start();
    const auto device = nobody(f.port(), f.now_s(), 1, 1);
    const auto attached = beast::attach(f.endpoint(), device.vault, device.self, {first_entry(device.self)});
    REQUIRE(attached);
    beast::client_options options{f.endpoint(), device.vault, device.device, attached->device_key,
                                  attached->key_version};
    auto pushing = beast::client::make(options).value();
    connect_proxy proxy("HTTP/1.1 200 Connection established\r\n\r\n");
    options.relay.proxy = proxy.url();
    {
        auto listening = beast::client::make(options).value();
        REQUIRE(listening.open_live());
        CHECK(listening.next_hint().value().head == 0);
        bool pushed = false;
        std::thread later([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(300));
            pushed = pushing.push(std::vector<bytes>{device.envelope(1)}).ok();
        });
        CHECK(listening.next_hint().value().head == 1);
        later.join();
        CHECK(pushed);
        std::thread stopping([&] { f.server->stop(); });
        CHECK(listening.next_hint().code() == errc::relay_unavailable);
        CHECK(listening.retry_after_s() == 1);
        stopping.join();
    }
    proxy.join();
    CHECK(proxy.asked.starts_with("CONNECT localhost:" + std::to_string(f.port()) + " "));
}

TEST_CASE("nothing older than TLS 1.3 is spoken, and HTTP/1.1 in it", "[relay][tls]") {
    secret_relay f;
    f.start();
    tls_client newest(f.port());
    CHECK(newest.version() == "TLSv1.3");
    CHECK(newest.is_served());
    CHECK_FALSE(tls_client(f.port(), TLS1_2_VERSION).connected());
    tls_client modern(f.port(), TLS1_3_VERSION, "\x02h2\x08http/1.1");
    CHECK(modern.protocol() == "http/1.1");
    CHECK(modern.is_served());
    CHECK_FALSE(tls_client(f.port(), TLS1_3_VERSION, "\x02h2").connected());
}

TEST_CASE("an answer that ends the connection says that nothing was cut off", "[relay][tls]") {
    secret_relay f;
    f.start();
    tls_client client(f.port());
    client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const auto [text, ended] = client.read_to_end();
    CHECK(text.ends_with("{\"status\":\"ok\"}"));
    CHECK(ended);
    tls_client refused(f.port());
    refused.send("nonsense\r\n\r\nmore of it");
    const auto [problem, said] = refused.read_to_end();
    CHECK(problem.starts_with("HTTP/1.1 400 "));
    CHECK(said);
}

TEST_CASE("whoever does not speak TLS at its port hears so", "[relay][tls]") {
    secret_relay f;
    f.start();
    {
        http_client plain(f.port());
        plain.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        const reply r = plain.receive();
        CHECK(r.status == 400);
        CHECK(r.string("title").find("TLS") != std::string::npos);
        CHECK(plain.is_closed());
        http_client garbage(f.port());
        garbage.send("\x16 that is no handshake, and longer than the head of a record");
        CHECK(garbage.receive().status == 0);
        CHECK(tls_client(f.port()).is_served());
    }
    f.options.patience.head = std::chrono::milliseconds(200);
    f.restart();
    http_client slow(f.port());
    slow.send("\x16\x03\x01");
    CHECK(slow.is_closed());
    http_client silent(f.port());
    CHECK(silent.is_closed());
}

TEST_CASE("a connection that is one too many hears so over TLS", "[relay][tls]") {
    secret_relay f;
    f.options.connections_max = 1;
    f.start();
    tls_client first(f.port());
    REQUIRE(first.is_served());
    tls_client second(f.port());
    CHECK(second.read_to_end().first.starts_with("HTTP/1.1 503 "));
    CHECK(first.is_served());
}

TEST_CASE("another certificate is taken without a stop", "[relay][tls]") {
    secret_relay f;
    f.start();
    tls_client before(f.port());
    CHECK(before.sees(own_identity().key.get()));
    const tls_identity renewed;
    f.files.write(renewed);
    REQUIRE(f.server->reload_certificate());
    tls_client after(f.port());
    CHECK(after.sees(renewed.key.get()));
    CHECK(after.is_served());
    CHECK(before.is_served());
    std::ofstream(f.files.key()) << "no key";
    CHECK(f.server->reload_certificate().code() == errc::io_failed);
    CHECK(tls_client(f.port()).sees(renewed.key.get()));
}

TEST_CASE("a certificate that cannot be used is a reason not to start", "[relay][tls]") {
    secret_relay f;
    const auto start = [&] { return relay::server::start(f.options).code(); };
    const tls_identity other;
    const tls_files others(other);
    f.options.tls_key = others.key();
    CHECK(start() == errc::invalid_argument);
    f.options.tls_key.clear();
    CHECK(start() == errc::invalid_argument);
    f.options.tls_key = f.files.key() + ".missing";
    CHECK(start() == errc::io_failed);
    f.options.tls_certificate = f.files.key();
    CHECK(start() == errc::io_failed);
}
