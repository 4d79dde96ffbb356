// SPDX-License-Identifier: MIT
#include "disk.hpp"

#include <algorithm>

namespace casasync_test {
namespace {

/// The first half of a change that was under way: a write cut somewhere, a truncation done or not.
void perform_torn(casasync::bytes& content, disk_change change, dice& d) {
    if (!change.truncates) change.data.resize(d.below(change.data.size()));
    if (!change.truncates || d.percent(50)) perform(content, change);
}

/// What is on the medium of a file of which not everything was synced.
casasync::bytes survivor(const disk_file& f, loss how, dice& d) {
    casasync::bytes out = f.synced;
    switch (how) {
        case loss::all_unsynced:
            break;
        case loss::nothing:
            return f.now;
        case loss::random_subset:
            for (const disk_change& c : f.unsynced)
                if (d.percent(50)) perform(out, c);
            break;
        case loss::torn_write: {
            const std::uint64_t whole = d.below(f.unsynced.size() + 1);
            for (std::uint64_t i = 0; i < whole; ++i) perform(out, f.unsynced[i]);
            if (whole < f.unsynced.size()) perform_torn(out, f.unsynced[whole], d);
            break;
        }
    }
    return out;
}

}  // namespace

void perform(casasync::bytes& content, const disk_change& change) {
    const std::uint64_t end = change.offset + change.data.size();
    if (change.truncates || end > content.size()) content.resize(end);
    std::copy(change.data.begin(), change.data.end(),
              content.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

disk::disk(const disk_image& image) {
    for (const auto& [name, content] : image) {
        auto f = std::make_shared<disk_file>();
        f->now = f->synced = content;
        names_[name] = synced_names_[name] = std::move(f);
    }
}

void disk::plan(const fault_plan& p) noexcept {
    plan_ = p;
    calls_ = 0;
    calls_of_ = {};
    happened_ = false;
}

void disk::repair() noexcept {
    plan_ = {};
    powered_ = true;
}

fault disk::meet(disk_call c) {
    if (!powered_) return fault::power_loss;
    if (paused_ || (plan_.counted & only(c)) == 0) return fault::none;
    ++calls_of_[static_cast<std::size_t>(c)];
    ++calls_;
    if (plan_.what == fault::none || calls_ < plan_.at || (calls_ > plan_.at && !plan_.sticky))
        return fault::none;
    happened_ = true;
    if (plan_.what == fault::power_loss) lose_power(plan_.how, plan_.seed);
    return plan_.what;
}

void disk::lose_power(loss how, std::uint64_t seed) {
    dice d(seed);
    auto survivors = how == loss::nothing ? names_ : synced_names_;
    if (how == loss::random_subset || how == loss::torn_write) {
        for (const auto& [name, f] : synced_names_)
            if (!names_.contains(name) && d.percent(50)) survivors.erase(name);
        for (const auto& [name, f] : names_)
            if (d.percent(50)) survivors[name] = f;
    }
    disk_image image;
    for (const auto& [name, f] : survivors) image[name] = survivor(*f, how, d);
    disk after(image);
    names_ = std::move(after.names_);
    synced_names_ = std::move(after.synced_names_);
    ++epoch_;
    powered_ = false;
}

disk_image disk::image() const {
    disk_image out;
    for (const auto& [name, f] : names_) out[name] = f->now;
    return out;
}

std::shared_ptr<disk_file> disk::find(const std::string& name) const {
    const auto it = names_.find(name);
    return it == names_.end() ? nullptr : it->second;
}

std::shared_ptr<disk_file> disk::make(const std::string& name) {
    return names_[name] = std::make_shared<disk_file>();
}

void disk::remove(const std::string& name, bool synced) {
    names_.erase(name);
    if (synced) synced_names_ = names_;
}

void disk::sync(const std::string& name, disk_file& f) {
    for (const disk_change& c : f.unsynced) perform(f.synced, c);
    f.unsynced.clear();
    const auto there = names_.find(name);
    if (there == names_.end() || there->second.get() != &f) return;  // it was removed meanwhile
    const auto known = synced_names_.find(name);
    if (known == synced_names_.end() || known->second != there->second) synced_names_ = names_;
}

}  // namespace casasync_test
