// SPDX-License-Identifier: MIT
#include "http.hpp"

#include "http_text.hpp"

#include <casasync/openssl/hash.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <atomic>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

namespace casasync::relay {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t head_bytes_max = std::size_t{16} << 10;
constexpr std::size_t read_bytes = std::size_t{64} << 10;
constexpr std::size_t slow_bytes_per_s = std::size_t{32} << 10;
constexpr std::size_t kept_buffer_bytes = std::size_t{16} << 10;
constexpr std::size_t turned_away_max = 64;  // connections above the limit that still get an answer
constexpr milliseconds sweep_every{100};
constexpr milliseconds drain_time{10'000};
constexpr milliseconds linger_time{2'000};

/// A body that is hashed while it comes in, and received into one piece of memory.
struct hashed_body {
    struct value_type {
        bytes data{};
        openssl::sha256_stream hash{};
    };

    class reader {
     public:
        template <bool is_request, class Fields>
        reader(http::header<is_request, Fields>&, value_type& to) : to_(to) {}
        /// The length is within the route's limit: the connection has checked it.
        void init(const boost::optional<std::uint64_t>& length, error_code& ec) {
            ec = {};
            if (length) to_.data.reserve(static_cast<std::size_t>(*length));
        }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, error_code& ec) {
            ec = {};
            std::size_t taken = 0;
            for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers);
                 ++it) {
                const asio::const_buffer piece(*it);
                const bytes_view view(static_cast<const std::uint8_t*>(piece.data()), piece.size());
                to_.data.insert(to_.data.end(), view.begin(), view.end());
                to_.hash.update(view);
                taken += view.size();
            }
            return taken;
        }
        void finish(error_code& ec) { ec = {}; }

     private:
        value_type& to_;
    };
};

verb verb_of(http::verb v) noexcept {
    switch (v) {
        case http::verb::get:
            return verb::get;
        case http::verb::put:
            return verb::put;
        case http::verb::post:
            return verb::post;
        case http::verb::delete_:
            return verb::del;
        default:
            return verb::other;
    }
}

peer peer_of(const asio::ip::address& address) {
    peer out;
    out.loopback = address.is_loopback();
    if (address.is_v4()) {
        const auto v4 = address.to_v4().to_bytes();
        std::copy(v4.begin(), v4.end(), out.block.begin());
        return out;
    }
    const auto v6 = address.to_v6();
    const auto octets = v6.to_bytes();
    if (v6.is_v4_mapped()) {
        out.loopback = octets[12] == 127;
        std::copy(octets.begin() + 12, octets.end(), out.block.begin());
        return out;
    }
    std::copy(octets.begin(), octets.begin() + 8, out.block.begin());
    out.block[15] = 6;  // apart from IPv4 addresses
    return out;
}

/// How long a transfer of `size` bytes may take.
milliseconds patience_for(milliseconds base, std::uint64_t size) {
    return base + std::chrono::seconds(size / slow_bytes_per_s);
}

answer refusal_of(const error_code& ec) {
    if (ec == http::error::header_limit) return plain_problem(431, "Request Header Fields Too Large");
    if (ec == http::error::body_limit)
        return problem(413, "too-large", "The body is larger than this route takes.");
    return problem(400, "malformed", "The request is not proper HTTP/1.1.");
}

class connection;
using connection_ptr = std::shared_ptr<connection>;

/// One thread and its connections.
struct worker {
    const server_options& options;
    hub& listeners;
    std::atomic<std::size_t>& open_count;
    std::unique_ptr<service> service_;
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
    asio::steady_timer sweeper{io};
    std::unordered_set<connection_ptr> connections{};
    steady::time_point drain_until{};
    bool draining = false;
    bool sweeping = false;
    std::thread thread{};

    worker(const server_options& o, hub& h, std::atomic<std::size_t>& count, std::unique_ptr<service> s)
        : options(o), listeners(h), open_count(count), service_(std::move(s)) {}

    void add(const connection_ptr& c, bool welcome);
    void remove(const connection_ptr& c);
    void sweep();
    void drain();
};

