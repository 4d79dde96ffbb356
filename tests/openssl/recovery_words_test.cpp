// SPDX-License-Identifier: MIT
#include <casasync/openssl/recovery_words.hpp>

#include "bytes_of.hpp"

#include <casasync_test/catch.hpp>

#include <string>

using namespace casasync;
using namespace casasync::openssl;

namespace {

recovery_secret secret_of(const std::string& hex) {
    const bytes data = from_hex(hex);
    recovery_secret out{};
    std::copy(data.begin(), data.end(), out.begin());
    return out;
}

}  // namespace

TEST_CASE("a recovery secret is written as BIP 39 has it", "[openssl][recovery]") {
    for (const auto& [hex, words] : std::vector<std::pair<std::string, std::string>>{
             {"00000000000000000000000000000000",
              "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
              "about"},
             {"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
              "legal winner thank year wave sausage worth useful legal winner thank yellow"},
             {"80808080808080808080808080808080",
              "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"},
             {"ffffffffffffffffffffffffffffffff", "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong"},
             {"9e885d952ad362caeb4efe34a8e91bd2",
              "ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic"}}) {
        CHECK(to_words(secret_of(hex)) == words);
        CHECK(parse_words(words).value() == secret_of(hex));
    }
}

TEST_CASE("words are taken as people type them, and mistakes are named", "[openssl][recovery]") {
    const auto secret = secret_of("9e885d952ad362caeb4efe34a8e91bd2");
    CHECK(parse_words("  Ozon DRIL, grab fibe\ncurt grac pudd than crui elde eigh picn ").value() == secret);
    const auto refusal = [](const std::string& text) {
        const auto r = parse_words(text);
        CHECK_FALSE(r.ok());
        return r ? std::string() : r.failure().detail;
    };
    CHECK(refusal("").find("these are 0") != std::string::npos);
    CHECK(refusal("ozone drill").find("these are 2") != std::string::npos);
    CHECK(refusal("ozone drill grab fiber curtain grace pudding thank cruise elder eight pic")
              .find("Word 12") != std::string::npos);
    CHECK(refusal("ozone drill grab fiber curtain grace pudding thank cruise elder eigth picnic")
              .find("eigth") != std::string::npos);
    CHECK(refusal("ozone drill grab fiber curtain grace pudding thank cruise elder eight zzz")
              .find("Word 12") != std::string::npos);
    CHECK(refusal("drill ozone grab fiber curtain grace pudding thank cruise elder eight picnic")
              .find("order") != std::string::npos);
}

TEST_CASE("two kits have two devices' keys, and one kit the same each time", "[openssl][recovery]") {
    const auto a = recovery_identity(secret_of("00000000000000000000000000000000"));
    const auto b = recovery_identity(secret_of("00000000000000000000000000000001"));
    CHECK(a == recovery_identity(secret_of("00000000000000000000000000000000")));
    CHECK(a.id() != b.id());
    CHECK(a.signing != a.agreement);
}
