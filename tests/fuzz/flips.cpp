// SPDX-License-Identifier: MIT
// Every truncation and every single-bit flip of encoded changesets: a named error, or a changeset that
// encodes to exactly these bytes. Nothing else.
#include "samples.hpp"

#include <casasync/codec.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync_fuzz;

namespace {

struct tally {
    std::size_t inputs = 0, refused = 0, equal = 0, wrong = 0;

    void add(bytes_view data) {
        const auto c = decode(data);
        ++inputs;
        if (c)
            ++(bytes_view_equal(encode(*c), data) ? equal : wrong);
        else
            ++(c.code() == errc::malformed_changeset || c.code() == errc::unknown_format_version ? refused
                                                                                                 : wrong);
    }
    static bool bytes_view_equal(const bytes& a, bytes_view b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }
};

}  // namespace

TEST_CASE("every truncation and every flipped bit of 15 changesets is refused or decodes equal", "[fuzz]") {
    REQUIRE(sample_changesets().size() >= 12);
    tally all;
    for (const changeset& sample : sample_changesets()) {
        const bytes data = encode(sample);
        const auto back = decode(data);
        REQUIRE(back.ok());
        REQUIRE(*back == sample);
        tally cut;
        for (std::size_t n = 0; n < data.size(); ++n) cut.add(bytes_view(data).first(n));
        CHECK(cut.refused == data.size());  // no changeset is the beginning of another
        all.inputs += cut.inputs;
        for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
            bytes flipped = data;
            flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
            all.add(flipped);
        }
    }
    CAPTURE(all.inputs, all.refused, all.equal);
    CHECK(all.wrong == 0);
    CHECK(all.inputs >= 100'000);
    CHECK(all.equal > 1000);    // values and stamps, which a change leaves well-formed
    CHECK(all.refused > 1000);  // everything that holds the form together
}
