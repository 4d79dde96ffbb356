// SPDX-License-Identifier: MIT
#include "ask_relay.hpp"

#include <casasync/agent/link.hpp>

#include <chrono>

namespace casasync::cli {

result<beast::vault_info> ask_relay(const std::string& db) {
    const auto keys = agent::read_credentials(db);
    if (!keys) return keys.failure();
    beast::endpoint at;
    at.connect_timeout = std::chrono::seconds(3);
    at.answer_timeout = std::chrono::seconds(3);
    auto client = agent::make_client(*keys, at);
    if (!client) return client.failure();
    return client->info();
}

}  // namespace casasync::cli
