// SPDX-License-Identifier: MIT
#pragma once

/// A client's connection: one request after the other. Included by http.cpp alone.
#include "http_text.hpp"
#include "live_channel.hpp"
#include "worker.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>

#include <optional>
#include <utility>

namespace casasync::relay {

inline constexpr std::size_t head_bytes_max = std::size_t{16} << 10;
inline constexpr std::size_t read_bytes = std::size_t{64} << 10;
inline constexpr std::size_t kept_buffer_bytes = std::size_t{16} << 10;

class connection final : public exchange, public guest {
 public:
    connection(worker& home, tcp::socket socket, const ip_address& from)
        : home_(home),
          wire_(std::make_unique<wire>(std::move(socket),
                                       home.door.tls != nullptr ? home.door.tls->current() : nullptr)),
          from_(from) {}

    /// \param welcome  false: one too many, which hears so and no more
    void start(bool welcome) {
        if (!wire_->is_secret()) return welcome ? next_request() : turn_away(unavailable());
        phase_ = phase::handshake;
        deadline_ = steady::now() + home_.options.patience.head;
        wire_->shake_hands([self = self(), welcome](const error_code& ec, std::size_t) {
            if (self->phase_ == phase::handshake) self->on_handshake(ec, welcome);
        });
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

    void go_live(answer accepted, live_terms terms) override {
        if (home_.draining) return write(unavailable());
        live_ = std::move(terms);
        write(std::move(accepted));
    }

    void check(steady::time_point now) override {
        if (now < deadline_) return;
        switch (phase_) {
            case phase::watching:
                return look_again(true);
            case phase::head:
            case phase::body:
                return refuse(plain_problem(408, "Request Timeout"));
            case phase::handshake:
            case phase::idle:
            case phase::writing:
            case phase::closing:
                return close();
            case phase::handling:
            case phase::closed:
                break;  // the writer answers in any case
        }
    }

    void drain() override {
        if (phase_ == phase::idle || phase_ == phase::handshake) return close();
        close_after_ = true;
        if (phase_ == phase::watching) look_again(true);
    }

    void close() override {
        stop_watching();
        if (phase_ == phase::closed) return;
        phase_ = phase::closed;
        wire_->close();
        home_.remove(self());
    }

 private:
    enum class phase { handshake, idle, head, body, handling, watching, writing, closing, closed };
    using parser = http::request_parser<hashed_body>;

    std::shared_ptr<connection> self() { return std::static_pointer_cast<connection>(shared_from_this()); }

    void on_handshake(const error_code& ec, bool welcome) {
        if (ec) return close();
        if (!wire_->is_secret())
            return turn_away(plain_problem(400, "This Port Speaks TLS, as https:// Does"));
        welcome ? next_request() : turn_away(unavailable());
    }

    /// Answers before anything was asked.
    void turn_away(answer out) {
        parser_.emplace();
        refuse(std::move(out));
    }

    void next_request() {
        if (home_.draining) return close();
        in = {};
        where = {};
        to = nullptr;
        who.reset();
        ack = 0;
        rate.clear();
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
        wire_->read(buffer_.prepare(size),
                    [self = self()](const error_code& ec, std::size_t n) { self->on_read(ec, n); });
    }

    void on_read(const error_code& ec, std::size_t n) {
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
        in.client = field("Casasync-Client");
        in.signature_input = field("Signature-Input");
        in.attach = field("Casasync-Attach");
        in.if_none_match = field(http::field::if_none_match);
        in.range = field(http::field::range);
        in.if_range = field(http::field::if_range);
        in.connection = field(http::field::connection);
        in.upgrade = field(http::field::upgrade);
        in.websocket_key = field(http::field::sec_websocket_key);
        in.websocket_version = field(http::field::sec_websocket_version);
        in.websocket_protocol = field(http::field::sec_websocket_protocol);
        in.signature = field("Signature");
        in.has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
        in.from = peer_of(home_.door.proxies.client_of(from_, forwarded_for()));
    }

    /// Returns the addresses that X-Forwarded-For lists, the nearest last; only where they may count.
    [[nodiscard]] std::string forwarded_for() const {
        std::string out;
        if (!home_.door.proxies.trusts(from_)) return out;
        const auto [begin, end] = parser_->get().base().equal_range("X-Forwarded-For");
        for (auto it = begin; it != end; ++it)
            (out += out.empty() ? "" : ",").append(it->value().data(), it->value().size());
        return out;
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
               twice("Signature") || twice(http::field::sec_websocket_key) ||
               twice(http::field::sec_websocket_version);
    }

    /// Tells a client that waits for it to send the body, and then reads on.
    bool say_continue() {
        static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
        wire_->write({asio::buffer(text)}, [self = self()](const error_code& ec, std::size_t) {
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
        out_.fields += rate;
        home_.service_->answered(*this, out_.status, out_.body.size(), since_begin());
        stop_watching();
        head_ = head_of(out_, close_after_);
        if (parser_->get().method() == http::verb::head) out_.body.clear();
        deadline_ = steady::now() + patience_for(home_.options.patience.body, out_.body.size());
        wire_->write({asio::buffer(head_), asio::buffer(out_.body)},
                     [self = self()](const error_code& ec, std::size_t) {
                         if (self->phase_ == phase::writing) self->on_written(ec);
                     });
    }

    [[nodiscard]] std::chrono::microseconds since_begin() const {
        return std::chrono::duration_cast<std::chrono::microseconds>(steady::now() - began_);
    }

    void on_written(const error_code& ec) {
        if (home_.options.verbose)
            log_request({this, out_.status, out_.body.size(), out_.occurrence, since_begin()});
        if (ec) return close();
        if (live_) return become_live();
        if (!close_after_) return next_request();
        if (!unread_ && !wire_->is_secret()) return close();
        phase_ = phase::closing;
        deadline_ = steady::now() + linger_time;
        wire_->finish([self = self()] { self->close(); });
    }

    /// The channel takes the wire over, and this connection's place.
    void become_live() {
        const auto early = buffer_.data();
        const auto channel = std::make_shared<live_channel>(
            home_, std::move(wire_), bytes_view(static_cast<const std::uint8_t*>(early.data()), early.size()),
            std::move(*live_));
        phase_ = phase::closed;
        home_.replace(self(), channel);
        channel->start();
        if (home_.draining) channel->drain();
    }

    worker& home_;
    std::unique_ptr<wire> wire_;
    ip_address from_;
    boost::beast::flat_buffer buffer_{};
    std::optional<parser> parser_{};
    phase phase_ = phase::idle;
    steady::time_point deadline_{};
    steady::time_point began_ = steady::now();  ///< the request
    bool close_after_ = false;
    bool unread_ = false;
    std::optional<live_terms> live_{};  ///< of a request that was accepted for a live channel
    look look_{};
    topic topic_{};
    hub::ticket ticket_ = 0;
    answer out_{};
    std::string head_{};
};

}  // namespace casasync::relay
