// SPDX-License-Identifier: MIT
#pragma once

#include <casasync_test/process.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace casasync_test {

/// The relay as a process of its own; killed with the test at the latest.
class relay_process {
 public:
    /// Starts casasync-relay and reads its first line.
    relay_process(std::string program, std::vector<std::string> arguments, stdin_is input = stdin_is::empty)
        : process_(with_program(std::move(program), std::move(arguments)), input) {
        constexpr std::string_view expected = "casasync-relay listening on ";
        try {
            const std::string line = process_.line();
            if (line.starts_with(expected)) address_ = line.substr(expected.size());
        } catch (const std::runtime_error&) {  // it ended without one
        }
    }

    /// "http://127.0.0.1:1234"; empty if it did not start.
    [[nodiscard]] const std::string& address() const noexcept { return address_; }
    [[nodiscard]] std::uint16_t port() const {
        return static_cast<std::uint16_t>(std::stoi(address_.substr(address_.rfind(':') + 1)));
    }
    [[nodiscard]] ::pid_t pid() const noexcept { return process_.pid(); }
    void signal(int number) const { process_.signal(number); }
    /// Writes a line to its stdin, a pipe. Returns the line that it answers.
    std::string ask(const std::string& line) {
        process_.say(line);
        return process_.line();
    }
    /// Waits for the end. \return the exit code, or -signal
    int wait() {
        const outcome left = process_.wait();
        errors_ = left.err;
        return left.signal != 0 ? -left.signal : left.exit;
    }
    /// Everything it wrote to stderr; after wait().
    [[nodiscard]] const std::string& errors() const noexcept { return errors_; }

 private:
    static std::vector<std::string> with_program(std::string program, std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), std::move(program));
        return arguments;
    }

    process process_;
    std::string address_{};
    std::string errors_{};
};

}  // namespace casasync_test
