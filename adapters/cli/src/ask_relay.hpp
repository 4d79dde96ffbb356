// SPDX-License-Identifier: MIT
#pragma once

#include <casasync/beast/client.hpp>
#include <casasync/result.hpp>

#include <string>

namespace casasync::cli {

/// Returns what the relay says of the vault, asked with little patience: an answer is wanted now.
[[nodiscard]] result<beast::vault_info> ask_relay(const std::string& db);

}  // namespace casasync::cli