class connection final : public exchange {
 public:
    connection(worker& home, tcp::socket socket, const peer& from)
        : home_(home), socket_(std::move(socket)), peer_(from) {}

    void start() { next_request(); }

    /// Refuses a connection that is one too many.
    void turn_away() {
        parser_.emplace();
        refuse(unavailable());
    }

    void send(answer out) override {
        asio::dispatch(home_.io,
                       [self = self(), out = std::move(out)]() mutable { self->write(std::move(out)); });
    }

    void watch(const topic& what, std::chrono::seconds time, look look_again) override {
        if (time.count() == 0 || home_.draining) return write(*look_again(true));
        phase_ = phase::watching;
        deadline_ = steady::now() + time;
        look_ = std::move(look_again);
        topic_ = what;
        ticket_ = home_.listeners.add(what, [weak = std::weak_ptr(self()), &io = home_.io] {
            if (auto self = weak.lock()) asio::post(io, [self] { self->look_again(false); });
        });
        this->look_again(false);
    }

    /// Called by the sweep.
    void check(steady::time_point now) {
        if (now < deadline_) return;
        switch (phase_) {
            case phase::watching:
                return look_again(true);
            case phase::head:
            case phase::body:
                return refuse(plain_problem(408, "Request Timeout"));
            case phase::idle:
            case phase::writing:
            case phase::closing:
                return close();
            case phase::handling:
            case phase::closed:
                break;  // the writer answers in any case
        }
    }

    /// The relay stops: nothing new is begun.
    void drain() {
        if (phase_ == phase::idle) return close();
        close_after_ = true;
        if (phase_ == phase::watching) look_again(true);
    }

    void close() {
        stop_watching();
        if (phase_ == phase::closed) return;
        phase_ = phase::closed;
        error_code ignored;
        socket_.close(ignored);
        home_.remove(self());
    }

 private:
    enum class phase { idle, head, body, handling, watching, writing, closing, closed };
    using parser = http::request_parser<hashed_body>;

    connection_ptr self() { return std::static_pointer_cast<connection>(shared_from_this()); }

    void next_request() {
        if (home_.draining) return close();
        in = {};
        where = {};
        to = nullptr;
        who.reset();
        ack = 0;
        parser_.emplace();
        parser_->header_limit(head_bytes_max);
        parser_->body_limit(boost::none);  // set by route, once the head is there
        if (buffer_.size() == 0 && buffer_.capacity() > kept_buffer_bytes) buffer_.shrink_to_fit();
        phase_ = phase::idle;
        deadline_ = steady::now() + home_.options.patience.idle;
        buffer_.size() > 0 ? parse() : read();
    }

    void read() {
        const std::size_t size = phase_ == phase::body ? read_bytes : kept_buffer_bytes;
        socket_.async_read_some(buffer_.prepare(size), [self = self()](const error_code& ec, std::size_t n) {
            self->on_read(ec, n);
        });
    }

    void on_read(const error_code& ec, std::size_t n) {
        if (phase_ == phase::closing) return linger(ec);
        if (phase_ != phase::idle && phase_ != phase::head && phase_ != phase::body) return;
        if (ec) return close();
        buffer_.commit(n);
        parse();
    }

    void parse() {
        if (phase_ == phase::idle) {
            phase_ = phase::head;
            began_ = steady::now();
            deadline_ = began_ + home_.options.patience.head;
        }
        while (!parser_->is_done()) {
            error_code ec;
            buffer_.consume(parser_->put(buffer_.data(), ec));
            if (ec == http::error::need_more) {
                // Chunk extensions and trailers have no limit of their own.
                if (buffer_.size() > head_bytes_max) return refuse(refusal_of(http::error::header_limit));
                return read();
            }
            if (ec) return refuse(refusal_of(ec));
            if (phase_ == phase::head && parser_->is_header_done() && !on_head()) return;
            if (!parser_->is_done() && buffer_.size() == 0) return read();
        }
        on_request();
    }

