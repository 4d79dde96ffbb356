// SPDX-License-Identifier: MIT
#pragma once

/// The sync conversation as a value: what to ask the relay next, and what to do with its answers. It owns no
/// socket and no thread.
///
///     seal -> push what the relay lacks -> pull from the cursor -> open -> store -> merge -> acknowledge
#include <casasync/cipher.hpp>
#include <casasync/cursor.hpp>
#include <casasync/limits.hpp>
#include <casasync/part_front.hpp>
#include <casasync/snapshot_transfer.hpp>
#include <casasync/store.hpp>
#include <casasync/transport.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace casasync {

/// What a sync did.
struct sync_report {
    std::size_t sealed = 0;    ///< operations of this device that became changesets
    std::size_t pushed = 0;    ///< envelopes the relay confirmed
    std::size_t received = 0;  ///< envelopes of other devices that were opened and stored
    std::size_t merged = 0;    ///< changesets merged, and the rows they touched
    std::size_t rows = 0;
    std::size_t refused = 0;            ///< envelopes that did not open; asked for again next time
    bool snapshot_merged = false;       ///< the relay's log did not reach back to the cursor
    bool more = false;                  ///< it stopped early; call again
    relay_state relay{};                ///< as last heard
    std::vector<std::string> alarms{};  ///< sentences for a person, at most alarms_max

    static constexpr std::size_t alarms_max = 16;
};

struct push_request {
    std::vector<bytes> envelopes{};  ///< in order of seq, within the limits of one push
};
struct acknowledge_request {
    std::uint64_t pos = 0;
};
struct snapshot_request {};  ///< merge the newest snapshot into the store: merge_latest_snapshot()
struct nothing_left {};

using session_request =
    std::variant<push_request, pull_request, acknowledge_request, snapshot_request, nothing_left>;

/// One sync of one store. Call next(), do what it says, hand the answer to receive(), until nothing is left.
/// Own pushes never move the cursor: own records come back in the log like everybody's, as digests.
/// An envelope that does not open is left out: the durable cursor stays before it, so that the next sync asks
/// for it again, while this one goes on past it. Store and cipher must outlive the session. One thread.
template <change_store Store, cipher Cipher>
class session {
 public:
    session(Store& store, Cipher& keys) : store_(&store), keys_(&keys) {}

    /// Returns what to do next. Works on the store: seals, reads the outbox.
    [[nodiscard]] session_request next() {
        if (step_ == step::begin) begin();
        if (step_ == step::push)
            if (push_request out = prepare_push(); !out.envelopes.empty()) return out;
        if (step_ != step::over && ++requests_ > requests_max) {
            report_.more = true;
            step_ = step::over;
        }
        switch (step_) {
            case step::pull:
                return pull_request{scan_, limits::page_records_max, 0};
            case step::snapshot:
                return snapshot_request{};
            case step::acknowledge:
                return acknowledge_request{durable_.pos};
            default:
                return nothing_left{};
        }
    }

    void receive(const result<push_answer>& answer) {
        if (!answer) return answer_failed(answer.failure());
        report_.relay = answer->relay;
        bool matches = answer->receipts.size() == pushed_.size();
        for (std::size_t i = 0; matches && i < pushed_.size(); ++i)
            matches = answer->receipts[i].seq == pushed_[i];
        if (!matches) return stop(malformed("The relay confirmed other changesets than those it was sent."));
        for (const std::uint64_t seq : pushed_)
            if (auto ok = store_->settle(seq, answer->relay.head); !ok) return stop(ok.failure());
        report_.pushed += pushed_.size();
    }

