// SPDX-License-Identifier: MIT
#pragma once

/// An application as far as its database shows it: tables, what is in them, and the SQL it writes with.
#include <casasync/sqlite/vault.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace casasync_test {

struct app_table {
    std::string name{};
    casasync::sqlite::track_options how{};
};

struct app_schema {
    std::string tables{};              ///< SQL of everything: tables, indexes, triggers, views
    std::string rows{};                ///< what the first device has in them when its file becomes a vault
    std::vector<app_table> tracked{};  ///< parents first
    /// Of the app's connection; each device has one of them.
    std::vector<std::string> settings{"PRAGMA foreign_keys = ON",
                                      "PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON"};
    /// Statements; {word} stands for one of words["word"], {or} for a conflict clause or none.
    std::vector<std::string> writes{};
    std::map<std::string, std::vector<std::string>> words{};
    bool lends =
        true;  ///< its triggers set what they set, so that the vault may work on the app's connection
    /// Queries that find nothing wherever the app's triggers did their work, and checks that succeed.
    std::vector<std::string> holds{};
};

/// Random choices; one seed makes the same ones everywhere.
class dice {
 public:
    explicit dice(std::uint64_t seed) : random_(seed) {}

    std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <class T>
    const T& pick(const std::vector<T>& from) {
        return from[below(from.size())];
    }

 private:
    std::mt19937_64 random_;
};

/// Returns a statement of the app, with few names and numbers, so that devices meet.
[[nodiscard]] std::string statement_of(const app_schema& app, dice& d);

}  // namespace casasync_test
