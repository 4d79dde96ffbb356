// SPDX-License-Identifier: MIT
#pragma once

/// The frames of WebSocket, as far as a channel of short messages needs them: no extensions.
/// Source: RFC 6455, section 5.
#include <casasync/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace casasync {

enum class websocket_kind : std::uint8_t { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// A whole message, put together from its frames.
struct websocket_message {
    websocket_kind kind = websocket_kind::text;
    bytes payload{};  ///< text is UTF-8; of a close nothing, or the code, two bytes, and UTF-8

    friend bool operator==(const websocket_message&, const websocket_message&) = default;
};

/// Why a channel cannot go on: the code with which it is closed.
enum class websocket_fault : std::uint16_t {
    none = 0,
    protocol = 1002,  ///< bytes that are no frames, or not in this order
    text = 1007,      ///< text that is not UTF-8
    too_long = 1009,  ///< a message above the limit
};

using websocket_mask = std::array<std::uint8_t, 4>;

/// Returns a message as one frame. \param mask  four random bytes of a client, which has to mask; a server
/// must not. \param payload  of close, ping and pong at most 125 bytes. Thread-safe: pure.
[[nodiscard]] inline bytes encode_websocket(websocket_kind kind, bytes_view payload,
                                            std::optional<websocket_mask> mask = std::nullopt) {
    CASASYNC_ASSERT(payload.size() <= 125 || kind < websocket_kind::close);
    bytes out{static_cast<std::uint8_t>(0x80 | static_cast<std::uint8_t>(kind))};
    const std::uint8_t masked = mask ? 0x80 : 0;
    const std::size_t size = payload.size();
    const unsigned width = size < 126 ? 0 : size < 65536 ? 2 : 8;
    out.push_back(static_cast<std::uint8_t>(masked | (width == 0 ? size : width == 2 ? 126U : 127U)));
    for (unsigned i = width; i-- > 0;)
        out.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(size) >> (8 * i)));
    if (mask) out.insert(out.end(), mask->begin(), mask->end());
    for (std::size_t i = 0; i < size; ++i) out.push_back(mask ? payload[i] ^ (*mask)[i % 4] : payload[i]);
    return out;
}

/// Returns the payload of a close. \param why  ASCII, at most 123 characters
[[nodiscard]] inline bytes websocket_close(std::uint16_t code, std::string_view why = {}) {
    bytes out{static_cast<std::uint8_t>(code >> 8), static_cast<std::uint8_t>(code)};
    out.insert(out.end(), why.begin(), why.end());
    return out;
}

/// Returns the code in the payload of a close that was received; 1005 when it says none.
[[nodiscard]] inline std::uint16_t websocket_close_code(bytes_view payload) noexcept {
    return payload.size() < 2 ? 1005 : static_cast<std::uint16_t>(payload[0] << 8 | payload[1]);
}

/// Tells whether `text` is UTF-8: shortest forms, no surrogates, nothing above U+10FFFF. Source: RFC 3629.
[[nodiscard]] inline bool is_utf8(bytes_view text) noexcept {
    for (std::size_t i = 0; i < text.size();) {
        const std::uint8_t first = text[i++];
        if (first < 0x80) continue;
        const std::size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
        if (first < 0xC2 || first > 0xF4 || text.size() - i < more) return false;
        // What the second byte may be keeps to the shortest form and to what there is.
        const std::uint8_t least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        const std::uint8_t most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
        if (text[i] < least || text[i] > most) return false;
        for (std::size_t j = 1; j < more; ++j)
            if ((text[i + j] & 0xC0) != 0x80) return false;
        i += more;
    }
    return true;
}

/// Puts messages together from bytes as they come. A value; one thread at a time. Holds at most one frame
/// more than `message_bytes_max`, and what was added and not yet asked for.
class websocket_reader {
 public:
    /// \param masked             frames have to be masked, as a client's; false: they must not be
    /// \param message_bytes_max  of one message; 125 at least
    websocket_reader(bool masked, std::size_t message_bytes_max)
        : masked_(masked), bytes_max_(std::max<std::size_t>(125, message_bytes_max)) {}

