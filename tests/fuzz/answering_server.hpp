// SPDX-License-Identifier: MIT
#pragma once

/// A TCP server on loopback that gives every request the same answer, whatever bytes that is.
#include <mutex>
#include <string>
#include <thread>

namespace casasync_fuzz {

class answering_server {
 public:
    answering_server();
    answering_server(const answering_server&) = delete;
    answering_server& operator=(const answering_server&) = delete;
    ~answering_server();

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    void answer_with(std::string answer);

 private:
    void serve();

    int listener_ = -1;
    unsigned short port_ = 0;
    std::mutex mutex_{};
    std::string answer_{};
    std::thread thread_{};
};

}  // namespace casasync_fuzz
