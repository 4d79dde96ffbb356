// SPDX-License-Identifier: MIT
#pragma once

/// How a file becomes a vault, and how a device joins one. The keys are written before the vault that needs
/// them: an interruption at any point leaves nothing, or something that the same call takes up again.
#include <casasync/agent/link.hpp>
#include <casasync/result.hpp>
#include <casasync/sqlite/vault.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace casasync::agent {

struct init_options {
    std::string path{};   ///< an SQLite file
    std::string relay{};  ///< URL
    std::string device_name{};
    std::string create_token{};  ///< what the relay's operator asks for, where he asks for one
    /// Tracks what is to be tracked. Called with the vault, once or, after an interruption, again.
    std::function<result<void>(sqlite::vault&)> track{};
};

/// Makes the file a vault of one device, known to the relay. Its rows stay as they are. Blocks.
/// \errors already_exists for a vault, or keys of another one beside the file; those of create_vault and
/// vault::create, and of `track`
[[nodiscard]] result<link> init_vault(const init_options& options, progress_sink progress = {});

/// The side of a pairing that has the vault. Blocks; one thread.
class invitation {
 public:
    /// Opens a mailbox at the relay, for ten minutes. `device` must outlive the invitation.
    /// \errors those of client::open_mailbox
    [[nodiscard]] static result<invitation> make(link& device);

    invitation(invitation&&) noexcept;
    invitation& operator=(invitation&&) noexcept;
    ~invitation();

    [[nodiscard]] std::string code() const;         ///< for the person to type on the new device
    [[nodiscard]] std::int64_t expires_at() const;  ///< unix seconds, relay's clock

    /// Waits for the new device, makes it a member, offers a snapshot for it, gives it the keys and waits
    /// until it has stored them. Returns its name. \errors pairing_expired; pairing_used when the code was
    /// tried by two; those of link::sync and link::offer_snapshot
    [[nodiscard]] result<std::string> wait();

 private:
    struct state;
    explicit invitation(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

struct join_options {
    std::string path{};   ///< the file to make; one that is there must be empty of the vault's rows
    std::string relay{};  ///< URL
    std::string code{};   ///< as typed
    std::string device_name{};
};

/// Makes the file a new device of the vault that `code` invites to: schema, rows, tracking. Blocks.
/// \errors malformed_text for the code or URL; pairing_*; already_exists for a vault, or keys of another one
/// beside the file; those of vault::join
[[nodiscard]] result<link> join_vault(const join_options& options, progress_sink progress = {});

}  // namespace casasync::agent
