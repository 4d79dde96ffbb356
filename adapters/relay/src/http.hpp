// SPDX-License-Identifier: MIT
#pragma once

/// HTTP/1.1 without its Boost: sockets, threads and deadlines. A connection lives on one thread from its
/// first byte to its last, so it needs no locks; requests of one connection are answered one after the other.
#include "entrance.hpp"
#include "exchange.hpp"
#include "hub.hpp"

#include <casasync/relay/server.hpp>
#include <casasync/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace casasync::relay {

class http_server {
 public:
    /// Makes what answers the requests of one thread.
    using make_service = std::function<std::unique_ptr<service>()>;

    /// Accepts connections from now on. \errors relay_unavailable when the address cannot be listened at
    [[nodiscard]] static result<std::unique_ptr<http_server>> start(const server_options& options,
                                                                    entrance door, hub& listeners,
                                                                    const make_service& make);
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;
    ~http_server();  // NOLINT(bugprone-exception-escape): what is thrown here is a lack of memory

    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] std::size_t connections() const noexcept;
    /// Stops accepting and ends the threads, once what is under way is answered or 10 s are over.
    void stop();

 private:
    struct state;
    explicit http_server(std::unique_ptr<state> s) noexcept;

    std::unique_ptr<state> state_;
};

}  // namespace casasync::relay
