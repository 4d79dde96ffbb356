// SPDX-License-Identifier: MIT
#pragma once

/// Devices in memory that exchange changesets and snapshots by hand, and beside them the truth: every write
/// ever sealed, and which device has merged which.
#include "border.hpp"
#include "script.hpp"

#include <casasync/memory_store.hpp>

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace property {

struct hand_clock {
    casasync::unix_ms time = 0;
    [[nodiscard]] casasync::unix_ms now() const noexcept { return time; }
};
using store = casasync::memory_store<hand_clock>;
using reference::changeset_set;

/// A changeset somebody sealed.
struct sent_changeset {
    casasync::inbound_part part{};
    changeset_set seen{};        ///< what its author had merged
    std::uint64_t greatest = 0;  ///< of its stamps
};

/// What the model says of a row to one who knows these of the changesets that wrote it.
struct row_answers {
    changeset_set known{};
    reference::row_view view{};
    std::vector<reference::lost_write> conflicts{};
    std::optional<reference::accounts> counts{};  ///< none: a write fits no class, or two
};

/// Every write of a row.
struct row_truth {
    reference::history all{};
    changeset_set changesets{};          ///< those it came in
    std::vector<row_answers> answers{};  ///< given so far: most are asked for again and again
};

/// A device, and what is true of it.
struct member {
    member(std::size_t number, const setup& begin);

    hand_clock clock{};
    store data;
    bool unsealed = false;  ///< something was written since the last seal
    bool skipped = false;   ///< it learned by a snapshot of what it has not merged itself
    changeset_set received{}, merged{};
};

class household {
 public:
    explicit household(const setup& begin);

    /// Does one step. Returns what is wrong afterwards, or nothing.
    [[nodiscard]] std::string take(const step& s);
    /// Lets all meet, each hearing of the others in another way: all must be equal, and then silent.
    [[nodiscard]] std::string meet();
    void count(tally& sums) const;

 private:
    void write(member& m, const step& s);
    void seal(member& m);
    void answer_conflict(member& m, const step& s);
    void send(const member& from, member& to, delivery how, std::size_t which);
    void arrive(member& to, std::size_t changeset);
    void merge(member& m);
    void snapshot(member& from, member& to);

    /// Calls the store, which seals first; records what was sealed, seen by none but who had merged `before`.
    template <class Call>
    void sealing(member& m, Call&& call);
    void record(member& m, casasync::outbound_part part, const changeset_set& seen);
    void record_operation(const casasync::row_change& r, const casasync::table_changes& t,
                          const changeset_set& seen);
    void find_merged(member& m);

    [[nodiscard]] std::string compare(const member& m);
    [[nodiscard]] const row_answers& ask(row_truth& row, const changeset_set& merged) const;
    [[nodiscard]] std::string compare_row(const member& m, const std::string& key,
                                          const row_answers& expected, reference::accounts& counts) const;
    [[nodiscard]] std::string compare_shown(const member& m, const casasync::bytes& key,
                                            const reference::row_view& expected) const;
    [[nodiscard]] std::string all_equal() const;
    [[nodiscard]] std::string all_silent();

    /// Takes bytes into the fingerprint.
    void note(casasync::bytes_view data) { fingerprint_ = casasync::detail::hash128(data, fingerprint_); }
    void note(const casasync::vault_digest& d);

    void fail(std::string what) {
        if (wrong_.empty()) wrong_ = std::move(what);
    }

    setup begin_;
    reference::table table_;
    std::deque<member> members_;
    std::vector<sent_changeset> sent_;
    std::map<std::string, row_truth> rows_;                                  ///< by key
    std::set<std::pair<std::uint64_t, int>> stamps_;                         ///< every stamp ever issued
    std::vector<std::pair<changeset_set, casasync::vault_digest>> digests_;  ///< of every set that was met
    std::size_t held_ = 0, waiting_ = 0;
    casasync::digest128 fingerprint_{};  ///< of every changeset, snapshot and digest so far
    std::string wrong_;
};

}  // namespace property
