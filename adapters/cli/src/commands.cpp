// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include <casasync/agent/link.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <filesystem>
#include <system_error>
#include <utility>

namespace casasync::cli {

CLI::App* add_command(CLI::App& app, program& run, const std::string& name, const std::string& help,
                      std::function<result<int>()> body) {
    CLI::App* command = app.add_subcommand(name, help);
    command->add_flag_callback(
        "--json", [&run] { run.out.speak_json(); }, "data and errors as JSON, one value a line");
    command->final_callback([&run, body = std::move(body)] {
        const result<int> done = body();
        run.exit = done ? *done : run.out.fail(done.failure());
    });
    return command;
}

result<void> require_file(const std::string& path) {
    std::error_code failed;
    const auto status = std::filesystem::status(path, failed);
    if (std::filesystem::is_regular_file(status)) return {};
    if (std::filesystem::exists(status))
        return error{errc::not_a_database, path + " is not a file. Nothing was changed. Check the path."};
    return error{errc::not_found, "There is no file " + path +
                                      ". Nothing was changed. Check the path; casasync does not make "
                                      "databases, your app or the sqlite3 shell does."};
}

result<sqlite::vault> open_vault(const std::string& path) {
    if (auto ok = require_file(path); !ok) return ok.failure();
    return agent::open_vault(path);
}

}  // namespace casasync::cli
