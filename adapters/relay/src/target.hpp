// SPDX-License-Identifier: MIT
#pragma once

/// The target of a request, read strictly: docs/WIRE.md, "Conventions". Nothing is decoded or normalised.
#include <casasync/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace casasync::relay {

/// A whole number as JSON can carry it, 0 .. 2^53 - 1, decimal, without leading zeros.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

/// A target taken apart; views into its text.
struct target {
    static constexpr std::size_t segments_max = 8;
    static constexpr std::size_t keys_max = 8;

    std::array<std::string_view, segments_max> segments{};  ///< of the path, without the version
    std::size_t segment_count = 0;
    std::array<std::pair<std::string_view, std::string_view>, keys_max>
        keys{};  ///< of the query, with values
    std::size_t key_count = 0;

    /// Returns the value of a query key; nothing when it is not there.
    [[nodiscard]] std::optional<std::string_view> value(std::string_view key) const noexcept;
    /// Tells whether every query key is one of `known`.
    [[nodiscard]] bool only_has(std::span<const std::string_view> known) const noexcept;
};

/// Takes "/v1/a/b?c=d" apart into {a, b} and {(c, d)}; "/vaults/..." stands for "/v1/vaults/...", and other
/// paths without a version are kept as they are.
/// \errors malformed_text for any character outside the alphabet, "//", a second or an empty "?", a key that
///         is empty, comes twice or has no "=", and more than 2 KiB
[[nodiscard]] result<target> parse_target(std::string_view text);

}  // namespace casasync::relay
