// SPDX-License-Identifier: MIT
#include "world.hpp"

#include <casasync/detail/hash.hpp>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace simulation {

using namespace casasync;
using casasync_test::app;
using casasync_test::dice;
using casasync_test::disk_call;
using casasync_test::fault;
using casasync_test::fault_plan;
using casasync_test::loss;

namespace {

template <class T>
std::string words(const result<T>& r) {
    return r ? "ok" : std::string(name_of(r.code()));
}

constexpr const char* next_version =
    "SELECT place FROM txn WHERE 0 UNION ALL SELECT amount FROM budget WHERE 0";

/// Cuts off or changes one bit of what is sent.
void damage(bytes& sent, std::uint32_t seed) {
    dice d(seed);
    if (sent.empty()) return;
    if (d.percent(30)) {
        sent.resize(d.below(sent.size()));
    } else {
        sent[d.below(sent.size())] ^= static_cast<std::uint8_t>(1U << d.below(8));
    }
}

loopback::relay new_relay(std::function<unix_ms()> clock) {
    return {casasync_test::id_of<vault_id>(7), casasync_test::id_of<generation_id>(8),
            casasync_test::quick_digest, std::move(clock)};
}

std::string first_difference(const picture& a, const picture& b) {
    for (const auto& [cell, value] : a)
        if (const auto other = b.find(cell); other == b.end() || other->second != value)
            return text_of(cell) + " = " + value + " or " + (other == b.end() ? "nothing" : other->second);
    for (const auto& [cell, value] : b)
        if (!a.contains(cell)) return text_of(cell) + " = nothing or " + value;
    return "";
}

}  // namespace

world::world(const scene& s, tally& counts)
    : scene_(s), counts_(counts), relay_(new_relay([this] { return now_; })) {
    dice d(s.seed);
    casasync_test::seed_vfs(d.next());
    relay_.require_attach();
    for (std::size_t i = 0; i < devices_max; ++i)
        parties_.push_back(std::make_unique<party>(i, relay_, d.next()));
}

void world::say(const std::string& line) {
    const std::string whole = std::to_string(out_.lines.size()) + " " + line;
    const bytes_view text{reinterpret_cast<const std::uint8_t*>(whole.data()), whole.size()};
    out_.trace = detail::hash128(text, {out_.trace, 1}).low;
    out_.lines.push_back(whole);
}

void world::must(bool fine, const std::string& what) {
    if (!fine) throw failed(what);
}

outcome world::play(const household_image* start) {
    ++counts_.scenes;
    try {
        start != nullptr ? begin(*start) : make_household();
        for (const auto& p : parties_) must(at(*p), "a vault does not open in fine weather");
        for (const event& e : scene_.events) happen(e);
        heal();
        converge();
        be_silent();
        check_books();
        check_stamps();
    } catch (const failed& f) {
        out_.problem = f.what();
    }
    for (const auto& p : parties_) p->machine.close();
    counts_.writes += books_.writes();
    return std::move(out_);
}

bool world::at(party& p) {
    furthest_ = std::max(furthest_, now_ + p.clock_error);
    casasync_test::set_vfs_time(now_ + p.clock_error);
    if (!p.joined) return true;
    const auto open = p.open();
    if (!open) say("  vault of " + p.machine.name() + " does not open: " + words(open));
    return open.ok();
}

void world::begin(const household_image& start) {
    relay_.restore(start.relay, std::nullopt);
    for (std::size_t i = 0; i < start.parties.size(); ++i) parties_[i]->become(start.parties[i]);
}

household_image world::make() {
    make_household();
    household_image out{{}, new_relay([] { return beginning; })};
    out.relay.restore(relay_, std::nullopt);
    for (std::size_t i = 0; i < scene_.devices; ++i) out.parties.push_back(parties_[i]->image());
    return out;
}

