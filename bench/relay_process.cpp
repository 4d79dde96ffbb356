// SPDX-License-Identifier: MIT
#include "relay_process.hpp"

#include <casasync/relay/server.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace casasync::bench {
namespace {

/// Tells the address and runs until the other end of `until` is closed. Returns the exit code.
int serve(const std::string& folder, int tell, int until) {
    relay::server_options o;
    o.data = folder;
    o.rates = {0, 0, 0, 0, 0, 0, 0, 1};
    o.connections_max = 4096;
    const auto server = relay::server::start(o);
    if (!server) {
        std::fprintf(stderr, "relay: %s\n", server.failure().text().c_str());
        return 1;
    }
    const std::string address = (*server)->address() + "\n";
    if (write(tell, address.data(), address.size()) < 0) return 1;
    close(tell);
    char none = 0;
    while (read(until, &none, 1) > 0) {
    }
    (*server)->stop();
    return 0;
}

std::string first_line(int from) {
    std::string out;
    for (char c = 0; read(from, &c, 1) == 1 && c != '\n';) out += c;
    return out;
}

/// As many files and sockets as this user may have open.
void open_many() {
    rlimit most{};
    if (getrlimit(RLIMIT_NOFILE, &most) != 0) return;
    most.rlim_cur = most.rlim_max;
    setrlimit(RLIMIT_NOFILE, &most);
}

}  // namespace

relay_process::relay_process(const std::string& folder) {
    open_many();
    std::array<int, 2> told{}, until{};
    if (pipe(told.data()) != 0 || pipe(until.data()) != 0) throw std::runtime_error("there is no pipe");
    process_ = fork();
    if (process_ == 0) {
        close(told[0]);
        close(until[1]);
        _exit(serve(folder, told[1], until[0]));
    }
    close(told[1]);
    close(until[0]);
    stop_ = until[1];
    address_ = first_line(told[0]);
    close(told[0]);
    if (address_.empty()) throw std::runtime_error("the relay did not start");
}

relay_process::~relay_process() {
    close(stop_);
    int status = 0;
    if (process_ > 0) waitpid(process_, &status, 0);
}

double relay_process::resident_bytes() const {
    std::ifstream in("/proc/" + std::to_string(process_) + "/status");
    for (std::string line; std::getline(in, line);)
        if (line.rfind("VmRSS:", 0) == 0) return 1024 * std::stod(line.substr(6));
    throw std::runtime_error("the relay is gone");
}

}  // namespace casasync::bench
