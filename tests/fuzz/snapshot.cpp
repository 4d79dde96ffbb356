// SPDX-License-Identifier: MIT
// Bytes that claim to be a snapshot: read, written again, and merged into a store that is empty and one that
// is not. A refusal changes nothing; what was taken makes a snapshot that others can read.
#include "samples.hpp"
#include "stores.hpp"

#include <casasync/snapshot.hpp>

#include <utility>
#include <vector>

namespace casasync_fuzz {

using namespace casasync;

const harness this_harness{"snapshot", 60'000};

namespace {

struct contents {
    snapshot_header header{};
    std::vector<std::pair<std::size_t, snapshot_row>> rows{};
    std::vector<unmerged_part> unmerged{};

    friend bool operator==(const contents&, const contents&) = default;
};

/// Reads in pieces of `step` bytes.
result<contents> read(bytes_view data, std::size_t step) {
    contents c;
    const snapshot_source pieces = [&]() -> result<bytes> {
        const bytes_view piece = data.first(std::min(step, data.size()));
        data = data.subspan(piece.size());
        return bytes(piece.begin(), piece.end());
    };
    const snapshot_visitor visitor{
        [&](snapshot_header h) -> result<void> { return c.header = std::move(h), result<void>{}; },
        [&](std::size_t place, snapshot_row row) -> result<void> {
            must(place < c.header.tables.size(), "a row of a table that is not there");
            return c.rows.emplace_back(place, std::move(row)), result<void>{};
        },
        [&](unmerged_part p) -> result<void> { return c.unmerged.push_back(std::move(p)), result<void>{}; }};
    if (auto ok = read_snapshot(pieces, visitor); !ok) return ok.failure();
    return c;
}

bytes written(const contents& c) {
    bytes out;
    snapshot_writer w([&out](bytes_view part) -> result<void> {
        out.insert(out.end(), part.begin(), part.end());
        return {};
    });
    bool ok = w.begin(c.header).ok();
    for (const auto& [place, row] : c.rows) ok = ok && w.add(place, row.key, row.row).ok();
    for (const unmerged_part& part : c.unmerged) ok = ok && w.add(part).ok();
    must(ok && w.end().ok(), "what was read cannot be written");
    return out;
}

void check_merge(store& s, const bytes& data) {
    const view before = view_of(s);
    if (auto merged = merge_snapshot(s, data); !merged) {
        must_be_typed(merged,
                      {errc::malformed_snapshot, errc::unknown_format_version, errc::schema_mismatch});
        return must_agree(view_of(s), before, "a refused snapshot left something behind");
    }
    must_be_consistent(s);
    const view after = view_of(s);
    must(merge_snapshot(s, data).ok(), "a snapshot is refused the second time");
    must_agree(view_of(s), after, "a snapshot merged twice is more than once");
    must(s.merge_inbox(0).ok(), "what a snapshot left in the inbox stops the merge");
    must_be_consistent(s);
    store next = make_store(10);
    must(merge_snapshot(next, snapshot_of(s)).ok(), "what was merged makes a snapshot that is refused");
    must_agree(view_of(next), view_of(s), "a snapshot leads to another state");
}

}  // namespace

int one(bytes_view data) {
    const auto c = read(data, 1 + data.size() / 3);
    must(c.ok() == read(data, data.size() + 1).ok(), "it depends on the pieces whether a snapshot is read");
    if (!c) {
        must_be_typed(c, {errc::malformed_snapshot, errc::unknown_format_version});
    } else {
        const bytes again = written(*c);
        const auto back = read(again, again.size());
        must(back && *back == *c, "a snapshot does not come back as it was");
    }
    const bytes all(data.begin(), data.end());
    store empty = make_store(8), full = make_store(9);
    deliver(full, sample_changesets()[2]);
    check_merge(empty, all);
    check_merge(full, all);
    return 0;
}

}  // namespace casasync_fuzz
