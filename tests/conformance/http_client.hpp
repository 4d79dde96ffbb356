// SPDX-License-Identifier: MIT
#pragma once

/// A blocking HTTP client without manners: it sends what it is told, byte by byte if need be.
#include <casasync/bytes.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace casasync_test {

/// Where a relay is.
struct endpoint {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;

    endpoint() = default;
    endpoint(std::uint16_t of_this_machine) : port(of_this_machine) {}
    endpoint(std::string name, std::uint16_t number) : host(std::move(name)), port(number) {}
    /// What the Host header says.
    [[nodiscard]] std::string authority() const {
        return port == 80 ? host : host + ":" + std::to_string(port);
    }
};

struct reply {
    unsigned status = 0;                          ///< 0: the connection was closed without an answer
    std::map<std::string, std::string> fields{};  ///< names in lower case
    casasync::bytes body{};

    [[nodiscard]] std::string field(const std::string& lower_name) const;
    [[nodiscard]] std::string text() const { return {body.begin(), body.end()}; }
    /// Returns the JSON object in the body; an empty one if there is none.
    [[nodiscard]] boost::json::object json() const;
    [[nodiscard]] std::uint64_t number(std::string_view key) const;
    [[nodiscard]] std::string string(std::string_view key) const;
    /// Returns "seq-gap" of "urn:casasync:problem:seq-gap"; empty if it is no problem of ours.
    [[nodiscard]] std::string problem() const;
};

using header_fields = std::vector<std::pair<std::string, std::string>>;

class http_client {
 public:
    explicit http_client(const endpoint& at);
    http_client(http_client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    http_client(const http_client&) = delete;
    ~http_client();

    /// Sends bytes as they are. False: the other side does not take them.
    bool send(std::string_view text);
    /// Reads one answer.
    [[nodiscard]] reply receive();
    /// Reads an answer to a request whose answer has no body.
    [[nodiscard]] reply receive_head();
    /// Tells whether the other side has closed and nothing is left to read; waits for it.
    [[nodiscard]] bool is_closed();
    /// Returns what has come or comes next, as it is; nothing at the end.
    [[nodiscard]] std::string receive_some();
    /// Sends a request and reads the answer. Content-Length is added if there is a body.
    [[nodiscard]] reply call(std::string_view method, std::string_view target, const header_fields& fields,
                             casasync::bytes_view body = {});

 private:
    /// Appends what comes to rest_. False at the end.
    bool read_more();

    int fd_ = -1;
    std::string rest_{};  ///< read, but not yet used
};

}  // namespace casasync_test
