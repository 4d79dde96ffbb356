// SPDX-License-Identifier: MIT
#include "spool_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace casasync::agent {
namespace {

error failed(int number) {
    const errc code = number == ENOSPC || number == EDQUOT ? errc::store_full : errc::io_failed;
    return {code, std::string("The snapshot cannot be kept beside the vault until it is sent: ") +
                      std::strerror(number) +
                      ". The data in the vault is safe. Make space for as much as the vault takes, then try "
                      "again."};
}

}  // namespace

result<spool_file> spool_file::make(const std::string& beside) {
    std::string name = beside + "-casasync.snapshot-XXXXXX";
    descriptor file(::mkstemp(name.data()));
    if (!file.open()) return failed(errno);
    ::unlink(name.c_str());
    return spool_file(std::move(file));
}

result<void> spool_file::append(bytes_view data) {
    while (!data.empty()) {
        const ::ssize_t n = ::write(file_.get(), data.data(), data.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(errno);
        data = data.subspan(static_cast<std::size_t>(n));
    }
    return {};
}

result<bytes> spool_file::read(std::uint64_t offset, std::size_t size) {
    bytes out(size);
    for (std::size_t at = 0; at < size;) {
        const ::ssize_t n =
            ::pread(file_.get(), out.data() + at, size - at, static_cast<::off_t>(offset + at));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return failed(n < 0 ? errno : EIO);
        at += static_cast<std::size_t>(n);
    }
    return out;
}

}  // namespace casasync::agent
