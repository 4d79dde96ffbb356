// SPDX-License-Identifier: MIT
#include "http.hpp"

#include "connection.hpp"

namespace casasync::relay {
namespace {

constexpr std::size_t turned_away_max = 64;  // connections above the limit that still get an answer

}  // namespace

struct http_server::state {
    const server_options& options;
    const entrance door;
    hub& listeners;
    std::atomic<std::size_t> open_count = 0;
    std::vector<std::unique_ptr<worker>> workers{};
    std::optional<tcp::acceptor> acceptor{};
    std::optional<asio::steady_timer> pause{};
    std::size_t next = 0;
    std::uint16_t port = 0;
    bool stopped = false;

    result<void> listen() {
        error_code ec;
        tcp::resolver resolver(workers.front()->io);
        const auto found = resolver.resolve(options.host, std::to_string(options.port),
                                            tcp::resolver::passive | tcp::resolver::numeric_service, ec);
        if (ec || found.empty()) return unusable("is not known here");
        const tcp::endpoint at = found.begin()->endpoint();
        acceptor->open(at.protocol(), ec);
        if (!ec) acceptor->set_option(tcp::acceptor::reuse_address(true), ec);
        if (!ec) acceptor->bind(at, ec);
        if (!ec) acceptor->listen(asio::socket_base::max_listen_connections, ec);
        if (ec == asio::error::address_in_use) return unusable("is used by another program");
        if (ec) return unusable("cannot be listened at: " + ec.message());
        port = acceptor->local_endpoint().port();
        return {};
    }

    [[nodiscard]] error unusable(const std::string& why) const {
        return {errc::relay_unavailable,
                "The address " + options.host + " port " + std::to_string(options.port) + " " + why +
                    ". Nothing was changed; stop the other program or listen at another address."};
    }

    void accept() {
        worker& home = *workers[next++ % workers.size()];
        acceptor->async_accept(home.io, [this, &home](const error_code& ec, tcp::socket socket) {
            if (ec == asio::error::operation_aborted) return;
            if (ec) return accept_later();  // out of file descriptors
            welcome(home, std::move(socket));
            accept();
        });
    }

    void accept_later() {
        pause->expires_after(sweep_every);
        pause->async_wait([this](const error_code& ec) {
            if (!ec) accept();
        });
    }

    void welcome(worker& home, tcp::socket socket) {
        error_code ec;
        const auto from = socket.remote_endpoint(ec);
        if (ec) return;
        const std::size_t already = open_count;
        if (already >= options.connections_max + turned_away_max) return;
        ++open_count;
        socket.set_option(tcp::no_delay(true), ec);
        auto c = std::make_shared<connection>(home, std::move(socket), octets_of(from.address()));
        asio::post(home.io, [&home, c, fits = already < options.connections_max] {
            home.add(c);
            c->start(fits);
        });
    }

    void stop() {
        if (std::exchange(stopped, true)) return;
        asio::post(workers.front()->io, [this] {
            error_code ignored;
            acceptor->close(ignored);
            pause->cancel();
        });
        for (auto& w : workers) asio::post(w->io, [&w = *w] { w.drain(); });
        for (auto& w : workers)
            if (w->thread.joinable()) w->thread.join();
    }
};

http_server::http_server(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}

http_server::~http_server() {  // NOLINT(bugprone-exception-escape)
    stop();
}

result<std::unique_ptr<http_server>> http_server::start(const server_options& options, entrance door,
                                                        hub& listeners, const make_service& make) {
    auto s = std::unique_ptr<state>(new state{options, std::move(door), listeners});
    for (unsigned i = 0; i < std::max(1U, options.io_threads); ++i)
        s->workers.push_back(std::make_unique<worker>(options, s->door, listeners, s->open_count, make()));
    s->acceptor.emplace(s->workers.front()->io);
    s->pause.emplace(s->workers.front()->io);
    if (const auto listening = s->listen(); !listening) return listening.failure();
    s->accept();
    for (auto& w : s->workers) w->thread = std::thread([&w = *w] { w.io.run(); });
    return std::unique_ptr<http_server>(new http_server(std::move(s)));
}

std::uint16_t http_server::port() const noexcept {
    return state_->port;
}

std::size_t http_server::connections() const noexcept {
    return state_->open_count;
}

void http_server::stop() {
    state_->stop();
}

}  // namespace casasync::relay