void world::make_household() {
    party& first = *parties_[0];
    (void)at(first);
    must(first.machine.open(false).ok(), "the first app does not open");
    must(first.machine.sql().run(first_schema) == SQLITE_OK, "the schema is refused");
    auto made = sqlite::vault::create(first.machine.path(), first.machine.who(), first.machine.options());
    must(made.ok(), "the first vault cannot be made");
    first.machine.take(std::move(*made));
    first.joined = true;
    must(first.way.attach(first.beside.self, 0).ok(), "the first device cannot attach");
    must(first.machine.vault().track("account", {{}, {{"checked", merge_rule::max}}, {}, false}).ok(),
         "track account");
    for (const char* table : {"txn", "tag", "item", "pin"})
        must(first.machine.vault().track(table).ok(), "track");
    offer(first);
    for (std::size_t i = 1; i < scene_.devices; ++i) join(*parties_[i]);
    for (std::size_t i = 0; i < scene_.devices; ++i) {
        party& p = *parties_[i];
        must(p.joined, "a device cannot join in fine weather");
        p.machine.close();
        if (!scene_.wal)
            must(app(p.machine.path()).run("PRAGMA journal_mode = delete") == SQLITE_OK, "journal");
    }
}

void world::happen(const event& e) {
    say(text_of(e));
    if (e.what == act::pass_time) {
        now_ += e.a;
        return;
    }
    if (e.what == act::compact) return compact();
    if (e.what == act::save_relay) return saved_relay_.emplace(relay_), void();
    if (e.what == act::restore_relay) return restore_relay(e.a);
    if (e.what == act::wipe_relay) return wipe_relay();
    party& p = *parties_[e.device];
    if (p.joined == (e.what == act::join)) return;
    if (!at(p)) {
        power_up(p);
        if (e.what != act::repair) return;
    }
    switch (e.what) {
        case act::write:
            write(p, e);
            break;
        case act::sync:
            (void)sync(p);
            break;
        case act::seal:
            say("  " + words(p.machine.vault().seal()));
            break;
        case act::resolve:
            resolve(p, e);
            break;
        case act::undelete:
            undelete(p, e);
            break;
        case act::offer:
            offer(p);
            break;
        case act::join:
            join(p);
            break;
        case act::upgrade:
            upgrade(p);
            break;
        case act::move_clock:
            p.clock_error = std::int64_t{e.a} - (std::int64_t{1} << 31);
            behind_ = std::max(behind_, -p.clock_error);
            break;
        case act::weather:
            set_weather(p, e.a);
            break;
        case act::cut:
            p.network.set({e.a == 0 || e.a == 2 ? 100U : 0U, e.a == 1 ? 100U : 0U, 0, 0, 0});
            break;
        case act::calm:
            p.network.set({});
            p.network.calm();
            break;
        case act::alter:
            alter(p, e.a);
            break;
        case act::trip:
        case act::fail:
            break_disk(p, e);
            break;
        case act::repair:
            p.machine.storage().repair();
            break;
        case act::restart:
            restart(p);
            break;
        case act::starve:
            p.shortage = {e.a, e.b % 2 != 0, e.b >= 2};
            break;
        case act::back_up:
            static_cast<void>(back_up(p));
            break;
        case act::restore:
            restore(p, e.a);
            break;
        case act::clone:
            clone(p);
            break;
        case act::revoke:
            revoke(p);
            break;
        case act::compact:
        case act::pass_time:
        case act::save_relay:
        case act::restore_relay:
        case act::wipe_relay:
            break;
    }
    power_up(p);
}

