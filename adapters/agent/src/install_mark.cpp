// SPDX-License-Identifier: MIT
#include "install_mark.hpp"

#include "descriptor.hpp"

#include <casasync/agent/credentials.hpp>

#include <sys/stat.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace casasync::agent {
namespace {

constexpr ::ssize_t mark_bytes = 48;  ///< device, digest: within one sector, so written at once
using mark = std::array<std::uint8_t, mark_bytes>;

mark mark_of(device_id device, const digest256& envelope) {
    mark out{};
    std::copy(device.octets.begin(), device.octets.end(), out.begin());
    std::copy(envelope.begin(), envelope.end(), out.begin() + device.octets.size());
    return out;
}

std::string mark_file_of(const std::string& vault_path) {
    return file_beside(vault_path, "-casasync.mark");
}

bool write_mark(const descriptor& file, const mark& what) {
    return file.open() && ::pwrite(file.get(), what.data(), what.size(), 0) == mark_bytes &&
           ::fdatasync(file.get()) == 0;
}

}  // namespace

result<void> mark_sending(const std::string& vault_path, device_id device, const digest256& envelope) {
    const std::string path = mark_file_of(vault_path);
    const descriptor file(path, O_RDWR | O_CREAT, S_IRUSR | S_IWUSR);
    const mark wanted = mark_of(device, envelope);
    mark there{};
    if (file.open() && ::pread(file.get(), there.data(), there.size(), 0) == mark_bytes && there == wanted)
        return {};
    if (write_mark(file, wanted)) return {};
    return error{errno == ENOSPC || errno == EDQUOT ? errc::store_full : errc::io_failed,
                 "The file " + path + " cannot be written: " + std::strerror(errno) +
                     ". Nothing was sent, and everything on this device is safe. Make sure that there is "
                     "space and that the folder can be written."};
}

result<void> recognise_copy(sqlite::vault& vault, const std::string& vault_path) {
    const descriptor file(mark_file_of(vault_path), O_RDONLY);
    mark there{};
    if (!file.open() || ::pread(file.get(), there.data(), there.size(), 0) != mark_bytes) return {};
    digest256 envelope{};
    std::copy(there.end() - envelope.size(), there.end(), envelope.begin());
    if (there != mark_of(vault.device(), envelope)) return {};
    const auto known = vault.made(envelope);
    if (!known) return known.failure();
    return *known ? result<void>() : vault.note_copied();
}

}  // namespace casasync::agent
