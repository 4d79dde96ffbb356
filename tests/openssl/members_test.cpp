// SPDX-License-Identifier: MIT
#include <casasync_test/member_chain.hpp>

#include "bytes_of.hpp"

#include <casasync_test/catch.hpp>

using namespace casasync;
using casasync_test::add_entry;
using casasync_test::first_entry;
using casasync_test::identity_of;
using casasync_test::next_entry;
using casasync_test::rotation_entry;
using casasync_test::signed_entry;
using openssl::verifier;

namespace {

const auto a = identity_of(1), b = identity_of(2), c = identity_of(3), stranger = identity_of(9);

member_list with(const bytes& entry, member_list list = {}) {
    REQUIRE(list.append(entry, verifier{}).ok());
    return list;
}
member_list one() {
    return with(first_entry(a));
}
member_list two() {
    const member_list list = one();
    return with(add_entry(list, b, a), list);
}
member_list three() {
    const member_list list = two();
    return with(add_entry(list, c, b), list);
}

/// The code with which `list` refuses an entry; it stays as it was.
errc refusal(member_list list, const bytes& entry) {
    const auto head = list.head();
    const auto taken = list.append(entry, verifier{});
    if (taken) return errc{};
    CHECK(list.head() == head);
    return taken.code();
}

}  // namespace

TEST_CASE("a vault begins with a device that signs itself, and its id is that entry's hash",
          "[openssl][members]") {
    const member_list list = one();
    CHECK(list.epoch() == 1);
    CHECK(list.is_active(a.id()));
    CHECK(list.vault() == vault_of(first_entry(a), verifier{}));
    CHECK(list.head() == verifier{}.digest(first_entry(a)));
    CHECK(verify_members(list.vault(), list.entries(), verifier{}).ok());
    CHECK(verify_members({}, list.entries(), verifier{}).code() == errc::members_fork);
    CHECK(verify_members(list.vault(), {}, verifier{}).code() == errc::members_fork);
}

TEST_CASE("nobody begins a vault in another's name", "[openssl][members]") {
    member_entry e = next_entry({}, member_entry_kind::first);
    e.keys = b.public_keys();
    CHECK(refusal({}, signed_entry(e, a)) == errc::authentication_failed);
    e.keys = a.public_keys();
    e.keys.agreement = b.public_keys().agreement;  // the id is not that of these keys
    CHECK(refusal({}, signed_entry(e, a)) == errc::malformed_members);
}

TEST_CASE("members add devices, strangers do not", "[openssl][members]") {
    const member_list list = three();
    CHECK(list.active_count() == 3);
    CHECK(list.find(c.id())->keys == c.public_keys());
    CHECK(list.find(c.id())->added_epoch == 1);
    CHECK(refusal(one(), add_entry(one(), b, stranger)) == errc::authentication_failed);
    CHECK(refusal(list, add_entry(list, b, a)) == errc::malformed_members);  // it is a member
    CHECK(refusal(list, first_entry(b)) == errc::members_fork);
}

TEST_CASE("a vault has at most sixteen devices at a time", "[openssl][members]") {
    member_list list = one();
    for (std::uint8_t n = 2; n <= limits::devices_max; ++n)
        REQUIRE(list.append(add_entry(list, identity_of(n), a), verifier{}).ok());
    CHECK(refusal(list, add_entry(list, identity_of(17), a)) == errc::malformed_members);
    REQUIRE(list.append(signed_entry(rotation_entry(list, {b.id()}, 0), a), verifier{}).ok());
    CHECK(refusal(list, add_entry(list, identity_of(17), a)) == errc{});
}

TEST_CASE("an entry follows the one before it, in this vault", "[openssl][members]") {
    const member_list list = two();
    CHECK(refusal(three(), add_entry(list, c, a)) == errc::members_fork);
    member_entry e = next_entry(list, member_entry_kind::add);
    e.keys = c.public_keys();
    e.previous[31] ^= 1;
    CHECK(refusal(list, signed_entry(e, a)) == errc::members_fork);
    e = next_entry(list, member_entry_kind::add);
    e.keys = c.public_keys();
    e.vault = {};
    CHECK(refusal(list, signed_entry(e, a)) == errc::members_fork);
}

TEST_CASE("no bit of an entry may differ, and none of it be missing", "[openssl][members]") {
    const member_list list = two();
    for (const bytes& entry : {add_entry(list, c, b), signed_entry(rotation_entry(list, {b.id()}, 7), a)}) {
        for (std::size_t bit = 0; bit < entry.size() * 8; ++bit)
            if (refusal(list, with_bit_flipped(entry, bit)) == errc{}) FAIL("bit " << bit);
        for (std::size_t size = 0; size < entry.size(); ++size)
            if (refusal(list, bytes(entry.begin(), entry.begin() + static_cast<std::ptrdiff_t>(size))) ==
                errc{})
                FAIL("size " << size);
        REQUIRE(refusal(list, entry) == errc{});
        CHECK(encode(decode_member_entry(entry).value()) == entry);
    }
}

