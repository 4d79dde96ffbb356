// SPDX-License-Identifier: MIT
#include <casasync/agent/credentials.hpp>

#include "descriptor.hpp"
#include "json_members.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <sys/stat.h>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

namespace casasync::agent {
namespace {

constexpr std::size_t key_file_bytes_max = std::size_t{1} << 20;

error unreadable(const std::string& path, const std::string& why) {
    return {
        errc::missing_credentials,
        "The key file " + path + " " + why +
            ". The data in the vault is safe, but without its keys it cannot sync. Put the file back from "
            "a backup, or join again with a code from another device, into a new file."};
}

error write_failed(const std::string& path, int number) {
    const errc code = number == ENOSPC || number == EDQUOT ? errc::store_full : errc::io_failed;
    return {code, "The key file " + path + " cannot be written: " + std::strerror(number) +
                      ". Nothing was changed. Make sure that there is space and that the folder can be "
                      "written, then run the command again."};
}

std::string_view name_of_step(setup step) {
    switch (step) {
        case setup::init:
            return "init";
        case setup::join:
            return "join";
        case setup::done:
            break;
    }
    return "done";
}

/// Reads and verifies the list of devices; an empty one is none yet.
std::optional<member_list> list_in(json_members& in, vault_id vault) {
    std::vector<bytes> entries;
    for (const std::string& text : in.texts("members")) {
        auto entry = from_base64url(text);
        if (!entry) return std::nullopt;
        entries.push_back(std::move(*entry));
    }
    if (entries.empty()) return member_list{};
    auto list = verify_members(vault, entries, openssl::verifier{});
    return list ? std::optional(std::move(*list)) : std::nullopt;
}

std::optional<credentials> decode(std::string_view text) {
    constexpr std::uint64_t most = 0xFFFFFFFFU;
    json_members in(text);
    static_cast<void>(in.number("version", 3, 3));
    credentials out;
    out.vault = in.id<vault_id>("vault");
    out.identity = {in.key("signing_key"), in.key("agreement_key")};
    out.device = out.identity.id();
    auto members = list_in(in, out.vault);
    out.relay = in.text("relay");
    out.vault_key = in.key("vault_key");
    out.epoch = static_cast<std::uint32_t>(in.number("epoch", 1, most));
    out.device_key = in.key("device_key");
    out.key_version = static_cast<std::uint32_t>(in.number("key_version", 1, most));
    const std::string step = in.text("setup");
    out.step = step == "init" ? setup::init : step == "join" ? setup::join : setup::done;
    if (in.has("pairing")) out.pairing = in.text("pairing");
    if (in.has("next_signing_key"))
        out.next = new_device{{in.key("next_signing_key"), in.key("next_agreement_key")},
                              in.key("next_device_key"),
                              static_cast<std::uint32_t>(in.number("next_key_version", 1, most))};
    if (in.bad() || !members || step != name_of_step(out.step)) return std::nullopt;
    out.members = std::move(*members);
    return out;
}

std::string encode(const credentials& keys) {
    boost::json::array members;
    for (const bytes& entry : keys.members.entries())
        members.push_back(boost::json::value(to_base64url(entry)));
    boost::json::object out{{"version", 3},
                            {"vault", keys.vault.text()},
                            {"signing_key", to_base64url(keys.identity.signing)},
                            {"agreement_key", to_base64url(keys.identity.agreement)},
                            {"members", std::move(members)},
                            {"relay", keys.relay},
                            {"vault_key", to_base64url(keys.vault_key)},
                            {"epoch", keys.epoch},
                            {"device_key", to_base64url(keys.device_key)},
                            {"key_version", keys.key_version},
                            {"setup", name_of_step(keys.step)}};
    if (!keys.pairing.empty()) out["pairing"] = keys.pairing;
    if (keys.next) {
        out["next_signing_key"] = to_base64url(keys.next->identity.signing);
        out["next_agreement_key"] = to_base64url(keys.next->identity.agreement);
        out["next_device_key"] = to_base64url(keys.next->device_key);
        out["next_key_version"] = keys.next->key_version;
    }
    return boost::json::serialize(out) + "\n";
}

/// Returns 0 or the errno of what failed.
int write_whole(const descriptor& file, std::string_view text) {
    while (!text.empty()) {
        const ::ssize_t n = ::write(file.get(), text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return ::fchmod(file.get(), S_IRUSR | S_IWUSR) == 0 && ::fsync(file.get()) == 0 ? 0 : errno;
}

constexpr const char* fresh_suffix = ".new";  ///< of a key file until it is whole

int replace(const std::string& path, const std::string& text) {
    const std::string fresh = path + fresh_suffix;
    int failed = 0;
    {
        const descriptor file(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
        if (!file.open()) return errno;
        failed = write_whole(file, text);
    }
    if (failed == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) failed = errno;
    if (failed != 0) {
        ::unlink(fresh.c_str());
        return failed;
    }
    const auto folder = std::filesystem::path(path).parent_path();
    const descriptor directory(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);
    return directory.open() && ::fsync(directory.get()) == 0 ? 0 : errno;
}

}  // namespace

std::string file_beside(const std::string& vault_path, const std::string& suffix) {
    std::error_code failed;
    const auto real = std::filesystem::weakly_canonical(vault_path, failed);
    return (failed ? vault_path : real.string()) + suffix;
}

std::string key_file_of(const std::string& vault_path) {
    return file_beside(vault_path, "-casasync.key");
}

std::vector<std::string> key_files_of(const std::string& vault_path) {
    return {key_file_of(vault_path) + fresh_suffix, key_file_of(vault_path)};
}

void remove_credentials(const std::string& vault_path) {
    std::error_code failed;
    for (const std::string& file : key_files_of(vault_path))
        if (!failed) std::filesystem::remove(file, failed);
}

result<std::optional<credentials>> find_credentials(const std::string& vault_path) {
    const std::string path = key_file_of(vault_path);
    const descriptor file(path, O_RDONLY);
    if (!file.open() && errno == ENOENT) return std::optional<credentials>();
    if (!file.open()) return unreadable(path, std::string("cannot be opened: ") + std::strerror(errno));
    std::string text(key_file_bytes_max, '\0');
    const ::ssize_t n = ::read(file.get(), text.data(), text.size());
    if (n < 0) return unreadable(path, std::string("cannot be read: ") + std::strerror(errno));
    text.resize(static_cast<std::size_t>(n));
    auto keys = decode(text);
    if (!keys) return unreadable(path, "is damaged or was written by another version of casasync");
    return keys;
}

result<credentials> read_credentials(const std::string& vault_path) {
    auto found = find_credentials(vault_path);
    if (!found) return found.failure();
    if (!*found) return unreadable(key_file_of(vault_path), "is not there");
    return std::move(**found);
}

result<void> write_credentials(const std::string& vault_path, const credentials& keys) {
    const std::string path = key_file_of(vault_path);
    if (const int failed = replace(path, encode(keys)); failed != 0) return write_failed(path, failed);
    return {};
}

}  // namespace casasync::agent
