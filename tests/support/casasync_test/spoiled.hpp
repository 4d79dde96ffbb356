// SPDX-License-Identifier: MIT
#pragma once

/// A JSON object that is not quite what it should be.
#include <string>
#include <utility>
#include <vector>

namespace casasync_test {

/// Names and values, as JSON writes them.
using json_parts = std::vector<std::pair<std::string, std::string>>;

inline std::string object_of(const json_parts& parts) {
    std::string out;
    for (const auto& [name, what] : parts) out += (out.empty() ? "{\"" : ",\"") + name + "\":" + what;
    return out + (out.empty() ? "{}" : "}");
}

/// Returns the object without each member in turn, and with each of another type or out of range.
inline std::vector<std::string> spoiled(const json_parts& parts) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        json_parts one = parts;
        for (const char* wrong :
             {"null", "true", "-1", "1.5", "9007199254740992", "\"!\"", "[]", "[1]", "{}"}) {
            if (parts[i].second[0] == '[' && wrong[0] == '[' && wrong[1] == ']')
                continue;  // an empty list may be right
            one[i].second = wrong;
            out.push_back(object_of(one));
        }
        one.erase(one.begin() + static_cast<std::ptrdiff_t>(i));
        out.push_back(object_of(one));
    }
    return out;
}

}  // namespace casasync_test