    void receive(const result<page>& answer) {
        if (!answer) return answer_failed(answer.failure());
        const page& p = *answer;
        if (!is_dense(p)) return stop(malformed("The relay sent a page that does not fit its log."));
        // A snapshot may be of an earlier life of a log that goes on: its running hash tells.
        const bool another_life = !scan_.generation.is_zero() && p.relay.generation != scan_.generation;
        if (another_life && !report_.snapshot_merged)
            return recover({errc::log_mismatch, "The relay's log is not the one this device knows."});
        if (log_after(p, p.records.size()) != p.log)
            return stop(malformed("The relay sent a page that does not fit its log."));
        report_.relay = p.relay;
        if (take(p)) step_ = p.more && !p.records.empty() ? step::pull : after_pull();
    }

    void receive(const result<void>& acknowledged) {
        if (!acknowledged) return stop(acknowledged.failure());
        step_ = step::over;
    }

    void receive(const result<std::optional<cursor>>& snapshot) {
        if (!snapshot) return stop(snapshot.failure());
        if (!snapshot->has_value() && lost_->code == errc::history_compacted)
            return stop(
                {errc::history_compacted,
                 "The relay no longer has the changes this device has not seen, and no snapshot of the "
                 "vault. Everything on this device is safe. Sync a device that is up to date, so that it "
                 "offers a snapshot."});
        if (!snapshot->has_value()) return restart_log();
        report_.snapshot_merged = true;
        durable_ = scan_ = **snapshot;
        step_ = step::pull;
    }

    /// What went wrong, if anything did; what was done before it counts, and report() tells it.
    [[nodiscard]] const std::optional<error>& failure() const noexcept { return failure_; }
    [[nodiscard]] const sync_report& report() const noexcept { return report_; }

 private:
    enum class step : std::uint8_t { begin, push, pull, snapshot, acknowledge, over };
    static constexpr std::size_t requests_max = 10'000;

    [[nodiscard]] static error malformed(std::string what) {
        return {errc::malformed_answer,
                std::move(what) +
                    " Nothing of it was used, and everything on this device is safe. Try again later."};
    }

    [[nodiscard]] static error copied() {
        return {errc::device_copied,
                "The relay has changes in this device's name that this file does not know: it was restored "
                "from a backup, or copied. Nothing was lost and nothing was taken over yet."};
    }

    void stop(error why) {
        if (!failure_) failure_ = std::move(why);
        step_ = step::over;
    }
    void alarm(std::string sentence) {
        auto& all = report_.alarms;
        if (all.size() < sync_report::alarms_max && std::find(all.begin(), all.end(), sentence) == all.end())
            all.push_back(std::move(sentence));
    }

    /// What keeps this device from pushing does not keep it from receiving.
    void answer_failed(const error& why) {
        switch (why.code) {
            case errc::stale_epoch:  // the transport has seen to it that the cipher knows the new key
                if (step_ != step::push || renewed_) return stop(why);
                renewed_ = true;
                return;
            case errc::seq_gap:
            case errc::seq_conflict:
            case errc::stamp_ahead:
            case errc::quota_exceeded:
                if (step_ != step::push) return stop(why);
                failure_ = why;
                step_ = step::pull;
                return;
            case errc::log_mismatch:
            case errc::history_compacted:
                return step_ == step::pull ? recover(why) : stop(why);
            default:
                return stop(why);
        }
    }

    void begin() {
        auto sealed = store_->seal();
        if (!sealed) return stop(sealed.failure());
        report_.sealed = *sealed;
        auto at = store_->position();
        if (!at) return stop(at.failure());
        start_ = durable_ = scan_ = *at;
        step_ = step::push;
    }

    [[nodiscard]] push_request prepare_push() {
        push_request out;
        pushed_.clear();
        auto parts = store_->outbox(limits::request_bytes_max);
        if (!parts) return stop(parts.failure()), push_request{};
        std::size_t size = 0;
        stream_mark sealed;
        for (outbound_part& p : *parts) {
            if (out.envelopes.size() == limits::request_envelopes_max) break;
            // A relay that was restored has some of what it was to be sent again: it takes no numbers that
            // skip.
            if (!pushed_.empty() && pushed_.back() + 1 != p.seq) break;
            if (sealed.seq != 0) p.link = sealed.link;
            sealed = {};
            if (!may_go(p)) {
                if (auto ok = seal(p, sealed); !ok) return stop(ok.failure()), push_request{};
            }
            size += p.envelope.size();
            if (size > limits::request_bytes_max) break;
            pushed_.push_back(p.seq);
            out.envelopes.push_back(std::move(p.envelope));
        }
        if (out.envelopes.empty()) {
            step_ = step::pull;
        }
        return out;
    }