TEST_CASE("a rotation ends an epoch: what was removed writes nothing more, and nothing back into it",
          "[openssl][members]") {
    member_list list = three();
    CHECK(list.admits(b.id(), 1, 1'000'000));
    CHECK_FALSE(list.admits(b.id(), 2, 1));
    CHECK_FALSE(list.admits(b.id(), 0, 1));
    CHECK_FALSE(list.admits(stranger.id(), 1, 1));
    REQUIRE(list.append(signed_entry(rotation_entry(list, {b.id()}, 5), a), verifier{}).ok());
    CHECK(list.epoch() == 2);
    CHECK_FALSE(list.is_active(b.id()));
    CHECK(list.admits(b.id(), 1, 5));
    CHECK_FALSE(list.admits(b.id(), 1, 6));  // dated back
    CHECK_FALSE(list.admits(b.id(), 2, 6));
    CHECK(list.admits(a.id(), 1, 5));
    CHECK_FALSE(list.admits(a.id(), 1, 6));  // a member's, too: it is sealed anew
    CHECK(list.admits(a.id(), 2, 6));

    const auto d = identity_of(4);
    REQUIRE(list.append(add_entry(list, d, c), verifier{}).ok());
    CHECK_FALSE(list.admits(d.id(), 1, 1));  // it was not there
    CHECK(list.admits(d.id(), 2, 1));
    CHECK(refusal(list, add_entry(list, b, a)) == errc::malformed_members);             // for good
    CHECK(refusal(list, add_entry(list, stranger, b)) == errc::authentication_failed);  // nor what it signs
    REQUIRE(list.append(signed_entry(rotation_entry(list, {}, 9), d), verifier{}).ok());
    CHECK(list.epoch() == 3);
    CHECK(list.admits(d.id(), 2, 9));
    CHECK_FALSE(list.admits(d.id(), 2, 10));
    CHECK(list.beginning(3).signer == d.id());
}

TEST_CASE("a rotation speaks of all members, of nobody else, and not against its signer",
          "[openssl][members]") {
    const member_list list = three();
    const auto refused = [&](auto change) {
        member_entry e = rotation_entry(list, {b.id()}, 5);
        change(e);
        return refusal(list, signed_entry(e, a));
    };
    CHECK(refused([](member_entry&) {}) == errc{});
    CHECK(refused([](member_entry& e) { e.ends.pop_back(); }) == errc::malformed_members);
    CHECK(refused([](member_entry& e) { e.wraps.pop_back(); }) == errc::malformed_members);
    CHECK(refused([](member_entry& e) { e.removed = {stranger.id()}; }) == errc::malformed_members);
    CHECK(refused([](member_entry& e) { std::swap(e.ends[0], e.ends[1]); }) == errc::malformed_members);
    CHECK(refused([](member_entry& e) { e.ends[0] = e.ends[1]; }) == errc::malformed_members);
    CHECK(refusal(list, signed_entry(rotation_entry(list, {a.id()}, 5), a)) == errc::malformed_members);
    CHECK(refusal(list, signed_entry(rotation_entry(list, {a.id()}, 5), stranger)) ==
          errc::authentication_failed);
}

TEST_CASE("whoever stays gets the new vault key, and with it the old ones; who was removed does not",
          "[openssl][members]") {
    const auto key_of = [](std::uint8_t n) {
        openssl::key256 key{};
        key.fill(n);
        return key;
    };
    const auto rotate = [&](const member_list& list, std::vector<device_id> removed, std::uint8_t n) {
        openssl::rotation what{std::move(removed), {}, key_of(static_cast<std::uint8_t>(n - 1)), key_of(n)};
        for (const auto& [id, m] : list.devices())
            if (m.active()) what.ends.push_back({id, 4});
        return openssl::rotate_entry(list, a, what, 1'800'000'000).value();
    };
    member_list list = with(openssl::first_entry(a, key_of(1), 1));
    list = with(add_entry(list, b, a), list);
    list = with(add_entry(list, c, a), list);
    const member_list before = list;
    CHECK(openssl::open_vault_keys(list, c, 1, key_of(1)).value().at(1) == key_of(1));
    list = with(rotate(list, {b.id()}, 2), list);
    list = with(rotate(list, {}, 3), list);
    for (const std::uint8_t known : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}}) {
        const auto keys = openssl::open_vault_keys(list, c, known, key_of(known));
        REQUIRE(keys.ok());
        CHECK(keys->size() == 3);
        for (std::uint8_t e = 1; e <= 3; ++e) CHECK(keys->at(e) == key_of(e));
    }
    CHECK(openssl::open_vault_keys(list, b, 1, key_of(1)).code() == errc::device_revoked);
    CHECK(openssl::open_vault_keys(list, a, 3, key_of(9)).code() == errc::members_fork);

    // A rotator who gives one member another key than it promises.
    const bytes honest = rotate(before, {b.id()}, 2);
    member_entry other = decode_member_entry(honest).value();
    const member_entry foreign = decode_member_entry(rotate(before, {b.id()}, 7)).value();
    for (std::size_t i = 0; i < other.wraps.size(); ++i)
        if (other.wraps[i].device == c.id()) other.wraps[i] = foreign.wraps[i];
    const member_list forked = with(signed_entry(other, a), before);
    CHECK(openssl::open_vault_keys(forked, a, 1, key_of(1)).ok());
    CHECK(openssl::open_vault_keys(forked, c, 1, key_of(1)).code() == errc::members_fork);
}

