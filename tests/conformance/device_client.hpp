// SPDX-License-Identifier: MIT
#pragma once

/// Devices that sign requests, as a relay sees them: the wire and nothing else of casasync.
#include "http_client.hpp"

#include <casasync/envelope.hpp>
#include <casasync/ids.hpp>
#include <casasync/members.hpp>
#include <casasync/openssl/aead.hpp>
#include <casasync/openssl/identity.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace casasync_test {

/// Returns an id that is the same in each run, and nobody's.
template <class Id>
[[nodiscard]] Id id(std::uint8_t n) {
    Id out;
    out.octets.fill(n);
    return out;
}

/// One request before it is sent, so that a test can spoil any part of it.
struct signed_request {
    std::string method{};
    std::string target{};
    header_fields fields{};
    casasync::bytes body{};

    void set(const std::string& name, const std::string& value);
    void remove(const std::string& name);
};

inline const std::string json_type = "application/json";
inline const std::string octets_type = "application/octet-stream";
inline const std::string envelopes_type = "application/vnd.casasync.envelopes";

/// A device with its key.
struct device_client {
    endpoint at{};
    casasync::vault_id vault{};
    casasync::device_id device{};
    casasync::openssl::device_identity self{};
    casasync::openssl::key256 key{};
    std::uint64_t created = 0;  ///< unix seconds of the signatures
    std::uint64_t ack = 0;
    std::uint32_t key_version = 1;

    [[nodiscard]] std::string base() const { return "/v1/vaults/" + vault.text(); }
    /// Signs a request; `target` is whole.
    [[nodiscard]] signed_request make(const std::string& method, const std::string& target,
                                      casasync::bytes_view body = {},
                                      const std::string& content_type = json_type) const;
    [[nodiscard]] reply send(const signed_request& r) const;
    /// A signed request on this device's vault: `path` goes on after /v1/vaults/{v}.
    [[nodiscard]] reply call(const std::string& method, const std::string& path,
                             casasync::bytes_view body = {},
                             const std::string& content_type = json_type) const;
    [[nodiscard]] reply call(const std::string& method, const std::string& path, std::string_view json) const;

    [[nodiscard]] reply push(const std::vector<casasync::bytes>& envelopes) const;
    [[nodiscard]] reply pull(std::uint64_t after, const std::string& log, const std::string& more = {}) const;
    /// Returns an envelope of this device with a body of `size` bytes that depends on `content`.
    [[nodiscard]] casasync::bytes envelope(std::uint64_t seq, std::size_t size = 256,
                                           std::uint8_t content = 1, std::uint32_t max_hour = 0,
                                           std::uint32_t epoch = 1) const;

    /// Returns the vault's list of devices as the relay has it.
    [[nodiscard]] casasync::member_list members() const;
    [[nodiscard]] reply post(casasync::bytes_view entry) const;
    /// Returns the request to attach with these entries.
    [[nodiscard]] signed_request attaching(const std::vector<casasync::bytes>& entries) const;
    [[nodiscard]] reply attach(const std::vector<casasync::bytes>& entries) const {
        return send(attaching(entries));
    }
    /// Returns the entry that removes these; streams end where the relay says.
    [[nodiscard]] casasync::bytes removal(std::vector<casasync::device_id> gone) const;
};

/// Returns the 22 characters of a log value that a pull sends.
[[nodiscard]] std::string log_text(const casasync::digest256& log);

/// Returns device `self` of the vault that `maker` makes; it is no member anywhere yet.
[[nodiscard]] device_client nobody(const endpoint& at, std::uint64_t now_s,
                                   const casasync::openssl::device_identity& self,
                                   const casasync::openssl::device_identity& maker);
/// Creates the vault of a device and returns that.
[[nodiscard]] device_client make_vault(const endpoint& at, std::uint64_t now_s,
                                       const casasync::openssl::device_identity& maker);
/// Adds a device to the vault of `member`, and attaches it.
device_client enrol(const device_client& member, const casasync::openssl::device_identity& added);
/// Removes a device, and ends the vault's epoch.
void remove(const device_client& member, const device_client& gone);

}  // namespace casasync_test
