// SPDX-License-Identifier: MIT
#include <casasync/loopback/transport.hpp>

#include <casasync/page.hpp>

#include <algorithm>
#include <utility>

namespace casasync::loopback {
namespace {

error no_network() {
    return {errc::offline, "The relay cannot be reached. Everything is safe on this device."};
}

}  // namespace

/// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014 (SplitMix64).
std::uint64_t network::below(std::uint64_t n) noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return n == 0 ? 0 : (z ^ (z >> 31)) % n;
}

network::fate network::next_call() {
    ++counts_.calls;
    while (!late_.empty() && below(3) == 0) deliver_one();
    if (happens(weather_.drop_request)) return ++counts_.dropped_requests, fate::request_lost;
    if (happens(weather_.drop_answer)) return ++counts_.dropped_answers, fate::answer_lost;
    if (happens(weather_.duplicate)) return ++counts_.duplicates, fate::twice;
    if (happens(weather_.delay)) return ++counts_.delayed, fate::late;
    return fate::fine;
}

void network::postpone(std::function<void()> call) {
    late_.push_back(std::move(call));
}

void network::deliver_one() {
    std::swap(late_[below(late_.size())], late_.back());
    const std::function<void()> call = std::move(late_.back());
    late_.pop_back();
    ++counts_.delivered_late;
    call();
}

void network::calm() {
    while (!late_.empty()) deliver_one();
}

template <class Answer>
result<Answer> transport::call(std::function<result<Answer>(relay&)> what) {
    if (cut_) return no_network();
    switch (network_->next_call()) {
        case network::fate::request_lost:
            return no_network();
        case network::fate::answer_lost:
            static_cast<void>(what(*relay_));
            return no_network();
        case network::fate::twice:
            static_cast<void>(what(*relay_));
            return what(*relay_);
        case network::fate::late:
            network_->postpone([to = relay_, what] { static_cast<void>(what(*to)); });
            return no_network();
        case network::fate::fine:
            break;
    }
    return what(*relay_);
}

result<void> transport::attach(const device_id& device, std::uint64_t last_seq) {
    return call<void>(
        [signer = device_, device, last_seq](relay& r) { return r.attach(signer, device, last_seq); });
}

result<std::uint64_t> transport::last_seq(const device_id& of) {
    return call<std::uint64_t>([from = device_, of](relay& r) { return r.last_seq(from, of); });
}

result<push_answer> transport::push(std::span<const bytes> envelopes) {
    const std::vector<bytes> sent(envelopes.begin(), envelopes.end());
    return call<push_answer>([sent, from = device_](relay& r) { return r.push(from, sent); });
}

result<page> transport::pull(const pull_request& request) {
    pull_request asked = request;
    if (const unsigned most = network_->conditions().page_records_max; most > 0)
        asked.records_max = 1 + static_cast<std::uint32_t>(network_->below(most));
    return decoded(call<page_bytes>([asked, from = device_](relay& r) { return r.pull(from, asked); }),
                   request.from.pos);
}

result<page> transport::record(std::uint64_t pos) {
    return decoded(call<page_bytes>([pos, from = device_](relay& r) { return r.record(from, pos); }),
                   pos - 1);
}

result<page> transport::decoded(result<page_bytes> got, std::uint64_t after) {
    if (!got) return got.failure();
    if (on_page) on_page(*got);
    auto out = decode_page(got->body, after);
    if (!out) return out.failure();
    out->relay = got->relay;
    out->more = got->more;
    for (log_record& record : out->records)
        if (!record.envelope.empty()) record.digest = relay_->hash()(record.envelope);
    return out;
}

result<void> transport::acknowledge(std::uint64_t pos) {
    return call<void>([pos, from = device_](relay& r) { return r.acknowledge(from, pos); });
}

result<std::optional<snapshot_info>> transport::latest_snapshot() {
    using answer = result<std::optional<snapshot_info>>;
    return call<std::optional<snapshot_info>>([from = device_](relay& r) {
        const auto ok = r.admit(from);
        return ok ? answer(r.latest_snapshot()) : answer(ok.failure());
    });
}

result<bytes> transport::read_snapshot(const snapshot_info& info, std::uint64_t offset, std::uint32_t size) {
    return call<bytes>([id = info.id, offset, size](relay& r) { return r.read_snapshot(id, offset, size); });
}

result<void> transport::begin_snapshot(const snapshot_info& info) {
    return call<void>([from = device_, info](relay& r) {
        const auto ok = r.admit(from);
        return ok ? r.begin_snapshot(info) : ok;
    });
}

result<void> transport::write_snapshot(const snapshot_info& info, std::uint64_t offset, bytes_view part) {
    return call<void>([id = info.id, offset, data = bytes(part.begin(), part.end())](relay& r) {
        return r.write_snapshot(id, offset, data);
    });
}

result<void> transport::complete_snapshot(const snapshot_info& info) {
    return call<void>([info](relay& r) { return r.complete_snapshot(info); });
}

}  // namespace casasync::loopback
