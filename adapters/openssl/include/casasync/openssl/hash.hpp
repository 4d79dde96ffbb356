// SPDX-License-Identifier: MIT
#pragma once

/// SHA-256 and what is built on it, and the padded base64 of HTTP header fields.
/// Sources: FIPS 180-4, RFC 2104 (HMAC), RFC 5869 (HKDF), RFC 4648 section 4 (base64).
#include <casasync/bytes.hpp>
#include <casasync/envelope.hpp>
#include <casasync/result.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace casasync::openssl {

/// Returns SHA-256 of `data`. Thread-safe: pure.
[[nodiscard]] digest256 sha256(bytes_view data);

/// SHA-256 of data that comes in pieces. One thread at a time.
class sha256_stream {
 public:
    sha256_stream();
    sha256_stream(sha256_stream&&) noexcept;
    sha256_stream& operator=(sha256_stream&&) noexcept;
    ~sha256_stream();

    void update(bytes_view data);
    /// Returns the digest of everything so far and starts again from nothing.
    [[nodiscard]] digest256 finish();

 private:
    struct state;
    std::unique_ptr<state> state_;
};

/// Returns HMAC-SHA256. Thread-safe: pure.
[[nodiscard]] digest256 hmac_sha256(bytes_view key, bytes_view data);

/// Returns `size` bytes (1 .. 8160) derived from `ikm`. Thread-safe: pure.
[[nodiscard]] bytes hkdf_sha256(bytes_view ikm, bytes_view salt, bytes_view info, std::size_t size);

/// Tells whether both hold the same bytes, in a time that depends on the lengths alone.
[[nodiscard]] bool equal_constant_time(bytes_view a, bytes_view b) noexcept;

/// Returns `data` in standard base64 with padding, as HTTP structured fields write it.
[[nodiscard]] std::string to_base64(bytes_view data);

/// Returns what to_base64 wrote as `text`.
/// \errors malformed_text for another alphabet, missing padding, white space, or non-canonical last bits.
[[nodiscard]] result<bytes> from_base64(std::string_view text);

}  // namespace casasync::openssl
