// SPDX-License-Identifier: MIT
#pragma once

/// From a request to the route that answers it, past everything that can be checked before the body comes: a
/// stranger cannot make the relay hold more than a few kilobytes.
#include "core.hpp"
#include "exchange.hpp"
#include "routes.hpp"

#include <string>
#include <vector>

namespace casasync::relay {

class router final : public service {
 public:
    router(core& shared, const std::vector<std::string>& database_paths) : c_(shared, database_paths) {}

    [[nodiscard]] admission admit(exchange& x) override;
    void handle(const exchange_ptr& x) override;
    void answered(const exchange& x, unsigned status, std::size_t bytes_out,
                  std::chrono::microseconds took) override;

 private:
    /// Returns the answer that refuses the request.
    [[nodiscard]] std::optional<answer> check(exchange& x);
    [[nodiscard]] std::optional<answer> check_caller(exchange& x, const std::string& authority);
    [[nodiscard]] std::optional<answer> check_rate(exchange& x);
    /// Notes that a device was here, unless its request does so itself.
    void note_visit(const exchange& x);

    context c_;
};

}  // namespace casasync::relay
