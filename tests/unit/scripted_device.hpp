// SPDX-License-Identifier: MIT
#pragma once

/// A device and its vault in one, for device_sync_test.cpp.
#include <casasync/device_sync.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace casasync_test {

using namespace casasync;

/// What a vault remembers of its relay.
struct remembered {
    std::uint64_t last_sent = 0, read_back = 0, head = 0;
    bool owed = false;
    unix_ms fed_at = 0;
};

constexpr unix_ms today = 1'800'000'000'000;

/// A device and its vault in one: says what it is told to say, and writes down what it is asked.
struct scripted_device {
    remembered known{};
    cursor at{generation_of(1), 5, {}};
    std::uint64_t at_relay = 0;
    relay_state relay{generation_of(1), 5, 0, 0, 0, snapshot_need::none};
    std::vector<bool> copied{};  ///< one an answer, the last one for good
    std::vector<result<sync_report>> rounds{};
    std::vector<result<page>> pages{};
    std::map<std::uint64_t, result<page>> whole{};
    std::vector<digest256> own{};
    std::optional<snapshot_origin> newest{};
    causal_context has{};
    bool waiting = false, may_ask = false;
    snapshot_asks asked{};
    bool kept = true, members_given = false;
    std::function<void(scripted_device&)> on_settle{}, on_merge{}, on_become{};

    std::vector<std::string> calls{};
    std::size_t fails_at = 0;  ///< which call fails; 0: none
    std::string fails_name{};  ///< what every call of this name fails with
    errc failure = errc::io_failed;

    static generation_id generation_of(std::uint8_t n) {
        generation_id id;
        id.octets[0] = n;
        return id;
    }
    template <class T>
    result<T> say(const char* name, result<T> value) {
        calls.emplace_back(name);
        if (calls.size() == fails_at) return errc::io_failed;
        if (name == fails_name) return failure;
        return value;
    }
    template <class T>
    static T next(std::vector<T>& from, T otherwise) {
        if (from.empty()) return otherwise;
        T first = from.front();
        from.erase(from.begin());
        return first;
    }

    scripted_device& store() { return *this; }
    static vault_id id() { return {}; }
    static device_id device() { return device_of(1); }
    static device_id device_of(std::uint8_t n) {
        device_id out;
        out.octets[0] = n;
        return out;
    }
    static unix_ms now() { return today; }
    result<page> pull(const pull_request&) { return say("pull", next(pages, result<page>(page{}))); }
    result<page> record(std::uint64_t pos) { return say("record", whole.at(pos)); }
    result<bytes> open(bytes_view envelope) {
        const std::uint64_t seq = decode_header(envelope)->seq;
        if (seq == 6) return errc::authentication_failed;
        return say<bytes>("open", bytes(seq == 7 ? 1 : part_front_bytes + 1));
    }
    result<std::uint64_t> last_seq_at_relay() { return say<std::uint64_t>("last_seq_at_relay", at_relay); }
    result<sync_report> sync_rounds(relay_state& heard) {
        heard = relay;
        return say("sync_rounds", next(rounds, result<sync_report>(sync_report{})));
    }
    result<bool> is_copy() {
        const bool is = !copied.empty() && copied.front();
        if (copied.size() > 1) copied.erase(copied.begin());
        return say<bool>("is_copy", is);
    }
    result<void> catch_up() { return say<void>("catch_up", {}); }
    result<void> become_new_device() {
        if (on_become) on_become(*this);
        return say<void>("become_new_device", {});
    }
    result<void> attach_again() { return say<void>("attach_again", {}); }
    result<bool> give_members(relay_state&) { return say<bool>("give_members", members_given); }
    result<void> offer() { return say<void>("offer", {}); }
    result<std::optional<snapshot_origin>> newest_snapshot() {
        return say<std::optional<snapshot_origin>>("newest_snapshot", newest);
    }
    result<void> merge_newest_snapshot() {
        known.read_back = 0;
        if (on_merge) on_merge(*this);
        return say<void>("merge_newest_snapshot", {});
    }

    result<cursor> position() { return say<cursor>("position", at); }
    result<bool> settle(const digest256& envelope, std::uint64_t) {
        if (on_settle) on_settle(*this);
        return say<bool>("settle", std::find(own.begin(), own.end(), envelope) != own.end());
    }
    result<void> note_copied() { return say<void>("note_copied", {}); }
    result<bool> settle_same(const inbound_part&) { return say<bool>("settle_same", true); }
    result<remembered> known_of_relay() { return say<remembered>("known_of_relay", known); }
    result<bool> send_again(std::uint64_t) { return say<bool>("send_again", kept); }
    result<void> note_read_back() { return say<void>("note_read_back", {}); }
    result<void> note_relay_lost() { return say<void>("note_relay_lost", {}); }
    result<void> note_relay_fed() { return say<void>("note_relay_fed", {}); }
    result<void> tell_merged() { return say<void>("tell_merged", {}); }
    result<bool> waits() { return say<bool>("waits", waiting); }
    result<causal_context> merged() { return say<causal_context>("merged", has); }
    result<bool> ask_for_snapshot() { return say<bool>("ask_for_snapshot", may_ask); }
    result<snapshot_asks> asks() { return say<snapshot_asks>("asks", asked); }
    result<void> note_mended() { return say<void>("note_mended", {}); }
    result<void> note_answered() { return say<void>("note_answered", {}); }

    [[nodiscard]] std::size_t times(const std::string& name) const {
        return static_cast<std::size_t>(std::count(calls.begin(), calls.end(), name));
    }
};
static_assert(syncing_device<scripted_device>);

}  // namespace casasync_test
