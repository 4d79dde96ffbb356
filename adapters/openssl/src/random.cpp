// SPDX-License-Identifier: MIT
#include <casasync/openssl/random.hpp>

#include "require.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <climits>
#include <cstddef>

namespace casasync::openssl {

void random::fill(std::span<std::uint8_t> out) noexcept {
    while (!out.empty()) {
        const std::size_t n = std::min<std::size_t>(out.size(), INT_MAX);
        require(RAND_bytes(out.data(), static_cast<int>(n)) == 1);
        out = out.subspan(n);
    }
}

}  // namespace casasync::openssl
