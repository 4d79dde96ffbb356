// SPDX-License-Identifier: MIT
#include "interruption.hpp"

#include <map>
#include <new>
#include <utility>

namespace casasync_test {

using namespace casasync;

namespace {

/// A pair with something behind it, made once a journal mode and story.
std::string load_base(device_pair& pair) {
    static std::map<std::pair<std::string, std::string>, pair_image> made;
    const auto base = std::pair(pair.journal(), pair.story().name);
    const auto there = made.find(base);
    if (there != made.end()) return pair.load(there->second), "";
    if (auto p = pair.begin(); !p.empty()) return p;
    made.emplace(base, pair.image());
    return pair.load(made.at(base)), "";
}

}  // namespace

interruption::interruption(const flow& f, const std::string& journal)
    : flow_(f), pair_(journal, *f.story), start_{{}, {}, 1, pair_.relay(), 0} {
    failed_ = prepare();
    if (failed_.empty()) failed_ = start();
    if (!failed_.empty()) return;
    states_.push_back(copy_of(pair_.a.storage(), device::file).sql().everything());
    for (std::size_t i = 0; i < flow_.steps.size(); ++i) {
        if (!run(i)) failed_ = flow_.steps[i].name + ": undisturbed, it fails";
        states_.push_back(copy_of(pair_.a.storage(), device::file).sql().everything());
    }
    if (failed_.empty()) failed_ = fresh_write();
    if (failed_.empty()) final_state_ = pair_.a.sql().everything();
    if (failed_.empty()) failed_ = meet();
    if (failed_.empty()) rows_ = pair_.rows(pair_.a);
}

std::string interruption::prepare() {
    if (auto p = load_base(pair_); !p.empty()) return p;
    for (device* d : {&pair_.a, &pair_.b})
        if (auto p = problem("open", d->open()); !p.empty()) return p;
    if (auto p = flow_.prepare(pair_); !p.empty()) return "prepare: " + p;
    start_ = pair_.image();
    return "";
}

std::string interruption::start() {
    pair_.load(start_);
    seed_vfs(2);
    interrupted_ = threw_ = false;
    last_error_ = {};
    return problem("open", pair_.a.open(!flow_.opens_itself));
}

bool interruption::run(std::size_t step) {
    seed_vfs(step);  // the same ids are drawn when it is done again
    try {
        const auto done = flow_.steps[step].run(pair_);
        if (!done) last_error_ = done.code();
        return done.ok();
    } catch (const std::bad_alloc&) {
        threw_ = true;
        return false;
    }
}

std::size_t interruption::run_from(std::size_t first) {
    while (first < flow_.steps.size() && run(first)) ++first;
    return first;
}

std::string interruption::check_state(app& look, std::size_t& done, bool may_be_more) const {
    if (const auto p = look.integrity(); p != "ok") return "integrity: " + p;
    if (done < flow_.steps.size() && !flow_.steps[done].atomic) return "";
    const std::string now = look.everything();
    if (now == states_[done]) return "";
    const bool more = done < flow_.steps.size() && now == states_[done + 1];
    if (more && (may_be_more || flow_.steps[done].can_fail_late)) return ++done, "";
    if (more) return "a step that failed is in the file: " + flow_.steps[done].name;
    return "after " + std::to_string(done) +
           " steps the file holds neither that nor one more: " + first_difference(states_[done], now) +
           (done < flow_.steps.size() ? ", " + first_difference(states_[done + 1], now) : "");
}

std::string interruption::open_rest(device& d) {
    if (!d.storage().find(device::file)) return "";
    if (!d.has_app())
        if (auto p = problem("open the app of " + d.name(), d.open(false)); !p.empty()) return p;
    return d.has_vault() ? "" : problem("open " + d.name(), d.open_vault());
}

std::string interruption::fresh_write() {
    if (auto p = open_rest(pair_.a); !p.empty()) return p;
    pair_.minutes_pass(1);
    if (pair_.a.sql().transact(pair_.story().fresh) != SQLITE_OK)
        return "a fresh write is refused: " + pair_.a.sql().message();
    return problem("seal", pair_.a.vault().seal());
}

std::string interruption::meet() {
    if (auto p = open_rest(pair_.b); !p.empty()) return p;
    if (flow_.finish)
        if (auto p = flow_.finish(pair_); !p.empty()) return "finish: " + p;
    if (auto p = pair_.settle(); !p.empty()) return p;
    return pair_.agree();
}

std::string interruption::go_on(std::size_t done) {
    if (const std::size_t end = run_from(done); end != flow_.steps.size())
        return "done again, it fails: " + flow_.steps[end].name + ", " + std::string(name_of(last_error_));
    if (auto p = fresh_write(); !p.empty()) return p;
    if (pair_.a.sql().everything() == final_state_) return "";
    if (auto p = meet(); !p.empty()) return p;
    const auto now = pair_.rows(pair_.a);
    if (now == rows_) return "";
    return "the rows are others than undisturbed: " + first_difference(rows_, now);
}

std::string interruption::power_loss(const fault_plan& plan) {
    if (auto p = start(); !p.empty()) return p;
    pair_.a.storage().plan(plan);
    std::size_t done = run_from(0);
    interrupted_ = pair_.a.storage().fault_happened();
    if (!interrupted_) pair_.a.storage().lose_power(plan.how, plan.seed);
    pair_.a.start_again();
    if (auto p = check_state(copy_of(pair_.a.storage(), device::file).sql(), done, true); !p.empty())
        return p;
    if (auto p = problem("open", pair_.a.open(!flow_.opens_itself || done > 0)); !p.empty()) return p;
    return go_on(done);
}

std::string interruption::errors(const fault_plan& plan) {
    return errors([&] { pair_.a.storage().plan(plan); },
                  [&] {
                      interrupted_ = pair_.a.storage().fault_happened();
                      pair_.a.storage().repair();
                  });
}

std::string interruption::errors(const std::function<void()>& begin, const std::function<void()>& end,
                                 bool other_ids) {
    if (auto p = start(); !p.empty()) return p;
    begin();
    std::size_t done = run_from(0);
    end();
    app look(pair_.a.path());  // beside the others: what was undone can still lie in the log of a file
    const bool may_differ = other_ids && done == flow_.steps.size() && look.integrity() == "ok";
    if (!may_differ)
        if (auto p = check_state(look, done, false); !p.empty()) return p;
    return go_on(done);
}

}  // namespace casasync_test
