// SPDX-License-Identifier: MIT
#pragma once

/// How a file becomes a vault, and how a device joins one. The keys are written before the vault that needs
/// them: an interruption at any point leaves nothing, or something that the same call takes up again.
#include <casasync/agent/link.hpp>
#include <casasync/result.hpp>
#include <casasync/sqlite/vault.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

/// Who asks to become a device, as it calls itself.
struct newcomer {
    std::string name{};
    std::string platform{};  ///< "Linux"
};

/// The side of a pairing that has the vault. Blocks; one thread. One invitation serves one device, once:
/// after a failure there has to be another one, with another code.
class invitation {
 public:
    /// Opens a mailbox at the relay, which can be claimed for five minutes. `device` must outlive the
    /// invitation. \errors those of client::open_mailbox
    [[nodiscard]] static result<invitation> make(link& device);

    invitation(invitation&&) noexcept;
    invitation& operator=(invitation&&) noexcept;
    ~invitation();

    /// Returns the code for the person to type on the new device; empty while typed codes are off, because
    /// three runs within 24 hours did not finish.
    [[nodiscard]] std::string code() const;
    /// Returns the same as a link, for a QR code: pairing_link.hpp.
    [[nodiscard]] std::string link_text() const;
    [[nodiscard]] std::int64_t expires_at() const;  ///< unix seconds, relay's clock
    /// Returns how many runs within 24 hours did not finish: somebody may have tried to join.
    [[nodiscard]] std::size_t unfinished() const noexcept;

    /// Waits until a new device has proved that it knows the code, and has said who it is.
    /// \errors pairing_expired; pairing_used when two tried the code; pairing_wrong_code after a wrong guess
    [[nodiscard]] result<newcomer> meet();
    /// Makes it a member, offers a snapshot for it, gives it the keys, and waits until its user has agreed
    /// and it has stored them. Called once, after meet(). When its user declines or says nothing, it is no
    /// member any more. \param check  the two digits that the new device shows, as a person typed them here
    /// \errors pairing_wrong_code for other digits; canceled when the other user declined; pairing_expired;
    /// those of link::sync and link::offer_snapshot
    [[nodiscard]] result<void> admit(std::string_view check);

 private:
    struct state;
    explicit invitation(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

/// What a new device would become part of, for its user to look at before anything of it is sent.
struct vault_offer {
    std::string name{};                  ///< the vault's file on the device that invites
    std::string from{};                  ///< that device
    std::vector<std::string> devices{};  ///< all of them, that one too
    std::string relay{};                 ///< URL
    std::uint64_t rows = 0;              ///< in the tables of the file that is to join; 0 for a new one
};

struct join_options {
    std::string path{};   ///< the file to make; rows of one that is there are brought along
    std::string relay{};  ///< URL; may be empty where `code` is a link
    std::string code{};   ///< as typed, or a link
    std::string device_name{};
    /// Shows the two digits that the person types on the other device. It must return at once.
    std::function<void(const std::string& digits)> show_check{};
    /// Asks the person; empty: agrees.
    std::function<bool(const vault_offer&)> confirm{};
    sqlite::brought_numbers numbers = sqlite::brought_numbers::other_rows;  ///< of rows that are there
};

/// Makes the file a new device of the vault that `code` invites to: schema, rows, tracking. Blocks.
/// \errors malformed_text for the code or URL; pairing_*; too_many_requests for a typed code after three runs
/// within 24 hours that did not finish; canceled when the person declines; already_exists for a vault, or
/// keys of another one beside the file; those of vault::join
[[nodiscard]] result<link> join_vault(const join_options& options, progress_sink progress = {});

/// Makes a recovery kit for the vault of `device`, and returns its twelve words: openssl/recovery_words.hpp.
/// They are shown to the person now, and never again; a kit made before is void 72 hours later. Blocks.
/// \errors those of link::replace_kit
[[nodiscard]] result<std::string> make_recovery_kit(link& device);

struct recover_options {
    std::string path{};   ///< as for join_options
    std::string relay{};  ///< URL
    vault_id vault{};
    std::string words{};  ///< as typed
    std::string device_name{};
};

/// Makes the file a new device of a vault, by its recovery kit alone. The kit is used up; a new one has to be
/// made. Blocks. \errors malformed_text for the words or URL; unauthenticated, device_revoked when there is
/// no such kit; not_found when the relay has no snapshot; already_exists as for join_vault; those of
/// vault::join
[[nodiscard]] result<link> recover_vault(recover_options o, progress_sink progress = {});

/// Makes the file an ordinary one again, see sqlite::vault::leave, and removes its keys. Whoever wants it to
/// be a device again joins with it, and its rows are brought along. Blocks. \errors those of vault::leave;
/// canceled; store_busy while another program syncs; io_failed when a file beside it cannot be removed: call
/// it again
[[nodiscard]] result<void> leave_vault(const std::string& path);

}  // namespace casasync::agent
