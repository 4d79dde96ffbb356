// SPDX-License-Identifier: MIT
#include "history.hpp"

#include <casasync_test/catch.hpp>

#include <sqlite3.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace casasync_test {
namespace {

const std::vector<std::string> names{"desktop", "laptop", "phone"};

std::string statements(const app_schema& app, dice& d) {
    std::string out;
    for (std::size_t n = 1 + d.below(4); n > 0; --n) out += statement_of(app, d) + (n > 1 ? "; " : "");
    return out;
}

std::string transaction(const app_schema& app, dice& d) {
    std::string out = "BEGIN IMMEDIATE; " + statements(app, d) + "; SAVEPOINT thought; " + statements(app, d);
    if (d.one_in(2)) out += "; ROLLBACK TO thought";
    return out + "; RELEASE thought; " + (d.one_in(8) ? "ROLLBACK" : "COMMIT");
}

std::string something(const app_schema& app, dice& d) {
    const std::string which = " " + std::to_string(d.below(8));
    switch (d.below(16)) {
        case 0:
            return ".push";
        case 1:
        case 2:
            return ".pull";
        case 3:
            return ".seal";
        case 4:
            return (d.one_in(2) ? ".restore" : ".keep") + which;
        case 5:
            return ".undelete" + which;
        case 6:
            return d.one_in(2) ? ".open" : ".restart";
        case 7:
            return d.one_in(3) ? ".shell " + statements(app, d) : ".wait 300";
        case 8:
        case 9:
        case 10:
            return transaction(app, d);
        default:
            return statements(app, d);
    }
}

}  // namespace

history history_of(const app_schema& app, std::uint64_t seed) {
    dice d(seed);
    history out{{"all", ".random " + std::to_string(seed)}};
    for (const std::string& name : names) {
        out.push_back({name, ".settings " + d.pick(app.settings)});
        if (app.lends && d.one_in(4)) out.push_back({name, ".lent"});
        out.push_back({name, ".joins " + names[0]});
    }
    for (int round = 0; round < 4; ++round) {
        for (std::size_t n = 4 + d.below(12); n > 0; --n) out.push_back({d.pick(names), something(app, d)});
        out.push_back({"all", ".meet " + std::to_string(d.below(36))});
    }
    out.push_back({"tablet", ".settings " + d.pick(app.settings)});
    out.push_back({"tablet", ".joins " + d.pick(names)});
    out.push_back({"all", ".meet 0"});
    return out;
}

history history_from(std::string_view text) {
    history out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::size_t from = line.find_first_not_of(' '), colon = line.find(": ");
        if (colon == std::string_view::npos) continue;
        out.push_back({std::string(line.substr(from, colon - from)), std::string(line.substr(colon + 2))});
    }
    return out;
}

void live(const app_schema& app) {
    if (const char* file = std::getenv("CASASYNC_HISTORY"); file != nullptr) {
        std::ifstream in(file);
        return play(app, history_from(std::string(std::istreambuf_iterator<char>(in), {})));
    }
    const char* only = std::getenv("CASASYNC_SEED");
    const char* runs = std::getenv("CASASYNC_RUNS");
    const std::uint64_t first = only != nullptr ? std::strtoull(only, nullptr, 10) : 1;
    const std::uint64_t n = only != nullptr ? 1 : runs != nullptr ? std::strtoull(runs, nullptr, 10) : 20;
    for (std::uint64_t seed = first; seed < first + n; ++seed) {
        INFO("seed " << seed);
        const history events = history_of(app, seed);
        if (const char* file = std::getenv("CASASYNC_SAVE"); file != nullptr) {
            std::ofstream out(file);
            for (const event& e : events) out << e.device << ": " << e.what << "\n";
        }
        play(app, events);
    }
}

}  // namespace casasync_test
