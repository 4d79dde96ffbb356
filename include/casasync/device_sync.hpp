// SPDX-License-Identifier: MIT
#pragma once

/// A whole device's sync: sessions, and what a session alone does not do. A file that was restored from a
/// backup, or copied, becomes a device of its own before it sends anything; a relay that was emptied, or
/// restored, is given again what it lost. What a device does about it (keys, the list of devices, attaching)
/// is its own; when it does, is decided here.
#include <casasync/session.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace casasync {

/// A vault with its way to the relay. `store()` is a change_store that also has note_copied, settle_same,
/// known_of_relay, note_read_back, send_again, note_relay_lost, note_relay_fed, merged, tell_merged, waits,
/// ask_for_snapshot, asks, note_mended and note_answered; see casasync/sqlite/vault.hpp.
template <class D>
concept syncing_device = requires(D& d, relay_state& heard, const pull_request& request, bytes_view envelope,
                                  std::uint64_t pos) {
    d.store();
    { d.now() } -> std::same_as<unix_ms>;  ///< own clock
    { d.pull(request) } -> std::same_as<result<page>>;
    { d.record(pos) } -> std::same_as<result<page>>;  ///< that one, whole, also an own one
    { d.open(envelope) } -> std::same_as<result<bytes>>;
    {
        d.last_seq_at_relay()
        } -> std::same_as<result<std::uint64_t>>;  ///< of the device that the vault is; 0 when there is none
    /// Sessions until nothing is left. `heard`: what the relay said last, also after a failure.
    { d.sync_rounds(heard) } -> std::same_as<result<sync_report>>;
    /// Tells whether the vault, or what is kept beside it, says that another file goes on as this device.
    { d.is_copy() } -> std::same_as<result<bool>>;
    { d.catch_up() } -> std::same_as<result<void>>;  ///< with the list of the vault's devices
    /// Makes what is needed for a device of its own, and has the vault succeed() as it.
    { d.become_new_device() } -> std::same_as<result<void>>;
    /// Makes itself, and the vault, known to a relay that does not know it any more.
    { d.attach_again() } -> std::same_as<result<void>>;
    /// Gives the relay the entries of the list of devices that it lacks. \param heard  what it said last
    /// \returns whether it lacked any
    { d.give_members(heard) } -> std::same_as<result<bool>>;
    { d.offer() } -> std::same_as<result<void>>;  ///< a snapshot
    { d.newest_snapshot() } -> std::same_as<result<std::optional<snapshot_origin>>>;
    { d.merge_newest_snapshot() } -> std::same_as<result<void>>;
};

/// Adds what another round did.
inline void add(sync_report& sum, sync_report round) {
    round.sealed += sum.sealed;
    round.pushed += sum.pushed;
    round.received += sum.received;
    round.merged += sum.merged;
    round.rows += sum.rows;
    round.snapshot_merged |= sum.snapshot_merged;
    for (auto said = sum.alarms.rbegin(); said != sum.alarms.rend(); ++said)
        if (std::find(round.alarms.begin(), round.alarms.end(), *said) == round.alarms.end())
            round.alarms.insert(round.alarms.begin(), std::move(*said));
    sum = std::move(round);
}

