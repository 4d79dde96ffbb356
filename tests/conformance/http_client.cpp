// SPDX-License-Identifier: MIT
#include "http_client.hpp"

#include <boost/json/parse.hpp>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <stdexcept>

namespace casasync_test {

std::string reply::field(const std::string& lower_name) const {
    const auto it = fields.find(lower_name);
    return it == fields.end() ? std::string() : it->second;
}

boost::json::object reply::json() const {
    boost::json::error_code failed;
    auto value = boost::json::parse(text(), failed);
    return failed || !value.is_object() ? boost::json::object() : value.as_object();
}

std::uint64_t reply::number(std::string_view key) const {
    const auto object = json();
    const auto* const value = object.if_contains(key);
    return value != nullptr && value->is_int64() ? static_cast<std::uint64_t>(value->get_int64())
                                                 : ~std::uint64_t{0};
}

std::string reply::string(std::string_view key) const {
    const auto object = json();
    const auto* const value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string reply::problem() const {
    constexpr std::string_view prefix = "urn:casasync:problem:";
    const std::string type = string("type");
    return field("content-type") == "application/problem+json" && type.starts_with(prefix)
               ? type.substr(prefix.size())
               : std::string();
}

http_client::http_client(const endpoint& at) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(at.host.c_str(), std::to_string(at.port).c_str(), &hints, &found) != 0)
        throw std::runtime_error("no such host: " + at.host);
    fd_ = ::socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol);
    const timeval patience{30, 0};  // a test fails rather than hangs
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const bool connected = ::connect(fd_, found->ai_addr, found->ai_addrlen) == 0;
    ::freeaddrinfo(found);
    if (connected) return;
    ::close(fd_);
    throw std::runtime_error("cannot connect to the relay");
}

http_client::~http_client() {
    if (fd_ >= 0) ::close(fd_);
}

bool http_client::send(std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) throw std::runtime_error("the relay neither reads nor closes");
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

bool http_client::read_more() {
    std::array<char, 65536> piece{};
    const ssize_t n = ::recv(fd_, piece.data(), piece.size(), 0);
    if (n < 0 && errno == EAGAIN) throw std::runtime_error("the relay neither answers nor closes");
    if (n <= 0) return false;
    rest_.append(piece.data(), static_cast<std::size_t>(n));
    return true;
}

std::string http_client::receive_some() {
    if (rest_.empty()) read_more();
    return std::exchange(rest_, {});
}

bool http_client::is_closed() {
    std::array<char, 1> one{};
    return rest_.empty() && ::recv(fd_, one.data(), 1, 0) == 0;
}

reply http_client::receive_head() {
    while (rest_.find("\r\n\r\n") == std::string::npos)
        if (!read_more()) return {};
    reply out;
    const std::size_t end = rest_.find("\r\n\r\n");
    const std::string head = rest_.substr(0, end + 2);
    rest_.erase(0, end + 4);
    out.status = static_cast<unsigned>(std::stoul(head.substr(9, 3)));
    for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
        const std::size_t line_end = head.find("\r\n", at);
        const std::size_t colon = head.find(": ", at);
        std::string name = head.substr(at, colon - at);
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        out.fields[name] = head.substr(colon + 2, line_end - colon - 2);
        at = line_end + 2;
    }
    return out;
}

reply http_client::receive() {
    reply out = receive_head();
    const std::string length = out.field("content-length");
    const std::size_t size = length.empty() ? 0 : std::stoul(length);
    while (rest_.size() < size)
        if (!read_more()) return {};
    out.body.assign(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(size));
    rest_.erase(0, size);
    return out;
}

reply http_client::call(std::string_view method, std::string_view target, const header_fields& fields,
                        casasync::bytes_view body) {
    std::string text = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\n";
    for (const auto& [name, value] : fields) text += name + ": " + value + "\r\n";
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    text += "\r\n";
    text.append(body.begin(), body.end());
    send(text);  // a relay may answer before it has read everything
    return receive();
}

}  // namespace casasync_test
