// SPDX-License-Identifier: MIT
#pragma once

/// What a fuzz harness is: a name and a body. The same body is driven by libFuzzer (scripts/fuzz) and, in
/// every build, by a test that replays the corpus and then tries mutations of it (replay.cpp).
#include <casasync/bytes.hpp>
#include <casasync/result.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>

namespace casasync_fuzz {

struct harness {
    const char* name;    ///< of its folder in corpus/
    std::size_t inputs;  ///< mutations the test tries
};

/// Each harness is a file that defines these two. one() returns 0, or throws a finding.
extern const harness this_harness;
int one(casasync::bytes_view data);

/// Something that must never be was.
class finding : public std::logic_error {
 public:
    using std::logic_error::logic_error;
};

inline void must(bool holds, const char* what) {
    if (!holds) throw finding(what);
}

/// A failure must be one of those the function's contract names.
template <class T>
void must_be_typed(const casasync::result<T>& failed, std::initializer_list<casasync::errc> named) {
    if (std::find(named.begin(), named.end(), failed.code()) == named.end())
        throw finding("an error that the contract does not name: " + failed.failure().text());
}

/// Choices out of an input, front first; zeros when it is used up, so that every input means something.
class source {
 public:
    explicit source(casasync::bytes_view data) : data_(data) {}

    [[nodiscard]] bool empty() const noexcept { return data_.empty(); }
    std::uint8_t u8() noexcept {
        const casasync::bytes_view one = take(1);
        return one.empty() ? std::uint8_t{0} : one[0];
    }
    /// One of 0 .. n - 1, with n from 1 to 256.
    std::size_t below(std::size_t n) noexcept { return u8() % n; }
    bool flip() noexcept { return (u8() & 1) != 0; }
    std::uint64_t u64() noexcept {
        std::uint64_t out = 0;
        for (int i = 0; i < 8; ++i) out = (out << 8) | u8();
        return out;
    }
    /// The next bytes, at most n.
    casasync::bytes_view take(std::size_t n) noexcept {
        const casasync::bytes_view out = data_.first(std::min(n, data_.size()));
        data_ = data_.subspan(out.size());
        return out;
    }
    casasync::bytes_view rest() noexcept { return take(data_.size()); }

 private:
    casasync::bytes_view data_;
};

}  // namespace casasync_fuzz
