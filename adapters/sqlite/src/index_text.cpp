// SPDX-License-Identifier: MIT
#include "index_text.hpp"

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
    [[nodiscard]] std::string_view text(const token& t) const noexcept {
        return sql_.substr(t.begin, t.end - t.begin);
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

/// The tokens from `first` up to, not including, `last`, as they stand in the text.
std::string verbatim(std::string_view sql, const std::vector<token>& all, std::size_t first,
                     std::size_t last) {
    if (first >= last) return {};
    return std::string(sql.substr(all[first].begin, all[last - 1].end - all[first].begin));
}

}  // namespace

std::optional<index_text> cut_index_text(std::string_view sql) {
    tokens reader(sql);
    std::vector<token> all;
    while (const auto t = reader.next()) all.push_back(*t);
    const auto word = [&](std::size_t i) {
        return i < all.size() ? reader.text(all[i]) : std::string_view{};
    };

    // CREATE [UNIQUE] INDEX name ON table ( terms ) [WHERE condition]; the first parenthesis opens the terms.
    std::size_t at = 0;
    while (at < all.size() && word(at) != "(") ++at;
    if (at >= all.size() || !same_word(word(0), "create")) return std::nullopt;

    index_text out;
    std::size_t begin = ++at;
    int depth = 0;
    const auto finish_term = [&](std::size_t end) {
        if (end > begin && (same_word(word(end - 1), "asc") || same_word(word(end - 1), "desc"))) --end;
        out.terms.push_back(verbatim(sql, all, begin, end));
    };
    for (; at < all.size(); ++at) {
        const std::string_view t = word(at);
        if (t == "(") ++depth;
        if (t == ")" && depth-- == 0) break;
        if (t == "," && depth == 0) {
            finish_term(at);
            begin = at + 1;
        }
    }
    if (at >= all.size()) return std::nullopt;
    finish_term(at);
    if (same_word(word(at + 1), "where")) out.where = verbatim(sql, all, at + 2, all.size());
    return out;
}

}  // namespace casasync::sqlite
