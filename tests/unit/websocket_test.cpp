// SPDX-License-Identifier: MIT
#include <casasync/websocket.hpp>
#include <casasync_test/catch.hpp>

#include <random>
#include <string>
#include <vector>

using namespace casasync;

namespace {

using kind = websocket_kind;
using fault = websocket_fault;

constexpr websocket_mask mask{0x37, 0xFA, 0x21, 0x3D};

bytes text_bytes(std::string_view text) {
    return {text.begin(), text.end()};
}
bytes operator+(bytes a, const bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

/// A server's frame, given byte by byte.
bytes raw(std::uint8_t first, std::uint8_t second, const bytes& more = {}) {
    return bytes{first, second} + more;
}

struct reading {
    std::vector<websocket_message> messages{};
    fault why = fault::none;
};

/// Reads bytes that come in pieces of `piece`.
reading read(const bytes& all, bool masked = false, std::size_t piece = 1000, std::size_t most = 300) {
    websocket_reader reader(masked, most);
    reading out;
    for (std::size_t at = 0; at < all.size() && out.why == fault::none; at += piece) {
        reader.add(bytes_view(all).subspan(at, std::min(piece, all.size() - at)));
        for (;;) {
            auto step = reader.next();
            out.why = step.fault;
            if (!step.message) break;
            out.messages.push_back(std::move(*step.message));
        }
    }
    return out;
}

fault refusal(const bytes& data, bool masked = false) {
    const reading whole = read(data, masked), slow = read(data, masked, 1);
    CHECK(whole.why == slow.why);
    CHECK(whole.messages == slow.messages);
    return whole.why;
}

}  // namespace

TEST_CASE("a message is written as RFC 6455 has it", "[websocket]") {
    CHECK(to_hex(encode_websocket(kind::text, as_bytes("Hello"))) == "810548656c6c6f");
    CHECK(to_hex(encode_websocket(kind::text, as_bytes("Hello"), mask)) == "818537fa213d7f9f4d5158");
    CHECK(to_hex(encode_websocket(kind::pong, as_bytes("Hello"), mask)) == "8a8537fa213d7f9f4d5158");
    CHECK(to_hex(encode_websocket(kind::binary, bytes(256))).substr(0, 10) == "827e010000");
    CHECK(to_hex(encode_websocket(kind::binary, bytes(65536))).substr(0, 22) == "827f000000000001000000");
    CHECK(to_hex(encode_websocket(kind::close, websocket_close(4401, "ok"))) == "880411316f6b");
}

TEST_CASE("what was written is read, however it comes", "[websocket]") {
    for (const std::size_t size : std::vector<std::size_t>{0, 1, 125, 126, 127, 65535, 65536}) {
        const bytes payload(size, 'x');
        for (const bool masked : {false, true}) {
            const auto one =
                encode_websocket(kind::text, payload, masked ? std::optional(mask) : std::nullopt);
            const auto all = one + one;
            for (const std::size_t piece : {std::size_t{7}, all.size()}) {
                const reading r = read(all, masked, piece, 65536);
                CHECK(r.why == fault::none);
                CHECK(r.messages == std::vector(2, websocket_message{kind::text, payload}));
            }
        }
    }
}

TEST_CASE("a message in pieces is put together, with others in between", "[websocket]") {
    const bytes data = raw(0x01, 3, text_bytes("Hel")) + raw(0x89, 1, text_bytes("?")) + raw(0x00, 0) +
                       raw(0x80, 2, text_bytes("lo")) + raw(0x82, 1, {7});
    const std::vector<websocket_message> expected{
        {kind::ping, text_bytes("?")}, {kind::text, text_bytes("Hello")}, {kind::binary, {7}}};
    CHECK(read(data).messages == expected);
    CHECK(read(data, false, 1).messages == expected);
}

TEST_CASE("a close says why, or nothing", "[websocket]") {
    for (const int code : {1000, 1003, 1007, 1014, 3000, 4409, 4999}) {
        const reading r =
            read(encode_websocket(kind::close, websocket_close(static_cast<std::uint16_t>(code), "why")));
        REQUIRE(r.messages.size() == 1);
        CHECK(websocket_close_code(r.messages[0].payload) == code);
    }
    const reading silent = read(raw(0x88, 0));
    REQUIRE(silent.messages.size() == 1);
    CHECK(websocket_close_code(silent.messages[0].payload) == 1005);
}

TEST_CASE("what is no frame, or none that may come now, ends the channel", "[websocket]") {
    const bytes five = text_bytes("Hello");
    CHECK(refusal(encode_websocket(kind::text, five), true) == fault::protocol);
    CHECK(refusal(encode_websocket(kind::text, five, mask), false) == fault::protocol);
    for (const int reserved : {0xC1, 0xA1, 0x91, 0x83, 0x87, 0x8B, 0x8F})
        CHECK(refusal(raw(static_cast<std::uint8_t>(reserved), 0)) == fault::protocol);
    CHECK(refusal(raw(0x80, 0)) == fault::protocol);                               // goes on with nothing
    CHECK(refusal(raw(0x01, 1, {'a'}) + raw(0x81, 1, {'b'})) == fault::protocol);  // begins inside another
    CHECK(refusal(raw(0x09, 0)) == fault::protocol);                               // a ping in pieces
    CHECK(refusal(raw(0x88, 126, {0, 126})) == fault::protocol);                   // a close that is too long
    CHECK(refusal(raw(0x82, 126, {0, 125})) == fault::protocol);                   // not the shortest form
    CHECK(refusal(raw(0x82, 127, {0, 0, 0, 0, 0, 0, 0xFF, 0xFF})) == fault::protocol);
    CHECK(refusal(raw(0x82, 127, {0x80, 0, 0, 0, 0, 1, 0, 0})) == fault::protocol);
    for (const int code : {0, 999, 1004, 1006, 1015, 2999, 5000, 65535})
        CHECK(refusal(encode_websocket(kind::close, websocket_close(static_cast<std::uint16_t>(code)))) ==
              fault::protocol);
    CHECK(refusal(raw(0x88, 1, {3})) == fault::protocol);
}

TEST_CASE("a message above the limit is refused before it has come", "[websocket]") {
    CHECK(refusal(raw(0x82, 126, {1, 44}) + bytes(300)) == fault::none);
    CHECK(refusal(raw(0x82, 126, {1, 45})) == fault::too_long);
    CHECK(refusal(raw(0x82, 127, {0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})) == fault::too_long);
    CHECK(refusal(raw(0x02, 100) + bytes(100) + raw(0x00, 126, {0, 201})) == fault::too_long);
    CHECK(read(raw(0x8A, 125) + bytes(125), false, 1000, 1).why == fault::none);
    CHECK(read(raw(0x82, 126, {0, 126}), false, 1000, 1).why == fault::too_long);
}

TEST_CASE("text that is not UTF-8 ends the channel", "[websocket]") {
    const auto is_good = [](const std::string& text) {
        const fault why = refusal(encode_websocket(kind::text, text_bytes(text)));
        CHECK((why == fault::none || why == fault::text));
        CHECK(refusal(encode_websocket(kind::close, websocket_close(1000, text))) == why);
        return why == fault::none;
    };
    for (const char* const good : {"", "a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                                   "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
        CHECK(is_good(good));
    for (const char* const bad :
         {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x7F", "\xC2\xC0", "\xE0\x9F\xBF", "\xE1\x80",
          "\xE1\x80\x7F", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF1\x80\x80", "\xF1\x80\x80\xC0",
          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xE2\x82"})
        CHECK_FALSE(is_good(bad));
    const bytes cut = raw(0x01, 2, {0xE2, 0x82}) + raw(0x80, 1, {0xAC});  // a character across two frames
    CHECK(read(cut).messages == std::vector{websocket_message{kind::text, {0xE2, 0x82, 0xAC}}});
}

TEST_CASE("nothing comes after a fault", "[websocket]") {
    const reading r = read(raw(0x81, 1, {'a'}) + raw(0xFF, 0) + raw(0x81, 1, {'b'}));
    CHECK(r.messages == std::vector{websocket_message{kind::text, {'a'}}});
    CHECK(r.why == fault::protocol);
}

TEST_CASE("random bytes are read the same in one piece and byte by byte", "[websocket]") {
    std::mt19937 random(7);
    int faults = 0;
    for (int n = 0; n < 20'000; ++n) {
        bytes data(random() % 40);
        for (std::uint8_t& b : data) b = static_cast<std::uint8_t>(random());
        if (data.size() > 1 && random() % 2 == 0) {  // a frame that may be one
            data[0] = static_cast<std::uint8_t>(data[0] & 0x8F);
            data[1] = static_cast<std::uint8_t>(data[1] & 0x87);
        }
        const bool masked = random() % 2 == 0;
        const reading whole = read(data, masked), slow = read(data, masked, 1);
        faults += whole.why != fault::none ? 1 : 0;
        if (whole.why != slow.why || whole.messages != slow.messages) FAIL(to_hex(data));
    }
    CHECK(faults > 5'000);
}
