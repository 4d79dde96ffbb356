// SPDX-License-Identifier: MIT
// Entries of the list of a vault's devices, one after the other: as they came, or made to follow the last one
// and taken for signed, so that what is behind those checks is reached.
#include "harness.hpp"

#include <casasync/members.hpp>
#include <casasync_test/plain_cipher.hpp>

namespace casasync_fuzz {

using namespace casasync;

const harness this_harness{"members", 200'000};

namespace {

struct quick_verifier {
    bool trusting = false;
    [[nodiscard]] digest256 digest(bytes_view data) const { return casasync_test::quick_digest(data); }
    [[nodiscard]] bool is_signed(const public_key&, bytes_view, const signature512& s) const {
        return trusting || s[0] == 1;
    }
};

/// Makes an entry follow the last one, signed by one of its devices.
bytes repaired(bytes_view data, const member_list& list, std::size_t signer, const quick_verifier& check) {
    auto e = decode_member_entry(data);
    if (!e) return {data.begin(), data.end()};
    e->index = static_cast<std::uint32_t>(list.entries().size());
    e->previous = list.head();
    e->vault = list.vault();
    if (list.entries().empty()) {
        e->signer = device_of(e->keys, check);
        return encode(*e);
    }
    const auto who =
        std::next(list.devices().begin(), static_cast<std::ptrdiff_t>(signer % list.devices().size()));
    e->signer = who->first;
    if (e->kind != member_entry_kind::rotate) return encode(*e);
    e->ends.clear();
    e->wraps.clear();
    std::erase_if(e->removed, [&](device_id d) { return !list.is_active(d) || d == e->signer; });
    for (const auto& [id, m] : list.devices()) {
        if (!m.active()) continue;
        e->ends.push_back({id, e->created});
        if (std::find(e->removed.begin(), e->removed.end(), id) == e->removed.end())
            e->wraps.push_back({id, {}});
    }
    return encode(*e);
}

void is_sound(const member_list& list, const quick_verifier& check) {
    if (list.entries().empty()) return;
    must(list.active_count() >= 1 && list.active_count() <= limits::devices_max, "nobody left, or too many");
    must(list.epoch() >= 1, "a list without an epoch");
    for (const auto& [id, m] : list.devices()) {
        must(device_of(m.keys, check) == id, "a device with keys of another");
        must(list.admits(id, list.epoch(), 1) == m.active(), "a removed device may go on writing");
        must(!list.admits(id, list.epoch() + 1, 1), "an epoch to come");
    }
    must(verify_members(list.vault(), list.entries(), check).ok(), "a list that does not verify again");
}

}  // namespace

int one(bytes_view data) {
    source in(data);
    const quick_verifier check{in.flip()};
    member_list list;
    while (!in.empty()) {
        const std::size_t signer = in.u8(), high = in.u8(), low = in.u8();
        const bytes_view raw = in.take(high * 256 + low);
        const bytes entry =
            check.trusting ? repaired(raw, list, signer, check) : bytes(raw.begin(), raw.end());
        if (const auto decoded = decode_member_entry(entry); decoded)
            must(encode(*decoded) == entry, "an entry does not encode to the same bytes");
        const auto head = list.head();
        const auto taken = list.append(entry, check);
        if (taken) continue;
        must_be_typed(taken, {errc::malformed_members, errc::unknown_format_version, errc::members_fork,
                              errc::authentication_failed, errc::limit_exceeded});
        must(list.head() == head, "a refused entry changed the list");
    }
    is_sound(list, check);
    return 0;
}

}  // namespace casasync_fuzz
