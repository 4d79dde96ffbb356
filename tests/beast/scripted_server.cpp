// SPDX-License-Identifier: MIT
#include "scripted_server.hpp"

#include <casasync/openssl/websocket_accept.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <optional>

const std::string relay_fields =
    "Casasync-Generation: AQEBAQEBAQEBAQEBAQEBAQ\r\nCasasync-Head: 9\r\nCasasync-Floor: 0\r\n"
    "Casasync-Time: 1795338685123\r\nCasasync-Members: 3\r\nCache-Control: no-store\r\n";

std::string http_reply(unsigned status, const std::string& fields, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " Text\r\n" + fields +
           (status == 204 ? std::string() : "Content-Length: " + std::to_string(body.size()) + "\r\n") +
           "\r\n" + body;
}

std::string json_reply(unsigned status, const std::string& body) {
    return http_reply(status, relay_fields + "Content-Type: application/json\r\n", body);
}

std::string problem_reply(unsigned status, const std::string& type, const std::string& more,
                          const std::string& fields) {
    return http_reply(status, fields + "Content-Type: application/problem+json\r\n",
                      R"({"type":"urn:casasync:problem:)" + type + R"(","title":"t","status":)" +
                          std::to_string(status) + R"(,"detail":"some detail")" + more + "}");
}

std::string field_of(const std::string& request, std::string_view name) {
    const std::string head = request.substr(0, request.find("\r\n\r\n") + 2);
    const std::string start = "\r\n" + std::string(name) + ": ";
    const std::size_t at = head.find(start);
    if (at == std::string::npos) return {};
    return head.substr(at + start.size(), head.find("\r\n", at + 2) - at - start.size());
}

std::string line_of(const std::string& request) {
    return request.substr(0, request.find(" HTTP/1.1\r\n"));
}

std::string body_of(const std::string& request) {
    return request.substr(request.find("\r\n\r\n") + 4);
}

namespace {

/// Reads one request. Nothing when the client closed before its end.
std::optional<std::string> read_request(int socket) {
    std::string text;
    for (;;) {
        const std::size_t end = text.find("\r\n\r\n");
        if (end != std::string::npos) {
            const std::string length = field_of(text, "Content-Length");
            const std::size_t whole = end + 4 + (length.empty() ? 0 : std::stoul(length));
            if (text.size() >= whole) return text.substr(0, whole);
        }
        std::array<char, 65536> buffer{};
        const ssize_t n = ::recv(socket, buffer.data(), buffer.size(), 0);
        if (n <= 0) return std::nullopt;
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
}

void send_all(int socket, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

void wait_for_close(int socket) {
    std::array<char, 4096> buffer{};
    while (::recv(socket, buffer.data(), buffer.size(), 0) > 0) {
    }
}

void drip_until_closed(int socket) {
    while (::send(socket, "x", 1, MSG_NOSIGNAL) == 1)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

sockaddr_in loopback(unsigned short port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

std::string with_accept(std::string reply, const std::string& key) {
    constexpr std::string_view place = "{accept}";
    if (const std::size_t at = reply.find(place); at != std::string::npos)
        reply.replace(at, place.size(), casasync::openssl::websocket_accept(key));
    return reply;
}

void require(bool done) {
    if (!done) std::abort();
}

}  // namespace

scripted_server::scripted_server(std::vector<connection_script> script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    require(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    require(::listen(listener_, 8) == 0);
    require(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

scripted_server::~scripted_server() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    const int wake = ::socket(AF_INET, SOCK_STREAM, 0);  // ends a waiting accept
    const sockaddr_in address = loopback(port_);
    static_cast<void>(::connect(wake, reinterpret_cast<const sockaddr*>(&address), sizeof address));
    thread_.join();
    ::close(wake);
}

void scripted_server::serve() {
    for (const connection_script& script : script_) {
        const int socket = ::accept(listener_, nullptr, nullptr);
        {
            const std::scoped_lock lock(mutex_);
            if (stopping_) {
                ::close(socket);
                break;
            }
        }
        serve_connection(socket, script);
        ::close(socket);
        const std::scoped_lock lock(mutex_);
        ++closed_;
        arrived_.notify_all();
    }
    ::close(listener_);
}

void scripted_server::serve_connection(int socket, const connection_script& script) {
    std::string key;
    for (const exchange& step : script) {
        if (step.read) {
            auto request = read_request(socket);
            if (!request) return;
            if (const std::string sent = field_of(*request, "Sec-WebSocket-Key"); !sent.empty()) key = sent;
            const std::scoped_lock lock(mutex_);
            requests_.push_back(std::move(*request));
            arrived_.notify_all();
        }
        send_all(socket, with_accept(step.reply, key));
        if (step.then == exchange::after::hold) return wait_for_close(socket);
        if (step.then == exchange::after::drip) return drip_until_closed(socket);
        if (step.then == exchange::after::reset) {
            const linger at_once{1, 0};
            ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        if (step.then != exchange::after::keep) return;
    }
    wait_for_close(socket);
}

std::vector<std::string> scripted_server::requests() {
    const std::scoped_lock lock(mutex_);
    return requests_;
}

void scripted_server::wait_for_requests(std::size_t n) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return requests_.size() >= n; });
}

void scripted_server::wait_for_closed(std::size_t n) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return closed_ >= n; });
}
