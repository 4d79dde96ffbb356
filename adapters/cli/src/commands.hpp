// SPDX-License-Identifier: MIT
#pragma once

/// The commands, a group a file. Each function adds its group to the program; the chosen one runs as a
/// callback while the command line is parsed, and leaves its exit code.
#include "console.hpp"

#include <casasync/result.hpp>
#include <casasync/sqlite/vault.hpp>

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace casasync::cli {

struct program {
    console out{};
    int exit = exit_ok;
};

void add_setup_commands(CLI::App& app, program& run);    ///< init
void add_pairing_commands(CLI::App& app, program& run);  ///< pair, join
void add_leave_command(CLI::App& app, program& run);     ///< leave
void add_vault_command(CLI::App& app, program& run);     ///< vault delete
void add_sync_command(CLI::App& app, program& run);      ///< sync
void add_status_commands(CLI::App& app, program& run);   ///< status, digest
void add_device_commands(CLI::App& app, program& run);  ///< devices, devices remove, devices rename, recovery
void add_verify_command(CLI::App& app, program& run);   ///< verify
void add_conflict_commands(CLI::App& app, program& run);  ///< conflicts, restore, keep, why
void add_log_commands(CLI::App& app, program& run);       ///< log, deleted, undelete, integrity
void add_history_command(CLI::App& app, program& run);    ///< history
void add_track_commands(CLI::App& app, program& run);     ///< track, untrack
void add_migrate_command(CLI::App& app, program& run);    ///< migrate
void add_relay_command(CLI::App& app, program& run);      ///< relay

/// Adds a command that takes a vault file: `DB`, `--json`, and what `body` returns as the exit code.
/// \param body  runs once the command line is understood; an error is told and becomes the exit code
CLI::App* add_command(CLI::App& app, program& run, const std::string& name, const std::string& help,
                      std::function<result<int>()> body);

/// \errors not_found when there is no such file; those of agent::open_vault
[[nodiscard]] result<sqlite::vault> open_vault(const std::string& path);

/// \errors not_found when there is no such file
[[nodiscard]] result<void> require_file(const std::string& path);

}  // namespace casasync::cli
