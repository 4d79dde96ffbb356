// SPDX-License-Identifier: MIT
// Three devices whose relay has something to say, and what stands in its envelopes.
#pragma once

#include "vault_pair.hpp"

#include <casasync/page.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace vault_pair {

/// A has pushed three changesets, C one; B has seen nothing of them.
struct three_devices : household {
    device a{*this, 1}, b{*this, 2}, c{*this, 3};

    three_devices() {
        for (int i = 1; i <= 3; ++i) {
            a.write("a" + std::to_string(i), {{"amount", i}});
            REQUIRE(a.sync().ok());
        }
        c.write("c1", {{"note", "from C"}});
        REQUIRE(c.sync().ok());
    }
    void check_b_is_untouched() {
        CHECK(b.position() == 0);
        CHECK(b.store.pending_in() == 0);
        CHECK(b.store.tables().front().rows.size() == 0);
    }
    void check_b_has_all() {
        const auto report = b.sync();
        REQUIRE(report.ok());
        CHECK(report->refused == 0);
        CHECK(b.store.digest() == c.store.digest());
        CHECK(b.position() == relay.state().head);
        CHECK(relay.acknowledged(b.store.device()) == b.position());
    }
};

/// Puts an envelope sealed by `by` under another header into the relay's log, as a relay that deceives would.
inline bytes sealed_as(device& by, const envelope_header& head, bytes_view payload) {
    auto envelope = by.keys.seal(head, payload);
    REQUIRE(envelope.ok());
    return *envelope;
}

/// Returns the part in an envelope, and what stands before it.
inline std::pair<part_front, bytes> opened_by(device& reader, const bytes& envelope) {
    auto payload = reader.keys.open(envelope);
    REQUIRE(payload.ok());
    const auto front = take_front(*payload);
    REQUIRE(front.ok());
    return {*front, *payload};
}

inline digest256 link_in(device& reader, const bytes& envelope) {
    const auto head = decode_header(envelope);
    REQUIRE(head.ok());
    const auto [front, part] = opened_by(reader, envelope);
    return link_of(head->device, head->seq, front.link, part, casasync_test::quick_digest);
}

inline bool tells(const result<sync_report>& report, std::string_view what) {
    REQUIRE(report.ok());
    return std::any_of(report->alarms.begin(), report->alarms.end(),
                       [what](const std::string& s) { return s.find(what) != std::string::npos; });
}

}  // namespace vault_pair