namespace detail {

/// What is left to see where a relay has forgotten what it had of this device.
struct forgotten_stream {
    bool others = false;           ///< a member has merged more of this device than was sent from here
    std::optional<cursor> next{};  ///< from where on there are records again
};

/// The relay's word is not enough: a member's snapshot has to tell.
template <syncing_device Device>
[[nodiscard]] result<forgotten_stream> look_behind(Device& d) {
    const auto known = d.store().known_of_relay();
    if (!known) return known.failure();
    const auto newest = d.newest_snapshot();
    if (!newest) return newest.failure();
    if (!*newest) return forgotten_stream{};
    return forgotten_stream{(*newest)->merged.seen.of(d.store().device()) > known->last_sent, (*newest)->at};
}

/// Looks through what the relay has of this file's device above `at`. What is in the outbox, too, is
/// taken out: the relay has it. Returns whether there is something that this file did not send.
template <syncing_device Device>
[[nodiscard]] result<bool> find_others(Device& d, cursor at) {
    auto& vault = d.store();
    bool others = false;
    for (bool more = true; more;) {
        auto page = d.pull({at});
        if (!page && page.code() == errc::log_mismatch && at.pos > 0) {  // the relay lost data as well
            at = {};
            continue;
        }
        if (!page && page.code() == errc::history_compacted) {
            const auto behind = look_behind(d);
            if (!behind) return behind.failure();
            others |= behind->others;
            if (behind->others || !behind->next || behind->next->pos <= at.pos) return others;
            at = *behind->next;
            continue;
        }
        if (!page) return page.failure();
        for (const log_record& record : page->records) {
            const auto known = vault.settle(record.digest, record.pos);
            if (!known) return known.failure();
            if (*known) continue;
            log_record one = record;
            if (one.envelope.empty()) {  // an own one, as a digest
                auto whole = d.record(record.pos);
                if (!whole && whole.code() == errc::history_compacted) continue;  // a snapshot has it
                if (!whole) return whole.failure();
                if (whole->records.size() != 1) return errc::malformed_answer;
                one = std::move(whole->records.front());
                // What was damaged on the way is asked for again: were it left out, it would stay in the
                // outbox.
                if (one.digest != record.digest) return errc::malformed_answer;
            }
            const auto head = decode_header(one.envelope);
            if (!head || head->device != vault.device() || head->vault != vault.id()) continue;
            auto payload = d.open(one.envelope);
            if (!payload || !take_front(*payload)) continue;
            // If this is cut off from here on, the next sync goes on with it, and sends nothing before.
            if (!others)
                if (auto ok = vault.note_copied(); !ok) return ok.failure();
            others = true;
            if (auto ok = vault.settle_same(
                    {record.pos, head->device, head->seq, head->part, head->parts, std::move(*payload), {}});
                !ok)
                return ok.failure();
        }
        at = {page->relay.generation, page->last, page->log};
        more = page->more && !page->records.empty();
    }
    return others;
}

[[nodiscard]] inline error confused() {
    return {errc::authentication_failed,
            "The relay says that it has other changes in this device's name, but shows none that this device "
            "signed. Everything on this device is safe, and nothing was lost. If the relay was damaged, ask "
            "its operator."};
}

/// This device's changesets at the relay: how many it said that it had, and how many it has now.
struct own_stream {
    std::uint64_t confirmed = 0, there = 0;
    [[nodiscard]] bool grew() const noexcept { return there > confirmed; }
    [[nodiscard]] bool shrank() const noexcept { return there < confirmed; }
};

template <syncing_device Device>
[[nodiscard]] result<own_stream> look_at_own(Device& d) {
    const auto known = d.store().known_of_relay();
    if (!known) return known.failure();
    const auto has = d.last_seq_at_relay();
    if (!has) return has.failure();
    return own_stream{known->last_sent, *has};
}

/// Tells whether the newest snapshot shows what this file did not send, though its maker has not merged that
/// yet: merging the snapshot tells, and changes nothing then.
template <syncing_device Device>
[[nodiscard]] result<bool> waits_in_snapshot(Device& d) {
    const auto merged = d.merge_newest_snapshot();
    if (merged || merged.code() == errc::device_copied) return !merged;
    return merged.failure();
}

/// Tells whether the relay is right that this is a copy. \errors authentication_failed when it shows nothing
template <syncing_device Device>
[[nodiscard]] result<bool> is_right(Device& d, const cursor& at) {
    for (cursor from = at;; from = {}) {
        const auto others = find_others(d, from);
        if (!others || *others) return others;
        const auto own = look_at_own(d);
        if (!own) return own.failure();
        if (!own->grew()) return false;
        if (from.pos == 0) break;
        // Below the cursor lies what a relay that was restored has of what it was to be sent again.
    }
    const auto waits = waits_in_snapshot(d);
    if (!waits || *waits) return waits;
    const auto own = look_at_own(d);  // what waits there, and is in the outbox, was sent
    if (!own) return own.failure();
    return own->grew() ? result<bool>(confused()) : result<bool>(false);
}

/// Becomes a device of its own. \param suspected  the relay alone says that this is a copy: nothing is done
/// unless the log, or a member's snapshot, has a changeset of this device that this file did not send.
/// Returns whether it did; if not, the log had what was to be sent: in an envelope that is another by now,
/// because the relay was emptied, what it had lost was sealed again, and then it was restored, or got late
/// what was on the way
template <syncing_device Device>
[[nodiscard]] result<bool> succeed(Device& d, bool suspected) {
    if (auto ok = d.catch_up(); !ok) return ok.failure();
    const auto at = d.store().position();
    if (!at) return at.failure();
    const auto others = suspected ? is_right(d, *at) : find_others(d, *at);
    if (!others) return others.failure();
    if (suspected && !*others) return false;
    // What was confirmed, and the relay has lost, nobody asks for in the name of another device.
    const auto own = look_at_own(d);
    if (!own) return own.failure();
    if (own->shrank())
        if (auto ok = d.store().note_relay_lost(); !ok) return ok.failure();
    const auto done = d.become_new_device();
    return done ? result<bool>(true) : done.failure();
}

/// Tells whether a sync has shown that the relay's log is not what it was.
/// \param at  where this device was in it, \param head  where it ended, both before
[[nodiscard]] inline bool has_lost(const result<sync_report>& done, const cursor& at, std::uint64_t head,
                                   const relay_state& heard) {
    const bool another_life =
        !at.generation.is_zero() && !heard.generation.is_zero() && heard.generation != at.generation;
    // What lay above the floor, and led on from nowhere, was another log.
    if (done) return another_life || heard.head < head || (done->snapshot_merged && at.pos >= heard.floor);
    // The cursor may be in the other life by now, and the next sync sees no difference.
    return another_life || done.code() == errc::wrong_relay || done.code() == errc::log_mismatch ||
           done.code() == errc::seq_gap;
}

/// Tells whether the relay has lost something of this device that the log did not bring back: where it is put
/// back to before that, and others were first to go on, the log still leads on from the cursor.
template <syncing_device Device>
[[nodiscard]] result<bool> lacks_unread(Device& d, const relay_state& heard) {
    const auto known = d.store().known_of_relay();
    if (!known) return known.failure();
    if (known->last_sent <= known->read_back) return false;
    const auto own = look_at_own(d);
    if (!own) return own.failure();
    if (own->shrank()) return true;
    const auto at = d.store().position();
    if (!at) return at.failure();
    if (at->pos < heard.head) return false;
    const auto noted = d.store().note_read_back();
    return noted ? result<bool>(false) : noted.failure();
}

/// Merges the newest snapshot if it has more than this device. Returns whether it had.
template <syncing_device Device>
[[nodiscard]] result<bool> take_more(Device& d) {
    const auto newest = d.newest_snapshot();
    if (!newest) return newest.failure();
    const auto known = d.store().merged();
    if (!known) return known.failure();
    if (!*newest || known->vector.covers((*newest)->merged.vector)) return false;
    const auto merged = d.merge_newest_snapshot();
    return merged ? result<bool>(true) : merged.failure();
}

}  // namespace detail

