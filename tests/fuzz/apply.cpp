// SPDX-License-Identifier: MIT
// Changesets that are wrong in a well-formed way, merged into stores in memory: two devices write at the same
// time and arrive in either order, a third answers both. Sums, rows and conflicts fit together after every
// step; both orders, a repetition and a snapshot end in the same state.
#include "mutations.hpp"
#include "stores.hpp"

#include <casasync/codec.hpp>

namespace casasync_fuzz {

using namespace casasync;

const harness this_harness{"apply", 5'000};

namespace {

void check_encoding(const changeset& c) {
    const bytes data = encode(c);
    const auto back = decode(data);
    must(back && *back == c, "a well-formed changeset does not come back as it was");
}

template <class Visit>
void each_stamp(changeset& c, Visit&& visit) {
    for (table_changes& t : c.tables)
        for (row_change& r : t.rows) visit(r.op.when);
}

hlc least(changeset& c) {
    hlc out = greatest_stamp(c).when;
    each_stamp(c, [&out](const stamp& s) { out = std::min(out, s.when); });
    return out;
}

/// The author of `y` had merged `x`: as much of it as its own stamps leave room for, since a clock goes past
/// everything that was merged.
void see(changeset& y, changeset& x) {
    const hlc before = least(y);
    each_stamp(x, [&](const stamp& w) {
        if (w.when < before) y.context.vector.raise(w.replica, w.when);
    });
}

/// Moves the stamps of `y` past those of `x`.
void follow(changeset& y, changeset& x) {
    const std::uint64_t by = greatest_stamp(x).when.packed;
    each_stamp(y, [by](stamp& s) { s.when.packed += by; });
}

/// The policy of a table is a view that devices agree on; here they all have one.
void set_policy(changeset& c, delete_policy policy) {
    for (table_changes& t : c.tables) t.table.policy = policy;
}

/// A snapshot leads an empty store to the same state, and changes nothing where it was made.
void check_snapshot(store& s) {
    const bytes snapshot = snapshot_of(s);
    store fresh = make_store(8);
    must(merge_snapshot(fresh, snapshot).ok(), "a snapshot of a store is refused");
    must_be_consistent(fresh);
    must_agree(view_of(fresh), view_of(s), "a snapshot leads to another state");
    const view before = view_of(s);
    must(merge_snapshot(s, snapshot).ok(), "a store refuses its own snapshot");
    must_agree(view_of(s), before, "a store's own snapshot changes it");
}

}  // namespace

int one(bytes_view data) {
    source in(data);
    const auto policy = static_cast<delete_policy>(in.below(2));
    const std::size_t choices = in.u8();
    changeset common = mutated(in, 3), first = mutated(in, 1), second = mutated(in, 2), last = mutated(in, 3);
    last.seq = 2;
    follow(last, common);
    if ((choices & 16) != 0) follow(last, first);
    see(last, common);
    if ((choices & 1) != 0) see(first, common);
    if ((choices & 2) != 0) see(second, common);
    if ((choices & 4) != 0) see(last, first);
    if ((choices & 8) != 0) see(last, second);
    for (changeset* c : {&common, &first, &second, &last}) {
        set_policy(*c, policy);
        check_encoding(*c);
    }

    store a = make_store(9), b = make_store(10);
    std::size_t merged_a = deliver(a, common), merged_b = deliver(b, common);
    merged_a += deliver(a, first);
    merged_b += deliver(b, second);
    merged_a += deliver(a, second);
    merged_b += deliver(b, first);
    if (merged_a == 3 && merged_b == 3) must_agree(view_of(a), view_of(b), "two orders end in two states");
    check_snapshot(a);
    store behind = b;
    merged_a += deliver(a, last);
    merged_b += deliver(b, last);
    if (merged_a == 4 && merged_b == 4) {
        must_agree(view_of(a), view_of(b), "two orders end in two states");
        const view before = view_of(a);
        must(deliver(a, last) == 0 && deliver(a, first) == 0, "a repetition is merged again");
        must_agree(view_of(a), before, "a repetition changes the state");
        must(merge_snapshot(a, snapshot_of(b)).ok(), "another store's snapshot is refused");
        must_agree(view_of(a), before, "the snapshot of an equal store changes the state");
        must(merge_snapshot(behind, snapshot_of(a)).ok(), "the snapshot of a store ahead is refused");
        must_agree(view_of(behind), before, "a store behind does not catch up by a snapshot");
    }
    check_snapshot(b);
    return 0;
}

}  // namespace casasync_fuzz
