// SPDX-License-Identifier: MIT
#pragma once

/// What the routes' handlers have in common.
#include "auth.hpp"
#include "core.hpp"
#include "exchange.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace casasync::relay {

/// 400.
[[nodiscard]] answer malformed(std::string_view detail);
/// 413.
[[nodiscard]] answer too_large(std::uint64_t limit);

/// Answers, with the state of the log if the request is signed. Any thread.
void reply(const core& shared, const exchange_ptr& x, answer out);

/// Queues what a request writes; it is answered after the commit, or 503 at once when the queue is full. The
/// job runs on the writer's thread. A signed request of a device that was revoked meanwhile is refused there.
void write(context& c, const exchange_ptr& x, std::function<verdict(write_store&)> job);
/// The same in a file that need not be that of the caller's vault, and of whom nothing is known there.
void write_to(shard& where, context& c, const exchange_ptr& x, std::function<verdict(write_store&)> job);

/// Notes that a device has everything up to `ack`. A full vault gets room as soon as it can.
void note_ack(core& shared, write_store& store, const member& who, std::uint64_t ack);

/// Answers with the first thing `look` finds: now, after a commit that concerns `what`, or when `wait_s` are
/// over; see exchange::watch.
void watch(context& c, const exchange_ptr& x, const topic& what, std::uint64_t wait_s, exchange::look look);

/// A refusal: what the job wrote is undone.
[[nodiscard]] inline verdict refuse(answer out) {
    return {std::move(out), false, {}, {}};
}

/// Returns the JSON object in a request's body; nothing when it is none.
[[nodiscard]] std::optional<boost::json::object> json_body(const exchange& x);
/// Returns a whole number, 0 .. 2^53 - 1.
[[nodiscard]] std::optional<std::uint64_t> number_in(const boost::json::object& in, std::string_view key);
/// Returns an id of 22 characters.
template <class Id>
[[nodiscard]] std::optional<Id> id_in(const boost::json::object& in, std::string_view key) {
    const auto* const value = in.if_contains(key);
    const auto* const text = value == nullptr ? nullptr : value->if_string();
    if (text == nullptr) return std::nullopt;
    const auto id = Id::parse(std::string_view(*text));
    return id ? std::optional<Id>(*id) : std::nullopt;
}

/// Returns the id in a segment of the path.
template <class Id>
[[nodiscard]] std::optional<Id> id_at(const exchange& x, std::size_t segment) {
    const auto id = Id::parse(x.where.segments[segment]);
    return id ? std::optional<Id>(*id) : std::nullopt;
}

/// Returns the number behind a query key, or `absent` without the key; nothing when it is no number or not in
/// the range.
[[nodiscard]] std::optional<std::uint64_t> number_of(const exchange& x, std::string_view key,
                                                     std::uint64_t least, std::uint64_t most,
                                                     std::optional<std::uint64_t> absent);

}  // namespace casasync::relay
