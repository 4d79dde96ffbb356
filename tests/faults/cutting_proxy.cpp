// SPDX-License-Identifier: MIT
#include "cutting_proxy.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace casasync_test {
namespace {

::sockaddr_in loopback(std::uint16_t port) {
    ::sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

int connected_to(std::uint16_t port) {
    const int out = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const ::sockaddr_in at = loopback(port);
    if (::connect(out, reinterpret_cast<const ::sockaddr*>(&at), sizeof at) == 0) return out;
    ::close(out);
    return -1;
}

void end(int socket, cut_how how) {
    const ::linger at_once{1, 0};
    if (how == cut_how::reset) ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(socket);
}

/// Waits until the other side has closed, reading nothing of what it sends before.
void wait_for_end(int socket) {
    ::pollfd p{socket, POLLRDHUP, 0};
    while (::poll(&p, 1, -1) < 0) {
    }
}

}  // namespace

cutting_proxy::cutting_proxy(std::uint16_t to_port) : to_port_(to_port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::sockaddr_in at = loopback(0);
    ::socklen_t size = sizeof at;
    auto* const address = reinterpret_cast<::sockaddr*>(&at);
    if (::bind(listener_, address, size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, address, &size) != 0)
        throw std::runtime_error("no socket to listen at");
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
}

cutting_proxy::~cutting_proxy() {
    {
        const std::lock_guard lock(guard_);
        stopping_ = true;
    }
    if (const int wake = connected_to(port_); wake >= 0) ::close(wake);
    thread_.join();
    ::close(listener_);
}

void cutting_proxy::plan(const cut_plan& p) {
    const std::lock_guard lock(guard_);
    plan_ = p;
    planned_ = true;
    failed_ = false;
    passed_ = 0;
}

bool cutting_proxy::repair() {
    const std::lock_guard lock(guard_);
    planned_ = false;
    return failed_;
}

std::uint64_t cutting_proxy::allowed(bool upwards, std::uint64_t n, bool& cut) {
    const std::lock_guard lock(guard_);
    if (!planned_ || (failed_ && !plan_.sticky)) return n;
    if (failed_) return cut = true, 0;
    if (upwards != plan_.upwards) return n;
    if (passed_ + n < plan_.at || n == 0) return passed_ += n, n;
    failed_ = cut = true;
    return plan_.at - passed_;
}

void cutting_proxy::serve() {
    for (;;) {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        bool cut = false;
        {
            const std::lock_guard lock(guard_);
            if (stopping_) return (void)::close(client);
            cut = planned_ && ((failed_ && plan_.sticky) || (!failed_ && plan_.at == 0));
            failed_ = failed_ || cut;
        }
        const int relay = cut ? -1 : connected_to(to_port_);
        if (relay >= 0) {
            serve_connection(client, relay);
            continue;
        }
        cut_how how{};
        {
            const std::lock_guard lock(guard_);
            how = plan_.how;
        }
        if (how == cut_how::stall) wait_for_end(client);
        end(client, how);
    }
}

void cutting_proxy::serve_connection(int client, int relay) {
    cut_how ending = cut_how::close;
    for (bool open = true; open;) {
        std::array<::pollfd, 2> ends{{{client, POLLIN, 0}, {relay, POLLIN, 0}}};
        if (::poll(ends.data(), ends.size(), -1) < 0) continue;
        if (ends[0].revents != 0) open = forward(client, relay, true, ending);
        if (open && ends[1].revents != 0) open = forward(relay, client, false, ending);
    }
    if (ending == cut_how::stall) wait_for_end(client);
    end(relay, ending);
    end(client, ending);
}

bool cutting_proxy::forward(int from, int to, bool upwards, cut_how& ending) {
    std::array<char, 16384> part{};
    const ::ssize_t n = ::read(from, part.data(), part.size());
    if (n <= 0) return false;
    bool cut = false;
    const std::uint64_t most = allowed(upwards, static_cast<std::uint64_t>(n), cut);
    for (std::uint64_t sent = 0; sent < most;) {
        const ::ssize_t more = ::send(to, part.data() + sent, most - sent, MSG_NOSIGNAL);
        if (more <= 0) return false;
        sent += static_cast<std::uint64_t>(more);
    }
    const std::lock_guard lock(guard_);
    if (cut) ending = plan_.how;
    return !cut;
}

}  // namespace casasync_test
