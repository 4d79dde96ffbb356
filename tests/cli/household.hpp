// SPDX-License-Identifier: MIT
#pragma once

/// A relay, devices and what a person does with them, by the real programs alone.
#include <casasync_test/process.hpp>
#include "folder.hpp"

#include <boost/json/value.hpp>

#include <memory>
#include <string>
#include <vector>

namespace casasync_test {

class household {
 public:
    /// Starts a relay at a free port of loopback.
    household();

    folder dir{};

    /// Runs casasync with these arguments.
    outcome casasync(std::vector<std::string> arguments) const;
    /// The same in the background.
    std::unique_ptr<process> casasync_beside(std::vector<std::string> arguments) const;
    /// Runs casasync with --json; the last line of stdout, parsed. \throws unless it exits 0
    boost::json::value json(std::vector<std::string> arguments) const;

    /// Runs SQL by the sqlite3 shell. Returns what it printed. \throws when it fails
    std::string sql(const std::string& db, const std::string& statements) const;

    /// The same in the background.
    std::unique_ptr<process> sql_beside(const std::string& db, const std::string& statements) const;

    /// Makes a file with a small finance schema and two transactions.
    std::string make_file(const std::string& name) const;
    /// Makes it a vault. Returns its path.
    std::string make_vault(const std::string& name) const;
    /// Adds a device by a code. Returns its path.
    std::string add_device(const std::string& inviting, const std::string& name) const;
    /// Starts `casasync pair` and returns it with the code it showed.
    std::pair<std::unique_ptr<process>, std::string> invite(const std::string& db) const;
    /// Returns the command line that joins by a code, asking nothing.
    std::vector<std::string> join_command(const std::string& db, const std::string& code,
                                          const std::string& name) const;
    /// Takes the two digits that a join shows, which prints JSON, to the device that invites.
    void admit(const std::string& inviting, process& joining) const;

    const std::string& url() const { return url_; }
    void stop_relay();
    void kill_relay();
    /// Starts the relay again, with the same data at the same address.
    void start_relay();

 private:
    std::string url_{}, listen_ = "127.0.0.1:0";
    std::unique_ptr<process> relay_{};
};

bool has(const std::string& text, const std::string& part);
/// A command ended with `exit` and an error of ours that says `said`.
void check_error(const outcome& done, int exit, const std::string& said);

}  // namespace casasync_test
