// SPDX-License-Identifier: MIT
#include "fixtures.hpp"

#include <casasync_test/certificate.hpp>
#include <casasync_test/connect_proxy.hpp>

#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdlib>
#include <memory>
#include <thread>

using namespace fixtures;

namespace {

using casasync_test::connect_proxy;
using casasync_test::tls_files;
using context_ptr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using identity = casasync_test::tls_identity;

/// Serves one TLS connection: answers every request with 204 until the client closes.
class tls_server {
 public:
    explicit tls_server(const identity& as, int newest = TLS1_3_VERSION)
        : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
        SSL_CTX_set_max_proto_version(context_.get(), newest);
        SSL_CTX_use_certificate(context_.get(), as.certificate.get());
        SSL_CTX_use_PrivateKey(context_.get(), as.key.get());
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::listen(listener_, 1) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            std::abort();
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    tls_server(const tls_server&) = delete;
    tls_server& operator=(const tls_server&) = delete;
    ~tls_server() { join(); }

    void join() {
        if (thread_.joinable()) thread_.join();
    }
    [[nodiscard]] std::string authority(const char* host) const {
        return host + (":" + std::to_string(port_));
    }

    int requests = 0;     ///< after join()
    std::string named{};  ///< the server name the client asked for; after join()

 private:
    void serve() {
        const int socket = ::accept(listener_, nullptr, nullptr);
        ::close(listener_);
        const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), SSL_free);
        SSL_set_fd(ssl.get(), socket);
        if (SSL_accept(ssl.get()) == 1) {
            if (const char* name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name)) named = name;
            answer(ssl.get());
        }
        ::close(socket);
    }

    void answer(SSL* ssl) {
        const std::string reply = http_reply(204, relay_fields, "");
        std::string text;
        std::array<char, 4096> buffer{};
        for (int n = 0; (n = SSL_read(ssl, buffer.data(), buffer.size())) > 0;) {
            text.append(buffer.data(), static_cast<std::size_t>(n));
            if (!text.ends_with("}")) continue;  // requests here end with a JSON body
            text.clear();
            ++requests;
            SSL_write(ssl, reply.data(), static_cast<int>(reply.size()));
        }
    }

    context_ptr context_;
    int listener_ = -1;
    unsigned short port_ = 0;
    std::thread thread_;
};

beast::client secure_client(const std::string& url, const std::string& ca_file,
                            const std::string& proxy = {}) {
    beast::client_options options;
    options.relay = at(url);
    options.relay.ca_file = ca_file;
    options.relay.proxy = proxy;
    options.vault = vault;
    options.device = device;
    options.device_key = device_key();
    return beast::client::make(options).value();
}

const identity& relay_identity() {
    static const identity one;
    return one;
}

}  // namespace

TEST_CASE("calls go over TLS to a relay whose certificate is trusted and names it", "[beast][tls]") {
    const tls_files ca(relay_identity());
    tls_server server(relay_identity());
    {
        auto c = secure_client("https://" + server.authority("localhost"), ca.certificate());
        for (std::uint64_t i = 1; i <= 3; ++i) CHECK(code(c.acknowledge(i)) == errc{});
    }
    server.join();
    CHECK(server.requests == 3);
    CHECK(server.named == "localhost");
}

TEST_CASE("a certificate that is not trusted, or names another host, ends the call", "[beast][tls]") {
    const tls_files ca(relay_identity());
    const auto refused = [](tls_server& server, const char* host, const std::string& ca_file) {
        const auto r = secure_client("https://" + server.authority(host), ca_file).acknowledge(1);
        server.join();
        CHECK(server.requests == 0);
        REQUIRE(code(r) == errc::wrong_relay);
        CHECK(r.failure().detail.find("certificate") != std::string::npos);
    };
    tls_server untrusted(relay_identity());
    refused(untrusted, "localhost", {});
    tls_server misnamed(relay_identity());
    refused(misnamed, "127.0.0.1", ca.certificate());
    const identity other;
    tls_server impostor(other);
    refused(impostor, "localhost", ca.certificate());
}

TEST_CASE("a server without TLS is no relay at an https URL", "[beast][tls]") {
    scripted_server plain({{{"HTTP/1.1 400 Bad Request\r\n\r\n", exchange::after::hold, false}}});
    CHECK(code(secure_client("https" + plain.url().substr(4), {}).acknowledge(1)) == errc::wrong_relay);
}

TEST_CASE("a relay that speaks nothing newer than TLS 1.2 is none", "[beast][tls]") {
    const tls_files ca(relay_identity());
    tls_server server(relay_identity(), TLS1_2_VERSION);
    const auto r = secure_client("https://" + server.authority("localhost"), ca.certificate()).acknowledge(1);
    server.join();
    CHECK(server.requests == 0);
    REQUIRE(code(r) == errc::wrong_relay);
    CHECK(r.failure().detail.find("TLS 1.3") != std::string::npos);
}

TEST_CASE("a missing file of authorities is named", "[beast][tls]") {
    const tls_files ca(relay_identity());
    scripted_server server({{{"", exchange::after::hold, false}}});
    const auto r =
        secure_client("https" + server.url().substr(4), ca.certificate() + ".missing").acknowledge(1);
    CHECK(code(r) == errc::io_failed);
    CHECK(r.failure().detail.find("ca.pem.missing") != std::string::npos);
}

TEST_CASE("a relay is reached through a proxy, which sees its name and nothing else", "[beast][tls][proxy]") {
    const tls_files ca(relay_identity());
    tls_server server(relay_identity());
    connect_proxy proxy("HTTP/1.1 200 Connection established\r\n\r\n");
    const std::string authority = server.authority("localhost");
    {
        auto c = secure_client("https://" + authority, ca.certificate(), proxy.url("me:open%20sesame@"));
        for (std::uint64_t i = 1; i <= 3; ++i) CHECK(code(c.acknowledge(i)) == errc{});
    }
    server.join();
    proxy.join();
    CHECK(server.requests == 3);
    CHECK(server.named == "localhost");
    CHECK(proxy.asked.starts_with("CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n"));
    CHECK(field_of(proxy.asked, "Proxy-Authorization") == "Basic bWU6b3BlbiBzZXNhbWU=");
}

TEST_CASE("a proxy that does not let through is named", "[beast][proxy]") {
    const auto said = [](const std::string& reply) {
        connect_proxy proxy(reply);
        const auto r = secure_client("https://localhost:1", {}, proxy.url()).acknowledge(1);
        CHECK(code(r) == errc::offline);
        CHECK(r.failure().detail.find(proxy.url()) != std::string::npos);
        return r.failure().detail;
    };
    const auto has = [](const std::string& text, const char* part) {
        return text.find(part) != std::string::npos;
    };
    CHECK(has(said("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n\r\nwho?"),
              "name and password"));
    CHECK(has(said("HTTP/1.1 403 Forbidden\r\n\r\n"), "HTTP 403"));
    CHECK(has(said("SSH-2.0-x\r\n\r\n"), "makes no sense"));
    CHECK(has(said("HTTP/1.1 204 Fine\r\n\r\nand more"), "refuses"));
    CHECK(has(said(""), "makes no sense"));
    const auto r = secure_client("https://localhost:1", {}, "http://127.0.0.1:1").acknowledge(1);
    CHECK(code(r) == errc::offline);
}