void world::write(party& p, const event& e) {
    if (!p.upgraded && p.has_more_columns()) {  // an app goes on with its migration when it begins
        upgrade(p);
        power_up(p);
        if (!p.upgraded) return;
    }
    // Rows that two copies number in one millisecond are one row (README, Backups and copies).
    const auto is_taken = [&](const auto& other) {
        return other->family == p.family && other->number != p.number &&
               other->wrote_at.contains(now_ + p.clock_error);
    };
    while (std::ranges::any_of(parties_, is_taken)) ++now_;
    (void)at(p);
    p.wrote_at.insert(now_ + p.clock_error);
    const app_write& w = e.app;
    const bool takes_away =
        w.sql.find("DELETE FROM txn") != std::string::npos || w.sql.find("SET id") != std::string::npos;
    knowledge before = p.know(takes_away || !w.replaced.empty());
    if (!p.upgraded && !takes_away)  // what an older app replaces keeps what only newer ones know
        for (const row_name& row : w.replaced) before.shown.erase({row, "place"});
    const picture rows_before = p.rows();
    p.expected.reset();
    p.unsettled.reset();
    const int rc = p.machine.sql().transact(w.sql);
    say("  sqlite says " + std::to_string(rc));
    if (rc != SQLITE_OK) ++counts_.refused_writes;
    const bool survived = p.machine.storage().is_powered();
    if (!survived) power_up(p);
    const bool refused = rc == SQLITE_CONSTRAINT;
    // A transaction that failed otherwise may have been committed all the same: its rows tell. What does not
    // show may be in the log whole, and come back with a kill, until the programs end.
    if (survived && rc != SQLITE_OK && !refused) p.begin_anew();
    const picture after = p.rows();
    if (survived && refused)
        must(after == rows_before,
             "a refused transaction changed rows: " + first_difference(rows_before, after));
    const bool happened = rc == SQLITE_OK || after != rows_before;
    if (happened) books(p).wrote(p.number, before, after, w.replaced, w.named);
    if (!happened && !refused) p.unsettled = {before, w};
    p.expected = after;
}

bool world::sync(party& p) {
    ++counts_.syncs;
    p.expected.reset();
    counts_.starved += p.shortage && !p.shortage->of_new ? 1 : 0;
    counts_.starved_of_new += p.shortage && p.shortage->of_new ? 1 : 0;
    const device_id before = p.beside.self;
    for (const auto& other : parties_)
        if (other.get() != &p && other->beside.self == before) other->doubtful = true;
    const auto done = sync_party(p);
    counts_.successions += p.beside.self != before ? 1 : 0;
    if (!done) {
        ++counts_.failed_syncs;
        say("  " + words(done) + " " + done.failure().text());
        must(done.code() != errc::device_revoked || is_removed(p), "a member hears that it was removed");
        return false;
    }
    books(p).sent(p.number);
    p.doubtful = p.put_back = false;
    counts_.merged_snapshots += done->snapshot_merged ? 1 : 0;
    say("  pushed " + std::to_string(done->pushed) + " merged " + std::to_string(done->merged) + " rows " +
        std::to_string(done->rows) + (done->snapshot_merged ? " snapshot" : ""));
    note_alarms(p, *done, p.beside.self != before);
    return true;
}

/// An alarm has its reason, and a reason its alarm.
void world::note_alarms(const party& p, const sync_report& done, bool became_another) {
    const bool lost = relay_losses_ > 0;
    must(done.alarms.empty() || became_another || lost,
         p.machine.name() + " alarms: " + (done.alarms.empty() ? "" : done.alarms.front()));
    must(!became_another || !done.alarms.empty(), p.machine.name() + " became another device, silently");
    for (const std::string& said : done.alarms) {
        counts_.fed += said.starts_with("The relay had lost") ? 1 : 0;
        counts_.asked +=
            said.starts_with("Changes wait for earlier ones that the relay does not have any more") ? 1 : 0;
    }
}

