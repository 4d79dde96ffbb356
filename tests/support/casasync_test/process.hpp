// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace casasync_test {

/// What a program left behind.
struct outcome {
    int exit = -1;   ///< exit code
    int signal = 0;  ///< that ended it, if one did
    std::string out{}, err{};
};

enum class stdin_is { empty, a_pipe };

/// A program that runs beside the test; ended with the test at the latest.
class process {
 public:
    /// \param arguments  the program's path first
    explicit process(const std::vector<std::string>& arguments, stdin_is input = stdin_is::empty);
    process(const process&) = delete;
    process& operator=(const process&) = delete;
    ~process();

    /// Returns the next line of stdout; waits for it. \throws when the program ends without one
    std::string line();
    /// Writes a line to stdin, which is a pipe.
    void say(const std::string& line);
    [[nodiscard]] ::pid_t pid() const noexcept { return pid_; }
    /// Nothing happens when it has ended, and wait() or line() has told.
    void signal(int number) const;
    /// Waits for the end. Returns what was not read by line(); the same again when called again.
    outcome wait();

 private:
    ::pid_t pid_ = -1;
    int in_ = -1, out_ = -1, err_ = -1;
    std::string buffer_{};
    std::optional<outcome> ended_{};
};

/// Runs a program to its end.
outcome run(const std::vector<std::string>& arguments);

}  // namespace casasync_test
