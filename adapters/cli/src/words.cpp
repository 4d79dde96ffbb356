// SPDX-License-Identifier: MIT
#include "words.hpp"

#include "console.hpp"
#include "show.hpp"

#include <unistd.h>
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
