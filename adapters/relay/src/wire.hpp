// SPDX-License-Identifier: MIT
#pragma once

/// A client's bytes, with TLS around them where the relay has a certificate. Included by http.cpp alone.
#include "certificate.hpp"
#include "http_message.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace casasync::relay {

using tcp = asio::ip::tcp;

/// One read and one write at a time. It has to live until the last handler was called.
class wire {
 public:
    using done = std::function<void(const error_code&, std::size_t)>;
    using buffers = std::array<asio::const_buffer, 2>;

    wire(tcp::socket socket, const certificate::context& secret) : socket_(std::move(socket)) {
        if (!secret) return;
        SSL_CTX_up_ref(secret.get());
        asio::ssl::context owner(secret.get());  // gives that reference back
        tls_.emplace(socket_, owner);
    }

    [[nodiscard]] bool is_secret() const noexcept { return tls_.has_value(); }

    /// Makes the connection secret. Somebody who does not speak TLS is left unanswered, in clear: then
    /// is_secret() is false afterwards.
    void shake_hands(done then) {
        socket_.async_wait(tcp::socket::wait_read, [this, then = std::move(then)](error_code ec) mutable {
            if (!ec && !begins_as_tls(ec) && !ec) tls_.reset();
            if (ec || !tls_) return then(ec, 0);
            tls_->async_handshake(asio::ssl::stream_base::server,
                                  [then = std::move(then)](const error_code& failed) { then(failed, 0); });
        });
    }

    void read(const asio::mutable_buffer& to, done then) {
        tls_ ? tls_->async_read_some(to, std::move(then)) : socket_.async_read_some(to, std::move(then));
    }

    void write(const buffers& all, done then) {
        tls_ ? asio::async_write(*tls_, all, std::move(then))
             : asio::async_write(socket_, all, std::move(then));
    }

    /// Says that nothing follows, and drops what still comes: a close with unread input would reset the
    /// connection, and the client might never see the answer. `then` is called when the client has closed.
    void finish(std::function<void()> then) {
        if (!tls_) return stop_sending(std::move(then));
        tls_->async_shutdown(
            [this, then = std::move(then)](const error_code&) mutable { stop_sending(std::move(then)); });
    }

    void close() {
        error_code ignored;
        socket_.close(ignored);
    }

 private:
    /// The first byte of a TLS record that begins a handshake. The socket is readable.
    bool begins_as_tls(error_code& ec) {
        std::array<unsigned char, 1> first{};
        socket_.receive(asio::buffer(first), tcp::socket::message_peek, ec);
        return first[0] == 0x16;
    }

    void stop_sending(std::function<void()> then) {
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        drop(std::move(then));
    }

    void drop(std::function<void()> then) {
        socket_.async_read_some(asio::buffer(dropped_),
                                [this, then = std::move(then)](const error_code& ec, std::size_t n) mutable {
                                    to_drop_ -= std::min(n, to_drop_);
                                    ec || to_drop_ == 0 ? then() : drop(std::move(then));
                                });
    }

    tcp::socket socket_;
    std::optional<asio::ssl::stream<tcp::socket&>> tls_{};
    std::array<char, 4096> dropped_{};
    std::size_t to_drop_ = std::size_t{16} << 20;  ///< more than any request; nobody sends on without end
};

}  // namespace casasync::relay
