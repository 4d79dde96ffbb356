// SPDX-License-Identifier: MIT
#pragma once

/// What can go wrong in a healthy program, and what a caller may do about it.
/// Callers branch on the `condition`; logs print the code; a person reads `error::detail`.
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace casasync {

/// What a caller may do about an error.
enum class condition {
    retryable = 1,  ///< the same call may succeed later; nothing was changed
    rejected,       ///< this input or request is refused; another one may do
    corrupt,        ///< bytes that were promised to be good are not
};

enum class errc {
    malformed_changeset = 1,  ///< bytes do not decode: corrupt
    malformed_envelope,       ///< a sealed envelope has a wrong shape: corrupt
    malformed_snapshot,       ///< a snapshot does not decode: corrupt
    malformed_members,        ///< an entry of the list of devices does not decode or breaks a rule: corrupt
    malformed_answer,         ///< the relay's answer does not follow the contract: corrupt
    malformed_text,           ///< an id, a code or a URL typed by hand does not parse: rejected
    authentication_failed,    ///< bytes were altered, or sealed under another key: corrupt
    unknown_format_version,   ///< written by a newer casasync: rejected
    limit_exceeded,           ///< larger than a named limit: rejected
    log_mismatch,             ///< the relay's log is not the one this device knows: rejected
    seq_conflict,             ///< the relay holds other bytes under this sequence number: rejected
    seq_gap,                  ///< the relay lacks earlier changesets of this device: rejected
    stamp_ahead,              ///< the relay finds this device's clock too far ahead: rejected
    stale_epoch,              ///< sealed under a vault key that was replaced: rejected
    members_fork,             ///< the list of devices is not a continuation of the one known here: rejected
    history_compacted,        ///< the relay no longer has what this cursor asks for: rejected
    unauthenticated,          ///< the relay does not accept this device's signature: rejected
    clock_skew,               ///< the request's time is too far from the relay's: retryable
    device_revoked,           ///< this device was removed from the vault: rejected
    device_copied,            ///< another copy of this device has written to the vault: rejected
    not_found,                ///< no such thing: rejected
    vault_deleted,            ///< a device of the vault had it deleted at the relay: rejected
    client_too_old,           ///< the relay takes no client of this version any more: rejected
    already_exists,           ///< there is one already: rejected
    pairing_expired,          ///< the code is past its time: rejected
    pairing_used,             ///< the code was used before, or tried by two: rejected
    pairing_wrong_code,       ///< the code does not open the pairing message: rejected
    quota_exceeded,           ///< the vault is full at the relay: retryable
    too_many_requests,        ///< the relay asks to slow down: retryable
    offline,                  ///< the relay cannot be reached: retryable
    relay_unavailable,        ///< the relay answers that it cannot serve now: retryable
    relay_refused,            ///< the relay refused a request for another reason: rejected
    wrong_relay,          ///< what answers is not a casasync relay, or not the one of this vault: rejected
    store_busy,           ///< another writer holds the store: retryable
    store_full,           ///< no space left on disk: retryable
    store_failed,         ///< the store reports an I/O error or a damaged file: corrupt
    not_a_database,       ///< the file is not SQLite: rejected
    not_a_vault,          ///< the database has no vault: rejected
    not_trackable,        ///< the table has no usable key: rejected
    schema_mismatch,      ///< tables or rules differ between devices: rejected
    missing_credentials,  ///< the key file of this vault is not there or not readable: rejected
    invalid_argument,     ///< a caller's mistake: rejected
    io_failed,            ///< a file cannot be read or written: retryable
    canceled,             ///< stopped by the caller: retryable
};

/// Returns what a caller may do about `code`.
[[nodiscard]] constexpr condition condition_of(errc code) noexcept {
    switch (code) {
        case errc::clock_skew:
        case errc::quota_exceeded:
        case errc::too_many_requests:
        case errc::offline:
        case errc::relay_unavailable:
        case errc::store_busy:
        case errc::store_full:
        case errc::io_failed:
        case errc::canceled:
            return condition::retryable;
        case errc::malformed_changeset:
        case errc::malformed_envelope:
        case errc::malformed_snapshot:
        case errc::malformed_members:
        case errc::malformed_answer:
        case errc::authentication_failed:
        case errc::store_failed:
            return condition::corrupt;
        default:
            return condition::rejected;
    }
}

/// Returns a stable lower-case name for logs and JSON: "store_busy".
[[nodiscard]] constexpr std::string_view name_of(errc code) noexcept {
    switch (code) {
        case errc::malformed_changeset:
            return "malformed_changeset";
        case errc::malformed_envelope:
            return "malformed_envelope";
        case errc::malformed_snapshot:
            return "malformed_snapshot";
        case errc::malformed_members:
            return "malformed_members";
        case errc::malformed_answer:
            return "malformed_answer";
        case errc::malformed_text:
            return "malformed_text";
        case errc::authentication_failed:
            return "authentication_failed";
        case errc::unknown_format_version:
            return "unknown_format_version";
        case errc::limit_exceeded:
            return "limit_exceeded";
        case errc::log_mismatch:
            return "log_mismatch";
        case errc::seq_conflict:
            return "seq_conflict";
        case errc::seq_gap:
            return "seq_gap";
        case errc::stamp_ahead:
            return "stamp_ahead";
        case errc::stale_epoch:
            return "stale_epoch";
        case errc::members_fork:
            return "members_fork";
        case errc::history_compacted:
            return "history_compacted";
        case errc::unauthenticated:
            return "unauthenticated";
        case errc::clock_skew:
            return "clock_skew";
        case errc::device_revoked:
            return "device_revoked";
        case errc::device_copied:
            return "device_copied";
        case errc::not_found:
            return "not_found";
        case errc::vault_deleted:
            return "vault_deleted";
        case errc::client_too_old:
            return "client_too_old";
        case errc::already_exists:
            return "already_exists";
        case errc::pairing_expired:
            return "pairing_expired";
        case errc::pairing_used:
            return "pairing_used";
        case errc::pairing_wrong_code:
            return "pairing_wrong_code";
        case errc::quota_exceeded:
            return "quota_exceeded";
        case errc::too_many_requests:
            return "too_many_requests";
        case errc::offline:
            return "offline";
        case errc::relay_unavailable:
            return "relay_unavailable";
        case errc::relay_refused:
            return "relay_refused";
        case errc::wrong_relay:
            return "wrong_relay";
        case errc::store_busy:
            return "store_busy";
        case errc::store_full:
            return "store_full";
        case errc::store_failed:
            return "store_failed";
        case errc::not_a_database:
            return "not_a_database";
        case errc::not_a_vault:
            return "not_a_vault";
        case errc::not_trackable:
            return "not_trackable";
        case errc::schema_mismatch:
            return "schema_mismatch";
        case errc::missing_credentials:
            return "missing_credentials";
        case errc::invalid_argument:
            return "invalid_argument";
        case errc::io_failed:
            return "io_failed";
        case errc::canceled:
            return "canceled";
    }
    return "unknown";
}

/// The std::error_category of `errc`, so that codes travel through interfaces that know only std::error_code.
[[nodiscard]] inline const std::error_category& category() noexcept {
    struct impl final : std::error_category {
        [[nodiscard]] const char* name() const noexcept override { return "casasync"; }
        [[nodiscard]] std::string message(int code) const override {
            return std::string(name_of(static_cast<errc>(code)));
        }
    };
    static const impl instance;  // GCOVR_EXCL_BR_LINE: its guard, when two threads come first
    return instance;
}

[[nodiscard]] inline std::error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), category()};
}

/// A code to branch on and a sentence to read: what happened, that the data is safe, what to do.
struct error {
    errc code{};
    std::string detail{};

    error() = default;
    error(errc c) : code(c) {}  // NOLINT(google-explicit-constructor): `return errc::x;` is the idiom
    error(errc c, std::string text) : code(c), detail(std::move(text)) {}

    [[nodiscard]] condition what() const noexcept { return condition_of(code); }
    /// Returns the sentence, or the code's name where nothing more is known.
    [[nodiscard]] std::string text() const { return detail.empty() ? std::string(name_of(code)) : detail; }
};

}  // namespace casasync

template <>
struct std::is_error_code_enum<casasync::errc> : std::true_type {};
