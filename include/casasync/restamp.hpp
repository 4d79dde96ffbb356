// SPDX-License-Identifier: MIT
#pragma once

/// Stamps of a clock that was far ahead, put right while nobody else has them. The writes keep their order
/// and what their author had seen; their times become those of a clock that is right, under another replica
/// id, whose clock was never ahead.
#include <casasync/causality.hpp>
#include <casasync/changeset.hpp>
#include <casasync/environment.hpp>
#include <casasync/hlc.hpp>
#include <casasync/ids.hpp>
#include <casasync/limits.hpp>
#include <casasync/row.hpp>
#include <casasync/stamp.hpp>

#include <algorithm>
#include <iterator>
#include <map>

namespace casasync {

/// True when others would hold a write stamped `when` for its clock. \param now  a clock that is right
[[nodiscard]] constexpr bool is_far_ahead(hlc when, unix_ms now) noexcept {
    return when.ms() > now + limits::drift_ms_max;
}

/// What becomes of the stamps of one replica.
class restamping {
 public:
    /// \param kept  others may have its stamps up to here: they stay
    restamping(const replica_id& old, hlc kept, const replica_id& next)
        : old_(old), next_(next), kept_(kept) {}

    [[nodiscard]] const replica_id& old_replica() const noexcept { return old_; }
    [[nodiscard]] const replica_id& next_replica() const noexcept { return next_; }
    [[nodiscard]] hlc kept() const noexcept { return kept_; }
    /// Returns the greatest new time, or `kept`.
    [[nodiscard]] hlc greatest() const noexcept { return times_.empty() ? kept_ : times_.rbegin()->second; }

    /// Takes in the stamps of a changeset that nobody else has. Call it in the order of their sequence.
    void take(const changeset& c) {
        for (const table_changes& t : c.tables)
            for (const row_change& r : t.rows)
                if (r.op.when.replica == old_ && r.op.when.when > kept_)
                    times_.emplace(r.op.when.when, hlc{});
    }
    /// Gives each of them its time: its own, where that was not far ahead, else one after `merged`.
    /// \param merged  not less than any merged stamp that stays
    void decide(hlc merged, unix_ms now) {
        hlc clock = merged;
        for (auto& [old, time] : times_) time = is_far_ahead(old, now) ? clock = tick(clock, now) : old;
    }

    [[nodiscard]] stamp operator()(const stamp& s) const {
        if (s.replica != old_ || s.when <= kept_) return s;
        const auto time = times_.find(s.when);
        return time == times_.end() ? s : stamp{time->second, next_};
    }
    [[nodiscard]] version_vector operator()(const version_vector& v) const {
        version_vector out;
        for (const auto& [replica, when] : v.entries()) {
            const hlc stays = replica == old_ ? std::min(when, kept_) : when;
            if (stays != hlc{}) out.raise(replica, stays);
            const auto next = times_.upper_bound(when);
            if (replica == old_ && next != times_.begin()) out.raise(next_, std::prev(next)->second);
        }
        return out;
    }
    [[nodiscard]] row_state operator()(row_state row) const {
        for (stamp* const s : {&row.born, &row.dead, &row.touched}) *s = (*this)(*s);
        for (cell& c : row.cells) c.when = (*this)(c.when);
        for (live_write& w : row.live) w.when = (*this)(w.when);
        std::sort(row.live.begin(), row.live.end());
        return row;
    }
    /// Its sequence numbers stay as they are.
    [[nodiscard]] changeset operator()(changeset c) const {
        c.context.vector = (*this)(c.context.vector);
        for (table_changes& t : c.tables)
            for (row_change& r : t.rows) r.op.when = (*this)(r.op.when);
        return c;
    }

 private:
    replica_id old_{}, next_{};
    hlc kept_{};
    std::map<hlc, hlc> times_{};
};

}  // namespace casasync
