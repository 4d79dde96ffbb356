// SPDX-License-Identifier: MIT
#pragma once

/// Changesets that were sealed and are not at the relay as a whole: what may still be sealed anew.
#include "connection.hpp"

#include <casasync/bytes.hpp>
#include <casasync/causality.hpp>
#include <casasync/changeset.hpp>
#include <casasync/hlc.hpp>
#include <casasync/ids.hpp>
#include <casasync/result.hpp>
#include <casasync/store.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace casasync::sqlite {

struct unsent {
    std::uint64_t seq = 0;  ///< of its first part
    bytes payload{};
    hlc was{};  ///< see casasync_outbox in outbox.cpp
};

/// In the order of their sequence. \errors store_failed where a part is missing
[[nodiscard]] result<std::vector<unsent>> read_unsent(connection& db);

/// Cuts a changeset, in the order of its stamps, where a blind operation follows one that is not, or the
/// other way round. Blind ones cover what their replica wrote; where it gets another id, the context has to
/// say it.
[[nodiscard]] std::vector<changeset> cut_where_blind(const changeset& c);
/// True when the operations of one that was cut are blind.
[[nodiscard]] bool is_blind(const changeset& c);

/// Puts parts of one device's changesets, by their numbers, together. What is not whole, and what comes after
/// it, is left out, as is what cannot be read.
[[nodiscard]] std::vector<changeset> put_together(const std::map<std::uint64_t, inbound_part>& parts);

/// How far two copies of a file wrote the same in one name: of each replica, the greatest stamp up to which
/// both have the same operations. \param mine, theirs  in the order of their numbers
[[nodiscard]] version_vector common_writes(std::span<const changeset> mine,
                                           std::span<const changeset> theirs);

/// Returns a changeset without the operations that `known` knows.
[[nodiscard]] changeset without(const changeset& c, const version_vector& known);

/// Returns a replica id that nobody has, greater than `old`.
[[nodiscard]] replica_id id_after(const replica_id& old);

}  // namespace casasync::sqlite
