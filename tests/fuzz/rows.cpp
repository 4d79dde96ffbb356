// SPDX-License-Identifier: MIT
// Registers, values and keys as stores keep them. Damaged ones are refused; what is read is a row that is
// written and read again as it was.
#include "harness.hpp"

#include <casasync/key.hpp>
#include <casasync/row_codec.hpp>

#include <optional>

namespace casasync_fuzz {

using namespace casasync;

const harness this_harness{"rows", 400'000};

namespace {

constexpr std::uint64_t replicas = 4;

std::optional<replica_id> replica_of(std::uint64_t n) {
    if (n >= replicas) return std::nullopt;
    replica_id id;
    id.octets[0] = static_cast<std::uint8_t>(n);
    return id;
}
std::uint64_t number_of(const replica_id& id) {
    return id.octets[0];
}

std::optional<row_state> read(bytes_view data) {
    detail::reader r(data);
    row_state row = get_registers(r, replica_of);
    if (r.ok()) get_contents(r, row, replica_of);
    return r.done() ? std::optional(row) : std::nullopt;
}

void registers(bytes_view data) {
    const auto row = read(data);
    if (!row) return;
    for (std::size_t i = 0; i < row->cells.size(); ++i) {
        must(row->cells[i].column < limits::row_columns_max, "a column above the limit");
        must(i == 0 || row->cells[i - 1].column < row->cells[i].column, "cells are not sorted");
    }
    for (std::size_t i = 1; i < row->live.size(); ++i)
        must(row->live[i - 1] < row->live[i], "live writes are not sorted");
    bytes out;
    detail::writer w(out);
    put_registers(w, *row, number_of);
    put_contents(w, *row, number_of, [](const cell&) { return true; });
    const auto again = read(out);
    must(again && *again == *row, "a row does not come back as it was");
}

void key(bytes_view data) {
    const auto columns = decode_key(data);
    if (!columns) return must_be_typed(columns, {errc::malformed_changeset});
    const auto again = encode_key(*columns);
    must(again && *again == bytes(data.begin(), data.end()), "a key does not encode to the same bytes");
}

}  // namespace

int one(bytes_view data) {
    source in(data);
    in.flip() ? registers(in.rest()) : key(in.rest());
    return 0;
}

}  // namespace casasync_fuzz