    /// Looks at a complete head. False: parse() is over, the request was refused or goes on later.
    bool on_head() {
        read_fields();
        close_after_ = close_after_ || !parser_->keep_alive();
        const auto& fields = parser_->get().base();
        if (!is_framed_well()) return refuse(refusal_of(http::error::bad_transfer_encoding)), false;
        if (has_repeated_fields()) return refuse(refusal_of(http::error::bad_field)), false;
        auto admitted = home_.service_->admit(*this);
        if (admitted.refused) return decline(std::move(*admitted.refused)), false;
        const std::uint64_t length = parser_->content_length().value_or(0);
        if (length > admitted.body_bytes_max) return refuse(refusal_of(http::error::body_limit)), false;
        parser_->body_limit(admitted.body_bytes_max);
        parser_->eager(true);
        phase_ = phase::body;
        deadline_ = steady::now() + patience_for(home_.options.patience.body,
                                                 parser_->chunked() ? admitted.body_bytes_max : length);
        const auto expected = fields.find(http::field::expect);
        if (expected == fields.end() || parser_->is_done()) return true;
        if (!boost::beast::iequals(expected->value(), "100-continue"))
            return refuse(plain_problem(417, "Expectation Failed")), false;
        return buffer_.size() > 0 || say_continue();
    }

    void read_fields() {
        const auto& message = parser_->get();
        const auto field = [&](auto name) -> std::string_view {
            const auto value = message[name];
            return {value.data(), value.size()};
        };
        in.method = verb_of(message.method());
        in.method_text = {message.method_string().data(), message.method_string().size()};
        in.target = {message.target().data(), message.target().size()};
        in.host = field(http::field::host);
        in.content_type = field(http::field::content_type);
        in.content_digest = field("Content-Digest");
        in.content_encoding = field(http::field::content_encoding);
        in.authorization = field(http::field::authorization);
        in.ack = field("Casasync-Ack");
        in.signature_input = field("Signature-Input");
        in.attach = field("Casasync-Attach");
        in.signature = field("Signature");
        in.has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
        in.from = peer_;
    }

    /// Tells whether everybody on the way agrees where the body ends.
    [[nodiscard]] bool is_framed_well() const {
        const auto& fields = parser_->get().base();
        const auto coding = fields.find(http::field::transfer_encoding);
        const auto length = fields.find(http::field::content_length);
        if (coding != fields.end() &&
            (length != fields.end() || parser_->get().version() < 11 || !parser_->chunked() ||
             !boost::beast::iequals(coding->value(), "chunked")))
            return false;
        return length == fields.end() || length->value().find(',') == boost::string_view::npos;
    }

    /// Fields that decide something must not come twice: proxies differ in which one counts.
    [[nodiscard]] bool has_repeated_fields() const {
        const auto& fields = parser_->get().base();
        const auto twice = [&](auto name) { return fields.count(name) > 1; };
        return fields.count(http::field::host) != 1 || twice(http::field::content_length) ||
               twice(http::field::transfer_encoding) || twice(http::field::content_type) ||
               twice(http::field::content_encoding) || twice(http::field::authorization) ||
               twice("Content-Digest") || twice("Casasync-Ack") || twice("Signature-Input") ||
               twice("Signature");
    }

    /// Tells a client that waits for it to send the body, and then reads on.
    bool say_continue() {
        static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
        asio::async_write(socket_, asio::buffer(text), [self = self()](const error_code& ec, std::size_t) {
            if (self->phase_ != phase::body) return;
            if (ec) return self->close();
            self->read();
        });
        return false;
    }

    void on_request() {
        auto& body = parser_->get().body();
        in.body = std::move(body.data);
        in.body_hash = body.hash.finish();
        phase_ = phase::handling;
        home_.service_->handle(self());
    }

    /// Answers a request of which not everything was read; what follows cannot be understood.
    void refuse(answer out) {
        close_after_ = true;
        unread_ = true;
        write(std::move(out));
    }

    /// Answers without having read the body, if there is one.
    void decline(answer out) { parser_->is_done() ? write(std::move(out)) : refuse(std::move(out)); }

