// SPDX-License-Identifier: MIT
#pragma once

/// What an interrupted init or join left, and what stands in the way of a new one.
#include <casasync/agent/credentials.hpp>
#include <casasync/result.hpp>

#include <optional>
#include <string>

namespace casasync::agent {

/// Tells whether there is a vault at `path`.
[[nodiscard]] bool is_vault(const std::string& path);

[[nodiscard]] error vault_exists(const std::string& path);

/// Returns what an interrupted `step` left beside the file, or nothing.
/// \errors already_exists when the file is a vault that is whole, or has keys of another vault beside it
[[nodiscard]] result<std::optional<credentials>> find_begun(const std::string& path, setup step);

/// Removes the key file of a setup that made no vault, so that nothing is left of it. Returns `why`.
[[nodiscard]] error give_up(const std::string& path, error why);

}  // namespace casasync::agent
