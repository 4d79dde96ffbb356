// SPDX-License-Identifier: MIT
#pragma once

/// One HTTP/1.1 connection, blocking, with deadlines, stoppable from another thread.
#include <casasync/beast/origin.hpp>
#include <casasync/beast/proxy.hpp>
#include <casasync/bytes.hpp>
#include <casasync/result.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace casasync::beast {

using header_fields = std::vector<std::pair<std::string, std::string>>;

struct http_request {
    std::string_view method{};
    std::string target{};
    header_fields fields{};  ///< besides Host, User-Agent and Content-Length
    bytes_view body{};       ///< empty: none
    std::size_t answer_bytes_max = std::size_t{256} << 10;
    std::chrono::seconds wait{0};  ///< how long the relay may take before it answers, on top of the time-out
    bool repeatable = true;        ///< may be sent again when a kept connection turns out to be closed
    bool upgrade = false;          ///< asks to go on in another protocol: 101 may be the answer
};

struct http_answer {
    unsigned status = 0;
    header_fields fields{};  ///< names in lower case
    bytes body{};

    /// Returns the value of a field; empty when it is absent or there twice.
    [[nodiscard]] std::string_view field(std::string_view lower_name) const noexcept;
    /// Tells whether the body is of this type, whatever its parameters.
    [[nodiscard]] bool is(std::string_view media_type) const;
};

/// Keeps one connection open between calls. One thread at a time, but for cancel().
class http_connection {
 public:
    /// Connects to nothing yet. \errors offline: the program may open nothing more
    [[nodiscard]] static result<http_connection> make(const endpoint& at, const relay_origin& origin,
                                                      std::optional<proxy> through);
    http_connection(http_connection&&) noexcept;
    http_connection& operator=(http_connection&&) noexcept;
    ~http_connection();

    /// Returns the answer, whatever its status. \errors offline, wrong_relay (no TLS, no valid certificate,
    /// no HTTP), malformed_answer (larger than allowed), canceled.
    [[nodiscard]] result<http_answer> exchange(const http_request& request);

    /// After a 101, until the next exchange() or close(): returns what comes, nothing when that is nothing in
    /// this time. \errors offline, also when the relay has closed; canceled
    [[nodiscard]] result<bytes> read(std::chrono::milliseconds at_most);
    /// The same: writes. \errors offline, canceled
    [[nodiscard]] result<void> write(bytes_view data);
    void close();

    [[nodiscard]] const relay_origin& origin() const noexcept;
    void cancel();
    void resume() noexcept;

 private:
    class impl;
    explicit http_connection(std::unique_ptr<impl> made) noexcept;
    std::unique_ptr<impl> impl_;
};

}  // namespace casasync::beast
