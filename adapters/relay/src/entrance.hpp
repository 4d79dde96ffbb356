// SPDX-License-Identifier: MIT
#pragma once

/// What stands between a client and the relay.
#include "certificate.hpp"
#include "client_address.hpp"

namespace casasync::relay {

struct entrance {
    const certificate* tls = nullptr;  ///< none: plain HTTP
    trusted_proxies proxies{};
};

}  // namespace casasync::relay