    void look_again(bool last) {
        if (phase_ != phase::watching) return;
        if (auto out = look_(last)) write(std::move(*out));
    }

    void stop_watching() {
        if (!look_) return;
        home_.listeners.remove(topic_, ticket_);
        look_ = nullptr;
    }

    void write(answer out) {
        if (phase_ == phase::writing || phase_ == phase::closing || phase_ == phase::closed) return;
        phase_ = phase::writing;
        close_after_ = close_after_ || home_.draining;
        out_ = std::move(out);
        stop_watching();
        head_ = head_of(out_, close_after_);
        if (parser_->get().method() == http::verb::head) out_.body.clear();
        deadline_ = steady::now() + patience_for(home_.options.patience.body, out_.body.size());
        const std::array<asio::const_buffer, 2> both{asio::buffer(head_), asio::buffer(out_.body)};
        asio::async_write(socket_, both, [self = self()](const error_code& ec, std::size_t) {
            if (self->phase_ == phase::writing) self->on_written(ec);
        });
    }

    void on_written(const error_code& ec) {
        if (home_.options.verbose)
            log_request({this, out_.status, out_.body.size(), out_.occurrence,
                         std::chrono::duration_cast<std::chrono::microseconds>(steady::now() - began_)});
        if (ec) return close();
        if (!close_after_) return next_request();
        if (!unread_) return close();
        // A close with unread input would reset the connection, and the client might never see the answer.
        phase_ = phase::closing;
        deadline_ = steady::now() + linger_time;
        error_code failed;
        socket_.shutdown(tcp::socket::shutdown_send, failed);
        linger(failed);
    }

    void linger(const error_code& ec) {
        if (ec) return close();
        buffer_.consume(buffer_.size());
        read();
    }

    worker& home_;
    tcp::socket socket_;
    peer peer_;
    boost::beast::flat_buffer buffer_{};
    std::optional<parser> parser_{};
    phase phase_ = phase::idle;
    steady::time_point deadline_{};
    steady::time_point began_{};
    bool close_after_ = false;
    bool unread_ = false;
    look look_{};
    topic topic_{};
    hub::ticket ticket_ = 0;
    answer out_{};
    std::string head_{};
};

void worker::add(const connection_ptr& c, bool welcome) {
    connections.insert(c);
    welcome ? c->start() : c->turn_away();
    if (!sweeping) sweep();
}

void worker::remove(const connection_ptr& c) {
    if (connections.erase(c) > 0) --open_count;
    if (draining && connections.empty()) {
        work.reset();
        sweeper.cancel();
    }
}

void worker::sweep() {
    sweeping = !connections.empty();
    if (!sweeping) return;
    sweeper.expires_after(sweep_every);
    sweeper.async_wait([this](const error_code& ec) {
        if (ec) return;
        const auto now = steady::now();
        const std::vector<connection_ptr> all(connections.begin(), connections.end());
        for (const auto& c : all) draining&& now >= drain_until ? c->close() : c->check(now);
        sweep();
    });
}

void worker::drain() {
    draining = true;
    drain_until = steady::now() + drain_time;
    const std::vector<connection_ptr> all(connections.begin(), connections.end());
    for (const auto& c : all) c->drain();
    if (connections.empty()) work.reset();
}

}  // namespace

struct http_server::state {
    const server_options& options;
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
        auto c = std::make_shared<connection>(home, std::move(socket), peer_of(from.address()));
        asio::post(home.io, [&home, c, fits = already < options.connections_max] { home.add(c, fits); });
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

http_server::~http_server() {
    stop();
}

result<std::unique_ptr<http_server>> http_server::start(const server_options& options, hub& listeners,
                                                        const make_service& make) {
    auto s = std::unique_ptr<state>(new state{options, listeners});
    for (unsigned i = 0; i < std::max(1U, options.io_threads); ++i)
        s->workers.push_back(std::make_unique<worker>(options, listeners, s->open_count, make()));
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

void http_server::stop() {
    state_->stop();
}

}  // namespace casasync::relay
