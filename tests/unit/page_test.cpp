// SPDX-License-Identifier: MIT
#include <casasync/page.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;

namespace {

digest256 filled(std::uint8_t b) {
    digest256 out;
    out.fill(b);
    return out;
}
/// A page of records from 5 on, the second of them the reader's own.
bytes page_after_4(std::size_t records, std::uint64_t last) {
    bytes out;
    for (std::uint64_t pos = 5; pos < 5 + records; ++pos)
        if (pos == 6)
            append_record(out, {pos, 100, {}, filled(9)});
        else
            append_record(out, {pos, 100, bytes(3, 1), {}});
    append_page_end(out, last, 200, filled(7));
    return out;
}
errc refused_page(const bytes& data, std::uint64_t after = 4) {
    const auto p = decode_page(data, after);
    return p ? errc{} : p.code();
}

}  // namespace

TEST_CASE("a page comes back: envelopes, own records as digests, the log and the relay's time", "[page]") {
    const auto p = decode_page(page_after_4(3, 7), 4);
    REQUIRE(p.ok());
    REQUIRE(p->records.size() == 3);
    CHECK(p->last == 7);
    CHECK(p->log == filled(7));
    CHECK(p->relay.time == 200'000);
    CHECK(p->records[0].envelope == bytes(3, 1));
    CHECK(p->records[0].digest == digest256{});
    CHECK(p->records[1].envelope.empty());
    CHECK(p->records[1].digest == filled(9));
    CHECK(p->records[2].pos == 7);
    CHECK(p->records[2].received_at == 100);
}

TEST_CASE("an empty page ends at the cursor", "[page]") {
    const auto p = decode_page(page_after_4(0, 4), 4);
    REQUIRE(p.ok());
    CHECK(p->last == 4);
    CHECK(refused_page(page_after_4(0, 5)) == errc::malformed_answer);
}

TEST_CASE("positions are dense from the cursor on, and the end names the last", "[page]") {
    CHECK(refused_page(page_after_4(2, 6), 3) == errc::malformed_answer);
    CHECK(refused_page(page_after_4(2, 6), 5) == errc::malformed_answer);
    CHECK(refused_page(page_after_4(2, 7)) == errc::malformed_answer);
    bytes hole;
    append_record(hole, {5, 100, bytes(1, 1), {}});
    append_record(hole, {7, 100, bytes(1, 1), {}});
    append_page_end(hole, 7, 200, {});
    CHECK(refused_page(hole) == errc::malformed_answer);
}

TEST_CASE("a page that is cut anywhere, or goes on after its end, is refused", "[page]") {
    bytes whole = page_after_4(3, 7);
    for (std::size_t n = 0; n < whole.size(); ++n)
        CHECK(refused_page(bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n))) ==
              errc::malformed_answer);
    whole.push_back(0);
    CHECK(refused_page(whole) == errc::malformed_answer);
}

TEST_CASE("a page has at most 500 records, an envelope at most 1 MiB, a time that a clock may tell",
          "[page]") {
    CHECK(refused_page(page_after_4(500, 504)) == errc{});
    CHECK(refused_page(page_after_4(501, 505)) == errc::malformed_answer);
    for (const std::size_t over : {0, 1}) {
        bytes large;
        append_record(large, {5, 100, bytes(limits::envelope_bytes_max + over, 1), {}});
        append_page_end(large, 5, 200, {});
        CHECK(refused_page(large) == (over == 0 ? errc{} : errc::malformed_answer));
    }
    for (const std::uint64_t over : {0, 1}) {
        bytes late;
        append_page_end(late, 4, (std::uint64_t{1} << 40) + over, {});
        CHECK(refused_page(late) == (over == 0 ? errc{} : errc::malformed_answer));
    }
}
