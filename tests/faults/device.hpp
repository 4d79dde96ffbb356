// SPDX-License-Identifier: MIT
#pragma once

/// A device on a disk in memory: the app and the vault, each with a connection of its own; it can lose its
/// power and start again.
#include "app.hpp"

#include <casasync/loopback/transport.hpp>
#include <casasync/session.hpp>
#include <casasync/sqlite/vault.hpp>
#include <casasync_test/plain_cipher.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace casasync_test {

template <class Id>
[[nodiscard]] Id id_of(std::uint8_t n) {
    Id id;
    id.octets.fill(n);
    return id;
}

class device {
 public:
    static constexpr const char* file = "home.db";

    device(std::string name, std::uint8_t number);
    device(const device&) = delete;
    device& operator=(const device&) = delete;

    /// From here on the vault works on the app's connection, whose own commits are synced later.
    void lend() noexcept { lent_ = true; }
    /// From here on it is another device: its number is another.
    void become(std::uint8_t number) noexcept { number_ = number; }
    /// Puts other files on the disk; everything is closed first.
    void load(const disk_image& files);
    /// Puts an earlier state of these files, or another device's, on the disk; no envelope is made again.
    void restore(const disk_image& files);
    /// Opens the app's connection, and the vault if `with_vault`.
    [[nodiscard]] casasync::result<void> open(bool with_vault = true);
    [[nodiscard]] casasync::result<void> open_vault();
    /// Closes both, the app last.
    void close() noexcept;
    /// What a machine does after a power loss: nothing is open, and the disk works.
    void start_again();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::string path() const { return name_ + "/" + file; }
    [[nodiscard]] casasync::sqlite::identity who() const;
    [[nodiscard]] casasync::sqlite::vault_options options();
    [[nodiscard]] disk& storage() noexcept { return disk_; }
    [[nodiscard]] app& sql() { return *app_; }
    [[nodiscard]] casasync::sqlite::vault& vault() { return *vault_; }
    [[nodiscard]] bool has_app() const noexcept { return app_ != nullptr; }
    [[nodiscard]] bool has_vault() const noexcept { return vault_.has_value(); }
    void take(casasync::sqlite::vault v) { vault_.emplace(std::move(v)); }
    /// Outlives restarts: no envelope is ever made twice.
    [[nodiscard]] plain_cipher& keys() noexcept { return keys_; }

 private:
    std::string name_;
    std::uint8_t number_;
    bool lent_ = false;
    disk disk_;
    mounted_disk mounted_;
    plain_cipher keys_;
    std::optional<casasync::sqlite::vault> vault_;
    std::unique_ptr<app> app_;
};

template <casasync::transport Way>
[[nodiscard]] casasync::result<casasync::sync_report> sync(device& d, Way& way) {
    return casasync::sync<plain_opener>(d.vault(), d.keys(), way);
}

/// Makes a snapshot of the device's vault and puts it at the relay.
template <casasync::transport Way>
[[nodiscard]] casasync::result<void> offer_snapshot(device& d, Way& way) {
    struct {
        void fill(std::span<std::uint8_t> out) noexcept {
            sqlite3_randomness(static_cast<int>(out.size()), out.data());
        }
    } random;
    casasync::memory_spool spool;
    auto offered = casasync::offer_snapshot<plain_sealer>(d.vault(), d.keys(), way, spool, random);
    return offered ? casasync::result<void>{} : casasync::result<void>{offered.failure()};
}

/// Makes the device's file a new device of the vault whose snapshot lies at the relay.
template <casasync::transport Way>
[[nodiscard]] casasync::result<void> join(
    device& d, Way& way,
    casasync::sqlite::brought_numbers numbers = casasync::sqlite::brought_numbers::other_rows) {
    auto found = casasync::find_snapshot<plain_opener>(d.who().vault, d.keys(), way);
    if (!found) return found.failure();
    if (!*found) return casasync::error{casasync::errc::not_found};
    auto joined = casasync::sqlite::vault::join(d.path(), d.who(), (*found)->source(),
                                                (*found)->manifest().at, d.options(), numbers);
    if (!joined) return joined.failure();
    d.take(std::move(*joined));
    return {};
}

}  // namespace casasync_test
