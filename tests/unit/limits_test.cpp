// SPDX-License-Identifier: MIT
// The limits fit into each other: what one part may write, the next one may carry.
#include <casasync/envelope.hpp>
#include <casasync/key.hpp>
#include <casasync/snapshot.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;

TEST_CASE("the largest part fits into an envelope, with its length, signature and padding", "[limits]") {
    const std::size_t padded =
        limits::envelope_payload_bytes_max + 132;  // a size that padding leaves as it is
    CHECK(padded % (std::size_t{1} << 14) == 0);
    CHECK(padded + envelope_overhead_bytes <= limits::envelope_bytes_max);
}

TEST_CASE("one envelope fits into a push and into a page, one cell into a changeset", "[limits]") {
    CHECK(limits::envelope_bytes_max + 64 <= limits::request_bytes_max);
    CHECK(limits::envelope_bytes_max + 72 <= limits::page_bytes_max);
    CHECK(limits::value_bytes_max + limits::key_bytes_max + limits::name_bytes_max <
          limits::changeset_bytes_max);
    CHECK(limits::group_parts_max <= limits::request_envelopes_max);
}

TEST_CASE("the largest changeset, and a row of it, fit into a frame of a snapshot", "[limits]") {
    CHECK(limits::changeset_bytes_max <= snapshot_frame_bytes_max);
    CHECK(limits::part_payload_bytes_max <= snapshot_frame_bytes_max);
    CHECK(snapshot_frame_bytes_max < std::size_t{1} << 31);
}
