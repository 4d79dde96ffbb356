// SPDX-License-Identifier: MIT
#include <casasync/casasync.hpp>
#include <casasync/openssl/hash.hpp>

#include <iostream>
#include <string>

int main() {
    const std::string text = "abc";
    const auto digest = casasync::openssl::sha256(casasync::as_bytes(text));
    std::cout << casasync::to_hex(digest) << '\n';
    return digest[0] == 0xBA && digest[1] == 0x78 ? 0 : 1;  // FIPS 180-4
}
