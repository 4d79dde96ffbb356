// SPDX-License-Identifier: MIT
/// What this device has merged: told to the others, and held against what they tell of theirs. Where it
/// differs, a snapshot is asked for. It has no table: what is found out is in the record of settings.
#include "vault_state.hpp"

#include <casasync/changeset.hpp>

namespace casasync::sqlite {

static constexpr unix_ms ask_pause_ms = unix_ms{24} * 3600 * 1000;

result<causal_context> vault::state::context() {
    auto seen = read_frontier();
    if (!seen) return seen.failure();
    return causal_context{rows->vector(), std::move(*seen)};
}

result<causal_context> vault::merged() {
    return state_->run([&] { return state_->context(); });
}

result<std::vector<merged_row>> vault::state::publish(changeset& c, row_store& into) {
    if (auto ok = queue(c); !ok) return ok.failure();
    return merge_own(std::move(c), into);
}

result<void> vault::tell_merged() {
    return state_->write([&]() -> result<void> {
        auto context = state_->context();
        if (!context) return context.failure();
        changeset c;
        c.context = std::move(*context);
        const auto done = state_->publish(c, *state_->rows);
        return done ? result<void>{} : done.failure();
    });
}

void vault::state::compare_state(const changeset& c) {
    if (c.asks_snapshot) self.asked = {c.device, c.last_seq};
    if (!c.state || c.context.vector != rows->vector()) return;
    const bool same = *c.state == state_digest();
    if (same && self.suspect && self.suspect->device == c.device) self.suspect.reset();
    if (!same && !self.suspect) self.suspect = {c.device, own_now(), 0};
}

result<bool> vault::state::ask_for_snapshot() {
    const unix_ms now = own_now();
    if (self.asked_at != 0 && now - self.asked_at < ask_pause_ms) return false;
    auto known = context();
    if (!known) return known.failure();
    changeset c;
    c.context = std::move(*known);
    c.state = state_digest();
    c.asks_snapshot = true;
    if (auto done = publish(c, *rows); !done) return done.failure();
    self.asked_at = now;
    return true;
}

result<bool> vault::ask_for_snapshot() {
    return state_->write([&] { return state_->ask_for_snapshot(); });
}

result<snapshot_asks> vault::asks() {
    return state_->run([&]() -> result<snapshot_asks> {
        snapshot_asks out;
        const settings& self = state_->self;
        out.other = self.asked;
        if (self.suspect && self.suspect->asked != 0) out.own = {self.device, self.suspect->asked};
        return out;
    });
}

result<void> vault::note_mended() {
    return state_->write([&] { state_->self.suspect.reset(); });
}

result<void> vault::note_answered() {
    return state_->write([&] { state_->self.asked.reset(); });
}

}  // namespace casasync::sqlite
