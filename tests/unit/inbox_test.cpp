// SPDX-License-Identifier: MIT
#include <casasync/inbox.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;

TEST_CASE(
    "a changeset is merged in its author's order, after what its author had merged, and not from the future",
    "[inbox]") {
    const unix_ms now = 1'700'000'000'000;
    changeset_head head;
    head.device.octets[0] = 1;
    head.seq = 3;
    head.greatest = hlc::at(now);
    causal_context merged;
    CHECK(admit(head, merged, now) == admission::waiting);
    merged.seen.raise(head.device, 2);
    CHECK(admit(head, merged, now) == admission::ready);

    replica_id other;
    other.octets[0] = 2;
    head.context.vector.raise(other, hlc::at(now));
    CHECK(admit(head, merged, now) == admission::waiting);
    merged.vector.raise(other, hlc::at(now));
    CHECK(admit(head, merged, now) == admission::ready);

    head.greatest = hlc::at(now + limits::drift_ms_max);
    CHECK(admit(head, merged, now) == admission::ready);
    head.greatest = hlc::at(now + limits::drift_ms_max + 1);
    CHECK(admit(head, merged, now) == admission::held);
    CHECK(admit(head, merged, now + 1) == admission::ready);

    merged.seen.raise(head.device, 3);
    CHECK(admit(head, merged, now) == admission::duplicate);
}
