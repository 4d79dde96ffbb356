// SPDX-License-Identifier: MIT
#include <casasync/loopback/relay.hpp>

#include <casasync/page.hpp>

#include <algorithm>

namespace casasync::loopback {
namespace {

constexpr std::size_t page_end_bytes = 52;
constexpr std::uint64_t hours_ahead_max = 25;  // a stamp 24 h ahead, rounded up to the hour
constexpr digest256 log_of_nothing{};

error refused(const char* what) {
    return {errc::malformed_envelope, what};
}

}  // namespace

const digest256& relay::log_at(std::uint64_t pos) const {
    return pos == 0 ? log_of_nothing : records_[pos - 1].log;
}

result<void> relay::admit(const device_id& device) const {
    if (is_revoked(device)) return error{errc::device_revoked, "This device was removed from the vault."};
    if (strict_ && !streams_.contains(device))
        return error{errc::unauthenticated, "The relay does not know this device."};
    return {};
}

result<void> relay::attach(const device_id& signer, const device_id& device, std::uint64_t last_seq) {
    if (is_revoked(signer) || is_revoked(device))
        return error{errc::device_revoked, "This device was removed from the vault."};
    streams_.try_emplace(device, stream{last_seq, {}});
    return {};
}

result<std::uint64_t> relay::last_seq(const device_id& reader, const device_id& of) const {
    if (auto ok = admit(reader); !ok) return ok.failure();
    const auto it = streams_.find(of);
    return it == streams_.end() ? 0 : it->second.last_seq();
}

result<std::vector<envelope_header>> relay::headers(const device_id& from,
                                                    std::span<const bytes> envelopes) const {
    if (envelopes.empty() || envelopes.size() > limits::request_envelopes_max)
        return refused("A push takes 1 to 64 envelopes.");
    std::vector<envelope_header> out;
    std::size_t size = 0;
    for (const bytes& envelope : envelopes) {
        const auto head = decode_header(envelope);
        if (!head) return head.failure();
        if (head->vault != vault_ || head->device != from || head->kind == envelope_kind::snapshot_manifest)
            return refused("An envelope of another vault or device.");
        if (!out.empty() && head->seq != out.back().seq + 1) return refused("seq does not rise by 1.");
        out.push_back(*head);
        size += envelope.size();
    }
    if (size > limits::request_bytes_max) return refused("A push takes at most 4 MiB.");
    return out;
}

result<push_answer> relay::push(const device_id& from, std::span<const bytes> envelopes) {
    if (auto ok = admit(from); !ok) return ok.failure();
    const auto heads = headers(from, envelopes);
    if (!heads) return heads.failure();
    const auto now_s = static_cast<std::uint64_t>(now_() / 1000);
    stream& own = streams_[from];
    std::uint64_t last_seq = own.last_seq(), bytes_used = bytes_;
    std::vector<stored_record> added;
    push_answer answer;
    for (std::size_t i = 0; i < envelopes.size(); ++i) {
        const envelope_header& head = (*heads)[i];
        const digest256 digest = hash_(envelopes[i]);
        if (head.seq <= last_seq) {
            const std::uint64_t pos = own.position_of(head.seq);
            const bool forgotten = pos <= floor_ && pos <= acknowledged(from);  // it had read that one back
            if (pos == 0 || forgotten || records_[pos - 1].digest != digest)
                return error{errc::seq_conflict, "The relay holds another changeset under this number."};
            answer.receipts.push_back({head.seq, pos, true});
            continue;
        }
        if (head.seq != last_seq + 1)
            return error{errc::seq_gap, "The relay lacks earlier changesets of this device."};
        if (head.max_hour > now_s / 3600 + hours_ahead_max)
            return error{errc::stamp_ahead,
                         "This device's clock is more than 24 hours ahead of the relay's."};
        bytes_used += envelopes[i].size();
        if (bytes_used > bytes_max_) return error{errc::quota_exceeded, "The vault is full at the relay."};
        const digest256& before = added.empty() ? log_at(records_.size()) : added.back().log;
        added.push_back({from, head.seq, now_s, digest, advance_log(before, digest, hash_), envelopes[i]});
        answer.receipts.push_back({head.seq, records_.size() + added.size(), false});
        last_seq = head.seq;
    }
    for (stored_record& record : added) {
        records_.push_back(std::move(record));
        own.positions.push_back(records_.size());
    }
    bytes_ = bytes_used;
    answer.relay = state();
    return answer;
}

result<page_bytes> relay::record(const device_id& reader, std::uint64_t pos) const {
    if (auto ok = admit(reader); !ok) return ok.failure();
    if (pos == 0 || pos > records_.size())
        return error{errc::not_found, "The relay's log has no such position."};
    if (pos <= floor_) return error{errc::history_compacted, "The relay no longer has this record."};
    const stored_record& r = records_[pos - 1];
    page_bytes out{state(), {}, pos < records_.size()};
    append_record(out.body, pos, r.received_at, static_cast<std::uint32_t>(r.envelope.size()), r.envelope);
    append_page_end(out.body, pos, static_cast<std::uint64_t>(now_() / 1000), log_at(pos));
    return out;
}

result<page_bytes> relay::pull(const device_id& reader, const pull_request& request) const {
    if (auto ok = admit(reader); !ok) return ok.failure();
    const std::uint64_t after = request.from.pos;
    if (after > records_.size() ||
        (after >= floor_ &&
         !std::equal(request.from.log.begin(), request.from.log.begin() + 16, log_at(after).begin())))
        return error{errc::log_mismatch, "The relay's log is not the one this device knows."};
    if (after < floor_)
        return error{errc::history_compacted, "The relay no longer has what this device has not seen."};
    page_bytes out{state(), {}, false};
    std::uint64_t last = after;
    const std::size_t records_max = std::min<std::size_t>(request.records_max, limits::page_records_max);
    while (last < records_.size() && last - after < records_max) {
        const stored_record& r = records_[last];
        const bool own = r.device == reader;
        const bytes_view content = own ? bytes_view(r.digest) : bytes_view(r.envelope);
        if (last > after && out.body.size() + 20 + content.size() + page_end_bytes > limits::page_bytes_max)
            break;
        append_record(out.body, ++last, r.received_at,
                      own ? own_record_length : static_cast<std::uint32_t>(content.size()), content);
    }
    append_page_end(out.body, last, static_cast<std::uint64_t>(now_() / 1000), log_at(last));
    out.more = last < records_.size();
    return out;
}

result<void> relay::acknowledge(const device_id& from, std::uint64_t pos) {
    if (auto ok = admit(from); !ok) return ok.failure();
    if (pos > records_.size()) return error{errc::log_mismatch, "Nothing was given out up to there."};
    acknowledged_[from] = std::max(acknowledged_[from], pos);
    return {};
}

std::uint64_t relay::acknowledged(const device_id& device) const {
    const auto it = acknowledged_.find(device);
    return it == acknowledged_.end() ? 0 : it->second;
}

std::optional<snapshot_info> relay::latest_snapshot() const {
    const kept_snapshot* newest = nullptr;
    for (const kept_snapshot& s : snapshots_)
        if (s.complete && (newest == nullptr || s.info.pos >= newest->info.pos)) newest = &s;
    return newest != nullptr ? std::optional(newest->info) : std::nullopt;
}

result<bytes> relay::read_snapshot(const snapshot_id& id, std::uint64_t offset, std::size_t size) const {
    for (const kept_snapshot& s : snapshots_) {
        if (s.info.id != id || !s.complete || offset >= s.info.size) continue;
        const auto first = s.content.begin() + static_cast<std::ptrdiff_t>(offset);
        const auto n = std::min<std::uint64_t>(size, s.info.size - offset);
        return bytes(first, first + static_cast<std::ptrdiff_t>(n));
    }
    return error{errc::not_found, "The relay has no such snapshot."};
}

result<void> relay::begin_snapshot(const snapshot_info& info) {
    if (info.pos > records_.size()) return error{errc::log_mismatch, "Nothing was given out up to there."};
    const auto newest = latest_snapshot();
    if (newest && info.pos < newest->pos) return error{errc::already_exists, "There is a newer snapshot."};
    if (info.size == 0 || info.size > limits::snapshot_bytes_max) return errc::limit_exceeded;
    for (const kept_snapshot& s : snapshots_)
        if (s.info.id == info.id)
            return s.info.size == info.size && !s.complete ? result<void>()
                                                           : result<void>(errc::already_exists);
    snapshots_.push_back({info, bytes(static_cast<std::size_t>(info.size)), 0, false});
    return {};
}

result<void> relay::write_snapshot(const snapshot_id& id, std::uint64_t offset, bytes_view part) {
    for (kept_snapshot& s : snapshots_) {
        if (s.info.id != id || s.complete) continue;
        if (offset % limits::snapshot_part_bytes != 0 || offset >= s.info.size ||
            part.size() != std::min<std::uint64_t>(limits::snapshot_part_bytes, s.info.size - offset))
            return errc::invalid_argument;
        std::copy(part.begin(), part.end(), s.content.begin() + static_cast<std::ptrdiff_t>(offset));
        s.written = std::max(s.written, offset + part.size());
        return {};
    }
    return error{errc::not_found, "The relay has no such snapshot."};
}

result<void> relay::complete_snapshot(const snapshot_info& info) {
    for (kept_snapshot& s : snapshots_) {
        if (s.info.id != info.id) continue;
        if (s.written != s.info.size) return error{errc::relay_refused, "A part of the snapshot is missing."};
        s.info.manifest = info.manifest;
        s.complete = true;
        return {};
    }
    return error{errc::not_found, "The relay has no such snapshot."};
}

void relay::compact(std::uint64_t pos) {
    floor_ = std::max(floor_, std::min<std::uint64_t>(pos, records_.size()));
}

void relay::wipe(generation_id generation) {
    generation_ = generation;
    floor_ = bytes_ = 0;
    records_.clear();
    streams_.clear();
    acknowledged_.clear();
    snapshots_.clear();
}

void relay::roll_back(std::uint64_t pos, generation_id generation) {
    generation_ = generation;
    if (pos < records_.size()) records_.resize(pos);
    bytes_ = 0;
    for (const stored_record& r : records_) bytes_ += r.envelope.size();
    floor_ = std::min(floor_, pos);
    for (auto& [device, sent] : streams_)
        std::erase_if(sent.positions, [pos](std::uint64_t at) { return at > pos; });
    for (auto& [device, at] : acknowledged_) at = std::min(at, pos);
    std::erase_if(snapshots_, [pos](const kept_snapshot& kept) { return kept.info.pos > pos; });
}

void relay::restore(const relay& backup, std::optional<generation_id> generation) {
    std::set<device_id> revoked = std::move(revoked_);
    std::function<unix_ms()> clock = std::move(now_);
    *this = backup;
    now_ = std::move(clock);
    revoked_.merge(revoked);
    if (generation) generation_ = *generation;
}

void relay::recompute_log() {
    digest256 log{};
    for (stored_record& r : records_) {
        r.digest = hash_(r.envelope);
        r.log = log = advance_log(log, r.digest, hash_);
    }
}

}  // namespace casasync::loopback
