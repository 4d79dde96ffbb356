// SPDX-License-Identifier: MIT
#pragma once

/// A vault and its way to the relay, put together: what the agent runs in a loop and the command line once.
#include <casasync/agent/credentials.hpp>
#include <casasync/beast/client.hpp>
#include <casasync/environment.hpp>
#include <casasync/result.hpp>
#include <casasync/session.hpp>
#include <casasync/sqlite/vault.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace casasync::agent {

/// How far long work is. \param total  0: not known
using progress_sink = std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)>;

/// Blocks while it works. One thread at a time, but for cancel().
class link {
 public:
    /// A device offers a snapshot once it has made this many changes since the last one.
    static constexpr std::size_t snapshot_changes = 20'000;

    /// Opens the vault at `path` with the keys beside it. \errors those of vault::open; missing_credentials,
    /// also for keys of another vault; malformed_text for the relay's URL
    [[nodiscard]] static result<link> open(const std::string& path, progress_sink progress = {});
    /// The same for a vault that is open.
    [[nodiscard]] static result<link> make(sqlite::vault vault, const std::string& path, credentials keys,
                                           progress_sink progress = {});

    link(link&&) noexcept;
    link& operator=(link&&) noexcept;
    ~link();

    /// Syncs until nothing is left, and notes in the vault how it ended. Several processes may do so with one
    /// vault; they take turns. A file that was restored from a backup, or copied, becomes a new device of the
    /// vault by it, with keys of its own. \errors those of the session: what was done before counts, nothing
    /// is lost
    [[nodiscard]] result<sync_report> sync();
    /// Puts a snapshot of the vault at the relay. The vault must have been synced once.
    [[nodiscard]] result<void> offer_snapshot();

    /// Adds a device to the vault's list of devices; one that is in it already is fine.
    /// \errors limit_exceeded when the vault has as many as it may, invalid_argument for one that was
    /// removed; relay_unavailable when others change the list all the time; those of the relay
    [[nodiscard]] result<void> add_device(const device_keys& keys);
    /// Removes a device and gives those who stay a new vault key, in one step; one that is no member any more
    /// is fine. What the device has sent so far stays. It keeps what it holds, and gets nothing that is new.
    /// Returns who was removed. \param with_copies  devices that began as a copy of it go, too, but for this
    /// one \errors invalid_argument for this device; not_found; those of sync and add_device
    [[nodiscard]] result<std::vector<device_id>> remove_device(device_id device, bool with_copies = true);

    /// Adds a recovery kit, which takes the place of one that is there 72 hours later, by whichever device
    /// syncs then; begins an epoch whose key is sealed for it, and puts a snapshot at the relay. \errors as
    /// for add_device; those of offer_snapshot
    [[nodiscard]] result<void> replace_kit(const device_keys& kit);

    /// Has the vault deleted at the relay, for all its devices: each hears of it by its next sync, and by
    /// whom. Files stay as they are. Returns until when the recovery kit may bring it back, unix seconds.
    /// \errors vault_deleted when another device had it deleted; those of the relay
    [[nodiscard]] result<std::uint64_t> delete_vault();

    [[nodiscard]] sqlite::vault& vault() noexcept;
    [[nodiscard]] beast::client& relay() noexcept;
    [[nodiscard]] const credentials& keys() const noexcept;
    [[nodiscard]] const std::string& path() const noexcept;  ///< of the vault file

    /// Makes the call in progress and every later one return `canceled`. From any thread.
    void cancel();

 private:
    struct state;
    explicit link(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

/// Opens a vault, and looks whether it is an older state of the file that sent last: then its status says so,
/// and the next sync makes it a device of its own. \errors those of vault::open; missing_credentials for a
/// key file that is damaged
[[nodiscard]] result<sqlite::vault> open_vault(const std::string& path);

/// Returns the client of a device with these keys. \param at  how patient it is; its URL is that of the keys
[[nodiscard]] result<beast::client> make_client(const credentials& keys, beast::endpoint at = {});

/// Returns the devices whose name is known in `after` and was not in `before`, without this one: they were
/// added meanwhile. A person should hear of each.
[[nodiscard]] std::vector<sqlite::device_info> devices_added(std::span<const sqlite::device_info> before,
                                                             std::span<const sqlite::device_info> after);

/// How a failure is kept in the vault: "offline: The relay cannot be reached. ..."
[[nodiscard]] std::string failure_text(const error& failure);
/// Returns the error that failure_text() wrote down; io_failed where the code is not known.
[[nodiscard]] error parse_failure(std::string_view text);

}  // namespace casasync::agent
