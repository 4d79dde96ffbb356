// SPDX-License-Identifier: MIT
#pragma once

/// What a relay counts since it started, in the Prometheus text format. It names no vault and no device.
#include "exchange.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>

namespace casasync::relay {

class metrics {
 public:
    /// Counts an answered request. \param route the path of its route; static text. Any thread.
    void count(std::string_view method, std::string_view route, unsigned status, std::size_t bytes_in,
               std::size_t bytes_out, std::chrono::microseconds took);
    /// Appends the counts. Any thread.
    void append_to(std::string& out) const;

 private:
    struct series {
        std::uint64_t requests = 0, bytes_in = 0, bytes_out = 0;
        std::chrono::microseconds took{};
    };
    mutable std::mutex mutex_{};
    std::map<std::tuple<std::string_view, std::string_view, unsigned>, series> all_{};
};

/// Appends one value with its name, type ("counter" or "gauge") and explanation.
void append_metric(std::string& out, std::string_view name, std::string_view type, std::string_view help,
                   double value);

/// Answers GET /metrics, and nothing else. \param text makes the page; called on the thread that answers
class metrics_page final : public service {
 public:
    explicit metrics_page(std::function<std::string()> text) : text_(std::move(text)) {}

    [[nodiscard]] admission admit(exchange& x) override;
    void handle(const exchange_ptr& x) override;

 private:
    std::function<std::string()> text_;
};

}  // namespace casasync::relay
