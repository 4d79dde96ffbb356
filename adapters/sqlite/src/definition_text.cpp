// SPDX-License-Identifier: MIT
#include "definition_text.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace casasync::sqlite {
namespace {

bool is_word(char c) noexcept {
    const auto u = static_cast<unsigned char>(c);
    return std::isalnum(u) != 0 || c == '_' || c == '$' || u >= 0x80;
}

bool same_word(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (std::tolower(static_cast<unsigned char>(a[i])) != std::tolower(static_cast<unsigned char>(b[i])))
            return false;
    return true;
}

/// One lexical element: a word, a quoted thing or one other character. Comments count as blank.
struct token {
    std::size_t begin = 0, end = 0;
};

/// Splits SQL into tokens without blanks and comments.
class tokens {
 public:
    explicit tokens(std::string_view sql) noexcept : sql_(sql) {}

    [[nodiscard]] std::optional<token> next() noexcept {
        skip_blank();
        if (at_ >= sql_.size()) return std::nullopt;
        const std::size_t begin = at_;
        const char c = sql_[at_];
        if (c == '\'' || c == '"' || c == '`')
            skip_quoted(c);
        else if (c == '[')
            at_ = end_after(sql_.find(']', at_), 1);
        else if (is_word(c))
            while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
        else
            ++at_;
        return token{begin, at_};
    }

 private:
    [[nodiscard]] std::size_t end_after(std::size_t found, std::size_t size) const noexcept {
        return found == std::string_view::npos ? sql_.size() : found + size;
    }
    void skip_blank() noexcept {
        while (at_ < sql_.size()) {
            if (std::isspace(static_cast<unsigned char>(sql_[at_])) != 0)
                ++at_;
            else if (sql_.substr(at_, 2) == "--")
                at_ = end_after(sql_.find('\n', at_), 1);
            else if (sql_.substr(at_, 2) == "/*")
                at_ = end_after(sql_.find("*/", at_ + 2), 2);
            else
                return;
        }
    }
    void skip_quoted(char quote) noexcept {
        ++at_;
        while (at_ < sql_.size()) {
            if (sql_[at_++] != quote) continue;
            if (at_ < sql_.size() && sql_[at_] == quote)
                ++at_;  // doubled: stands for itself
            else
                return;
        }
    }

    std::string_view sql_;
    std::size_t at_ = 0;
};

/// A range of tokens, from `begin` up to, not including, `end`.
struct span_of_tokens {
    std::size_t begin = 0, end = 0;
};

/// SQL with its tokens.
class lexed {
 public:
    explicit lexed(std::string_view sql) : sql_(sql) {
        tokens reader(sql);
        while (const auto t = reader.next()) all_.push_back(*t);
    }
    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
    /// The text of a token; empty past the end.
    [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept {
        return i < all_.size() ? sql_.substr(all_[i].begin, all_[i].end - all_[i].begin) : std::string_view{};
    }
    [[nodiscard]] bool is(std::size_t i, std::string_view word) const noexcept {
        return same_word((*this)[i], word);
    }
    /// The tokens as they stand in the text, with what is between them.
    [[nodiscard]] std::string verbatim(span_of_tokens s) const {
        if (s.begin >= s.end) return {};
        return std::string(sql_.substr(all_[s.begin].begin, all_[s.end - 1].end - all_[s.begin].begin));
    }
    /// Returns the place of the parenthesis that closes the one at `open`, or size().
    [[nodiscard]] std::size_t closing(std::size_t open) const noexcept {
        int depth = 0;
        for (std::size_t i = open; i < size(); ++i) {
            if ((*this)[i] == "(") ++depth;
            if ((*this)[i] == ")" && --depth == 0) return i;
        }
        return size();
    }
    /// Returns what stands between the commas of the list that opens at `open`, not of those inside it.
    [[nodiscard]] std::vector<span_of_tokens> terms(std::size_t open) const {
        std::vector<span_of_tokens> out{{open + 1, open + 1}};
        const std::size_t end = closing(open);
        for (std::size_t i = open + 1; i < end; ++i) {
            if ((*this)[i] == ",") {
                out.push_back({i + 1, i + 1});
                continue;
            }
            if ((*this)[i] == "(") i = std::min(closing(i), end - 1);
            out.back().end = i + 1;
        }
        return out;
    }
    /// Returns the place of the first opening parenthesis, or size().
    [[nodiscard]] std::size_t first_list() const noexcept {
        std::size_t i = 0;
        while (i < size() && (*this)[i] != "(") ++i;
        return i;
    }

 private:
    std::string_view sql_;
    std::vector<token> all_{};
};

/// Takes the quotes off a name.
std::string unquoted(std::string_view name) {
    if (name.size() < 2) return std::string(name);
    const char open = name.front();
    if (open != '"' && open != '`' && open != '\'' && open != '[') return std::string(name);
    std::string out;
    for (std::size_t i = 1; i + 1 < name.size(); ++i) {
        out.push_back(name[i]);
        if (open != '[' && name[i] == open) ++i;  // doubled
    }
    return out;
}

}  // namespace

std::optional<index_text> cut_index(std::string_view sql) {
    const lexed text(sql);
    // CREATE [UNIQUE] INDEX name ON table ( terms ) [WHERE condition]
    const std::size_t open = text.first_list(), close = text.closing(open);
    if (close >= text.size() || !text.is(0, "create")) return std::nullopt;
    index_text out;
    for (span_of_tokens term : text.terms(open)) {
        if (term.end > term.begin && (text.is(term.end - 1, "asc") || text.is(term.end - 1, "desc")))
            --term.end;
        out.terms.push_back(text.verbatim(term));
    }
    if (text.is(close + 1, "where")) out.where = text.verbatim({close + 2, text.size()});
    return out;
}

std::vector<generated_text> cut_generated(std::string_view sql) {
    const lexed text(sql);
    std::vector<generated_text> out;
    const std::size_t open = text.first_list();
    if (open >= text.size()) return out;
    for (const span_of_tokens& term : text.terms(open)) {
        for (std::size_t i = term.begin + 1; i < term.end; ++i) {
            if (text.is(i, "as") && text[i + 1] == "(") {
                out.push_back({unquoted(text[term.begin]), text.verbatim({i + 2, text.closing(i + 1)})});
                break;
            }
            if (text[i] == "(") i = text.closing(i);
        }
    }
    return out;
}

}  // namespace casasync::sqlite
