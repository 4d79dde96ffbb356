// SPDX-License-Identifier: MIT
#include <casasync/openssl/websocket_accept.hpp>

#include "require.hpp"

#include <casasync/openssl/hash.hpp>

#include <openssl/sha.h>

#include <array>

namespace casasync::openssl {

std::string websocket_accept(std::string_view key) {
    const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<std::uint8_t, SHA_DIGEST_LENGTH> out{};
    require(SHA1(as_bytes(text).data(), text.size(), out.data()) != nullptr);
    return to_base64(out);
}

}  // namespace casasync::openssl