/// Offers a snapshot in the place of the newest one: it has what that one has, which may be nowhere else.
/// \errors those of Device
template <syncing_device Device>
[[nodiscard]] result<void> renew_snapshot(Device& d) {
    // One that cannot be read is no reason to give none.
    if (const auto more = detail::take_more(d); !more && more.failure().what() == condition::retryable)
        return more.failure();
    return d.offer();
}

/// How long a relay that was given again what it had lost has to keep it before it is given it once more.
inline constexpr unix_ms feed_pause_ms = unix_ms{24} * 3600 * 1000;

/// Syncs; where it turns out that this file is a copy, as the new device that it becomes.
/// \errors those of the session, which was done before counts; authentication_failed when the relay's word
/// that it is one turns out wrong; those of Device
template <syncing_device Device>
[[nodiscard]] result<sync_report> sync_as_itself(Device& d, relay_state& heard) {
    auto copy = d.is_copy();
    if (!copy) return copy.failure();
    const auto denied = [](const result<sync_report>& round) {
        return !round && (round.code() == errc::device_copied || round.code() == errc::seq_conflict);
    };
    auto done = *copy ? result<sync_report>(sync_report{}) : d.sync_rounds(heard);
    const bool suspected = denied(done);
    if (!done && !suspected) return done;
    copy = d.is_copy();  // what came may have told
    if (!copy) return copy.failure();
    if (!*copy && !suspected) return done;
    auto became = detail::succeed(d, !*copy);
    if (!became) return became.failure();
    auto again = d.sync_rounds(heard);
    if (denied(again)) {  // another copy of it had the same new device made, and was first
        const auto anew = detail::succeed(d, true);
        if (!anew) return anew.failure();
        *became |= *anew;
        again = d.sync_rounds(heard);
        if (denied(again)) return detail::confused();
    }
    if (!again) return again;
    if (done)
        add(*done, std::move(*again));
    else
        done = std::move(again);
    if (!*became) return done;
    done->alarms.emplace_back(
        "This file was restored from a backup, or copied, while another one went on as this device. It is a "
        "device of its own now; nothing was lost, and what had not been sent was sent. If the other one is "
        "gone, remove it: see casasync devices.");
    return done;
}

