// SPDX-License-Identifier: MIT
#include "answering_server.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace casasync_fuzz {

namespace {

/// Reads a request of this project's client: a head, and a body of the length that it tells.
void read_request(int socket) {
    constexpr std::string_view length = "Content-Length: ";
    std::string text;
    for (;;) {
        if (const std::size_t end = text.find("\r\n\r\n"); end != std::string::npos) {
            const std::size_t at = text.find(length);
            const std::size_t body = at < end ? std::stoul(text.substr(at + length.size())) : 0;
            if (text.size() >= end + 4 + body) return;
        }
        std::array<char, 4096> piece{};
        const ssize_t n = ::recv(socket, piece.data(), piece.size(), 0);
        if (n <= 0) return;
        text.append(piece.data(), static_cast<std::size_t>(n));
    }
}

void send_all(int socket, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

}  // namespace

answering_server::answering_server() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* const address = reinterpret_cast<sockaddr*>(&at);
    if (::bind(listener_, address, size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, address, &size) != 0)
        throw std::runtime_error("cannot listen on loopback");
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
}

answering_server::~answering_server() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
}

void answering_server::answer_with(std::string answer) {
    const std::scoped_lock lock(mutex_);
    answer_ = std::move(answer);
}

void answering_server::serve() {
    for (;;) {
        const int socket = ::accept(listener_, nullptr, nullptr);
        if (socket < 0) return;
        read_request(socket);
        std::string answer;
        {
            const std::scoped_lock lock(mutex_);
            answer = answer_;
        }
        send_all(socket, answer);
        ::close(socket);  // the request was read to its end, so this resets nothing
    }
}

}  // namespace casasync_fuzz
