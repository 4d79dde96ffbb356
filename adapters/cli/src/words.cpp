// SPDX-License-Identifier: MIT
#include "words.hpp"

#include "console.hpp"
#include "show.hpp"

#include <unistd.h>
#include <algorithm>
#include <array>

namespace casasync::cli {

std::vector<std::string> split_at_commas(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        if (comma != 0) out.emplace_back(text.substr(0, comma));
        if (comma == std::string_view::npos) break;
        text.remove_prefix(comma + 1);
    }
    return out;
}

result<reference_map> references_of(std::span<const std::string> texts) {
    reference_map out;
    for (const std::string& text : texts) {
        const std::size_t equals = text.rfind('='), dot = text.find('.');
        if (equals == std::string::npos || dot == std::string::npos || dot == 0 || dot + 1 >= equals ||
            equals + 1 == text.size())
            return error{errc::invalid_argument,
                         "A reference reads TABLE.COLUMN=PARENT, as in note.account_id=account, not " + text +
                             ". Nothing was changed."};
        out[text.substr(0, dot)][text.substr(dot + 1, equals - dot - 1)] = text.substr(equals + 1);
    }
    return out;
}

void put_parents_first(std::vector<std::string>& tables, const reference_map& references) {
    std::stable_partition(tables.begin(), tables.end(), [&](const std::string& table) {
        return std::any_of(references.begin(), references.end(), [&](const auto& child) {
            return std::any_of(child.second.begin(), child.second.end(),
                               [&](const auto& column) { return column.second == table; });
        });
    });
}

std::string joined(std::span<const std::string> names) {
    std::string out;
    for (const std::string& name : names) {
        if (!out.empty()) out += ", ";
        out += printable(name);
    }
    return out.empty() ? "nothing" : out;
}

boost::json::array json_of_names(std::span<const std::string> names) {
    boost::json::array out;
    for (const std::string& name : names) out.push_back(json_of_text(name));
    return out;
}

error untrackable_error(std::span<const sqlite::untrackable> refused) {
    std::string text =
        "Nothing was changed, because not every table can be tracked. Fix these, or name the "
        "tables to track.";
    for (const auto& table : refused) text += "\n    " + table.reason;
    return {errc::not_trackable, text};
}

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "device";
    return name.data();
}

}  // namespace casasync::cli
