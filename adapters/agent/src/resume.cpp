// SPDX-License-Identifier: MIT
#include "resume.hpp"

#include <casasync/sqlite/vault.hpp>

#include <filesystem>
#include <system_error>

namespace casasync::agent {

bool is_vault(const std::string& path) {
    std::error_code failed;
    if (!std::filesystem::exists(path, failed)) return false;
    const auto vault = sqlite::vault::open(path);
    return vault.ok();
}

error vault_exists(const std::string& path) {
    return {
        errc::already_exists,
        path +
            " is a vault already. Nothing was changed. casasync status tells how "
            "it stands; to add a device, run casasync pair; to join another vault with this file, first run "
            "casasync leave."};
}

result<std::optional<credentials>> find_begun(const std::string& path, setup step) {
    auto found = find_credentials(path);
    if (!found) return found.failure();
    const bool ours = *found && (*found)->step == step;
    if (ours) return found;
    if (is_vault(path)) return vault_exists(path);
    if (*found && (*found)->step == setup::done)
        return error{
            errc::already_exists,
            "The key file of another vault, " + key_file_of(path) +
                ", is beside this file. Nothing was changed. If that vault is no longer needed, move "
                "its key file away; otherwise use another file name."};
    return std::optional<credentials>();
}

error give_up(const std::string& path, error why) {
    if (condition_of(why.code) == condition::rejected && !is_vault(path)) remove_credentials(path);
    return why;
}

}  // namespace casasync::agent
