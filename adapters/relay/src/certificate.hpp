// SPDX-License-Identifier: MIT
#pragma once

/// The relay's certificate and its key, as TLS shows them to clients. TLS 1.3 and nothing older.
#include <casasync/result.hpp>

#include <memory>
#include <mutex>
#include <string>

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace casasync::relay {

class certificate {
 public:
    using context = std::shared_ptr<ssl_ctx_st>;

    /// Uses what the PEM files hold from now on: the certificate with the chain above it, and its private
    /// key, not encrypted. Connections that are there go on with what they had. After an error, what was
    /// loaded before stays. Any thread. \errors io_failed for a file that cannot be read as that;
    /// invalid_argument for a key of another certificate
    [[nodiscard]] result<void> load(const std::string& certificate_file, const std::string& key_file);

    /// Any thread; after load().
    [[nodiscard]] context current() const;

 private:
    mutable std::mutex mutex_{};
    context current_{};
};

}  // namespace casasync::relay
