// SPDX-License-Identifier: MIT
#include <casasync_test/process.hpp>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <utility>

extern char** environ;

namespace casasync_test {
namespace {

std::array<int, 2> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    return ends;
}

/// Appends what can be read. Returns false at the end.
bool read_some(int from, std::string& into) {
    std::array<char, 4096> part{};
    const ::ssize_t n = ::read(from, part.data(), part.size());
    if (n > 0) into.append(part.data(), static_cast<std::size_t>(n));
    return n > 0 || (n < 0 && errno == EINTR);
}

}  // namespace

process::process(const std::vector<std::string>& arguments, stdin_is input) {
    const auto out = make_pipe(), err = make_pipe();
    ::posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    std::array<int, 2> in{-1, -1};
    if (input == stdin_is::a_pipe) {
        in = make_pipe();
        ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    } else {
        ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    }
    ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    ::posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const int failed = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (in[0] >= 0) ::close(in[0]);
    ::close(out[1]);
    ::close(err[1]);
    in_ = in[1];
    out_ = out[0];
    err_ = err[0];
    if (failed != 0) throw std::runtime_error("cannot run " + arguments[0]);
}

process::~process() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    if (in_ >= 0) ::close(in_);
    ::close(out_);
    ::close(err_);
}

std::string process::line() {
    for (;;) {
        if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
            std::string text = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return text;
        }
        if (!read_some(out_, buffer_)) throw std::runtime_error("the program ended: " + wait().err);
    }
}

void process::say(const std::string& line) {
    const std::string text = line + "\n";
    if (::write(in_, text.data(), text.size()) != static_cast<::ssize_t>(text.size()))
        throw std::runtime_error("the program does not listen");
}

void process::signal(int number) const {
    if (pid_ > 0) ::kill(pid_, number);  // to -1 is to everybody
}

outcome process::wait() {
    if (ended_) return *ended_;
    outcome left;
    left.out = std::exchange(buffer_, {});
    bool out_open = true, err_open = true;
    while (out_open || err_open) {
        std::array<::pollfd, 2> ends{{{out_open ? out_ : -1, POLLIN, 0}, {err_open ? err_ : -1, POLLIN, 0}}};
        ::poll(ends.data(), ends.size(), -1);
        if (ends[0].revents != 0) out_open = read_some(out_, left.out);
        if (ends[1].revents != 0) err_open = read_some(err_, left.err);
    }
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    if (WIFEXITED(status)) left.exit = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) left.signal = WTERMSIG(status);
    ended_ = left;
    return left;
}

outcome run(const std::vector<std::string>& arguments) {
    return process(arguments).wait();
}

}  // namespace casasync_test
