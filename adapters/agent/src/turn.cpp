// SPDX-License-Identifier: MIT
#include "turn.hpp"

#include <casasync/agent/credentials.hpp>

#include <sys/file.h>
#include <sys/stat.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace casasync::agent {
namespace {

error no_turn(const std::string& path, const std::string& why_not, const std::string& remedy) {
    return {errno == ENOSPC ? errc::store_full : errc::io_failed,
            "The file " + path + why_not + std::strerror(errno) + ". Nothing was changed. " + remedy};
}

}  // namespace

result<turn> turn::take(const std::string& vault_path, const std::atomic<bool>& canceled) {
    using namespace std::chrono_literals;
    const std::string path = file_beside(vault_path, "-casasync.lock");
    descriptor file(path, O_RDWR | O_CREAT, S_IRUSR | S_IWUSR);
    if (!file.open())
        return no_turn(
            path, " cannot be made: ", "Make sure that there is space and that the folder can be written.");
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return no_turn(path, " cannot be locked: ",
                           "Try again; if that does not help, move the vault to a disk whose file system has "
                           "locks, as a "
                           "local one does.");
        if (canceled) return errc::canceled;
        if (std::chrono::steady_clock::now() > give_up)
            return error{errc::store_busy,
                         "Another casasync has been syncing this vault for half a minute. Nothing is lost. "
                         "Try again when it is done."};
        std::this_thread::sleep_for(20ms);
    }
    return turn(std::move(file));
}

}  // namespace casasync::agent
