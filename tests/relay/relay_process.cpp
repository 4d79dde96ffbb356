// SPDX-License-Identifier: MIT
#include "relay_process.hpp"

#include "fixtures.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>

namespace casasync_test {
namespace {

std::array<int, 2> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    return ends;
}

std::string read_until(int fd, char end) {
    std::string out;
    char c = 0;
    while (::read(fd, &c, 1) == 1 && c != end) out += c;
    return out;
}

}  // namespace

relay_process::relay_process(const std::vector<std::string>& arguments) {
    const auto out = make_pipe();
    const auto err = make_pipe();
    std::vector<char*> argv{const_cast<char*>(CASASYNC_RELAY_PROGRAM)};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::dup2(out[1], STDOUT_FILENO);
        ::dup2(err[1], STDERR_FILENO);
        for (const int fd : {out[0], out[1], err[0], err[1]}) ::close(fd);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    out_ = out[0];
    err_ = err[0];
    const std::string line = read_until(out_, '\n');
    constexpr std::string_view expected = "casasync-relay listening on ";
    if (line.starts_with(expected)) address_ = line.substr(expected.size());
}

relay_process::~relay_process() {
    if (pid_ > 0) {
        signal(SIGKILL);
        wait();
    }
    ::close(out_);
    ::close(err_);
}

std::uint16_t relay_process::port() const {
    return port_of(address_);
}

void relay_process::signal(int number) {
    ::kill(pid_, number);
}

int relay_process::wait() {
    errors_ = read_until(err_, '\0');
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace casasync_test
