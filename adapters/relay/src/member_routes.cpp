// SPDX-License-Identifier: MIT
// How devices come to a vault and go: attach, and the list of devices.
#include "reply.hpp"
#include "routes.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/identity.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/request_signature.hpp>

#include <boost/json/array.hpp>

#include <algorithm>
#include <variant>

namespace casasync::relay {
namespace {

constexpr std::uint64_t attach_skew_s_max = 300;
constexpr std::uint64_t nonce_s = 600;

/// What a device says when it attaches.
struct attach_request {
    vault_id vault{};
    device_id device{};
    std::vector<bytes> entries{};
    std::uint64_t created = 0;
    std::uint64_t last_seq = 0;  ///< where the stream of a device goes on that is new here
    member_writer::nonce nonce{};
    signature512 signature{};
    bytes covered{};         ///< what is signed
    bool may_create = true;  ///< it has the token that the operator asks of those who make vaults
};

std::optional<std::vector<bytes>> entries_in(const boost::json::object& body) {
    const auto* const list = body.if_contains("members");
    if (list == nullptr || !list->is_array()) return std::nullopt;
    std::vector<bytes> out;
    for (const auto& one : list->get_array()) {
        auto entry = one.is_string() ? from_base64url(std::string_view(one.get_string()))
                                     : result<bytes>(errc::malformed_text);
        if (!entry) return std::nullopt;
        out.push_back(std::move(*entry));
    }
    return out;
}

std::optional<attach_request> attach_request_of(const exchange& x, const core& shared) {
    const auto body = json_body(x);
    auto entries = body ? entries_in(*body) : std::nullopt;
    const auto vault = id_at<vault_id>(x, 1);
    const auto device = body ? id_in<device_id>(*body, "device") : std::nullopt;
    const auto created = body ? number_in(*body, "created") : std::nullopt;
    const auto last_seq = body && body->contains("last_seq") ? number_in(*body, "last_seq") : 0;
    const auto nonce = body ? id_in<mailbox_id>(*body, "nonce") : std::nullopt;
    const auto signature = openssl::from_base64(x.in.attach);
    if (!entries || !vault || !device || !created || !last_seq || !nonce || !signature ||
        signature->size() != 64)
        return std::nullopt;
    attach_request out{*vault, *device, std::move(*entries), *created, *last_seq, nonce->octets, {},
                       {},     true};
    std::copy(signature->begin(), signature->end(), out.signature.begin());
    out.covered = openssl::attach_text(shared.names.accept(x.in.host).value_or(""), x.in.body_hash);
    const std::string& token = shared.options.create_token;
    out.may_create = token.empty() || same_token(bearer_token(x.in.authorization), token);
    return out;
}

answer members_fork(std::size_t index) {
    return problem(409, "members-fork", "The vault's list of devices here is another one.",
                   {{"index", index}});
}

/// Adds to the stored list what the device has more, and sees whether it may attach.
/// Returns the answer that refuses it.
std::optional<answer> admit(const attach_request& r, member_list& list) {
    for (const bytes& entry : r.entries) {
        const auto decoded = decode_member_entry(entry);
        if (!decoded) return malformed("An entry of the list of devices does not make sense.");
        if (decoded->index < list.entries().size()) {
            if (list.entries()[decoded->index] != entry) return members_fork(decoded->index);
            continue;
        }
        const auto taken = list.append(entry, openssl::verifier{});
        if (!taken && taken.code() == errc::members_fork) return members_fork(decoded->index);
        if (!taken) return malformed("An entry of the list of devices does not hold.");
    }
    const member_device* const self = list.find(r.device);
    if (list.vault() != r.vault || self == nullptr ||
        !openssl::is_signed(self->keys.signing, r.covered, r.signature))
        return unauthenticated();
    if (!self->active()) return device_revoked();
    return std::nullopt;
}

/// Shuts out whoever the list no longer has.
void revoke_removed(write_store& store, std::int64_t vault_row, const member_entry& e) {
    for (const device_id& d : e.removed)
        if (const auto row = store.log.device_row(vault_row, d)) {
            store.log.revoke(*row);
            store.snapshots.forget(vault_row, *row);
        }
}

/// From now on a recovery kit's time runs.
void note_kit(write_store& store, const member_entry& e, std::uint64_t now) {
    if (e.kind == member_entry_kind::kit) store.members.note_kit(device_of(e.keys, openssl::verifier{}), now);
}

/// Returns the answer to an entry that would replace a recovery kit too early, by this relay's clock: that of
/// whoever signed it may say anything. \param before the list without it
std::optional<answer> too_early(write_store& store, const member_list& before, const member_entry& e,
                                std::uint64_t now) {
    if (e.kind != member_entry_kind::rotate || !before.replaces_kit(e)) return std::nullopt;
    const auto successor = before.successor_kit(e);
    const std::uint64_t until = successor ? store.members.kit_waits_until(*successor, now) : now;
    if (until == 0) return std::nullopt;
    return problem(409, "kit-waits", "The new recovery kit may not yet take the other's place.",
                   {{"until", until}});
}

/// Stores the entry that `list` ends with, and what follows from it.
void store_entry(write_store& store, std::int64_t vault_row, const member_list& list, const member_entry& e) {
    store.members.store(vault_row, list);
    revoke_removed(store, vault_row, e);
}

/// Tells whether a device that attaches may say that an entry was here before, and was lost: one that was at
/// this relay for as long as a recovery kit has to be announced, and has not signed it. It got the entry from
/// here.
bool may_vouch(write_store& store, const attach_request& by, const member_entry& e, std::uint64_t now) {
    const auto known = store.read.find(by.vault, by.device);
    return known && known->created + kit_wait_s <= now && by.device != e.signer;
}

/// Stores the entries of `list` from the `from`th on. Returns the answer that refuses one of them; those
/// before stay, so that a kit's time runs. To a vault that is new here all of them are old.
std::optional<answer> store_entries(write_store& store, std::int64_t vault_row, const member_list& list,
                                    std::size_t from, const attach_request& by, std::uint64_t now) {
    member_list so_far = store.members_read.list(vault_row);
    for (std::size_t i = from; i < list.entries().size(); ++i) {
        const bytes& entry = list.entries()[i];
        const member_entry e = decode_member_entry(entry).value();
        if (from > 0 && !may_vouch(store, by, e, now))
            if (auto refused = too_early(store, so_far, e, now)) return refused;
        if (!so_far.append(entry, openssl::verifier{})) throw damage("a verified entry does not fit");
        store_entry(store, vault_row, so_far, e);
        if (from > 0) note_kit(store, e, now);
    }
    store.retention.note_snapshots(vault_row, holders_of(so_far).size());
    return std::nullopt;
}

/// A recovery kit brings back what was deleted, while it is there. Returns the answer to anybody else.
std::optional<answer> undelete(write_store& store, std::int64_t vault_row, const member_device& by,
                               std::uint64_t now) {
    const auto d = store.deletions_read.find(vault_row);
    if (!d) return std::nullopt;
    if (!by.kit || now >= d->purge_at) return vault_deleted(*d);
    store.deletions.undo(vault_row);
    return std::nullopt;
}

verdict attach(write_store& store, const core& shared, const attach_request& r) {
    auto row = store.members_read.vault_row(r.vault);
    if (!row && !r.may_create) return refuse(unauthenticated());
    member_list list = row ? store.members_read.list(*row) : member_list{};
    const std::size_t stored = list.entries().size();
    if (auto refused = admit(r, list)) return refuse(std::move(*refused));
    const std::uint64_t now = shared.now_s();
    if (!store.members.use(r.nonce, now, nonce_s)) return refuse(unauthenticated());
    const bool is_new = !row;
    if (row)
        if (auto refused = undelete(store, *row, *list.find(r.device), now))
            return refuse(std::move(*refused));
    if (!row) {
        openssl::random random;
        row = store.log.create(r.vault, generation_id::make(random), now);
    }
    if (auto refused = store_entries(store, *row, list, stored, r, now))
        return {std::move(*refused), true, r.vault.octets, std::nullopt};
    store.log.enter(*row, r.device, now, r.last_seq);
    const auto who = store.read.find(r.vault, r.device);
    if (!who) throw damage("a device that was stored is not there");
    const master_key& newest = shared.masters.front();
    const auto key = openssl::derive_device_key(newest.key, r.vault, r.device, newest.number, who->created);
    verdict out{json_answer(is_new ? 201 : 200, {{"generation", who->generation.text()},
                                                 {"device_key", to_base64url(key)},
                                                 {"key_ver", newest.number},
                                                 {"head", who->head},
                                                 {"floor", who->floor},
                                                 {"epoch", who->epoch},
                                                 {"last_seq", store.log.last_seq(who->device_row)},
                                                 {"members", who->members}}),
                true, std::nullopt, std::nullopt};
    if (list.entries().size() > stored) out.changed = r.vault.octets;
    return out;
}

/// Tells whether the streams end where a rotation says.
bool ends_fit(write_store& store, std::int64_t vault_row, const member_entry& e) {
    return std::all_of(e.ends.begin(), e.ends.end(), [&](const stream_end& s) {
        const auto row = store.log.device_row(vault_row, s.device);
        return s.seq == (row ? store.log.last_seq(*row) : 0);
    });
}

verdict taken(unsigned status, const member& who, const member_list& list) {
    member after = who;
    after.members = list.entries().size();
    after.epoch = list.epoch();
    return {json_answer(status,
                        {{"index", list.entries().size() - 1}, {"members_head", to_base64url(list.head())}}),
            true, who.vault.octets, after};
}

verdict append(write_store& store, const member& who, const bytes& entry, std::uint64_t now) {
    member_list list = store.members_read.list(who.vault_row);
    const member_list before = list;
    if (list.entries().back() == entry) return taken(200, who, list);
    const auto moved = [&] {
        return refuse(problem(412, "precondition-failed", "The vault changed meanwhile.",
                              {{"members", list.entries().size()}}));
    };
    const auto ok = list.append(entry, openssl::verifier{});
    if (!ok && ok.code() == errc::members_fork) return moved();
    if (!ok && list.active_count() >= limits::devices_max)
        return refuse(problem(409, "device-limit", "The vault has as many devices as it may; remove one.",
                              {{"limit", limits::devices_max}}));
    if (!ok) return refuse(malformed("The entry does not hold."));
    const member_entry e = decode_member_entry(entry).value();
    if (!ends_fit(store, who.vault_row, e)) return moved();
    if (auto refused = too_early(store, before, e, now)) return refuse(std::move(*refused));
    store_entry(store, who.vault_row, list, e);
    note_kit(store, e, now);
    store.retention.note_snapshots(who.vault_row, holders_of(list).size());
    return taken(201, who, list);
}

}  // namespace

void attach_device(context& c, const exchange_ptr& x) {
    auto r = attach_request_of(*x, c.shared);
    if (!r)
        return reply(c.shared, x, malformed("The body has to be {members, device, created, nonce}, signed."));
    const std::uint64_t now = c.shared.now_s();
    if (std::max(now, r->created) - std::min(now, r->created) > attach_skew_s_max)
        return reply(c.shared, x, clock_skew(now));
    // Once here, so that a stranger costs the one thread that writes nothing.
    member_reader& members = c.read(r->vault).members;
    const auto row = members.vault_row(r->vault);
    member_list list = row ? members.list(*row) : member_list{};
    if (auto refused = admit(*r, list)) return reply(c.shared, x, std::move(*refused));
    shard& home = c.shared.home_of(r->vault);
    write_to(home, c, x, [&shared = c.shared, r = std::move(*r)](write_store& store) {
        return attach(store, shared, r);
    });
}

void get_members(context& c, const exchange_ptr& x) {
    const auto after = number_of(*x, "after", 0, limits::member_entries_max, 0);
    if (!after) return reply(c.shared, x, malformed("The query's number does not fit."));
    boost::json::array entries;
    for (const bytes& entry : c.read(x->who->vault).members.entries(x->who->vault_row, *after))
        entries.push_back(boost::json::value(to_base64url(entry)));
    reply(c.shared, x, json_answer(200, {{"entries", std::move(entries)}}));
}

void post_member(context& c, const exchange_ptr& x) {
    const auto body = json_body(*x);
    const auto* const value = body ? body->if_contains("entry") : nullptr;
    auto entry = value != nullptr && value->is_string()
                     ? from_base64url(std::string_view(value->get_string()))
                     : result<bytes>(errc::malformed_text);
    if (!entry) return reply(c.shared, x, malformed("The body has to be {entry}."));
    write(c, x, [who = *x->who, entry = std::move(*entry), now = c.shared.now_s()](write_store& store) {
        return append(store, who, entry, now);
    });
}

}  // namespace casasync::relay
