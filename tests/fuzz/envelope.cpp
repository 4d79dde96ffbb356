// SPDX-License-Identifier: MIT
// Envelopes, pages of a relay's log, and frames of its live channel. The first byte chooses; an envelope's
// length is made to fit, so that what is behind that check is reached.
#include "harness.hpp"

#include <casasync/envelope.hpp>
#include <casasync/page.hpp>
#include <casasync/snapshot_transfer.hpp>
#include <casasync/websocket.hpp>

#include <vector>

namespace casasync_fuzz {

using namespace casasync;

const harness this_harness{"envelope", 400'000};

namespace {

void envelope(bytes data, bool repaired) {
    if (repaired && data.size() >= envelope_overhead_bytes)
        detail::put_be(&data[84], static_cast<std::uint32_t>(data.size() - envelope_overhead_bytes));
    const auto h = decode_header(data);
    if (!h) return must_be_typed(h, {errc::malformed_envelope, errc::unknown_format_version});
    const auto again = encode_header(*h);
    must(std::equal(again.begin(), again.end(), data.begin()), "a header does not encode to the same bytes");
    must(h->part < h->parts && h->parts <= limits::group_parts_max, "a part outside its group");
    must((h->seq == 0) == (h->kind == envelope_kind::snapshot_manifest), "a number where none belongs");
}

/// Writes a page that was read as a relay writes it.
bytes written(const page& p) {
    bytes out;
    for (const log_record& r : p.records) append_record(out, r);
    append_page_end(out, p.last, static_cast<std::uint64_t>(p.relay.time / 1000), p.log);
    return out;
}

void page_of_log(bytes_view data, std::uint64_t after) {
    const auto p = decode_page(data, after);
    if (!p) return must_be_typed(p, {errc::malformed_answer});
    must(p->records.size() <= limits::page_records_max, "more records than a page has");
    must(p->last == after + p->records.size(), "positions are not dense");
    must(written(*p) == bytes(data.begin(), data.end()), "a page does not encode to the same bytes");
}

void manifest(bytes_view data) {
    const auto m = decode_manifest(data);
    if (!m) return must_be_typed(m, {errc::malformed_snapshot, errc::unknown_format_version});
    must(encode(*m) == bytes(data.begin(), data.end()), "a manifest does not encode to the same bytes");
}

struct conversation {
    std::vector<websocket_message> messages{};
    websocket_fault fault = websocket_fault::none;

    friend bool operator==(const conversation&, const conversation&) = default;
};

constexpr std::size_t message_bytes_max = 200;

conversation read_in_pieces(bytes_view data, bool masked, std::size_t piece) {
    websocket_reader reader(masked, message_bytes_max);
    conversation out;
    for (; !data.empty(); data = data.subspan(std::min(piece, data.size()))) {
        reader.add(data.first(std::min(piece, data.size())));
        for (auto step = reader.next();; step = reader.next()) {
            out.fault = step.fault;
            if (!step.message) break;
            out.messages.push_back(std::move(*step.message));
        }
    }
    return out;
}

void frames(bytes_view data, bool masked, std::size_t piece) {
    const conversation whole = read_in_pieces(data, masked, data.size());
    must(read_in_pieces(data, masked, piece) == whole, "frames depend on how their bytes come");
    bytes again;
    for (const websocket_message& m : whole.messages) {
        must(m.payload.size() <= message_bytes_max, "a message above the limit");
        const bytes frame = encode_websocket(m.kind, m.payload);
        again.insert(again.end(), frame.begin(), frame.end());
    }
    must(read_in_pieces(again, false, again.size()) == conversation{whole.messages},
         "messages that were read cannot be written");
}

}  // namespace

int one(bytes_view data) {
    source in(data);
    const std::size_t what = in.below(5);
    if (what < 2) {
        const bytes_view rest = in.rest();
        envelope(bytes(rest.begin(), rest.end()), what == 0);
    } else if (what == 2) {
        const std::uint64_t after = in.below(9);
        page_of_log(in.rest(), after);
    } else if (what == 4) {
        const bool masked = in.flip();
        const std::size_t piece = 1 + in.below(9);
        frames(in.rest(), masked, piece);
    } else {
        manifest(in.rest());
    }
    return 0;
}

}  // namespace casasync_fuzz