void world::resolve(party& p, const event& e) {
    const knowledge before = p.know(true);
    const picture rows_before = p.rows();
    p.expected =
        rows_before;  // looking has sealed: a row that was parked came back, or one of a new device went
    const auto list = p.machine.vault().conflicts(true);
    if (!list || list->empty()) return say("  nothing to decide");
    const auto& c = (*list)[(e.a / 2) % list->size()];
    const bool restores = e.a % 2 == 0;
    const std::optional<row_name> name = p.booked(c);
    const auto about = p.named(c);
    if (about.size() > 1) return say("  two rows have had that number");
    const row_name row = about.empty() ? row_of(c.table, c.key) : *about.begin();
    const auto done = restores ? p.machine.vault().restore(c.id) : p.machine.vault().keep(c.id);
    say("  " + words(done) + ": " + (restores ? "restore " : "keep ") + row.table + "[" + row.key + "] " +
        c.column.value_or("deletion"));
    ++counts_.decided;
    p.expected.reset();
    const bool survived = p.machine.storage().is_powered();
    power_up(p);
    if (!done && survived) p.begin_anew();  // as after an app's write
    if (!done) {
        // A decision to keep changes no row: that they are the same says nothing.
        if (done.code() == errc::not_found || (restores && survived && p.rows() == rows_before)) return;
        return books(p).settled(p.number, before, row);  // it may have happened
    }
    picture after = p.rows();
    std::erase_if(after, [&](const auto& cell) {  // a row that was parked and comes back, nobody wrote
        return cell.first.row != row && before.parked.contains(cell.first.row);
    });
    books(p).wrote(p.number, before, after, {}, {});
    const bool was_there = std::any_of(before.shown.begin(), before.shown.end(),
                                       [&](const auto& cell) { return cell.first.row == row; });
    if (!c.column || !was_there) return books(p).settled(p.number, before, row);
    if (!name) return;
    books(p).decided(p.number, before, {row, *c.column}, text_of(restores ? c.loser : c.winner));
}

void world::undelete(party& p, const event& e) {
    const knowledge before = p.know(true);
    const picture rows_before = p.rows();
    p.expected = rows_before;
    const auto list = p.machine.vault().deleted();
    if (!list || list->empty()) return say("  nothing is deleted");
    const auto& row = (*list)[e.a % list->size()];
    const auto done = p.machine.vault().undelete(row.id);
    say("  " + words(done) + ": bring back " + row.table + " " + row.id);
    counts_.undeleted += done ? 1 : 0;
    p.expected.reset();
    const bool survived = p.machine.storage().is_powered();
    power_up(p);
    if (!done && survived) p.begin_anew();
    picture after = p.rows();
    if (!done && after == rows_before) return;  // it is there, or nothing happened
    std::erase_if(after, [&](const auto& cell) { return before.parked.contains(cell.first.row); });
    books(p).wrote(p.number, before, after, {}, {});
}

void world::offer(party& p) {
    if (!sync(p)) return;  // a copy is told, and a relay that lost something noticed
    party_link link(p);
    say("  offer: " + words(renew_snapshot(link)));
}

void world::compact() {
    const auto newest = relay_.latest_snapshot();
    if (!newest) return;
    ++counts_.compactions;
    relay_.compact(newest->pos);
    say("  up to " + std::to_string(newest->pos));
}

void world::join(party& p) {
    p.machine.close();
    const auto attached = p.way.attach(p.beside.self, 0);
    const auto joined = attached ? casasync_test::join(p.machine, p.way) : attached;
    say("  join: " + words(joined));
    if (!joined) return p.machine.close();
    ++counts_.joins;
    p.joined = true;
    (void)at(p);
    // The tables are those of the device whose snapshot it was.
    if (p.machine.sql().rows(next_version) == "") upgrade(p);
}

void world::upgrade(party& p) {
    upgrades_ = true;
    if (p.upgraded) return;
    app& sql = p.machine.sql();
    if (!p.has_more_columns() && sql.transact(more_columns) != SQLITE_OK)
        return say("  no columns: " + sql.message());
    if (sql.transact(more_tables) != SQLITE_OK) return say("  no tables: " + sql.message());
    const auto tracked = p.machine.vault().track("budget");
    say("  " + words(tracked));
    if (!tracked) return;
    ++counts_.upgrades;
    p.upgraded = true;
    p.expected.reset();
}

void world::set_weather(party& p, std::uint32_t seed) {
    dice d(seed);
    const auto up_to = [&d](unsigned most) { return static_cast<unsigned>(d.below(most)); };
    p.network.set({up_to(40), up_to(40), up_to(40), up_to(40), up_to(4)});
}

