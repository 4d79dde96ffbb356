// SPDX-License-Identifier: MIT
#include "fixtures.hpp"

#include <stdexcept>

namespace casasync_test {

using namespace casasync;

std::uint16_t port_of(const std::string& url) {
    return static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
}

relay_fixture::relay_fixture() {
    options.data = directory.path() + "/data";
    options.io_threads = 1;
    options.clock = [this] { return now_ms.load(); };
}

void relay_fixture::start() {
    auto started = relay::server::start(options);
    if (!started) throw std::runtime_error(started.failure().text());
    server = std::move(*started);
}

}  // namespace casasync_test
