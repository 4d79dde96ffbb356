// SPDX-License-Identifier: MIT
#include "claim_limit.hpp"

#include "routes.hpp"

#include <cstdint>

namespace casasync::relay {
namespace {

constexpr rate one_an_hour{1, 3'600'000};

rate_limiter::key failures_of(const peer& from) {
    return {static_cast<std::uint8_t>(counted::claim_failed), from.block};
}

unix_ms limiter_time(const core& shared) {
    return static_cast<unix_ms>(shared.now_ms());
}

}  // namespace

unsigned crowd_wait_s(core& shared, const peer& from) {
    const rate all{shared.options.rates.claims_per_minute_in_all, 60'000};
    const unsigned wait_s =
        shared.limiter.take({static_cast<std::uint8_t>(counted::claim_in_all), {}}, all, limiter_time(shared))
            .wait_s;
    const bool failed = shared.limiter.wait_s(failures_of(from), one_an_hour, limiter_time(shared)) > 0;
    return failed ? wait_s : 0;
}

void note_failed_claim(core& shared, const peer& from) {
    static_cast<void>(shared.limiter.take(failures_of(from), one_an_hour, limiter_time(shared)));
}

}  // namespace casasync::relay
