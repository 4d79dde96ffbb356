// SPDX-License-Identifier: MIT
#pragma once

/// Certificates for tests of TLS.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace casasync_test {

/// A key and a certificate for the name "localhost", valid for an hour, its own authority.
struct tls_identity {
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
    std::unique_ptr<X509, decltype(&X509_free)> certificate{X509_new(), X509_free};

    tls_identity() {
        X509* const x = certificate.get();
        X509_set_version(x, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
        X509_gmtime_adj(X509_getm_notBefore(x), -60);
        X509_gmtime_adj(X509_getm_notAfter(x), 3600);
        X509_set_pubkey(x, key.get());
        X509_NAME* const name = X509_get_subject_name(x);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("test relay"), -1, -1, 0);
        X509_set_issuer_name(x, name);
        X509_EXTENSION* const names =
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
        X509_add_ext(x, names, -1);
        X509_EXTENSION_free(names);
        X509_sign(x, key.get(), EVP_sha256());
    }
};

/// A folder with certificate and key as PEM files, removed at the end.
class tls_files {
 public:
    explicit tls_files(const tls_identity& of) {
        std::string name = (std::filesystem::temp_directory_path() / "casasync_tls_XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        folder_ = name;
        write(of);
    }
    tls_files(const tls_files&) = delete;
    tls_files& operator=(const tls_files&) = delete;
    ~tls_files() { std::filesystem::remove_all(folder_); }

    /// Puts another identity in place of the one before.
    void write(const tls_identity& of) const {
        const file_ptr cert(std::fopen(certificate().c_str(), "w"), std::fclose);
        const file_ptr secret(std::fopen(key().c_str(), "w"), std::fclose);
        if (!cert || PEM_write_X509(cert.get(), of.certificate.get()) != 1) std::abort();
        if (!secret ||
            PEM_write_PrivateKey(secret.get(), of.key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
            std::abort();
    }

    [[nodiscard]] std::string certificate() const { return (folder_ / "ca.pem").string(); }
    [[nodiscard]] std::string key() const { return (folder_ / "key.pem").string(); }

 private:
    using file_ptr = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

    std::filesystem::path folder_;
};

}  // namespace casasync_test
