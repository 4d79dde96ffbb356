// SPDX-License-Identifier: MIT
#include "app_schema.hpp"

namespace casasync_test {
namespace {

const std::vector<std::string> conflict_clauses{"", "", "OR REPLACE ", "OR IGNORE ", "OR ABORT ", "OR FAIL "};

std::string filled(const std::string& text, const app_schema& app, dice& d) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t open = text.find('{', at);
        out += text.substr(at, open - at);
        if (open == std::string::npos) break;
        const std::size_t close = text.find('}', open);
        const std::string word = text.substr(open + 1, close - open - 1);
        out += word == "or" ? d.pick(conflict_clauses) : filled(d.pick(app.words.at(word)), app, d);
        at = close + 1;
    }
    return out;
}

}  // namespace

std::string statement_of(const app_schema& app, dice& d) {
    return filled(d.pick(app.writes), app, d);
}

}  // namespace casasync_test
