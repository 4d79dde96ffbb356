// SPDX-License-Identifier: MIT
#pragma once

/// Which devices a vault has, and had: the list that relay and devices verify alike. Whoever has the vault's
/// id has the hash of the first entry, and with it everything: each entry is signed by a device that an
/// earlier one added.
///
/// Time is counted in epochs, one a vault key. A rotation ends one: it says how far each device's stream
/// goes, so that nothing can be dated back into it by a device that was removed.
#include <casasync/member_entry.hpp>
#include <casasync/result.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace casasync {

/// The cryptography of the list; adapters/openssl has it. digest is SHA-256, is_signed Ed25519.
template <class V>
concept member_verifier = requires(const V& v, bytes_view data, const public_key& key,
                                   const signature512& s) {
    { v.digest(data) } -> std::same_as<digest256>;
    { v.is_signed(key, data, s) } -> std::same_as<bool>;
};

namespace detail {
template <class Id, class Verifier>
[[nodiscard]] Id hashed_id(std::string_view label, bytes_view a, bytes_view b, const Verifier& check) {
    bytes all(label.begin(), label.end());
    all.insert(all.end(), a.begin(), a.end());
    all.insert(all.end(), b.begin(), b.end());
    const digest256 hash = check.digest(all);
    Id out;
    std::copy_n(hash.begin(), out.octets.size(), out.octets.begin());
    return out;
}
}  // namespace detail

/// Returns the id of the device that has these keys.
template <member_verifier Verifier>
[[nodiscard]] device_id device_of(const device_keys& keys, const Verifier& check) {
    return detail::hashed_id<device_id>("casasync/v1/device", keys.signing, keys.agreement, check);
}

/// Returns the id of the vault that begins with this entry.
template <member_verifier Verifier>
[[nodiscard]] vault_id vault_of(bytes_view first_entry, const Verifier& check) {
    return detail::hashed_id<vault_id>("casasync/v1/vault", first_entry, {}, check);
}

/// A device of the vault, or one that was removed.
struct member_device {
    device_keys keys{};
    std::uint32_t added_epoch = 1;
    std::uint32_t removed_epoch = 0;    ///< the epoch whose end removed it; 0: it is a member
    std::vector<std::uint64_t> ends{};  ///< where its stream ended in added_epoch and those after
    device_id added_by{};               ///< itself, for the one that made the vault
    bool kit = false;                   ///< a recovery kit
    bool copy = false;                  ///< it began as a copy of `added_by`
    std::uint32_t added_index = 0;      ///< of the entry that added it
    std::uint64_t added_at = 0;         ///< unix seconds, its adder's clock

    [[nodiscard]] bool active() const noexcept { return removed_epoch == 0; }
};

/// So long a recovery kit stands beside the one before until it may take its place, in seconds: time to
/// notice that it was made by somebody who should not have, and to remove that device.
inline constexpr std::uint64_t kit_wait_s = std::uint64_t{72} * 3600;

/// Only grows, and only by entries that fit. One thread.
class member_list {
 public:
    [[nodiscard]] vault_id vault() const noexcept { return vault_; }
    /// The number of the vault key in use, from 1; 0 for an empty list.
    [[nodiscard]] std::uint32_t epoch() const noexcept { return static_cast<std::uint32_t>(epochs_.size()); }
    [[nodiscard]] const digest256& head() const noexcept { return head_; }
    [[nodiscard]] const std::vector<bytes>& entries() const noexcept { return entries_; }
    [[nodiscard]] const std::map<device_id, member_device>& devices() const noexcept { return devices_; }
    /// The entry that began epoch `e`, 1 .. epoch(): the first one, or a rotation.
    [[nodiscard]] const member_entry& beginning(std::uint32_t e) const { return epochs_[e - 1]; }

