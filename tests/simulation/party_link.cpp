// SPDX-License-Identifier: MIT
#include "party_link.hpp"

namespace simulation {

using namespace casasync;

static_assert(syncing_device<party_link>);

result<sync_report> party_link::sync_rounds(relay_state& heard) {
    sync_report sum;
    party_way way(*party_);
    do {
        session s(store(), party_->machine.keys());
        auto done = casasync::sync<casasync_test::plain_opener>(s, store(), party_->machine.keys(), way);
        heard = s.report().relay;
        if (!done) return done.failure();
        add(sum, std::move(*done));
    } while (sum.more);
    return sum;
}

result<bool> party_link::is_copy() {
    if (auto ok = party_->recognise_copy(); !ok) return ok.failure();
    const auto noted = store().copied();
    if (!noted) return noted.failure();
    return *noted || party_->beside.next == store().device();
}

result<void> party_link::become_new_device() {
    install& beside = party_->beside;
    if (!beside.next) {
        beside.next.emplace();
        sqlite3_randomness(static_cast<int>(beside.next->octets.size()), beside.next->octets.data());
    }
    if (auto ok = party_way(*party_).attach(*beside.next, 0); !ok) return ok;
    if (auto ok = store().succeed(*beside.next); !ok) return ok;
    party_->finish_succession();
    return {};
}

result<void> party_link::attach_again() {
    const auto known = store().known_of_relay();
    if (!known) return known.failure();
    return party_way(*party_).attach(party_->beside.self, known->forgotten);
}

result<std::optional<snapshot_origin>> party_link::newest_snapshot() {
    party_way way(*party_);
    return casasync::newest_snapshot<casasync_test::plain_opener>(store().id(), party_->machine.keys(), way);
}

result<void> party_link::merge_newest_snapshot() {
    party_way way(*party_);
    const auto merged =
        merge_latest_snapshot<casasync_test::plain_opener>(store(), party_->machine.keys(), way);
    return merged ? result<void>{} : merged.failure();
}

result<sync_report> sync(party& p) {
    party_link link(p);
    relay_state heard;
    auto done = sync_and_mend(link, heard);
    const std::string failure = done ? "" : std::string(name_of(done.code()));
    const auto refused = done ? std::optional(done->refused) : std::nullopt;
    if (auto ok = link.store().note_sync(heard.head, heard.time, failure, refused); done && !ok)
        return ok.failure();
    return done;
}

}  // namespace simulation