    /// Tells whether a part has an envelope that others take. One that was sealed under a key that was
    /// replaced since, and had not reached the relay by then, is made anew.
    [[nodiscard]] bool may_go(const outbound_part& p) const {
        if (p.envelope.empty()) return false;
        const auto head = decode_header(p.envelope);
        return head && keys_->admits(*head);
    }

    /// Makes the envelope of a part, and tells where the stream ends with it. It is kept before it is sent: a
    /// retry sends the same bytes.
    [[nodiscard]] result<void> seal(outbound_part& p, stream_mark& end) {
        envelope_header head;
        head.kind = p.kind;
        head.vault = store_->id();
        head.device = store_->device();
        head.part = p.part;
        head.parts = p.parts;
        head.seq = p.seq;
        head.max_hour = p.max_hour;
        const std::uint32_t known = keys_->members_count();
        const part_front front{p.link, known, keys_->members_head(known).value_or(digest256{})};
        auto envelope = keys_->seal(head, with_front(front, p.payload));
        if (!envelope) return envelope.failure();
        p.envelope = std::move(*envelope);
        end = {p.seq, link_after(head.device, p.seq, p.link, p.payload)};
        return store_->keep_envelope(p.seq, p.envelope, keys_->digest(p.envelope), end.link);
    }

    [[nodiscard]] bool is_dense(const page& p) const {
        std::uint64_t pos = scan_.pos;
        for (const log_record& r : p.records)
            if (r.pos != ++pos) return false;
        return p.last == pos && !p.relay.generation.is_zero();
    }

    /// Returns the running hash of the log after the first `n` records of a page.
    [[nodiscard]] digest256 log_after(const page& p, std::size_t n) const {
        digest256 log = scan_.log;
        for (std::size_t i = 0; i < n; ++i)
            log = advance_log(log, p.records[i].digest,
                              [this](bytes_view both) { return keys_->digest(both); });
        return log;
    }

    [[nodiscard]] digest256 link_after(const device_id& device, std::uint64_t seq, const digest256& before,
                                       bytes_view part) const {
        return link_of(device, seq, before, part, [this](bytes_view data) { return keys_->digest(data); });
    }

    /// Stores and merges a page that is what the relay's log holds. Returns false after a failure.
    [[nodiscard]] bool take(const page& p) {
        std::vector<inbound_part> parts;
        std::optional<digest256> own;
        for (std::size_t i = 0; i < p.records.size(); ++i) {
            const log_record& record = p.records[i];
            if (record.envelope.empty()) {
                const auto made_here = store_->settle(record.digest, p.relay.head);
                if (!made_here) return stop(made_here.failure()), false;
                if (!*made_here) return stop(copied()), false;
                if (!blocked_) own = record.digest;
                continue;
            }
            auto opened = open(record);
            if (opened) {
                if (auto ok = compare(*opened, p.relay); !ok) return stop(ok.failure()), false;
                parts.push_back(std::move(opened->part));
                continue;
            }
            refuse(record.pos, opened.code());
            if (!blocked_) durable_ = {p.relay.generation, record.pos - 1, log_after(p, i)};
            blocked_ = true;
        }
        scan_ = {p.relay.generation, p.last, p.log};
        if (!blocked_) durable_ = scan_;
        if (auto ok = store_->accept(parts, durable_, own); !ok) return stop(ok.failure()), false;
        report_.received += parts.size();
        return merge(p.relay.time);
    }

