// SPDX-License-Identifier: MIT
#pragma once

/// A device's way to its relay over HTTP/1.1: docs/WIRE.md.
#include <casasync/beast/mailbox.hpp>
#include <casasync/beast/origin.hpp>
#include <casasync/openssl/aead.hpp>
#include <casasync/openssl/vault_deletion.hpp>
#include <casasync/transport.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace casasync::beast {

struct client_options {
    endpoint relay{};
    vault_id vault{};
    device_id device{};
    openssl::key256 device_key{};  ///< given by the relay when the device attached: relay.hpp
    std::uint32_t key_version = 1;
};

/// What the relay says of one device.
struct device_info {
    device_id id{};
    bool active = false;         ///< false: revoked
    bool dormant = false;        ///< active, and not seen for 90 days: the relay can forget nothing behind it
    std::uint64_t ack = 0;       ///< position up to which it has stored the log
    std::uint64_t last_seq = 0;  ///< its last changeset there
    std::int64_t last_seen = 0;  ///< unix seconds, relay's clock
};

struct vault_info {
    relay_state relay{};
    std::uint64_t bytes = 0;  ///< that the vault's changesets take at the relay
    std::vector<device_info> devices{};
};

/// What the relay's live channel tells: a reason to pull, and nothing to build on.
struct live_hint {
    std::uint64_t head = 0;      ///< of the vault's log
    generation_id generation{};  ///< of it
};

/// Models casasync::transport. Calls block until answered, timed out or canceled; one connection is kept and
/// used again. One thread at a time, but for cancel(). Nothing is tried twice, except where the relay cannot
/// have seen the first try (the kept connection was closed) and once when the relay finds the request's time
/// off: the difference is remembered and never shown to the user. Every error has a sentence.
class client {
 public:
    /// Returns a client that has not connected yet. \errors malformed_text for the URL; invalid_argument.
    [[nodiscard]] static result<client> make(const client_options& options);

    client(client&&) noexcept;
    client& operator=(client&&) noexcept;
    ~client();

    [[nodiscard]] result<push_answer> push(std::span<const bytes> envelopes);
    [[nodiscard]] result<page> pull(const pull_request& request);
    /// Returns the page of one record, which has its envelope, also if it is this device's own.
    /// \errors as for pull(); not_found
    [[nodiscard]] result<page> record(std::uint64_t pos);
    [[nodiscard]] result<void> acknowledge(std::uint64_t pos);
    /// Returns the newest complete snapshot, or nothing.
    [[nodiscard]] result<std::optional<snapshot_info>> latest_snapshot();
    /// Returns at most `size` (at most 4 MiB) bytes of the content from `offset` on, at least one.
    [[nodiscard]] result<bytes> read_snapshot(const snapshot_info& info, std::uint64_t offset,
                                              std::uint32_t size);
    [[nodiscard]] result<void> begin_snapshot(const snapshot_info& info);
    /// Writes one part: limits::snapshot_part_bytes at a multiple of that, or the shorter rest.
    [[nodiscard]] result<void> write_snapshot(const snapshot_info& info, std::uint64_t offset,
                                              bytes_view part);
    [[nodiscard]] result<void> complete_snapshot(const snapshot_info& info);

    /// Signs every later request as another device of the vault.
    void sign_as(const device_id& device, const openssl::key256& device_key, std::uint32_t key_version);

    /// Tells the relay with every later request that everything up to `pos` is stored. Never goes back.
    void set_ack(std::uint64_t pos) noexcept;

    /// Returns the entries of the vault's list of devices from `after` on, as they are: nothing is verified.
    /// A device that was removed may ask, too.
    [[nodiscard]] result<std::vector<bytes>> members(std::size_t after);
    /// Adds an entry to the list. False: the vault changed meanwhile, so it does not fit any more.
    [[nodiscard]] result<bool> add_member_entry(bytes_view entry);
    [[nodiscard]] result<vault_info> info();
    /// Has the vault deleted at the relay, for all its devices, in the name of this one. Returns until when
    /// its recovery kit may bring it back, unix seconds. \errors vault_deleted when it was already
    [[nodiscard]] result<std::uint64_t> delete_vault(const openssl::device_identity& self);
    /// Returns who had the vault deleted, where the last refusal said so. Nothing is verified: openssl::holds
    /// does, with authority().
    [[nodiscard]] std::optional<openssl::vault_deletion> deletion() const;
    /// Returns what the relay's Host header is.
    [[nodiscard]] const std::string& authority() const noexcept;
    /// Opens a mailbox for a new device, which has five minutes to come.
    [[nodiscard]] result<mailbox> open_mailbox();

    /// Opens the live channel; the first hint tells where the log is then. A call of another kind ends it.
    /// \errors as for pull(); relay_refused, not_found, wrong_relay and others when the relay, or something
    /// on the way, does not speak it: then pull() with a wait is the way to hear of news
    [[nodiscard]] result<void> open_live();
    /// Blocks until the next hint. Pings meanwhile.
    /// \errors after each of them the channel is closed: relay_unavailable when the relay ended it (see
    /// retry_after_s()), already_exists when another channel of this device took its place, device_revoked,
    /// offline when it broke off or fell silent, malformed_answer, canceled
    [[nodiscard]] result<live_hint> next_hint();

    /// Makes the call in progress and every later one, until resume(), return `canceled`. From any thread.
    void cancel();
    void resume() noexcept;

    /// Returns how many seconds the relay asked to wait in its last refusal; 0: it did not say.
    [[nodiscard]] std::uint32_t retry_after_s() const noexcept;

 private:
    struct state;
    explicit client(std::unique_ptr<state> s) noexcept;

    std::unique_ptr<state> state_;
};

}  // namespace casasync::beast
