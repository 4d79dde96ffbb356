// SPDX-License-Identifier: MIT
#include "device.hpp"

namespace casasync_test {

using namespace casasync;

device::device(std::string name, std::uint8_t number)
    : name_(std::move(name)), number_(number), mounted_(name_, disk_) {
    install_vfs();
}

void device::load(const disk_image& files) {
    close();
    disk_ = disk(files);
    keys_ = {};  // the same envelopes every time
}

void device::restore(const disk_image& files) {
    close();
    disk_ = disk(files);
}

result<void> device::open(bool with_vault) {
    app_ = std::make_unique<app>(path());
    if (lent_) app_->run("PRAGMA synchronous = NORMAL");
    return with_vault ? open_vault() : result<void>{};
}

result<void> device::open_vault() {
    auto opened = sqlite::vault::open(path(), options());
    if (!opened) return opened.failure();
    vault_.emplace(std::move(*opened));
    return {};
}

void device::close() noexcept {
    vault_.reset();
    app_.reset();
}

void device::start_again() {
    close();
    disk_.repair();
}

sqlite::identity device::who() const {
    return {id_of<vault_id>(7), id_of<device_id>(number_), name_, "http://127.0.0.1:1"};
}

sqlite::vault_options device::options() {
    sqlite::vault_options o;
    o.now = [] { return vfs_time(); };
    o.busy_timeout_ms = 1000;
    o.built_at = 0;
    if (lent_)
        o.run_on_app = [this](const std::function<result<void>(sqlite3*)>& work) {
            return work(app_->handle());
        };
    return o;
}

}  // namespace casasync_test
