// SPDX-License-Identifier: MIT
#pragma once

/// A network that fails: a TCP proxy on loopback that forwards bytes until it is told not to.
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace casasync_test {

enum class cut_how : std::uint8_t {
    reset,  ///< both ends get a reset
    close,  ///< both ends get an end of the stream, after the bytes before it
    stall,  ///< nothing goes on in either direction until the client gives up
};

/// Where the network fails, counted from cutting_proxy::plan() over all connections.
struct cut_plan {
    bool upwards = true;   ///< counts what the client sends; false: what it receives
    std::uint64_t at = 0;  ///< bytes of that direction that still get through; 0: not even the connection
    cut_how how = cut_how::reset;
    bool sticky = false;  ///< later connections end the same way before their first byte
};

/// Serves one connection after the other, as one client makes them.
class cutting_proxy {
 public:
    explicit cutting_proxy(std::uint16_t to_port);
    cutting_proxy(const cutting_proxy&) = delete;
    cutting_proxy& operator=(const cutting_proxy&) = delete;
    ~cutting_proxy();

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    void plan(const cut_plan& p);
    /// The network works again. \returns whether it failed since plan()
    bool repair();

 private:
    void serve();
    void serve_connection(int client, int relay);
    /// Passes on what there is. Returns false when the connection is over.
    bool forward(int from, int to, bool upwards, cut_how& ending);
    /// How many of `n` bytes get through.
    std::uint64_t allowed(bool upwards, std::uint64_t n, bool& cut);

    std::uint16_t to_port_, port_ = 0;
    int listener_ = -1;
    std::mutex guard_{};  ///< for what follows
    cut_plan plan_{};
    bool planned_ = false, failed_ = false, stopping_ = false;
    std::uint64_t passed_ = 0;
    std::thread thread_{};
};

}  // namespace casasync_test