    /// Returns the device, or null.
    [[nodiscard]] const member_device* find(device_id device) const {
        const auto at = devices_.find(device);
        return at == devices_.end() ? nullptr : &at->second;
    }
    [[nodiscard]] bool is_active(device_id device) const {
        const member_device* const m = find(device);
        return m != nullptr && m->active();
    }
    [[nodiscard]] std::size_t active_count() const {
        return static_cast<std::size_t>(
            std::count_if(devices_.begin(), devices_.end(), [](const auto& d) { return d.second.active(); }));
    }
    /// Tells whether `device` began as a copy of `original`, or as a copy of such a copy.
    [[nodiscard]] bool is_copy_of(device_id device, device_id original) const {
        const member_device* m = find(device);
        for (; m != nullptr && m->copy; m = find(m->added_by))
            if (m->added_by == original) return true;
        return false;
    }
    /// Returns the recovery kit that was added last, or null.
    [[nodiscard]] const member_device* newest_kit() const {
        const member_device* out = nullptr;
        for (const auto& [id, m] : devices_)
            if (m.kit && m.active() && (out == nullptr || m.added_index > out->added_index)) out = &m;
        return out;
    }
    /// Tells whether `signer` may take a recovery kit out together with `removed`, at any time: it came by
    /// that kit; or it made the kit, or who made it is no member, and an older kit stays.
    [[nodiscard]] bool may_withdraw(device_id kit, device_id signer,
                                    const std::vector<device_id>& removed) const {
        const member_device* const m = find(kit);
        const member_device* const by = find(signer);
        if (m == nullptr || by == nullptr) return false;
        if (by->added_by == kit) return true;
        const bool unmade = m->added_by == signer || !stays(m->added_by, removed);
        return unmade && std::any_of(devices_.begin(), devices_.end(), [&](const auto& other) {
                   return other.second.kit && other.second.added_index < m->added_index &&
                          stays(other.first, removed);
               });
    }
    /// Returns the recovery kit on whose strength rotation `e` may take out others that may not be withdrawn:
    /// it stays, and who made it, and it was there for kit_wait_s. The oldest, if there are several.
    [[nodiscard]] std::optional<device_id> successor_kit(const member_entry& e) const {
        const std::pair<const device_id, member_device>* out = nullptr;
        for (const auto& one : devices_) {
            const member_device& m = one.second;
            const bool ripe = m.kit && m.added_at <= e.created && e.created - m.added_at >= kit_wait_s;
            if (ripe && stays(one.first, e.removed) && stays(m.added_by, e.removed) &&
                (out == nullptr || m.added_index < out->second.added_index))
                out = &one;
        }
        return out == nullptr ? std::nullopt : std::optional(out->first);
    }
    /// Tells whether `e` takes out a recovery kit that only another one can take the place of.
    [[nodiscard]] bool replaces_kit(const member_entry& e) const {
        return std::any_of(e.removed.begin(), e.removed.end(), [&](const device_id& d) {
            const member_device* const m = find(d);
            return m != nullptr && m->kit && !may_withdraw(d, e.signer, e.removed);
        });
    }
    /// Tells whether envelope `seq` of `device` may be one of epoch `e`.
    [[nodiscard]] bool admits(device_id device, std::uint32_t e, std::uint64_t seq) const {
        const member_device* const m = find(device);
        if (m == nullptr || e < m->added_epoch || e > epoch()) return false;
        if (e - m->added_epoch < m->ends.size()) return seq <= m->ends[e - m->added_epoch];
        return m->active();
    }

    friend bool operator==(const member_list& a, const member_list& b) { return a.entries_ == b.entries_; }

