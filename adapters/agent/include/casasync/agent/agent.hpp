// SPDX-License-Identifier: MIT
#pragma once

/// Keeps a vault in sync in the background: what is written here is on its way at once, and what others write
/// is there when it arrives.
#include <casasync/error.hpp>
#include <casasync/result.hpp>
#include <casasync/sqlite/vault.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace casasync::agent {

enum class agent_state : std::uint8_t {
    starting,
    in_sync,
    syncing,  ///< something is under way
    offline,  ///< the relay cannot be reached or cannot serve now; tried again, with growing pauses
    error,    ///< something has to be done by a person; tried again, with growing pauses
    stopped,
};

[[nodiscard]] std::string_view name_of(agent_state state) noexcept;

struct agent_status {
    agent_state state = agent_state::starting;
    std::optional<error> last_error{};  ///< none after a success
    sqlite::vault_status vault{};       ///< as it was after the last sync
};

struct agent_options {
    std::string path{};   ///< the vault file, with its key file beside it
    std::string relay{};  ///< origin; empty: the one of the key file
    /// Called on the agent's thread with URLs, which are hints to look and never data:
    ///     vault-sync://changeset-received?vault=..&rows=N
    ///     vault-sync://state?vault=..&state=offline&code=..
    ///     vault-sync://conflict?vault=..&open=N
    ///     vault-sync://alarm?vault=..&text=..
    ///     vault-sync://device-added?vault=..&device=..&name=..      somebody let it in: tell the person
    ///     with &copy_of=.. when it is a file of that device that was restored from a backup, or copied
    ///     vault-sync://renumbered?vault=..&rows=N      rows have other numbers here than they had: see
    ///     vault::take_renumbered(); told again after a start, until it was called
    /// It must not call stop().
    std::function<void(const std::string& url)> on_event{};
    std::chrono::milliseconds poll{50};            ///< how often the file is looked at: 4 us each
    std::chrono::milliseconds debounce{100};       ///< so long after the last of several writes
    std::chrono::milliseconds debounce_most{500};  ///< and at most so long after the first
    /// Writes go out once in `batch`, not when they were written: the relay does not see when a person types.
    /// Others see them that much later. What comes from others takes what is there along, and so does wake().
    bool private_timing = false;
    std::chrono::milliseconds batch{60'000};
    std::chrono::seconds refresh{60};  ///< a sync without any sign that one is needed
};

/// Two threads: one works on the vault, one waits at the relay for news. All calls from any thread.
class agent {
 public:
    /// Opens the vault and starts. \errors those of link::open
    [[nodiscard]] static result<agent> start(agent_options options);

    agent(agent&&) noexcept;
    agent& operator=(agent&&) = delete;
    /// stop()
    ~agent();

    /// Ends both threads; a request under way is abandoned, and nothing is lost. A second call does nothing.
    void stop();
    [[nodiscard]] agent_status status() const;
    /// Syncs now, without waiting for a pause after a failure to end: the network is back, or a person asks.
    void wake();

 private:
    struct state;
    explicit agent(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

}  // namespace casasync::agent