void world::alter(party& p, std::uint32_t seed) {
    p.way.on_page = [this, &p, seed](loopback::page_bytes& sent) {
        damage(sent.body, seed);
        ++counts_.altered;
        p.way.on_page = nullptr;
    };
}

void world::break_disk(party& p, const event& e) {
    fault_plan plan;
    plan.at = e.a;
    plan.seed = e.a;
    if (e.what == act::trip) {
        plan.what = fault::power_loss;
        plan.counted = casasync_test::calls_that_change;
        plan.how = static_cast<loss>(e.b % 4);
    } else {
        plan.what = e.b == 2 ? fault::disk_full : fault::io_error;
        plan.sticky = e.b != 0;
        if (e.b == 2) plan.counted = only(disk_call::write);
        ++counts_.io_errors;
    }
    p.machine.storage().plan(plan);
}

void world::restart(party& p) {
    ++counts_.restarts;
    p.machine.close();
    (void)at(p);
}

void world::power_up(party& p) {
    if (p.machine.storage().is_powered()) return;
    ++counts_.power_losses;
    say("  the power went");
    p.machine.start_again();
    if (!p.joined) return;
    const auto opened = p.open();
    must(opened.ok(), "a vault does not open after a power loss: " + words(opened));
    must(p.machine.sql().integrity() == "ok", "a file is broken after a power loss");
    if (!p.expected) return;
    const picture after = p.rows();
    if (after == *p.expected) return;
    must(p.unsettled.has_value(), "a power loss changed rows: " + first_difference(*p.expected, after));
    const failed_write back = *std::exchange(p.unsettled, std::nullopt);
    books(p).wrote(p.number, back.before, after, back.what.replaced, back.what.named);
    p.expected = after;
}

void world::heal() {
    say("heal");
    // A clock that was put right since its device last heard the relay's is as wrong the other way round.
    now_ = furthest_ + 7 * 3'600'000;
    if (relay_losses_ > 0) now_ += feed_pause_ms;
    for (const auto& p : parties_) {
        p->machine.storage().repair();
        p->clock_error = 0;
        p->way.on_page = nullptr;
        p->network.set({});
        p->network.calm();
        p->shortage.reset();
        if (!p->joined || is_removed(*p)) continue;
        must(at(*p), "a vault does not open when all is well");
        if (const auto status = p->machine.vault().status()) counts_.held += status->held;
        if (!upgrades_) continue;
        upgrade(*p);
        must(p->upgraded, "an upgrade fails when all is well");
    }
}

void world::converge() {
    std::string why = "no round";
    for (unsigned round = 0; round < rounds_max && !why.empty(); ++round) {
        for (party* const p : members()) {
            now_ += 10;
            (void)at(*p);
            p->expected.reset();
            const device_id before = p->beside.self;
            const auto done = sync_party(*p);
            must(done.ok(), "a sync fails when all is well: " + words(done) +
                                (done ? "" : ", " + done.failure().text()));
            counts_.successions += p->beside.self != before ? 1 : 0;
            note_alarms(*p, *done, p->beside.self != before);
        }
        why = disagreement();
        say("round: " + why);
        if (round == 0) now_ += behind_;  // what was stamped before the relay's time was heard waits as long
    }
    must(why.empty(), "no agreement after " + std::to_string(rounds_max) + " rounds: " + why);
}

namespace {

/// Returns why the accounts of two devices that know the same are not those of one vault; "" when they are.
/// What was overwritten before a device joined, it does not count.
std::string accounts_differ(const sqlite::write_counts& mine, const sqlite::write_counts& other) {
    const auto words = [](const sqlite::write_counts& c) {
        return std::to_string(c.applied) + " applied, " + std::to_string(c.conflicts) + " in conflict, " +
               std::to_string(c.absorbed) + " absorbed, " + std::to_string(c.superseded) + " superseded";
    };
    if (mine.total !=
        mine.applied + mine.superseded + mine.absorbed + mine.conflicts + mine.held + mine.rejected)
        return "the accounts do not add up: " + words(mine) + ", " + std::to_string(mine.total) + " in all";
    if (mine.applied == other.applied && mine.conflicts == other.conflicts && mine.parked == other.parked)
        return "";
    return "the accounts differ: " + words(mine) + "; " + words(other);
}

}  // namespace

