// SPDX-License-Identifier: MIT
#include "folder.hpp"

#include <casasync/agent/credentials.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/vault_keys.hpp>

#include <casasync_test/catch.hpp>

#include <sys/stat.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <vector>

using namespace casasync;
using agent::credentials;
using agent::find_credentials;
using agent::key_file_of;
using agent::read_credentials;
using agent::setup;
using agent::write_credentials;

namespace {

credentials some_credentials() {
    openssl::random random;
    credentials keys;
    keys.identity = openssl::device_identity::make(random);
    REQUIRE(keys.members.append(openssl::first_entry(keys.identity, {}, 1), openssl::verifier{}));
    keys.vault = keys.members.vault();
    keys.device = keys.identity.id();
    keys.relay = "http://127.0.0.1:8440";
    random.fill(keys.vault_key);
    random.fill(keys.device_key);
    keys.step = setup::join;
    keys.pairing = "7KQ2-M4ZP-9TX";
    return keys;
}

std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("the key file holds everything again, for its owner alone", "[agent]") {
    const casasync_test::folder dir;
    const std::string vault = dir / "home.db";
    credentials keys = some_credentials();
    REQUIRE(write_credentials(vault, keys));
    CHECK(*read_credentials(vault) == keys);
    struct ::stat info {};
    REQUIRE(::stat(key_file_of(vault).c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600U);

    keys.step = setup::done;  // written again: replaced whole, and nothing else is left in the folder
    keys.pairing.clear();
    REQUIRE(write_credentials(vault, keys));
    CHECK(*read_credentials(vault) == keys);
    CHECK_FALSE(std::filesystem::exists(key_file_of(vault) + ".new"));
}

TEST_CASE("whatever differs in the key file is read as it was written", "[agent]") {
    const casasync_test::folder dir;
    openssl::random random;
    credentials all = some_credentials();
    all.next.emplace();
    all.next->identity = openssl::device_identity::make(random);
    const credentials other = some_credentials();
    const std::vector<std::function<void(credentials&)>> changes{
        [&](credentials& c) { c.identity = other.identity, c.device = other.device; },
        [](credentials& c) { c.relay = "https://relay.example"; },
        [&](credentials& c) { c.members = other.members, c.vault = other.vault; },
        [&](credentials& c) { c.vault_key = other.vault_key; },
        [](credentials& c) { c.epoch = 2; },
        [&](credentials& c) { c.device_key = other.device_key; },
        [](credentials& c) { c.key_version = 2; },
        [](credentials& c) { c.step = setup::init; },
        [](credentials& c) { c.pairing.clear(); },
        [](credentials& c) { c.next.reset(); },
        [&](credentials& c) { c.next->identity = other.identity; },
        [&](credentials& c) { c.next->device_key = other.device_key; },
        [](credentials& c) { c.next->key_version = 2; },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        INFO("change " << i);
        credentials keys = all;
        changes[i](keys);
        CHECK_FALSE(keys == all);
        REQUIRE(write_credentials(dir / "home.db", keys));
        const auto read = read_credentials(dir / "home.db");
        REQUIRE(read);
        CHECK(*read == keys);
    }
}

TEST_CASE("a vault found through a symbolic link has the keys of the file it leads to", "[agent]") {
    const casasync_test::folder dir;
    std::ofstream(dir / "home.db") << "x";
    std::filesystem::create_symlink(dir / "home.db", dir / "link.db");
    const credentials keys = some_credentials();
    REQUIRE(write_credentials(dir / "home.db", keys));
    CHECK(*read_credentials(dir / "link.db") == keys);
}

TEST_CASE("a key file that is missing, cut or altered is named and never half believed", "[agent]") {
    const casasync_test::folder dir;
    const std::string vault = dir / "home.db";
    const auto missing = read_credentials(vault);
    REQUIRE_FALSE(missing);
    CHECK(missing.code() == errc::missing_credentials);
    CHECK(missing.failure().detail.find("home.db-casasync.key is not there") != std::string::npos);
    REQUIRE(find_credentials(vault));
    CHECK_FALSE(find_credentials(vault)->has_value());

    REQUIRE(write_credentials(vault, some_credentials()));
    const std::string whole = content(key_file_of(vault));
    for (std::size_t n = 0; n + 2 < whole.size(); n += 3) {
        INFO("cut after " << n << " bytes");
        std::ofstream(key_file_of(vault), std::ios::binary) << whole.substr(0, n);
        const auto cut = read_credentials(vault);
        REQUIRE_FALSE(cut);
        CHECK(cut.code() == errc::missing_credentials);
    }
    std::string altered = whole;
    altered[whole.find("\"members\":[\"") + 60] ^= 1;
    std::ofstream(key_file_of(vault), std::ios::binary) << altered;
    CHECK(read_credentials(vault).code() == errc::missing_credentials);
    std::string newer = whole;
    newer.replace(newer.find("\"version\":3"), 11, "\"version\":4");
    std::ofstream(key_file_of(vault), std::ios::binary) << newer;
    CHECK(find_credentials(vault).code() == errc::missing_credentials);
}

TEST_CASE("a folder that is not there is an error with the path, and changes nothing", "[agent]") {
    const casasync_test::folder dir;
    const auto written = write_credentials(dir / "nowhere/home.db", some_credentials());
    REQUIRE_FALSE(written);
    CHECK(written.code() == errc::io_failed);
    CHECK(written.failure().detail.find("nowhere/home.db-casasync.key") != std::string::npos);
}
