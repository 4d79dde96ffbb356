// SPDX-License-Identifier: MIT
#include "exit_code.hpp"

namespace casasync::cli {
namespace {

/// One code's exit code, and the sentence for when nothing more is known.
struct entry {
    errc code;
    exit_code exit;
    const char* sentence;
};

constexpr entry table[] = {
    {errc::malformed_changeset, exit_data,
     "A changeset is damaged and was refused whole. Your data is safe; the rest goes on. Run sync again."},
    {errc::malformed_envelope, exit_data,
     "The relay sent an envelope that is damaged. Your data is safe and nothing was taken from it. Run sync "
     "again; if it stays, ask the relay's operator."},
    {errc::malformed_snapshot, exit_data,
     "The snapshot is damaged and was refused whole. Nothing was changed. Run the command again; if it "
     "stays, run pair on the other device again, which makes a new snapshot."},
    {errc::malformed_answer, exit_protocol,
     "The relay's answer makes no sense. Your data is safe. Check the relay's URL, and that no proxy changes "
     "its answers."},
    {errc::malformed_text, exit_usage, "An id, a code or a URL cannot be read. Check it and try again."},
    {errc::authentication_failed, exit_data,
     "Bytes from the relay were altered, or belong to another key. They were refused and your data is safe. "
     "Run sync again; if it stays, ask the relay's operator."},
    {errc::unknown_format_version, exit_data,
     "This was written by a newer casasync. Nothing was changed. Update casasync on this device."},
    {errc::limit_exceeded, exit_data, "Something is larger than casasync takes. Nothing was changed."},
    {errc::log_mismatch, exit_protocol,
     "The relay's log is not the one this device knows. Your data is safe. Run sync again; if it stays, ask "
     "the relay's operator whether it was restored from a backup."},
    {errc::device_copied, exit_protocol,
     "This file was restored from a backup, or copied, while another one went on as this device. Your data "
     "is "
     "safe. Run sync again: it makes this file a device of its own."},
    {errc::seq_conflict, exit_protocol,
     "The relay holds other changes under this device's numbers, as happens when a vault file was copied or "
     "restored from a backup. Your data is safe. Join again as a new device, with a code, into a new file."},
    {errc::seq_gap, exit_protocol,
     "The relay lacks earlier changes of this device. Your data is safe. Ask the relay's operator whether it "
     "was restored from a backup."},
    {errc::stamp_ahead, exit_config,
     "This device's clock is too far ahead. Your data is safe. Set the clock, then run sync again."},
    {errc::stale_epoch, exit_protocol,
     "The relay says that the vault has a newer key, and does not show it. Your changes are safe in the "
     "file. "
     "Ask the relay's operator."},
    {errc::malformed_members, exit_data,
     "The relay's list of the vault's devices is damaged. Nothing of it was used and your data is safe. Ask "
     "the "
     "relay's operator."},
    {errc::members_fork, exit_protocol,
     "The relay's list of the vault's devices is not the one this device knows. Nothing was sent and your "
     "data "
     "is safe. Compare casasync devices on your devices."},
    {errc::history_compacted, exit_protocol,
     "The relay no longer has what this device missed. Your data is safe. Run sync again to catch up from a "
     "snapshot."},
    {errc::unauthenticated, exit_no_permission,
     "The relay does not accept this device. Your data is safe. Check the relay's URL; if it is right, join "
     "again with a code from another device."},
    {errc::clock_skew, exit_try_again,
     "The relay finds this device's clock too far off. Your data is safe. Set the clock, then try again."},
    {errc::device_revoked, exit_no_permission,
     "This device was removed from the vault. What is in the file stays. To be a device of it again, run "
     "casasync "
     "leave and then casasync join with a code from another device: the file's rows are brought along."},
    {errc::not_found, exit_no_input, "There is no such thing. Check the name and try again."},
    {errc::vault_deleted, exit_no_permission,
     "The vault was deleted at the relay by one of its devices. What is in the file stays. casasync leave "
     "makes it "
     "an ordinary file; the recovery kit brings the vault back within 30 days: casasync join NEW_FILE "
     "--recovery."},
    {errc::client_too_old, exit_unavailable,
     "The relay takes only newer versions of casasync. Your changes are safe in the file and wait there. "
     "Update "
     "casasync on this device."},
    {errc::already_exists, exit_cannot_create, "There is one already. Nothing was changed."},
    {errc::pairing_expired, exit_no_permission,
     "The code is past its five minutes. Nothing was changed. Run pair on the other device again for a new "
     "one."},
    {errc::pairing_used, exit_no_permission,
     "The code was used before, so it is void. Nothing was changed. Run pair on the other device again for a "
     "new one."},
    {errc::pairing_wrong_code, exit_no_permission,
     "The code is wrong. Nothing was changed. Check it, or run pair on the other device again for a new "
     "one."},
    {errc::quota_exceeded, exit_try_again,
     "The vault is full at the relay. Your changes are safe in the file and wait there. Ask the relay's "
     "operator for more space."},
    {errc::too_many_requests, exit_try_again,
     "The relay asks to slow down. Your data is safe. Try again in a minute."},
    {errc::offline, exit_try_again,
     "The relay cannot be reached. Your changes are safe in the file and wait there. Check the network, "
     "then try again."},
    {errc::relay_unavailable, exit_unavailable,
     "The relay cannot serve now. Your changes are safe in the file and wait there. Try again later."},
    {errc::relay_refused, exit_protocol, "The relay refused the request. Your data is safe."},
    {errc::wrong_relay, exit_protocol,
     "What answers there is not the casasync relay of this vault. Nothing was changed. Check the URL."},
    {errc::store_busy, exit_try_again,
     "Another program is writing the file. Nothing was changed. Try again when it is done."},
    {errc::store_full, exit_cannot_create,
     "There is no space left on the disk. Your data is safe. Make space, then run the command again."},
    {errc::store_failed, exit_io,
     "The file cannot be read or written, or is damaged. Check the disk, and the file with PRAGMA "
     "integrity_check."},
    {errc::not_a_database, exit_data,
     "The file is not an SQLite database. It was not changed. Check the path."},
    {errc::not_a_vault, exit_data,
     "The database is not a vault yet. It was not changed. Run casasync init or casasync join first."},
    {errc::not_trackable, exit_config, "The table cannot be tracked. Nothing was changed."},
    {errc::schema_mismatch, exit_config,
     "Tables or rules differ between the devices. Nothing was changed. Make them the same, then try again."},
    {errc::missing_credentials, exit_no_permission,
     "The key file of this vault is not there or cannot be read. Your data is safe. Put it back, or join "
     "again with a code from another device."},
    {errc::invalid_argument, exit_usage, "The arguments make no sense. Nothing was changed."},
    {errc::io_failed, exit_io, "A file cannot be read or written. Check the disk and the permissions."},
    {errc::canceled, exit_try_again, "Stopped. Nothing is lost; run the command again to go on."},
};

const entry* find(errc code) noexcept {
    for (const entry& e : table)
        if (e.code == code) return &e;
    return nullptr;
}

}  // namespace

exit_code exit_code_of(errc code) noexcept {
    const entry* e = find(code);
    return e != nullptr ? e->exit : exit_io;
}

std::string sentence_of(const error& failure) {
    if (!failure.detail.empty()) return failure.detail;
    const entry* e = find(failure.code);
    return e != nullptr ? e->sentence : failure.text();
}

}  // namespace casasync::cli
