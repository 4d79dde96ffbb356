// SPDX-License-Identifier: MIT
#pragma once

/// The operating system's randomness by way of OpenSSL.
#include <casasync/environment.hpp>

#include <cstdint>
#include <span>

namespace casasync::openssl {

/// Models random_source. It ends the process rather than go on with bytes that are not random. Thread-safe.
struct random {
    void fill(std::span<std::uint8_t> out) noexcept;
};

static_assert(random_source<random>);

}  // namespace casasync::openssl
