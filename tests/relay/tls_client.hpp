// SPDX-License-Identifier: MIT
#pragma once

/// A TLS client that trusts everybody, and looks at what it is shown.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace casasync_test {

class tls_client {
 public:
    /// \param version       the newest that it speaks
    /// \param protocols  of ALPN, as on the wire; empty: none
    explicit tls_client(std::uint16_t port, int version = TLS1_3_VERSION, std::string_view protocols = {})
        : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        const timeval patience{30, 0};  // a test fails rather than hangs
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
            throw std::runtime_error("cannot connect to the relay");
        SSL_CTX_set_max_proto_version(context_.get(), version);
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_fd(ssl_.get(), fd_);
        SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
        connected_ = SSL_connect(ssl_.get()) == 1;
    }
    tls_client(const tls_client&) = delete;
    tls_client& operator=(const tls_client&) = delete;
    ~tls_client() {
        ssl_.reset();
        ::close(fd_);
    }

    [[nodiscard]] bool connected() const { return connected_; }
    [[nodiscard]] std::string version() const { return SSL_get_version(ssl_.get()); }
    /// Returns the protocol that ALPN chose.
    [[nodiscard]] std::string protocol() const {
        const unsigned char* name = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(ssl_.get(), &name, &size);
        return {reinterpret_cast<const char*>(name), size};
    }
    /// Tells whether the server's key is this one.
    [[nodiscard]] bool sees(const EVP_PKEY* key) const {
        const X509* const shown = SSL_get0_peer_certificate(ssl_.get());
        return shown != nullptr && EVP_PKEY_eq(X509_get0_pubkey(shown), key) == 1;
    }
    void send(std::string_view text) { SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())); }
    /// Returns what comes until the other side ends, and whether it said so before it closed.
    [[nodiscard]] std::pair<std::string, bool> read_to_end() {
        std::string out;
        std::array<char, 4096> some{};
        for (int n = 0; (n = SSL_read(ssl_.get(), some.data(), some.size())) > 0;)
            out.append(some.data(), static_cast<std::size_t>(n));
        return {out, (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0};
    }
    /// Sends a request for /healthz. Returns whether it is answered well.
    [[nodiscard]] bool is_served() {
        send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        std::string out;
        std::array<char, 4096> some{};
        for (int n = 0; !out.ends_with('}') && (n = SSL_read(ssl_.get(), some.data(), some.size())) > 0;)
            out.append(some.data(), static_cast<std::size_t>(n));
        return out.starts_with("HTTP/1.1 200 OK");
    }

 private:
    int fd_;
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_client_method()),
                                                               SSL_CTX_free};
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
    bool connected_ = false;
};

}  // namespace casasync_test
