// SPDX-License-Identifier: MIT
#pragma once

/// An HTTP proxy that lets one connection through.
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>

namespace casasync_test {

/// A proxy for one connection: answers the request for a tunnel, and passes on what follows if that was a
/// 200.
class connect_proxy {
 public:
    explicit connect_proxy(std::string reply) : reply_(std::move(reply)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address = on_loopback(0);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::listen(listener_, 1) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            std::abort();
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    connect_proxy(const connect_proxy&) = delete;
    connect_proxy& operator=(const connect_proxy&) = delete;
    ~connect_proxy() { join(); }

    void join() {
        if (thread_.joinable()) thread_.join();
    }
    [[nodiscard]] std::string url(const std::string& who = {}) const {
        return "http://" + who + "127.0.0.1:" + std::to_string(port_);
    }

    std::string asked{};  ///< after join()

 private:
    static sockaddr_in on_loopback(unsigned short port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        return address;
    }
    void serve() {
        const int near = ::accept(listener_, nullptr, nullptr);
        ::close(listener_);
        for (char c = 0; !asked.ends_with("\r\n\r\n") && ::read(near, &c, 1) == 1;) asked += c;
        static_cast<void>(::write(near, reply_.data(), reply_.size()));
        if (reply_.find(" 200 ") != std::string::npos) {
            const int far = ::socket(AF_INET, SOCK_STREAM, 0);
            const std::size_t colon = asked.find(':');
            const sockaddr_in address =
                on_loopback(static_cast<unsigned short>(std::stoi(asked.substr(colon + 1))));
            if (::connect(far, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
                std::abort();
            std::thread back([&] { pass(far, near); });
            pass(near, far);
            back.join();
            ::close(far);
        }
        ::close(near);
    }
    static void pass(int from, int to) {
        std::array<char, 4096> some{};
        for (ssize_t n = 0; (n = ::read(from, some.data(), some.size())) > 0;)
            static_cast<void>(::write(to, some.data(), static_cast<std::size_t>(n)));
        ::shutdown(to, SHUT_WR);
    }

    std::string reply_;
    int listener_ = -1;
    unsigned short port_ = 0;
    std::thread thread_;
};

}  // namespace casasync_test