namespace {

/// Two devices; `a` made a recovery kit, and `b` another one later.
struct two_kits {
    static constexpr std::uint64_t first_at = 1'800'000'000, second_at = first_at + 1'000'000;
    openssl::device_identity first = identity_of(21), second = identity_of(22);
    member_list list = two();

    two_kits() {
        list = with(openssl::kit_entry(list, a, first.public_keys(), first_at), list);
        list = with(openssl::kit_entry(list, b, second.public_keys(), second_at), list);
    }
    /// Returns with what a rotation is refused that takes these out.
    [[nodiscard]] errc refusal_of(std::vector<device_id> gone, const openssl::device_identity& by,
                                  std::uint64_t at) const {
        member_entry e = rotation_entry(list, std::move(gone), 0);
        e.created = at;
        return refusal(list, signed_entry(e, by));
    }
};

}  // namespace

TEST_CASE("a recovery kit takes another one's place after 72 hours", "[openssl][members]") {
    const two_kits k;
    const device_id first = k.first.id(), second = k.second.id();
    const std::uint64_t at = two_kits::second_at, ripe = at + kit_wait_s;
    CHECK(k.list.newest_kit()->keys == k.second.public_keys());
    for (const auto& by : {a, b}) {
        CHECK(k.refusal_of({first}, by, at) == errc::malformed_members);
        CHECK(k.refusal_of({first}, by, ripe - 1) == errc::malformed_members);
        CHECK(k.refusal_of({first}, by, ripe) == errc{});
        CHECK(k.refusal_of({first, second}, by, ripe) == errc::malformed_members);  // none would be left
        CHECK(k.refusal_of({second}, by, at) == errc{});  // the first one stands for long enough
    }
    CHECK(k.refusal_of({first}, a, 0) == errc::malformed_members);
    // Who made the new one has to stay.
    CHECK(k.refusal_of({first, b.id()}, a, ripe) == errc::malformed_members);
    CHECK(k.refusal_of({first, a.id()}, b, ripe) == errc{});
    CHECK(k.refusal_of({first, a.id()}, b, at) == errc::malformed_members);
}

TEST_CASE("the only recovery kit stays", "[openssl][members]") {
    const auto kit = identity_of(21);
    member_list list = two();
    list = with(openssl::kit_entry(list, a, kit.public_keys(), 1'800'000'000), list);
    for (const auto& gone : {std::vector{kit.id()}, std::vector{kit.id(), a.id()}}) {
        member_entry e = rotation_entry(list, gone, 0);
        e.created = 1'900'000'000;
        CHECK(refusal(list, signed_entry(e, b)) == errc::malformed_members);
    }
    SECTION("but for whom it let in") {
        list = with(add_entry(list, c, kit), list);
        CHECK(refusal(list, signed_entry(rotation_entry(list, {kit.id()}, 0), b)) == errc::malformed_members);
        CHECK(refusal(list, signed_entry(rotation_entry(list, {kit.id()}, 0), c)) == errc{});
    }
}

TEST_CASE("a recovery kit whose maker is removed goes with it", "[openssl][members]") {
    two_kits k;
    const std::uint64_t soon = 1;                             // whatever its clock says
    CHECK(k.refusal_of({k.second.id()}, b, soon) == errc{});  // whoever made it may take it back
    CHECK(k.refusal_of({k.second.id()}, a, soon) == errc::malformed_members);
    CHECK(k.refusal_of({k.second.id(), b.id()}, a, soon) == errc{});
    CHECK(k.refusal_of({k.first.id(), a.id()}, b, soon) == errc::malformed_members);  // not the older one
    k.list = with(signed_entry(rotation_entry(k.list, {b.id()}, 0), a), k.list);
    CHECK(k.refusal_of({k.second.id()}, a, soon) == errc{});
    CHECK(k.refusal_of({k.first.id()}, a, two_kits::second_at + kit_wait_s) == errc::malformed_members);
}

TEST_CASE("a recovery kit from the future gains nothing by it", "[openssl][members]") {
    two_kits k;
    const auto third = identity_of(23);
    k.list = with(openssl::kit_entry(k.list, b, third.public_keys(), ~std::uint64_t{0} - 5), k.list);
    k.list = with(signed_entry(rotation_entry(k.list, {k.second.id()}, 0), b), k.list);
    CHECK(k.refusal_of({k.first.id()}, b, two_kits::second_at + kit_wait_s) == errc::malformed_members);
    CHECK(k.refusal_of({k.first.id()}, b, ~std::uint64_t{0}) == errc::malformed_members);
}
