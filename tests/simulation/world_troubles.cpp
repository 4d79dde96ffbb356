// SPDX-License-Identifier: MIT
#include "world.hpp"

#include "memory.hpp"

#include <algorithm>

/// What people do to files and relays: backups, copies, removed devices. Somebody who does this knows nothing
/// of casasync.
namespace simulation {

using namespace casasync;
using casasync_test::heap;

namespace {

/// A device's memory runs out while this lives.
class short_memory {
 public:
    explicit short_memory(const std::optional<memory_shortage>& plan) {
        if (plan)
            casasync_test::plan_allocations(plan->of_new ? heap::of_new : heap::of_sqlite, plan->at,
                                            plan->and_all_after);
    }
    short_memory(const short_memory&) = delete;
    short_memory& operator=(const short_memory&) = delete;
    ~short_memory() { static_cast<void>(casasync_test::repair_heap()); }
};

/// Whether a file is the device that another one is, or about to become it.
bool goes_with(const party& p, const party& other) {
    return p.beside.self == other.beside.self || p.beside.next == other.beside.self;
}

}  // namespace

result<sync_report> world::sync_party(party& p) {
    const auto shortage = std::exchange(p.shortage, std::nullopt);
    try {
        const short_memory now(shortage);
        return simulation::sync(p);
    } catch (const std::bad_alloc&) {  // from what is around the vault: an agent tries again later
        return error{errc::io_failed, "out of memory"};
    }
}

bool world::is_removed(const party& p) const {
    return relay_.is_revoked(p.beside.self) || (p.beside.next && relay_.is_revoked(*p.beside.next));
}

std::vector<party*> world::members() {
    std::vector<party*> out;
    for (const auto& p : parties_)
        if (p->joined && !is_removed(*p)) out.push_back(p.get());
    return out;
}

bool world::is_told_apart() {
    std::set<device_id> ids;
    for (const party* p : members())
        if (p->doubtful || !ids.insert(p->beside.self).second) return false;
    return true;
}

ledger& world::books(const party& p) {
    return is_removed(p) ? others_books_ : books_;
}

const last_seqs& world::ever_at_relay() {
    for (const loopback::stored_record& r : relay_.records())
        sent_[r.device] = std::max(sent_[r.device], r.seq);
    return sent_;
}

holdings world::in_files(const std::set<const party*>& but) {
    holdings out;
    for (party* const p : members()) {
        if (but.contains(p)) continue;
        if (auto one = p->has_at_least(p->put_back)) out.merge(*one);
    }
    return out;
}

bool world::may_restore(party& p) {
    if (!scene_.careful || is_removed(p)) return true;
    const auto lost = p.has_at_most(ever_at_relay());
    holdings rest = in_files({&p});
    rest.merge(at_relay(relay_, p.machine.keys()));
    rest.insert(p.saved->has.begin(), p.saved->has.end());
    return lost && std::includes(rest.begin(), rest.end(), lost->begin(), lost->end());
}

bool world::may_revoke(party& p) {
    if (!scene_.careful) return true;
    holdings lost;
    std::set<const party*> removed;
    for (party* const other : members()) {
        if (!goes_with(*other, p)) continue;
        auto one = other->has_at_most(ever_at_relay());
        if (!one) return false;
        lost.merge(*one);
        removed.insert(other);
    }
    holdings rest = in_files(removed);
    rest.merge(at_relay(relay_, p.machine.keys()));
    return std::includes(rest.begin(), rest.end(), lost.begin(), lost.end());
}

bool world::may_lose(const holdings& rest) {
    if (!scene_.careful) return true;
    const holdings lost = at_relay(relay_, parties_[0]->machine.keys());
    holdings kept = in_files({});
    kept.insert(rest.begin(), rest.end());
    return std::includes(kept.begin(), kept.end(), lost.begin(), lost.end());
}

void world::spare() {
    ++counts_.spared;
    say("  not this: it is the last to have something");
}

bool world::back_up(party& p) {
    // What was captured and not sealed would come twice where keys are integers (README, Limits).
    const bool sealed = p.machine.vault().seal().ok();
    auto has = sealed && p.machine.storage().is_powered() ? p.has_at_least(true) : std::nullopt;
    if (!has) return say("  not now"), false;
    p.saved = saved_files{
        p.machine.storage().image(), p.beside, p.upgraded, books_.writes(), relay_losses_, std::move(*has)};
    return true;
}

void world::restore(party& p, std::uint32_t dice) {
    if (!p.saved) return;
    if (!may_restore(p)) return spare();
    // Files that are older than the relay's loss, mark and all, are recognised too late (README, Limits).
    const bool all = dice % 2 != 0 && p.saved->relay_losses == relay_losses_;
    ++counts_.restored;
    now_ += 1'000;  // or what is written again, to the letter, in one millisecond is the same write
    books_.went_back(p.number, p.saved->writes);
    p.put(*p.saved, all);
    say(all ? "  with all that is beside it" : "  alone");
}

bool world::owes_relay(party& p) {
    const auto known = p.machine.vault().known_of_relay();
    if (!known) return true;
    return known->last_sent > 0 &&
           !at_relay(relay_, p.machine.keys()).contains({p.beside.self, known->last_sent});
}

void world::clone(party& p) {
    for (const auto& other : parties_) {
        if (other->joined) continue;
        if (owes_relay(p)) return say("  not while the relay lacks what it had");
        if (!back_up(p)) return;
        ++counts_.clones;
        other->put(*p.saved, true);
        other->joined = true;
        books_.copied(p.number, other->number);
        other->family = p.family;
        other->clock_error = p.clock_error + 1;  // two machines' clocks differ
        p.doubtful = p.put_back = true;
        return say("  as " + other->machine.name());
    }
}

void world::revoke(party& p) {
    std::set<device_id> others;
    for (const party* other : members())
        if (!goes_with(*other, p)) others.insert(other->beside.self);
    if (is_removed(p) || others.size() < 2) return;
    if (!may_revoke(p)) return spare();
    ++counts_.revoked;
    relay_.revoke(p.beside.self);
    for (const auto& other : parties_)
        if (other->joined && goes_with(*other, p)) books_.removed(other->number);
}

void world::lose(const holdings& rest, const std::function<void(generation_id)>& how) {
    if (!is_told_apart()) return say("  not while two are one");
    if (!may_lose(rest)) return spare();
    static_cast<void>(ever_at_relay());  // before it forgets
    ++counts_.relay_losses;
    ++relay_losses_;
    generation_id next;
    sqlite3_randomness(static_cast<int>(next.octets.size()), next.octets.data());
    how(next);
    if (!scene_.careful) books_.relay_lost();
}

void world::restore_relay(std::uint32_t dice) {
    if (!saved_relay_) return;
    lose(at_relay(*saved_relay_, parties_[0]->machine.keys()), [&](const generation_id& next) {
        relay_.restore(*saved_relay_, dice % 2 == 0 ? std::optional(next) : std::nullopt);
    });
}

void world::wipe_relay() {
    lose({}, [this](const generation_id& next) { relay_.wipe(next); });
}

void world::check_stamps() {
    std::set<stamp> seen;
    for (const loopback::stored_record& r : relay_.records()) {
        const auto head = decode_header(r.envelope);
        auto payload = parties_[0]->machine.keys().open(r.envelope);
        if (!head || !payload || head->parts != 1 || !take_front(*payload)) continue;
        const auto c = decode(*payload);
        if (!c) continue;
        for (const table_changes& t : c->tables)
            for (const row_change& row : t.rows)
                must(seen.insert(row.op.when).second, "a stamp stands for two writes");
    }
}

}  // namespace simulation
