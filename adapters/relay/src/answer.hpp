// SPDX-License-Identifier: MIT
#pragma once

/// What goes back to a client.
#include <casasync/bytes.hpp>

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace casasync::relay {

struct answer {
    unsigned status = 204;
    std::string_view content_type{};  ///< static text; with a body
    bytes body{};
    std::string fields{};                         ///< more header lines, each ended by \r\n
    std::string_view cache_control = "no-store";  ///< static text
    std::string occurrence{};                     ///< of a problem: the id that client and log have in common
};

inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view octets_type = "application/octet-stream";

[[nodiscard]] answer json_answer(unsigned status, const boost::json::object& body);

/// Returns problem+json (RFC 9457) of a type of docs/WIRE.md; `more` are its extension members.
[[nodiscard]] answer problem(unsigned status, std::string_view type, std::string_view detail,
                             boost::json::object more = {});
/// Returns a problem that says no more than its HTTP status does.
[[nodiscard]] answer plain_problem(unsigned status, std::string_view title);

/// 429. \param policy the limit that was reached
[[nodiscard]] answer too_many(std::string_view policy, unsigned wait_s);
[[nodiscard]] answer not_found();
/// 304: the client has it already. \param tag quoted
[[nodiscard]] answer not_modified(const std::string& tag);
/// 503: the queue is full, the disk fails, or the relay stops.
[[nodiscard]] answer unavailable();

}  // namespace casasync::relay
