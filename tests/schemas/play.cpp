// SPDX-License-Identifier: MIT
#include "history.hpp"
#include "household.hpp"

#include <functional>

namespace casasync_test {
namespace {

using deed = std::function<void(household&, const std::string& device, const std::string& argument)>;

const std::map<std::string, deed> deeds{
    {".random",
     [](auto&, auto&, auto& a) { sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, std::stoi(a), nullptr); }},
    {".settings", [](auto& h, auto& d, auto& a) { h.settings(d, a); }},
    {".lent", [](auto& h, auto& d, auto&) { h.lent(d); }},
    {".joins", [](auto& h, auto& d, auto& a) { h.joins(d, a); }},
    {".shell", [](auto& h, auto& d, auto& a) { h.write_by_shell(d, a); }},
    {".seal", [](auto& h, auto& d, auto&) { h.seal(d); }},
    {".push", [](auto& h, auto& d, auto&) { h.push(d); }},
    {".pull", [](auto& h, auto& d, auto&) { h.pull(d); }},
    {".open", [](auto& h, auto& d, auto&) { h.restart(d, false); }},
    {".restart", [](auto& h, auto& d, auto&) { h.restart(d, true); }},
    {".restore", [](auto& h, auto& d, auto& a) { h.restore(d, std::stoul(a)); }},
    {".keep", [](auto& h, auto& d, auto& a) { h.keep(d, std::stoul(a)); }},
    {".undelete", [](auto& h, auto& d, auto& a) { h.undelete(d, std::stoul(a)); }},
    {".wait", [](auto& h, auto&, auto& a) { h.wait(std::stoul(a)); }},
    {".meet", [](auto& h, auto&, auto& a) { h.meet(std::stoul(a)); }},
};

}  // namespace

void play(const app_schema& app, const history& events) {
    std::string told;
    for (const event& e : events) told += e.device + ": " + e.what + "\n";
    INFO(told);
    household home(app);
    for (const event& e : events) {
        const std::size_t space = std::min(e.what.find(' '), e.what.size());
        const auto found = deeds.find(e.what.substr(0, space));
        if (found == deeds.end())
            home.write(e.device, e.what);
        else
            found->second(home, e.device, e.what.substr(std::min(space + 1, e.what.size())));
    }
}

}  // namespace casasync_test
