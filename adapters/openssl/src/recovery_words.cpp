// SPDX-License-Identifier: MIT
#include <casasync/openssl/recovery_words.hpp>

#include "recovery_word_list.hpp"

#include <casasync/openssl/hash.hpp>

#include <algorithm>
#include <optional>
#include <vector>

namespace casasync::openssl {
namespace {

constexpr std::size_t word_count = 12;
constexpr std::size_t bits_per_word = 11;
constexpr std::size_t letters_enough = 4;

/// Returns the words in `text`, whatever is between them.
std::vector<std::string_view> split_words(std::string_view text) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    std::vector<std::string_view> out;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size() && is_letter(text[end])) ++end;
        if (end > at) out.push_back(text.substr(at, end - at));
        at = std::max(end, at + 1);
    }
    return out;
}

const std::vector<std::string_view>& word_list() {
    static const std::vector<std::string_view> all = split_words(recovery_word_list);
    return all;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

/// Returns the place of a word in the list, or of the one that begins with it.
std::optional<std::size_t> index_of(std::string_view typed) {
    const std::string word = lower(typed);
    const auto& all = word_list();
    const auto at = std::lower_bound(all.begin(), all.end(), word);
    if (at == all.end()) return std::nullopt;
    if (*at != word && (word.size() < letters_enough || !at->starts_with(word))) return std::nullopt;
    return static_cast<std::size_t>(at - all.begin());
}

/// Returns the secret and its check: 17 bytes, of which the first 132 bits count.
bytes with_check(const recovery_secret& secret) {
    bytes out(secret.begin(), secret.end());
    out.push_back(sha256(secret)[0]);
    return out;
}

unsigned bit_at(const bytes& all, std::size_t n) {
    return (all[n / 8] >> (7 - n % 8)) & 1U;
}

key256 derived(const recovery_secret& secret, std::string_view label) {
    return to_key256(hkdf_sha256(secret, {}, as_bytes(label), 32)).value();
}

}  // namespace

std::string to_words(const recovery_secret& secret) {
    const bytes all = with_check(secret);
    std::string out;
    for (std::size_t word = 0; word < word_count; ++word) {
        std::size_t index = 0;
        for (std::size_t bit = 0; bit < bits_per_word; ++bit)
            index = index * 2 + bit_at(all, word * bits_per_word + bit);
        out += (out.empty() ? "" : " ") + std::string(word_list()[index]);
    }
    return out;
}

result<recovery_secret> parse_words(std::string_view text) {
    const auto words = split_words(text);
    if (words.size() != word_count)
        return error{errc::malformed_text, "A recovery kit has 12 words; these are " +
                                               std::to_string(words.size()) + ". Nothing was changed."};
    bytes all(17);
    for (std::size_t word = 0; word < word_count; ++word) {
        const auto index = index_of(words[word]);
        if (!index)
            return error{errc::malformed_text, "Word " + std::to_string(word + 1) + ", " +
                                                   lower(words[word]) +
                                                   ", is none of a recovery kit. Nothing was changed."};
        for (std::size_t bit = 0; bit < bits_per_word; ++bit) {
            const std::size_t at = word * bits_per_word + bit;
            const auto one = static_cast<std::uint8_t>((*index >> (bits_per_word - 1 - bit)) & 1U);
            all[at / 8] = static_cast<std::uint8_t>(all[at / 8] | (one << (7 - at % 8)));
        }
    }
    recovery_secret secret{};
    std::copy_n(all.begin(), secret.size(), secret.begin());
    if ((with_check(secret)[16] & 0xF0U) != all[16])
        return error{
            errc::malformed_text,
            "These are words of a recovery kit, but not in this order, or one is another. Nothing was "
            "changed. Compare them with what you wrote down."};
    return secret;
}

device_identity recovery_identity(const recovery_secret& secret) {
    return {derived(secret, "casasync/v1/recovery-signing"),
            derived(secret, "casasync/v1/recovery-agreement")};
}

}  // namespace casasync::openssl
