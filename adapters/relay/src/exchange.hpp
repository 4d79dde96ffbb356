// SPDX-License-Identifier: MIT
#pragma once

/// One request and the way to answer it: what the HTTP side and the routes know of each other.
#include "answer.hpp"
#include "hub.hpp"
#include "log_rows.hpp"
#include "target.hpp"

#include <casasync/bytes.hpp>
#include <casasync/envelope.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace casasync::relay {

enum class verb : std::uint8_t { get, put, post, del, other };

/// A client's address, as far as it is counted: IPv4 whole, IPv6 its /64.
struct peer {
    std::array<std::uint8_t, 16> block{};
    bool loopback = false;
};

/// The head of a request and, once it is complete, its body. Views live as long as the exchange is
/// unanswered.
struct request {
    verb method = verb::other;
    std::string_view method_text{};
    std::string_view target{};
    std::string_view host{};
    std::string_view content_type{};
    std::string_view content_digest{};
    std::string_view content_encoding{};
    std::string_view authorization{};
    std::string_view ack{};
    std::string_view client{};  ///< Casasync-Client
    std::string_view signature_input{};
    std::string_view signature{};
    std::string_view attach{};  ///< Casasync-Attach
    std::string_view if_none_match{};
    std::string_view range{};
    std::string_view if_range{};
    std::string_view connection{};
    std::string_view upgrade{};
    std::string_view websocket_key{};
    std::string_view websocket_version{};
    std::string_view websocket_protocol{};
    bool has_body = false;
    peer from{};
    bytes body{};
    digest256 body_hash{};  ///< SHA-256 of the body, made while it came in
};

struct route;

/// What a live channel sees of its vault.
struct live_view {
    std::uint64_t head = 0;
    generation_id generation{};
    bool revoked = false;  ///< its device is no member any more
};

/// What a live channel tells of.
struct live_terms {
    topic vault{};
    topic device{};
    std::function<std::optional<live_view>()> look{};  ///< nothing: it cannot be read at the moment
};

/// Thread rule: everything but send() belongs to the thread of the connection.
class exchange : public std::enable_shared_from_this<exchange> {
 public:
    virtual ~exchange() = default;

    request in{};
    target where{};
    const route* to = nullptr;    ///< set once the request was admitted
    std::optional<member> who{};  ///< of a signed request; its head is kept up to date for the answer
    std::uint64_t ack = 0;        ///< of a signed request: its Casasync-Ack
    std::array<std::uint8_t, 16> nonce{};  ///< of a signed request
    std::string rate{};                    ///< header lines of the limit that counted it

    /// Answers; the first call counts. From any thread.
    virtual void send(answer out) = 0;

    /// Returns an answer when there is one; with `last` there must be.
    using look = std::function<std::optional<answer>(bool last)>;
    /// Looks now, after each commit that concerns `what`, and for the last time when `time` is up or the
    /// relay stops; answers with the first thing that is found. Takes no thread.
    virtual void watch(const topic& what, std::chrono::seconds time, look look_again) = 0;

    /// Answers, and goes on as a live channel.
    virtual void go_live(answer accepted, live_terms terms) = 0;
};

using exchange_ptr = std::shared_ptr<exchange>;

/// What answers requests. Each thread that runs connections has its own.
class service {
 public:
    virtual ~service() = default;

    /// What the relay does with a request of which only the head is there.
    struct admission {
        std::optional<answer> refused{};
        std::size_t body_bytes_max = 0;
    };
    [[nodiscard]] virtual admission admit(exchange& x) = 0;
    /// Sees to it that a complete request is answered, now or later.
    virtual void handle(const exchange_ptr& x) = 0;
    /// Hears of each answer before it is sent.
    virtual void answered(const exchange&, unsigned /*status*/, std::size_t /*bytes_out*/,
                          std::chrono::microseconds /*took*/) {}
};

}  // namespace casasync::relay