std::string world::disagreement() {
    const party* first = nullptr;
    sqlite::write_counts accounts;
    std::string digest;
    picture shown;
    std::string others;
    for (party* const p : members()) {
        const std::string name = p->machine.name();
        const auto status = p->machine.vault().status();
        if (!status) return "status of " + name + ": " + words(status);
        if (status->captured + status->pending_out + status->pending_in + status->held > 0)
            return name + " is not done: captured " + std::to_string(status->captured) + ", out " +
                   std::to_string(status->pending_out) + ", in " + std::to_string(status->pending_in) +
                   ", held " + std::to_string(status->held);
        if (first == nullptr) accounts = status->ops;
        if (const auto wrong = accounts_differ(status->ops, accounts); !wrong.empty()) return wrong;
        const auto at = p->machine.vault().position();
        if (!at || at->pos != relay_.state().head) return name + " has not read all of the log";
        const auto found = p->machine.vault().verify();
        if (!found) return "verify " + name + ": " + words(found);
        if (!found->differences.empty()) return "verify " + name + ": " + found->differences.front();
        if (const auto whole = p->machine.sql().integrity(); whole != "ok") return name + ": " + whole;
        const picture now = p->rows();
        if (first != nullptr && digest != status->digest) return "the digests differ";
        if (first != nullptr && shown != now) return "the rows differ: " + first_difference(shown, now);
        const std::string rest = p->other_rows();
        if (first != nullptr && others != rest) return "the rows differ: " + others + "or " + rest;
        if (first == nullptr) counts_.open_conflicts += status->open_conflicts;
        if (first == nullptr) counts_.parked += status->parked;
        first = p;
        digest = status->digest;
        shown = now;
        others = rest;
    }
    return "";
}

void world::be_silent() {
    for (party* const p : members()) {
        (void)at(*p);
        p->machine.storage().plan({});
        party_link link(*p);
        relay_state heard;
        const auto done = sync_and_feed(link, heard);  // when it was is noted now and then
        must(done.ok() && done->pushed == 0 && done->merged == 0,
             "there is no silence: " + p->machine.name() + ": " + words(done) +
                 (done ? " pushed " + std::to_string(done->pushed) + " merged " + std::to_string(done->merged)
                       : ""));
        const std::uint64_t writes = p->machine.storage().calls(disk_call::write);
        must(writes == 0,
             p->machine.name() + " writes " + std::to_string(writes) + " times though nothing happens");
    }
}

void world::check_books() {
    party& p = *members().front();
    (void)at(p);
    picture shown = p.rows();
    p.add_parked(shown);
    const std::string missing = books_.missing(shown, p.open_conflicts());
    must(missing.empty(), missing);
    for (const auto& [cell, value] : shown) say(text_of(cell) + " = " + value);
}

namespace {

/// The engine looks once a process how SQLite behaves; that draws random numbers of SQLite.
void warm_up() {
    static const outcome done = [] {
        tally none;
        return world({}, none).play(nullptr);
    }();
}

/// Returns what make_like() does, which it asks once a process.
const household_image& household_like(const scene& s) {
    static std::map<std::tuple<std::uint64_t, std::uint8_t, bool>, household_image> known;
    const std::tuple kind(s.seed % households, s.devices, s.wal);
    auto it = known.find(kind);
    if (it == known.end()) it = known.emplace(kind, make_like(s)).first;
    return it->second;
}

}  // namespace

household_image make_like(const scene& s) {
    warm_up();
    tally none;

    return world({s.seed % households, s.devices, s.wal, true, false, {}}, none).make();
}

outcome play(const scene& s, tally& counts) {
    warm_up();
    const household_image* start = s.anew ? nullptr : &household_like(s);
    return world(s, counts).play(start);
}

}  // namespace simulation
