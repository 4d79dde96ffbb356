// SPDX-License-Identifier: MIT
#include "interruption.hpp"

#include <map>
#include <new>

namespace casasync_test {

using namespace casasync;

namespace {

/// A pair with something behind it, made once a journal mode.
std::string load_base(device_pair& pair) {
    static std::map<std::string, pair_image> made;
    const auto there = made.find(pair.journal());
    if (there != made.end()) return pair.load(there->second), "";
    if (auto p = pair.begin(); !p.empty()) return p;
    made.emplace(pair.journal(), pair.image());
    return pair.load(made.at(pair.journal())), "";
}

}  // namespace

interruption::interruption(const flow& f, const std::string& journal)
    : flow_(f), pair_(journal), start_{{}, {}, 1, pair_.relay(), 0} {
    failed_ = prepare();
    if (failed_.empty()) failed_ = start();
    if (!failed_.empty()) return;
    states_.push_back(copy_of(pair_.a.storage(), device::file).everything());
    for (const flow_step& step : flow_.steps) {
        if (failed_.empty()) failed_ = problem(step.name, step.run(pair_));
        states_.push_back(copy_of(pair_.a.storage(), device::file).everything());
    }
    if (failed_.empty()) failed_ = open_rest();
    if (failed_.empty()) failed_ = finish();
    if (failed_.empty()) rows_ = pair_.rows(pair_.a);
    if (failed_.empty()) failed_ = pair_.agree();
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
    interrupted_ = false;
    return problem("open", pair_.a.open(!flow_.opens_itself));
}

std::size_t interruption::run_from(std::size_t first) {
    for (std::size_t i = first; i < flow_.steps.size(); ++i) {
        try {
            const auto done = flow_.steps[i].run(pair_);
            if (done) continue;
            last_error_ = done.code();
        } catch (const std::bad_alloc&) {
            last_error_ = errc{};
        }
        return i;
    }
    return flow_.steps.size();
}

std::string interruption::check_state(std::size_t& done, bool may_be_more) {
    copy_of copy(pair_.a.storage(), device::file);
    if (const auto p = copy.integrity(); p != "ok") return "integrity: " + p;
    if (done < flow_.steps.size() && !flow_.steps[done].atomic) return "";
    const std::string now = copy.everything();
    if (now == states_[done]) return "";
    const bool more = done < flow_.steps.size() && now == states_[done + 1];
    if (more && may_be_more) return ++done, "";
    if (more) return "a step that failed is in the file: " + flow_.steps[done].name;
    return "after " + std::to_string(done) +
           " steps the file holds neither that nor one more: " + first_difference(states_[done], now);
}

std::string interruption::open_rest() {
    for (device* d : {&pair_.a, &pair_.b}) {
        if (!d->storage().find(device::file)) continue;
        if (!d->has_app())
            if (auto p = problem("open the app of " + d->name(), d->open(false)); !p.empty()) return p;
        if (!d->has_vault())
            if (auto p = problem("open " + d->name(), d->open_vault()); !p.empty()) return p;
    }
    return "";
}

std::string interruption::finish() {
    if (flow_.finish)
        if (auto p = flow_.finish(pair_); !p.empty()) return "finish: " + p;
    pair_.minutes_pass(1);
    if (pair_.a.sql().transact("INSERT INTO txn(id, note, account) VALUES('fresh', 'fresh', 'cash')") !=
        SQLITE_OK)
        return "a fresh write is refused: " + pair_.a.sql().message();
    return pair_.settle();
}

std::string interruption::go_on(std::size_t done) {
    if (const std::size_t end = run_from(done); end != flow_.steps.size())
        return "done again, it fails: " + flow_.steps[end].name + ", " + std::string(name_of(last_error_));
    if (auto p = open_rest(); !p.empty()) return p;
    if (auto p = finish(); !p.empty()) return p;
    if (const auto now = pair_.rows(pair_.a); now != rows_)
        return "the rows are others than undisturbed: " + first_difference(rows_, now);
    return pair_.agree();
}

std::string interruption::power_loss(const fault_plan& plan) {
    if (auto p = start(); !p.empty()) return p;
    pair_.a.storage().plan(plan);
    std::size_t done = run_from(0);
    interrupted_ = pair_.a.storage().fault_happened();
    if (!interrupted_) pair_.a.storage().lose_power(plan.how, plan.seed);
    pair_.a.start_again();
    if (auto p = check_state(done, true); !p.empty()) return p;
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

std::string interruption::errors(const std::function<void()>& begin, const std::function<void()>& end) {
    if (auto p = start(); !p.empty()) return p;
    begin();
    std::size_t done = run_from(0);
    end();
    if (auto p = check_state(done, false); !p.empty()) return p;
    return go_on(done);
}

}  // namespace casasync_test
