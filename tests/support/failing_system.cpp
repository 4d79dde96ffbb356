// SPDX-License-Identifier: MIT
// Stands before the system's functions for files and connections, in a program that links failing_sqlite.cpp:
// a call that this thread makes counts with those of SQLite, and fails when its turn comes. Those that SQLite
// makes do not count.
#include <casasync_test/failing_sqlite.hpp>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace casasync_test {
namespace {

/// Tells whether this call fails, and sets errno to one reason after another.
bool fails_with(call_kind kind, const std::array<int, 3>& reasons) noexcept {
    static thread_local std::size_t failures = 0;
    if (!next_call_fails(kind)) return false;
    errno = reasons[failures++ % reasons.size()];
    return true;
}
bool file_fails() noexcept {
    return fails_with(call_kind::of_a_file, {EIO, ENOSPC, EDQUOT});
}
/// One that fails is over, and who is at its other end sees it.
bool connection_fails(int socket) noexcept {
    if (!fails_with(call_kind::of_a_connection, {ECONNRESET, ENETDOWN, EPIPE})) return false;
    const int reason = errno;
    ::shutdown(socket, SHUT_RDWR);
    errno = reason;
    return true;
}

template <class Function>
Function* system_function(const char* name) noexcept {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace
}  // namespace casasync_test

using casasync_test::connection_fails;
using casasync_test::file_fails;
using casasync_test::system_function;

extern "C" {

int open(const char* path, int flags, ...) {
    std::va_list rest;
    va_start(rest, flags);
    const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    static auto* const usual = system_function<int(const char*, int, mode_t)>("open");
    return file_fails() ? -1 : usual(path, flags, mode);
}

int mkstemp(char* name) {
    static auto* const usual = system_function<int(char*)>("mkstemp");
    return file_fails() ? -1 : usual(name);
}

ssize_t read(int file, void* to, size_t size) {
    static auto* const usual = system_function<ssize_t(int, void*, size_t)>("read");
    return file_fails() ? -1 : usual(file, to, size);
}

ssize_t write(int file, const void* data, size_t size) {
    static auto* const usual = system_function<ssize_t(int, const void*, size_t)>("write");
    return file_fails() ? -1 : usual(file, data, size);
}

ssize_t pread(int file, void* to, size_t size, off_t at) {
    static auto* const usual = system_function<ssize_t(int, void*, size_t, off_t)>("pread");
    return file_fails() ? -1 : usual(file, to, size, at);
}

ssize_t pwrite(int file, const void* data, size_t size, off_t at) {
    static auto* const usual = system_function<ssize_t(int, const void*, size_t, off_t)>("pwrite");
    return file_fails() ? -1 : usual(file, data, size, at);
}

int fsync(int file) {
    static auto* const usual = system_function<int(int)>("fsync");
    return file_fails() ? -1 : usual(file);
}

int fdatasync(int file) {
    static auto* const usual = system_function<int(int)>("fdatasync");
    return file_fails() ? -1 : usual(file);
}

int fchmod(int file, mode_t mode) noexcept {
    static auto* const usual = system_function<int(int, mode_t)>("fchmod");
    return file_fails() ? -1 : usual(file, mode);
}

int rename(const char* from, const char* to) noexcept {
    static auto* const usual = system_function<int(const char*, const char*)>("rename");
    return file_fails() ? -1 : usual(from, to);
}

int unlink(const char* path) noexcept {
    static auto* const usual = system_function<int(const char*)>("unlink");
    return file_fails() ? -1 : usual(path);
}

int flock(int file, int how) noexcept {
    static auto* const usual = system_function<int(int, int)>("flock");
    return file_fails() ? -1 : usual(file, how);
}

int connect(int socket, const sockaddr* to, socklen_t size) {
    static auto* const usual = system_function<int(int, const sockaddr*, socklen_t)>("connect");
    return connection_fails(socket) ? -1 : usual(socket, to, size);
}

ssize_t send(int socket, const void* data, size_t size, int flags) {
    static auto* const usual = system_function<ssize_t(int, const void*, size_t, int)>("send");
    return connection_fails(socket) ? -1 : usual(socket, data, size, flags);
}

ssize_t sendmsg(int socket, const msghdr* message, int flags) {
    static auto* const usual = system_function<ssize_t(int, const msghdr*, int)>("sendmsg");
    return connection_fails(socket) ? -1 : usual(socket, message, flags);
}

ssize_t recv(int socket, void* to, size_t size, int flags) {
    static auto* const usual = system_function<ssize_t(int, void*, size_t, int)>("recv");
    return connection_fails(socket) ? -1 : usual(socket, to, size, flags);
}

ssize_t recvmsg(int socket, msghdr* message, int flags) {
    static auto* const usual = system_function<ssize_t(int, msghdr*, int)>("recvmsg");
    return connection_fails(socket) ? -1 : usual(socket, message, flags);
}

}  // extern "C"
