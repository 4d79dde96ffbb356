// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>

namespace casasync::openssl {

/// Ends the process when OpenSSL fails at what cannot fail while there is memory and a working library: going
/// on would mean to write or trust bytes that were never protected.
inline void require(bool done) noexcept {
    if (!done) std::abort();
}

}  // namespace casasync::openssl
