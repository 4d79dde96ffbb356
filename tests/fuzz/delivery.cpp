// SPDX-License-Identifier: MIT
// What a relay may send to a session: pages of envelopes that are cut, repeated, out of order, of the wrong
// vault, with payloads that are no changesets. Lengths, check sums and the log's hash fit unless the input
// says otherwise, so that what lies behind them is reached. A session ends with a named error or without one,
// the cursor stands in the log, and the store is whole.
#include "mutations.hpp"
#include "stores.hpp"

#include <casasync/codec.hpp>
#include <casasync/page.hpp>
#include <casasync/session.hpp>
#include <casasync_test/plain_cipher.hpp>

#include <utility>

namespace casasync_fuzz {

using namespace casasync;
using casasync_test::plain_cipher;

const harness this_harness{"delivery", 20'000};

namespace {

/// A relay's log, as the input makes it up.
class log {
 public:
    explicit log(source& in) : in_(in) {}

    /// Returns the body of a page with a few more records.
    [[nodiscard]] bytes next_page() {
        bytes out;
        for (std::size_t left = in_.below(5); left > 0; --left) add(out);
        digest256 said = hash_;
        if (in_.below(16) == 15) said[0] ^= 1;
        append_page_end(out, pos_, 1000, said);
        return out;
    }

 private:
    void add(bytes& page) {
        const bytes content = in_.below(8) == 7 ? bytes{} : envelope();
        const digest256 digest = keys_.digest(content);
        log_record record{++pos_, 1, content, digest};
        append_record(page, record);
        hash_ = advance_log(hash_, digest, [this](bytes_view both) { return keys_.digest(both); });
    }
    bytes envelope() {
        envelope_header h;
        h.device.octets[0] = static_cast<std::uint8_t>(in_.below(4));
        h.seq = 1 + in_.below(4);
        h.parts = static_cast<std::uint16_t>(1 + in_.below(3));
        h.part = static_cast<std::uint16_t>(in_.below(h.parts));
        h.kind = in_.below(8) == 7 ? envelope_kind::heartbeat : envelope_kind::changeset;
        if (in_.below(16) == 15) h.vault.octets[0] = 1;
        const bytes part = payload(h);
        part_front front;
        front.link[0] = in_.below(4) == 3 ? 1 : 0;
        bytes out = keys_.seal(h, in_.below(16) == 15 ? part : with_front(front, part)).value();
        if (in_.below(16) == 15) out[in_.u8() % out.size()] ^= 4;
        return out;
    }
    /// The piece of a changeset that belongs into this part, or any bytes.
    bytes payload(const envelope_header& h) {
        if (in_.below(8) == 7) {
            const bytes_view any = in_.take(in_.u8());
            return {any.begin(), any.end()};
        }
        changeset c = mutated(in_, h.device.octets[0]);
        c.seq = h.seq - std::min<std::uint64_t>(h.part, h.seq - 1);
        const bytes whole = encode(c);
        const std::size_t size = (whole.size() + h.parts - 1) / h.parts;
        const bytes_view piece = bytes_view(whole).subspan(std::min(whole.size(), size * h.part));
        return {piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(std::min(size, piece.size()))};
    }

    source& in_;
    plain_cipher keys_{};
    std::uint64_t pos_ = 0;
    digest256 hash_{};
};

generation_id generation() {
    generation_id out;
    out.octets[0] = 5;
    return out;
}

/// One sync.
void sync(store& s, plain_cipher& keys, log& relay, source& in) {
    session<store, plain_cipher> talk(s, keys);
    for (std::size_t i = 0; i < 6; ++i) {
        const auto request = talk.next();
        if (const auto* pull = std::get_if<pull_request>(&request)) {
            auto answer = decode_page(relay.next_page(), pull->from.pos);
            if (answer) {
                answer->relay = {generation(), answer->last, 0, in.below(2) == 0 ? 0 : unix_ms{1} << 47};
                answer->more = in.flip();
                for (log_record& r : answer->records)
                    if (!r.envelope.empty()) r.digest = keys.digest(r.envelope);
            }
            talk.receive(answer);
        } else if (std::holds_alternative<acknowledge_request>(request)) {
            talk.receive(result<void>());
        } else if (std::holds_alternative<snapshot_request>(request)) {
            talk.receive(result<std::optional<cursor>>(std::nullopt));
        } else {
            break;
        }
        must_be_consistent(s);
    }
    if (talk.failure())
        must_be_typed(result<void>(*talk.failure()),
                      {errc::malformed_answer, errc::log_mismatch, errc::wrong_relay, errc::device_copied});
}

}  // namespace

int one(bytes_view data) {
    source in(data);
    store s = make_store(9);
    plain_cipher keys;
    log relay(in);
    for (std::size_t left = 1 + in.below(3); left > 0; --left) sync(s, keys, relay, in);
    store fresh = make_store(8);
    must(merge_snapshot(fresh, snapshot_of(s)).ok(), "a snapshot of the store is refused");
    must_be_consistent(fresh);
    must(fresh.digest() == s.digest(), "a snapshot leads to another state");
    return 0;
}

}  // namespace casasync_fuzz
