// SPDX-License-Identifier: MIT
#pragma once

/// The devices of a person who uses one app on all of them.
#include "../sqlite/vault_world.hpp"
#include "app_schema.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace casasync_test {

class household {
 public:
    explicit household(const app_schema& app) : app_(&app) {}

    void settings(const std::string& name, const std::string& sql) { settings_[name] = sql; }
    void lent(const std::string& name) { w_.lent.insert(name); }
    /// Becomes a device of the vault; the first one makes its file, with the app's rows, a vault.
    void joins(const std::string& name, const std::string& sponsor);
    /// Each statement by itself: constraints may refuse it.
    void write(const std::string& name, const std::string& sql);
    void write_by_shell(const std::string& name, const std::string& sql);
    void seal(const std::string& name) { vault_test::must(w_[name].seal()); }
    void push(const std::string& name) { w_.push(name); }
    void pull(const std::string& name) { w_.pull(name); }
    /// casasync is started again; the app, too, or not.
    void restart(const std::string& name, bool app_too);
    void restore(const std::string& name, std::size_t which);
    void keep(const std::string& name, std::size_t which);
    void undelete(const std::string& name, std::size_t which);
    void wait(std::size_t ms) { w_.now += static_cast<casasync::unix_ms>(ms); }
    /// All send, then all receive, in an order that `order` decides. After that everything that must be equal
    /// is, no file is damaged, and there is nothing left to send.
    void meet(std::size_t order);

 private:
    void start(const std::string& name);
    void exchange(std::size_t order);
    [[nodiscard]] std::vector<std::string> names_in(std::size_t order) const;
    [[nodiscard]] std::string tables_of(const std::string& name);
    [[nodiscard]] std::string conflicts_of(const std::string& name);
    [[nodiscard]] std::string parked_of(const std::string& name);
    void check_file(const std::string& name);
    void check_all();

    const app_schema* app_;
    vault_test::world w_{};
    std::map<std::string, std::string> settings_{};
};

}  // namespace casasync_test