    struct opened_part {
        inbound_part part{};
        part_front front{};
    };

    [[nodiscard]] result<opened_part> open(const log_record& record) const {
        const auto head = decode_header(record.envelope);
        if (!head) return head.failure();
        if (head->vault != store_->id() || head->device == store_->device() || head->seq == 0)
            return errc::authentication_failed;
        auto payload = keys_->open(record.envelope);
        if (!payload) return payload.failure();
        opened_part out{
            {record.pos, head->device, head->seq, head->part, head->parts, std::move(*payload), {}}, {}};
        const auto front = take_front(out.part.payload);
        if (!front) return out;  // its author made it so: it will be found damaged when it is to be merged
        out.front = *front;
        out.part.link = link_after(head->device, head->seq, front->link, out.part.payload);
        return out;
    }

    /// Holds what a part says of its author's stream, of the list of devices and of other streams against
    /// what came here. It is stored either way: who deceives is not always who wrote it.
    [[nodiscard]] result<void> compare(const opened_part& opened, const relay_state& relay) {
        const inbound_part& p = opened.part;
        const part_front& front = opened.front;
        auto known = stream_of(p.device);
        if (!known) return known.failure();
        const bool follows = known->seq + 1 == p.seq && !is_zero(known->link) && !is_zero(front.link);
        const bool again = known->seq == p.seq && !is_zero(known->link);
        if ((follows && known->link != front.link) || (again && known->link != p.link))
            alarm(
                "The device " + p.device.text() +
                " has sent two different changes under one number: it was restored from a backup or copied, "
                "and one of the two may be missing here. Compare the devices with `verify`.");
        if (p.seq > known->seq + 1 && !blocked_)
            alarm("The relay keeps back, or has lost, changes of the device " + p.device.text() +
                  ": later ones of it came. What is built on them waits until they come.");
        if (p.seq > known->seq) streams_[p.device] = {p.seq, p.link};
        const auto head_there = keys_->members_head(front.members);
        if (head_there && *head_there != front.members_head)
            alarm("The device " + p.device.text() +
                  " knows another list of the vault's devices than this one. The relay may show different "
                  "lists to different devices.");
        if (front.members > relay.members && !head_there)
            alarm("The relay keeps back, or has lost, who joined or left the vault last: the device " +
                  p.device.text() + " knows of it.");
        return {};
    }

    [[nodiscard]] static bool is_zero(const digest256& d) noexcept { return d == digest256{}; }

    /// Returns how far a device's stream came: what this session has read included.
    [[nodiscard]] result<stream_mark> stream_of(const device_id& device) {
        const auto it = streams_.find(device);
        if (it != streams_.end()) return it->second;
        auto known = store_->stream(device);
        if (known) streams_[device] = *known;
        return known;
    }

    void refuse(std::uint64_t pos, errc why) {
        ++report_.refused;
        const std::string place = "A changeset (" + std::to_string(pos) + " in the relay's log) ";
        const char* const what = why == errc::unknown_format_version
                                     ? "was written by a newer casasync. Update this device to receive it."
                                     : "does not open: it was altered, or is not of this vault.";
        alarm(place + what +
              " It is left out and asked for again at the next sync; everything else goes on, and what is on "
              "this "
              "device is safe.");
    }

    [[nodiscard]] bool merge(unix_ms relay_now) {
        for (bool more = true; more;) {
            auto done = store_->merge_inbox(relay_now);
            if (!done) return stop(done.failure()), false;
            report_.merged += done->changesets;
            report_.rows += done->rows;
            if (done->duplicates > 0)
                alarm(
                    "Two copies of one device wrote different values at the same instant, in one name. The "
                    "greater value is shown on all devices, and the other one is kept: see casasync "
                    "conflicts, and compare the devices with `verify`.");
            if (done->differs) differs(*done->differs);
            more = done->more;
        }
        return true;
    }

