// SPDX-License-Identifier: MIT
#include "certificate.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <string_view>

namespace casasync::relay {
namespace {

constexpr std::array<unsigned char, 9> protocols{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_size, protocols.data(), protocols.size(), offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/// A relay has nobody to ask for the password of a key.
int no_password(char*, int, int, void*) {
    return 0;
}

std::string last_reason() {
    const char* const text = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return text != nullptr ? text : "it cannot be read";
}

error unusable(const char* what, const std::string& file) {
    return {errc::io_failed, "The " + std::string(what) + " in " + file + " cannot be used (" +
                                 last_reason() + "). It has to be a PEM file that the relay may read."};
}

}  // namespace

result<void> certificate::load(const std::string& certificate_file, const std::string& key_file) {
    ERR_clear_error();
    const context made(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    if (!made) return errc::io_failed;
    SSL_CTX_set_min_proto_version(made.get(), TLS1_3_VERSION);
    SSL_CTX_set_alpn_select_cb(made.get(), choose_protocol, nullptr);
    SSL_CTX_set_default_passwd_cb(made.get(), no_password);
    if (SSL_CTX_use_certificate_chain_file(made.get(), certificate_file.c_str()) != 1)
        return unusable("certificate", certificate_file);
    if (SSL_CTX_use_PrivateKey_file(made.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        if (ERR_GET_REASON(ERR_peek_last_error()) != X509_R_KEY_VALUES_MISMATCH)
            return unusable("key", key_file);
        ERR_clear_error();
        return error{
            errc::invalid_argument,
            "The key in " + key_file + " is not the one of the certificate in " + certificate_file + "."};
    }
    const std::lock_guard lock(mutex_);
    current_ = made;
    return {};
}

certificate::context certificate::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

}  // namespace casasync::relay