    void add(bytes_view data) {
        rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(at_));
        at_ = 0;
        rest_.insert(rest_.end(), data.begin(), data.end());
    }

    /// A message, if one is whole, or why there will be none any more.
    struct step {
        std::optional<websocket_message> message{};
        websocket_fault fault = websocket_fault::none;
    };
    /// Returns the next message; neither when more bytes have to come.
    [[nodiscard]] step next() {
        while (fault_ == websocket_fault::none) {
            const auto head = read_head();
            if (!head || left() - head->bytes < head->length) break;
            bytes payload = take_payload(*head);
            if (auto whole = join(*head, std::move(payload))) return {std::move(whole), fault_};
        }
        return {std::nullopt, fault_};
    }

 private:
    struct frame_head {
        bool last = false;
        std::uint8_t code = 0;     ///< 0: goes on with the message that was begun
        std::size_t bytes = 0;     ///< of the head itself
        std::uint64_t length = 0;  ///< of the payload
    };

    [[nodiscard]] std::size_t left() const noexcept { return rest_.size() - at_; }
    void fail(websocket_fault why) noexcept { fault_ = why; }

    [[nodiscard]] static bool is_control(std::uint8_t code) noexcept { return code >= 8; }

    /// Looks at the head of the next frame. Nothing: it is not there yet, or wrong.
    std::optional<frame_head> read_head() {
        if (left() < 2) return std::nullopt;
        const std::uint8_t* const in = &rest_[at_];
        frame_head out;
        out.last = (in[0] & 0x80) != 0;
        out.code = in[0] & 0x0F;
        const std::uint8_t size = in[1] & 0x7F;
        if ((in[0] & 0x70) != 0 || ((in[1] & 0x80) != 0) != masked_ || !fits(out, size))
            return fail(websocket_fault::protocol), std::nullopt;
        const std::size_t width = size < 126 ? 0 : size == 126 ? 2 : 8;
        out.bytes = 2 + width + (masked_ ? 4 : 0);
        if (left() < out.bytes) return std::nullopt;
        out.length = width == 0 ? size : 0;
        for (std::size_t i = 0; i < width; ++i) out.length = out.length << 8 | in[2 + i];
        const std::uint64_t least = width == 0 ? 0 : width == 2 ? 126 : 65536;
        if (out.length < least || out.length >> 63 != 0) return fail(websocket_fault::protocol), std::nullopt;
        if (!is_control(out.code) && out.length > bytes_max_ - begun_.payload.size())
            return fail(websocket_fault::too_long), std::nullopt;
        return out;
    }

    /// Tells whether such a frame may come now.
    [[nodiscard]] bool fits(const frame_head& f, std::uint8_t size) const noexcept {
        if (is_control(f.code)) return f.code <= 10 && f.last && size <= 125;
        return f.code <= 2 && (f.code == 0) == unfinished_;
    }

    bytes take_payload(const frame_head& f) {
        const std::uint8_t* const begin = &rest_[at_] + f.bytes;
        const std::uint8_t* const mask = masked_ ? begin - 4 : nullptr;
        bytes out(begin, begin + f.length);
        for (std::size_t i = 0; masked_ && i < out.size(); ++i) out[i] ^= mask[i % 4];
        at_ += f.bytes + out.size();
        return out;
    }

    /// Returns the message that a frame completes.
    std::optional<websocket_message> join(const frame_head& f, bytes payload) {
        if (is_control(f.code)) {
            if (f.code == static_cast<std::uint8_t>(websocket_kind::close) && !check_close(payload))
                return std::nullopt;
            return websocket_message{static_cast<websocket_kind>(f.code), std::move(payload)};
        }
        if (f.code != 0) begun_.kind = static_cast<websocket_kind>(f.code);
        begun_.payload.insert(begun_.payload.end(), payload.begin(), payload.end());
        unfinished_ = !f.last;
        if (unfinished_) return std::nullopt;
        if (begun_.kind == websocket_kind::text && !is_utf8(begun_.payload))
            return fail(websocket_fault::text), std::nullopt;
        return std::exchange(begun_, {});
    }

    /// Codes that may be sent: those of the RFC and its registry, and those that applications agree upon.
    [[nodiscard]] bool check_close(const bytes& payload) noexcept {
        const std::uint16_t code = payload.empty() ? 1000 : websocket_close_code(payload);
        const bool known = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                           (code >= 3000 && code <= 4999);
        if (!known)
            fail(websocket_fault::protocol);
        else if (payload.size() > 2 && !is_utf8(bytes_view(payload).subspan(2)))
            fail(websocket_fault::text);
        return fault_ == websocket_fault::none;
    }

    bool masked_;
    std::size_t bytes_max_;
    bytes rest_{};
    std::size_t at_ = 0;  ///< what of rest_ was used
    websocket_message begun_{};
    bool unfinished_ = false;
    websocket_fault fault_ = websocket_fault::none;
};

}  // namespace casasync