    void differs(const device_id& other) {
        report_.more = true;  // what asks for a snapshot is in the outbox
        alarm(
            "The device " + other.text() +
            " has merged the same changes as this one, and has something else: one of the two began with a "
            "snapshot that lacked something, or its file was damaged. Nothing was changed. This device asks "
            "for a snapshot of another one, which adds what is missing here.");
    }

    [[nodiscard]] step after_pull() const {
        return durable_.pos != 0 && durable_ != start_ ? step::acknowledge : step::over;
    }

    /// The log does not lead on from the cursor: a snapshot does, if there is one. Once a session.
    void recover(const error& why) {
        if (lost_ && report_.snapshot_merged && why.code == errc::log_mismatch && scan_.pos > 0)
            return restart_log();  // the snapshot's place is in another log
        if (lost_) return stop(why);
        // A copy must not take in what another one sent before it has a name of its own.
        if (failure_ && failure_->code == errc::seq_conflict) return stop(why);
        // A snapshot's cursor leads on: were this cut off behind it, nothing would tell of another log.
        if (why.code == errc::log_mismatch)
            if (auto ok = store_->accept({}, cursor{}, {}); !ok) return stop(ok.failure());
        lost_ = why;
        step_ = step::snapshot;
    }

    /// The relay began its log anew and has no snapshot: everything it has is read again, which changes
    /// nothing that is known here.
    void restart_log() {
        const error why{
            errc::wrong_relay,
            "The relay's log is not the one this device knows: it was emptied, restored from a backup, "
            "or another relay answers. What it holds was merged; what it lost is safe on this device."};
        if (auto ok = store_->accept({}, cursor{}, {}); !ok) return stop(ok.failure());
        alarm(why.detail);
        if (!failure_) failure_ = why;
        start_ = durable_ = scan_ = cursor{};
        blocked_ = false;
        step_ = step::pull;
    }

    Store* store_;
    Cipher* keys_;
    step step_ = step::begin;
    cursor start_{};        ///< where the store's cursor was
    cursor durable_{};      ///< where it is
    cursor scan_{};         ///< how far the log was read
    bool blocked_ = false;  ///< an envelope did not open: the durable cursor stays before it
    bool renewed_ = false;  ///< the vault turned out to have a newer key
    std::vector<std::uint64_t> pushed_{};
    std::map<device_id, stream_mark> streams_{};  ///< of those that this session has looked at
    std::optional<error> lost_{};
    std::optional<error> failure_{};
    sync_report report_{};
    std::size_t requests_ = 0;
};

/// Runs `s` over `relay` until nothing is left. Returns what it did.
/// \errors those of store, cipher and transport as they are; what was done before counts (session::report),
/// and nothing is lost: the next sync goes on from there.
template <snapshot_chunks Opener, change_store Store, cipher Cipher, transport Transport>
[[nodiscard]] result<sync_report> sync(session<Store, Cipher>& s, Store& store, const Cipher& keys,
                                       Transport& relay) {
    for (;;) {
        const session_request request = s.next();
        if (const auto* push = std::get_if<push_request>(&request))
            s.receive(relay.push(push->envelopes));
        else if (const auto* pull = std::get_if<pull_request>(&request))
            s.receive(relay.pull(*pull));
        else if (const auto* done = std::get_if<acknowledge_request>(&request))
            s.receive(relay.acknowledge(done->pos));
        else if (std::holds_alternative<snapshot_request>(request))
            s.receive(merge_latest_snapshot<Opener>(store, keys, relay));
        else
            break;
    }
    if (s.failure()) return *s.failure();
    return s.report();
}

/// The same in one call.
template <snapshot_chunks Opener, change_store Store, cipher Cipher, transport Transport>
[[nodiscard]] result<sync_report> sync(Store& store, Cipher& keys, Transport& relay) {
    session<Store, Cipher> s(store, keys);
    return sync<Opener>(s, store, keys, relay);
}

}  // namespace casasync
