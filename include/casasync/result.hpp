// SPDX-License-Identifier: MIT
#pragma once

/// `result<T>`: a value or an `error`. A function that returns an error has changed nothing.
#include <casasync/error.hpp>

#include <optional>
#include <utility>
#include <variant>

/// States what this code promises itself. Never reached by anything read from a network or a disk.
#ifndef CASASYNC_ASSERT
#include <cassert>
#define CASASYNC_ASSERT(condition) assert(condition)
#endif

namespace casasync {

template <class T>
class [[nodiscard]] result {
 public:
    result(T value)
        : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
    result(error failure)
        : state_(std::in_place_index<1>, std::move(failure)) {}         // NOLINT(google-explicit-constructor)
    result(errc code) : state_(std::in_place_index<1>, error{code}) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
    [[nodiscard]] explicit operator bool() const noexcept { return ok(); }

    [[nodiscard]] T& value() & noexcept { return (CASASYNC_ASSERT(ok()), *std::get_if<0>(&state_)); }
    [[nodiscard]] const T& value() const& noexcept {
        return (CASASYNC_ASSERT(ok()), *std::get_if<0>(&state_));
    }
    [[nodiscard]] T&& value() && noexcept {
        return (CASASYNC_ASSERT(ok()), std::move(*std::get_if<0>(&state_)));
    }
    [[nodiscard]] T& operator*() & noexcept { return value(); }
    [[nodiscard]] const T& operator*() const& noexcept { return value(); }
    [[nodiscard]] T&& operator*() && noexcept { return std::move(*this).value(); }
    [[nodiscard]] T* operator->() noexcept { return &value(); }
    [[nodiscard]] const T* operator->() const noexcept { return &value(); }

    /// The failure; only when !ok().
    [[nodiscard]] const error& failure() const noexcept {
        return (CASASYNC_ASSERT(!ok()), *std::get_if<1>(&state_));
    }
    [[nodiscard]] errc code() const noexcept { return failure().code; }

 private:
    std::variant<T, error> state_;
};

template <>
class [[nodiscard]] result<void> {
 public:
    result() = default;
    result(error failure) : failure_(std::move(failure)) {}  // NOLINT(google-explicit-constructor)
    result(errc code) : failure_(error{code}) {}             // NOLINT(google-explicit-constructor)

    [[nodiscard]] bool ok() const noexcept { return !failure_.has_value(); }
    [[nodiscard]] explicit operator bool() const noexcept { return ok(); }
    [[nodiscard]] const error& failure() const noexcept { return (CASASYNC_ASSERT(!ok()), *failure_); }
    [[nodiscard]] errc code() const noexcept { return failure().code; }

 private:
    std::optional<error> failure_;
};

}  // namespace casasync