namespace detail {

/// Sends again what the relay has lost of this device's own changesets.
template <syncing_device Device>
[[nodiscard]] result<sync_report> send_lost(Device& d, relay_state& heard) {
    const auto own = look_at_own(d);
    if (!own) return own.failure();
    const auto whole = own->shrank() ? d.store().send_again(own->there) : result<bool>(true);
    if (!whole) return whole.failure();
    if (*whole) return sync_as_itself(d, heard);
    return error{errc::seq_gap,
                 "The relay has lost changes of this device that were sent more than 30 days ago, and "
                 "takes no newer ones without them. Everything is safe on this device, and it goes on "
                 "receiving. Leave the vault (casasync leave), and join again."};
}

/// Gives the relay what it lost: this device's own changesets, and a snapshot that has what another device
/// has given it in one. Others may have come to the log before that snapshot, and read on without it: they
/// are told what this device has merged, and look for the snapshot where that is more than the log brings.
template <syncing_device Device>
[[nodiscard]] result<sync_report> feed(Device& d, relay_state& heard) {
    auto done = sync_as_itself(d, heard);
    if (!done && done.code() == errc::wrong_relay)
        done = sync_as_itself(d, heard);  // from the log's beginning
    if (!done && done.code() != errc::seq_gap) return done;
    auto again = send_lost(d, heard);
    if (!again) return again;
    if (done)
        add(*done, std::move(*again));
    else
        done = std::move(again);
    if (auto ok = renew_snapshot(d); !ok) return ok.failure();
    if (auto ok = d.store().tell_merged(); !ok) return ok.failure();
    auto told = d.sync_rounds(heard);
    if (!told) return told;
    add(*done, std::move(*told));
    if (auto ok = d.store().note_relay_fed(); !ok) return ok.failure();
    done->alarms.emplace_back(
        "The relay had lost something: it was emptied, or restored from a backup. This device gave it again "
        "what it has, and nothing was lost here.");
    return done;
}

}  // namespace detail

/// Syncs as itself; a relay that has lost something is given it again, at most once in feed_pause_ms.
/// \errors as sync_as_itself(); seq_gap when what the relay lost is not kept here any more
template <syncing_device Device>
[[nodiscard]] result<sync_report> sync_and_feed(Device& d, relay_state& heard) {
    const auto before = d.store().known_of_relay();
    if (!before) return before.failure();
    const auto at = d.store().position();
    if (!at) return at.failure();
    auto done = sync_as_itself(d, heard);
    bool owed = before->owed;
    if (!done && done.code() == errc::unauthenticated) {
        if (auto ok = d.attach_again(); !ok) return ok.failure();
        const auto own = detail::look_at_own(d);
        if (!own) return own.failure();
        if (own->shrank() && !owed)
            if (auto ok = d.store().note_relay_lost(); !ok) return ok.failure();
        owed = owed || own->shrank();
        done = sync_as_itself(d, heard);
    }
    // One that was put back to before the list of devices grew takes nothing under a newer key.
    if (done || done.code() == errc::stale_epoch) {
        const auto given = d.give_members(heard);
        if (!given && done)
            done->alarms.push_back(
                "The relay has lost the newest entries of the vault's list of devices, and "
                "takes them from this device not yet: " +
                given.failure().text());
        if (given && *given && !done) done = sync_as_itself(d, heard);
    }
    bool certain = owed || detail::has_lost(done, *at, before->head, heard);
    if (done && !certain) {
        const auto lacks = detail::lacks_unread(d, heard);
        if (!lacks) return lacks.failure();
        certain = *lacks;
    }
    if (!certain) return done;
    if (!owed)
        if (auto ok = d.store().note_relay_lost(); !ok) return ok.failure();
    if (!done) {  // a copy sends nothing in the name of the device that it was
        const auto copy = d.is_copy();
        if (!copy) return copy.failure();
        if (*copy) return done;
    }
    const unix_ms now = d.now();
    if (before->fed_at != 0 && now - before->fed_at < feed_pause_ms) {
        if (!done && done.code() == errc::seq_gap)
            done = detail::send_lost(d, heard);  // or nothing would go out
        if (done)
            done->alarms.emplace_back(
                "The relay has lost something for the second time within a day. It is given no snapshot "
                "again "
                "before a day is over; everything on this device is safe. Ask its operator.");
        return done;
    }
    auto fed = detail::feed(d, heard);
    if (!fed || !done) return fed;
    add(*done, std::move(*fed));
    return done;
}

