// SPDX-License-Identifier: MIT
#pragma once

/// A connection that has become a device's live channel: docs/WIRE.md, "Live". Included by http.cpp alone.
#include "worker.hpp"

#include <casasync/websocket.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace casasync::relay {

inline constexpr milliseconds hint_every{10};
inline constexpr std::size_t live_message_bytes_max = 125;
inline constexpr std::size_t unsent_bytes_max = std::size_t{4} << 10;

class live_channel final : public guest, public std::enable_shared_from_this<live_channel> {
 public:
    /// Why the relay ends a channel: the codes of docs/WIRE.md.
    enum : std::uint16_t { expired = 1001, unsupported = 1003, policy = 1008, restart = 1012 };
    enum : std::uint16_t { revoked = 4401, superseded = 4409 };

    /// \param early  what came behind the request
    live_channel(worker& home, std::unique_ptr<wire> through, bytes_view early, live_terms terms)
        : home_(home), wire_(std::move(through)), terms_(std::move(terms)) {
        reader_.add(early);
    }

    void start() {
        const auto post = [this](void (live_channel::*what)()) {
            return [weak = weak_from_this(), &io = home_.io, what] {
                if (auto self = weak.lock()) asio::post(io, [self, what] { (*self.*what)(); });
            };
        };
        of_device_ = home_.listeners.replace(terms_.device, post(&live_channel::give_way));
        of_vault_ = home_.listeners.add(terms_.vault, post(&live_channel::look));
        look();
        on_bytes();
    }

    void check(steady::time_point now) override {
        if (phase_ == phase::ending) {
            if (now >= deadline_) close();
            return;
        }
        if (now >= heard_ + home_.options.patience.live) return close();
        if (writing_ && now >= deadline_) return close();
        if (now >= born_ + home_.options.patience.live_life) return say_goodbye(expired);
        if (stale_) look();
    }

    void drain() override { say_goodbye(restart); }

    void close() override {
        if (phase_ == phase::closed) return;
        leave();
        phase_ = phase::closed;
        wire_->close();
        home_.remove(shared_from_this());
    }

 private:
    enum class phase { open, ending, closed };

    /// Hears of nothing any more.
    void leave() {
        if (phase_ != phase::open) return;
        home_.listeners.remove(terms_.device, of_device_);
        home_.listeners.remove(terms_.vault, of_vault_);
    }

    /// Tells the head of the log if it is another one than was told, and whether the device is still a
    /// member.
    void look() {
        if (phase_ != phase::open) return;
        const auto now = steady::now();
        stale_ = writing_ || now < told_ + hint_every;
        if (stale_) return look_later();
        const auto seen = terms_.look();
        stale_ = !seen;
        if (!seen) return;
        if (seen->revoked) return end(revoked);
        if (told_head_ == seen->head) return;
        told_head_ = seen->head;
        told_ = now;
        say(R"({"t":"head","head":)" + std::to_string(seen->head) + R"(,"gen":")" + seen->generation.text() +
            R"("})");
    }

    /// Looks again when a hint may go out. While one is being written, its end does.
    void look_later() {
        if (writing_ || waiting_) return;
        waiting_ = true;
        again_.expires_at(told_ + hint_every);
        again_.async_wait([weak = weak_from_this()](const error_code&) {
            const auto self = weak.lock();
            if (!self) return;
            self->waiting_ = false;
            if (self->stale_) self->look();
        });
    }

    /// The device has another, newer channel.
    void give_way() { end(superseded); }

    void say_goodbye(std::uint16_t code) {
        if (phase_ == phase::open) say(R"({"t":"bye","retry":1})");
        end(code);
    }

    void end(std::uint16_t code) { end(websocket_close(code)); }

    /// Says why, and waits a moment for the client to close.
    void end(const bytes& payload) {
        if (phase_ != phase::open) return;
        leave();
        phase_ = phase::ending;
        send(websocket_kind::close, payload);
        deadline_ = steady::now() + linger_time;
    }

    void read() {
        if (reading_ || phase_ == phase::closed || unsent_.size() > unsent_bytes_max) return;
        reading_ = true;
        wire_->read(asio::buffer(piece_), [self = shared_from_this()](const error_code& ec, std::size_t n) {
            self->reading_ = false;
            if (self->phase_ == phase::closed) return;
            if (ec) return self->close();
            self->heard_ = steady::now();
            self->reader_.add(bytes_view(self->piece_).first(n));
            self->on_bytes();
        });
    }

    void on_bytes() {
        while (phase_ != phase::closed) {
            const auto step = reader_.next();
            if (step.message)
                on_message(*step.message);
            else if (step.fault != websocket_fault::none)
                return phase_ == phase::open ? end(static_cast<std::uint16_t>(step.fault)) : close();
            else
                return read();
        }
    }

    void on_message(const websocket_message& m) {
        if (m.kind == websocket_kind::close) {
            if (phase_ == phase::ending) return close();
            agreed_ = true;
            return end(m.payload);  // as it came
        }
        if (phase_ != phase::open || m.kind == websocket_kind::pong) return;
        if (m.kind == websocket_kind::ping) return send(websocket_kind::pong, m.payload);
        if (m.kind == websocket_kind::binary) return end(unsupported);
        if (m.payload != bytes{'p', 'i', 'n', 'g'}) return end(policy);
        say("pong");
    }

    void say(std::string_view text) { send(websocket_kind::text, as_bytes(text)); }

    void send(websocket_kind kind, bytes_view payload) {
        const bytes frame = encode_websocket(kind, payload);
        unsent_.insert(unsent_.end(), frame.begin(), frame.end());
        if (!writing_) write();
    }

    void write() {
        writing_ = true;
        sending_ = std::exchange(unsent_, {});
        if (phase_ == phase::open) deadline_ = steady::now() + home_.options.patience.body;
        wire_->write({asio::buffer(sending_)},
                     [self = shared_from_this()](const error_code& ec, std::size_t) {
                         self->writing_ = false;
                         if (self->phase_ == phase::closed) return;
                         if (ec) return self->close();
                         if (!self->unsent_.empty()) return self->write();
                         if (self->agreed_) return self->close();
                         if (self->stale_) self->look();
                         self->read();
                     });
    }

    worker& home_;
    std::unique_ptr<wire> wire_;
    live_terms terms_;
    hub::ticket of_device_ = 0, of_vault_ = 0;
    websocket_reader reader_{true, live_message_bytes_max};
    std::array<std::uint8_t, 512> piece_{};
    bytes unsent_{}, sending_{};
    phase phase_ = phase::open;
    bool reading_ = false, writing_ = false;
    bool agreed_ = false;  ///< the client has said that it ends
    bool stale_ = false;   ///< the log may have grown since it was looked at
    asio::steady_timer again_{home_.io};
    bool waiting_ = false;  ///< for again_
    std::optional<std::uint64_t> told_head_{};
    steady::time_point born_ = steady::now(), heard_ = born_, told_{}, deadline_{};
};

}  // namespace casasync::relay
