// SPDX-License-Identifier: MIT
#include <casasync/openssl/pairing_run.hpp>

#include "bytes_of.hpp"

#include <casasync_test/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace casasync;
using namespace casasync::openssl;

namespace {

pairing_place place(std::uint8_t n = 1) {
    pairing_place at{"https://relay.example", {}};
    at.mailbox.octets.fill(n);
    return at;
}

pairing_secret typed(std::string_view text) {
    const bytes_view data = as_bytes(text);
    return {pairing_secret::kind::typed, bytes(data.begin(), data.end())};
}
pairing_secret scanned(std::uint8_t n) {
    return {pairing_secret::kind::scanned, filled(16, n)};
}

pairing_host host_with(const std::vector<pairing_secret>& secrets, const pairing_place& at = place()) {
    return pairing_host::make(at, secrets).value();
}

/// Two devices that know the same secret, after the run.
std::pair<pairing_channel, pairing_channel> met() {
    const auto host = host_with({typed("M4ZP9T")});
    const auto guest = pairing_guest::make(place(), typed("M4ZP9T"), host.offer()).value();
    const auto there = host.receive(guest.answer()).value();
    return {there.channel, guest.confirm(there.proof).value()};
}

}  // namespace

TEST_CASE("two devices that know the code, or the link, meet", "[openssl][pairing]") {
    const auto host = host_with({typed("M4ZP9T"), scanned(7)});
    for (const pairing_secret& secret : {typed("M4ZP9T"), scanned(7)}) {
        const auto guest = pairing_guest::make(place(), secret, host.offer());
        REQUIRE(guest);
        const auto there = host.receive(guest->answer());
        REQUIRE(there);
        const auto here = guest->confirm(there->proof);
        REQUIRE(here);
        const auto sealed = here->seal(pairing_side::new_device, 1, as_bytes("phone"));
        CHECK(to_hex(there->channel.open(pairing_side::new_device, 1, *sealed).value()) ==
              to_hex(as_bytes("phone")));
        device_id device;
        device.octets.fill(9);
        CHECK(here->check(device) == there->channel.check(device));
        CHECK(here->check(device) >= 10);
        CHECK(here->check(device) <= 99);
    }
}

TEST_CASE("whoever does not know the code is found out, on either side", "[openssl][pairing]") {
    const auto host = host_with({typed("M4ZP9T")});
    // A guest that guesses; one that knows the code of another relay or mailbox.
    for (const auto& [at, secret] :
         {std::pair{place(), typed("M4ZP9V")}, std::pair{place(2), typed("M4ZP9T")},
          std::pair{pairing_place{"https://other.example", place().mailbox}, typed("M4ZP9T")}}) {
        const auto guest = pairing_guest::make(at, secret, host.offer());
        REQUIRE(guest);
        CHECK(host.receive(guest->answer()).code() == errc::pairing_wrong_code);
    }
    // A host that guesses, and says what it likes.
    const auto guest = pairing_guest::make(place(), typed("M4ZP9V"), host.offer()).value();
    const auto right = pairing_guest::make(place(), typed("M4ZP9T"), host.offer()).value();
    const bytes proof = host.receive(right.answer())->proof;
    CHECK(guest.confirm(proof).code() == errc::pairing_wrong_code);
    CHECK(right.confirm(proof).ok());
    for (std::size_t bit = 0; bit < proof.size() * 8; ++bit)
        if (right.confirm(with_bit_flipped(proof, bit)).ok()) FAIL("a proof with bit " << bit << " turned");
    CHECK_FALSE(right.confirm({}).ok());
    // An answer to one run is none to another with the same code.
    CHECK(host_with({typed("M4ZP9T")}).receive(right.answer()).code() == errc::pairing_wrong_code);
}

TEST_CASE("a message of a run that makes no sense ends it", "[openssl][pairing]") {
    const auto host = host_with({typed("M4ZP9T"), scanned(7)});
    const bytes offer = host.offer();
    const auto guest = pairing_guest::make(place(), scanned(7), offer).value();
    const bytes answer = guest.answer();
    CHECK(offer.size() == 132);
    CHECK(answer.size() == 98);
    for (std::size_t bit = 0; bit < answer.size() * 8; ++bit)
        if (host.receive(with_bit_flipped(answer, bit)).ok()) FAIL("an answer with bit " << bit << " turned");
    for (std::size_t size = 0; size < answer.size(); ++size)
        CHECK_FALSE(host.receive(bytes_view(answer).first(size)).ok());
    for (std::size_t size = 0; size < offer.size(); ++size)
        if (size != 66)
            CHECK_FALSE(pairing_guest::make(place(), scanned(7), bytes_view(offer).first(size)).ok());
    // The host may leave typed codes out: a person has to hear why.
    const auto no_typing = pairing_guest::make(place(), typed("M4ZP9T"), host_with({scanned(7)}).offer());
    CHECK(no_typing.code() == errc::pairing_wrong_code);
    CHECK(no_typing.failure().detail.find("link") != std::string::npos);
}

TEST_CASE("a sealed message is of one side, one number and one run", "[openssl][pairing]") {
    const auto [old_device, new_device] = met();
    const bytes sealed = new_device.seal(pairing_side::new_device, 1, as_bytes("phone")).value();
    CHECK(old_device.open(pairing_side::new_device, 1, sealed).ok());
    CHECK(old_device.open(pairing_side::old_device, 1, sealed).code() == errc::pairing_wrong_code);
    CHECK(old_device.open(pairing_side::new_device, 2, sealed).code() == errc::pairing_wrong_code);
    CHECK(met().first.open(pairing_side::new_device, 1, sealed).code() == errc::pairing_wrong_code);
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit)
        CHECK_FALSE(old_device.open(pairing_side::new_device, 1, with_bit_flipped(sealed, bit)).ok());

    const auto largest = old_device.seal(pairing_side::old_device, 2, filled(pairing_message_bytes_max, 1));
    REQUIRE(largest);
    CHECK(largest->size() == limits::mailbox_message_bytes_max);
    CHECK(old_device.seal(pairing_side::old_device, 2, filled(pairing_message_bytes_max + 1, 1)).code() ==
          errc::limit_exceeded);
}

TEST_CASE("the check depends on the new device and on the run", "[openssl][pairing]") {
    const auto [old_device, new_device] = met();
    std::size_t equal = 0, same = 0;
    const auto [other, unused] = met();
    for (std::uint8_t n = 0; n < 100; ++n) {
        device_id a, b;
        a.octets.fill(n);
        b.octets.fill(static_cast<std::uint8_t>(n + 100));
        equal += old_device.check(a) == old_device.check(b) ? 1 : 0;
        same += old_device.check(a) == other.check(a) ? 1 : 0;
        CHECK(old_device.check(a) == new_device.check(a));
    }
    CHECK(equal < 20);  // about one of 90 by chance
    CHECK(same < 20);
}
