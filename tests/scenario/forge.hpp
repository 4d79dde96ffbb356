// SPDX-License-Identifier: MIT
#pragma once

/// Changesets that no device of the story wrote: forged ties, clocks that cannot be, hostile names. They come
/// in as if they had been opened, as those of a device would that has the vault's key.
#include <casasync/changeset.hpp>
#include <casasync/codec.hpp>
#include <casasync/key.hpp>
#include <casasync/store.hpp>
#include <casasync_test/catch.hpp>
#include <casasync_test/world.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace casasync_test {

struct forged_write {
    casasync::op_kind kind = casasync::op_kind::insert;
    std::vector<casasync::value> key{};
    cells what{};
    casasync::hlc when{};
};

/// The forger's devices are numbered from 100, so that they are nobody of the story.
template <class Id>
[[nodiscard]] Id forged_id(std::uint8_t n) {
    Id id;
    id.octets.fill(n);
    return id;
}

/// Returns changeset `seq` of device `author`, whose replica has the same number. It has seen nothing.
[[nodiscard]] inline casasync::changeset forge(std::uint8_t author, std::uint64_t seq,
                                               const std::string& table,
                                               const std::vector<forged_write>& writes) {
    casasync::changeset c;
    c.device = forged_id<casasync::device_id>(author);
    c.seq = seq;
    casasync::table_changes& changes = c.tables.emplace_back();
    changes.table.name = table;
    std::map<std::string, casasync::column_no> places;
    for (const forged_write& w : writes)
        for (const auto& [column, what] : w.what) places.emplace(column, 0);
    for (auto& [column, place] : places) {
        place = static_cast<casasync::column_no>(changes.table.columns.size());
        changes.table.columns.push_back({column, casasync::merge_rule::lww});
    }
    for (const forged_write& w : writes) {
        const auto key = casasync::encode_key(w.key);
        REQUIRE(key.ok());
        casasync::row_change& row = changes.rows.emplace_back();
        row.key = *key;
        row.op.kind = w.kind;
        row.op.when = {w.when, forged_id<casasync::replica_id>(author)};
        for (const auto& [column, what] : w.what) row.op.cells.push_back({places.at(column), what});
    }
    return c;
}

[[nodiscard]] inline casasync::inbound_part part_of(const casasync::changeset& c) {
    return {0, c.device, c.seq, 0, 1, casasync::encode(c)};
}

/// Returns the INSERT of row 1 by one device, and then updates of `column` by as many copies of another
/// device as there are values: they saw the row, and all have one stamp.
[[nodiscard]] inline std::vector<casasync::inbound_part> tied_updates(
    const std::string& table, const std::string& column, const std::vector<casasync::value>& values,
    casasync::unix_ms at) {
    const auto before = casasync::hlc::at(at - 1000), same = casasync::hlc::at(at);
    const std::vector<casasync::value> key{"1"};
    std::vector<casasync::inbound_part> out{
        part_of(forge(100, 1, table, {{casasync::op_kind::insert, key, {{column, "the row"}}, before}}))};
    for (const casasync::value& what : values) {
        const auto author = static_cast<std::uint8_t>(100 + out.size());
        auto c = forge(author, 1, table, {{casasync::op_kind::update, key, {{column, what}}, same}});
        c.tables[0].rows[0].op.when.replica = forged_id<casasync::replica_id>(200);
        c.context.vector.raise(forged_id<casasync::replica_id>(100), before);
        c.context.seen.raise(forged_id<casasync::device_id>(100), 1);
        out.push_back(part_of(c));
    }
    return out;
}

/// Returns the time of the latest write that `device` has not sent yet; 0 when there is none.
[[nodiscard]] inline casasync::unix_ms last_stamp(test_device& device) {
    const auto parts = device.sealed();
    if (parts.empty()) return 0;
    const auto head = casasync::decode_head(parts.back().payload);
    REQUIRE(head.ok());
    return head->greatest.ms();
}

}  // namespace casasync_test