namespace detail {

/// Where changes wait for earlier ones that the relay's log does not bring, merges a snapshot that has more,
/// or asks the others for one; `done` tells of it. Who knows of the earlier ones has them.
template <syncing_device Device>
[[nodiscard]] result<void> fill_gap(Device& d, relay_state& heard, sync_report& done) {
    const auto waits = d.store().waits();
    if (!waits || !*waits) return {};  // one that cannot be read is no reason for an alarm
    const auto more = take_more(d);
    if (!more) return more.failure();
    if (!*more && done.refused > 0) return {};  // what is missing is there, and does not open
    const auto asked = *more ? result<bool>(false) : d.store().ask_for_snapshot();
    if (!asked) return asked.failure();
    if (!*more && !*asked) return {};
    auto round = d.sync_rounds(heard);  // what waited may be merged now; an ask is sent
    if (!round) return round.failure();
    add(done, std::move(*round));
    if (*asked) {
        done.alarms.emplace_back(
            "Changes wait for earlier ones that the relay does not have any more. The other devices were "
            "asked "
            "for a snapshot, which adds them; nothing is lost. `casasync status` tells whether any still "
            "wait.");
        return {};
    }
    done.snapshot_merged = true;
    const auto lacks = lacks_unread(d, heard);
    if (!lacks) return lacks.failure();
    if (*lacks)
        if (auto ok = d.store().note_relay_lost(); !ok) return ok;
    done.alarms.emplace_back(
        "Changes waited for earlier ones that the relay does not have any more. What a snapshot of another "
        "device has was added; `casasync status` tells whether any still wait.");
    return {};
}

/// Merges the snapshot that this device asked for, and offers one to a device that asked; `done` tells of it.
template <syncing_device Device>
[[nodiscard]] result<void> mend(Device& d, sync_report& done) {
    const auto asks = d.store().asks();
    if (!asks || (!asks->own && !asks->other))
        return {};  // one that cannot be read is no reason for an alarm
    const auto newest = d.newest_snapshot();
    if (!newest) return newest.failure();
    const auto is_answered = [&](const std::optional<snapshot_ask>& ask) {
        return ask && *newest && (*newest)->maker != ask->by &&
               (*newest)->merged.seen.of(ask->by) >= ask->seq;
    };
    if (is_answered(asks->own)) {
        if (auto ok = d.merge_newest_snapshot(); !ok) return ok;
        if (auto ok = d.store().note_mended(); !ok) return ok;
        done.snapshot_merged = true;
        done.alarms.emplace_back(
            "What this device may have lacked was added from another device's snapshot. If the devices "
            "differ "
            "again, this will be told; `casasync verify` compares two files.");
    }
    if (!asks->other) return {};
    const auto own = d.store().merged();
    if (!own) return own.failure();
    // Another one's answer may lack what this device could give.
    const bool covered = is_answered(asks->other) && (*newest)->merged.vector.covers(own->vector);
    const auto made = covered ? result<void>{} : renew_snapshot(d);
    // One that cannot be made is not tried with every sync.
    if (!made && made.failure().what() == condition::retryable) return made;
    if (auto ok = d.store().note_answered(); !ok) return ok;
    return made;
}

}  // namespace detail

/// Syncs and feeds; and where changes wait for what the log has lost, or two devices that have merged the
/// same changes differ, mends it by snapshots: whoever asks for one gets one, and merging loses nothing. What
/// fails of that is an alarm.
/// \errors those of sync_and_feed
template <syncing_device Device>
[[nodiscard]] result<sync_report> sync_and_mend(Device& d, relay_state& heard) {
    auto done = sync_and_feed(d, heard);
    if (!done) return done;
    if (const auto filled = detail::fill_gap(d, heard, *done); !filled)
        done->alarms.push_back(
            "Changes wait for earlier ones that the relay does not have, and no snapshot could add them "
            "yet: " +
            filled.failure().text());
    if (const auto mended = detail::mend(d, *done); !mended)
        done->alarms.push_back("Two devices of the vault differ, and no snapshot could put it right yet: " +
                               mended.failure().text());
    return done;
}

}  // namespace casasync
