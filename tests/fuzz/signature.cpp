// SPDX-License-Identifier: MIT
// The header fields that sign a request, and a recovery kit's words, as a stranger may write them. The first
// byte chooses.
#include "harness.hpp"

#include <casasync/openssl/recovery_words.hpp>
#include <casasync/openssl/request_signature.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace casasync_fuzz {

using namespace casasync;
using openssl::signature_claims;
using openssl::signed_parts;

const harness this_harness{"signature", 100'000};

namespace {

std::string_view text_of(bytes_view data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

signed_parts request(bool has_body) {
    signed_parts out{"POST", "relay.example", "/v1/pairings", {}, {}, 0};
    if (has_body) out.content_digest = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
    if (has_body) out.content_type = "application/json";
    return out;
}

/// There is one text for each set of claims, so that nobody reads another one than was signed.
void input(std::string_view text, bool has_body) {
    const auto claims = openssl::parse_signature_input(text, has_body);
    if (!claims) return must_be_typed(claims, {errc::unauthenticated});
    must(openssl::sign_request({}, request(has_body), *claims).input == text,
         "a signature input that is not the one it stands for");
}

/// A signed request, something of it changed.
void altered(source& in, bool has_body) {
    signature_claims claims;
    claims.created = in.u64() >> 11;
    claims.key_version = in.u8();
    const signed_parts parts = request(has_body);
    const auto right = openssl::sign_request({}, parts, claims);
    const bool of_input = in.flip();
    std::string text = of_input ? right.input : right.signature;
    const std::size_t at = in.below(std::min<std::size_t>(text.size(), 256));
    text.replace(at, in.below(64), text_of(in.rest()));
    if (of_input) return input(text, has_body);
    must(openssl::verify_request({}, parts, claims, text) == (text == right.signature),
         "an altered signature is taken");
}

void digest(std::string_view text) {
    const auto hash = openssl::parse_content_digest(text);
    if (!hash) return must_be_typed(hash, {errc::malformed_text});
    must(openssl::content_digest(*hash) == text, "a digest that is not the one it stands for");
}

void words(std::string_view typed) {
    const auto secret = openssl::parse_words(typed);
    if (!secret) {
        must_be_typed(secret, {errc::malformed_text});
        return must(!secret.failure().detail.empty(), "a mistake without a sentence");
    }
    const auto again = openssl::parse_words(openssl::to_words(*secret));
    must(again && *again == *secret, "words are not the ones they are shown as");
}

}  // namespace

int one(bytes_view data) {
    source in(data);
    const std::size_t what = in.below(4);
    const bool has_body = in.flip();
    if (what == 0)
        input(text_of(in.rest()), has_body);
    else if (what == 1)
        altered(in, has_body);
    else if (what == 2)
        digest(text_of(in.rest()));
    else
        words(text_of(in.rest()));
    return 0;
}

}  // namespace casasync_fuzz
