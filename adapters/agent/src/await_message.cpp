// SPDX-License-Identifier: MIT
#include "await_message.hpp"

#include "poll_pace.hpp"

#include <casasync/limits.hpp>
#include <casasync/openssl/random.hpp>

#include <chrono>
#include <thread>
#include <utility>

namespace casasync::agent {

result<bytes> await_message(beast::mailbox& box, beast::mailbox::side from, std::uint8_t n) {
    const auto at_latest = std::chrono::steady_clock::now() + std::chrono::minutes(15);
    openssl::random random;
    poll_pace pace;
    while (std::chrono::steady_clock::now() < at_latest) {
        pace.begin();
        auto message = box.get(from, n, limits::wait_s_max);
        if (!message) return message.failure();
        if (*message) return std::move(**message);
        std::this_thread::sleep_for(pace.after_answer(false, random));
    }
    return errc::pairing_expired;
}

}  // namespace casasync::agent