    /// Takes the next entry. \errors malformed_members, unknown_format_version; members_fork when it does not
    /// follow the last one; authentication_failed when who signed it is no member, or did not. The list stays
    /// as it was then.
    template <member_verifier Verifier>
    [[nodiscard]] result<void> append(bytes_view data, const Verifier& check) {
        const auto decoded = decode_member_entry(data);
        if (!decoded) return decoded.failure();
        const member_entry& e = *decoded;
        if (entries_.size() == limits::member_entries_max || data.size() > limits::members_bytes_max - bytes_)
            return errc::limit_exceeded;
        if (e.index != entries_.size() || e.previous != head_ || e.vault != vault_) return errc::members_fork;
        if ((e.kind == member_entry_kind::first) != entries_.empty()) return errc::malformed_members;
        if (!is_signed(e, data, check)) return errc::authentication_failed;
        const bool fits = e.kind == member_entry_kind::rotate ? rotation_fits(e) : addition_fits(e, check);
        if (!fits) return errc::malformed_members;
        apply(e, check);
        if (entries_.empty()) vault_ = vault_of(data, check);
        head_ = check.digest(data);
        entries_.emplace_back(data.begin(), data.end());
        bytes_ += data.size();
        return {};
    }

 private:
    template <class Verifier>
    [[nodiscard]] bool is_signed(const member_entry& e, bytes_view data, const Verifier& check) const {
        const member_device* const m = find(e.signer);
        if (!entries_.empty() && (m == nullptr || !m->active())) return false;
        const device_keys& keys = entries_.empty() ? e.keys : m->keys;
        return check.is_signed(keys.signing, signed_bytes(data.first(data.size() - e.signature.size())),
                               e.signature);
    }
    template <class Verifier>
    [[nodiscard]] bool addition_fits(const member_entry& e, const Verifier& check) const {
        const device_id added = device_of(e.keys, check);
        if (entries_.empty()) return added == e.signer;
        return find(added) == nullptr && active_count() < limits::devices_max;
    }
    /// Tells whether it speaks of exactly those who are members, and of the signer as one who stays.
    [[nodiscard]] bool rotation_fits(const member_entry& e) const {
        std::vector<device_id> all, stay, ended, wrapped;
        for (const auto& [id, m] : devices_) {
            if (!m.active()) continue;
            all.push_back(id);
            if (!std::binary_search(e.removed.begin(), e.removed.end(), id)) stay.push_back(id);
        }
        for (const stream_end& s : e.ends) ended.push_back(s.device);
        for (const sealed_vault_key& k : e.wraps) wrapped.push_back(k.device);
        return ended == all && wrapped == stay && all.size() == stay.size() + e.removed.size() &&
               std::binary_search(stay.begin(), stay.end(), e.signer) &&
               (!replaces_kit(e) || successor_kit(e));
    }
    [[nodiscard]] bool stays(device_id device, const std::vector<device_id>& removed) const {
        return is_active(device) && std::find(removed.begin(), removed.end(), device) == removed.end();
    }
    template <class Verifier>
    void apply(const member_entry& e, const Verifier& check) {
        if (e.kind == member_entry_kind::rotate) {
            for (const stream_end& s : e.ends) devices_[s.device].ends.push_back(s.seq);
            for (const device_id& d : e.removed) devices_[d].removed_epoch = epoch();
        }
        if (has_vault_key(e.kind)) epochs_.push_back(e);
        if (e.kind != member_entry_kind::rotate)
            devices_.emplace(device_of(e.keys, check), member_device{e.keys,
                                                                     epoch(),
                                                                     0,
                                                                     {},
                                                                     e.signer,
                                                                     e.kind == member_entry_kind::kit,
                                                                     e.kind == member_entry_kind::copy,
                                                                     e.index,
                                                                     e.created});
    }

    vault_id vault_{};
    digest256 head_{};
    std::vector<bytes> entries_{};
    std::size_t bytes_ = 0;  ///< of all entries
    std::vector<member_entry> epochs_{};
    std::map<device_id, member_device> devices_{};
};

/// Returns the list of `vault`. \errors those of append; members_fork for another vault's list
template <member_verifier Verifier>
[[nodiscard]] result<member_list> verify_members(vault_id vault, const std::vector<bytes>& entries,
                                                 const Verifier& check) {
    member_list out;
    for (const bytes& e : entries)
        if (auto ok = out.append(e, check); !ok) return ok.failure();
    if (out.vault() != vault) return errc::members_fork;
    return out;
}

}  // namespace casasync
