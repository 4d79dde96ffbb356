// SPDX-License-Identifier: MIT
#pragma once

/// Text of answers and of the request log.
#include "exchange.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace casasync::relay {

[[nodiscard]] std::string_view method_of(verb method) noexcept;

/// Returns status line and header of an answer, empty line included.
[[nodiscard]] std::string head_of(const answer& a, bool close);

/// Tells whether a header field that is a list of words has this one, whatever its case. \param word  lower
/// case
[[nodiscard]] bool lists(std::string_view field, std::string_view word) noexcept;

/// What is told of a request that was answered: never a body, a key or a whole id.
struct request_record {
    const exchange* what = nullptr;
    unsigned status = 0;
    std::size_t bytes_out = 0;
    std::string_view occurrence{};
    std::chrono::microseconds took{};
};

/// Writes a record to stderr as one line of JSON.
void log_request(const request_record& r);

}  // namespace casasync::relay
