// SPDX-License-Identifier: MIT
#pragma once

/// What of HTTP needs Boost and no socket. Included by http.cpp alone, as connection.hpp is: Beast is slow to
/// compile.
#include "client_address.hpp"
#include "exchange.hpp"

#include <casasync/openssl/hash.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/beast/http/parser.hpp>

#include <chrono>

namespace casasync::relay {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::milliseconds;

inline constexpr std::size_t slow_bytes_per_s = std::size_t{32} << 10;

/// A body that is hashed while it comes in, and received into one piece of memory.
struct hashed_body {
    struct value_type {
        bytes data{};
        openssl::sha256_stream hash{};
    };

    class reader {
     public:
        template <bool is_request, class Fields>
        reader(http::header<is_request, Fields>&, value_type& to) : to_(to) {}
        /// The length is within the route's limit: the connection has checked it.
        void init(const boost::optional<std::uint64_t>& length, error_code& ec) {
            ec = {};
            if (length) to_.data.reserve(static_cast<std::size_t>(*length));
        }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, error_code& ec) {
            ec = {};
            std::size_t taken = 0;
            for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers);
                 ++it) {
                const asio::const_buffer piece(*it);
                const bytes_view view(static_cast<const std::uint8_t*>(piece.data()), piece.size());
                to_.data.insert(to_.data.end(), view.begin(), view.end());
                to_.hash.update(view);
                taken += view.size();
            }
            return taken;
        }
        void finish(error_code& ec) { ec = {}; }

     private:
        value_type& to_;
    };
};

inline verb verb_of(http::verb v) noexcept {
    switch (v) {
        case http::verb::get:
            return verb::get;
        case http::verb::put:
            return verb::put;
        case http::verb::post:
            return verb::post;
        case http::verb::delete_:
            return verb::del;
        default:
            return verb::other;
    }
}

inline ip_address octets_of(const asio::ip::address& address) {
    const auto v6 =
        address.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()) : address.to_v6();
    return v6.to_bytes();
}

/// How long a transfer of `size` bytes may take.
inline milliseconds patience_for(milliseconds base, std::uint64_t size) {
    return base + std::chrono::seconds(size / slow_bytes_per_s);
}

inline answer refusal_of(const error_code& ec) {
    if (ec == http::error::header_limit) return plain_problem(431, "Request Header Fields Too Large");
    if (ec == http::error::body_limit)
        return problem(413, "too-large", "The body is larger than this route takes.");
    return problem(400, "malformed", "The request is not proper HTTP/1.1.");
}

}  // namespace casasync::relay
