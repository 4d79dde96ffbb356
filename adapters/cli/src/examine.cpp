// SPDX-License-Identifier: MIT
#include "examine.hpp"

#include "sql.hpp"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace casasync::cli {
namespace {

/// A temporary folder, removed with everything in it.
class scratch_folder {
 public:
    scratch_folder() {
        std::error_code failed;
        std::string name = (std::filesystem::temp_directory_path(failed) / "casasync-XXXXXX").string();
        if (!failed && ::mkdtemp(name.data()) != nullptr) path_ = name;
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
    std::filesystem::path path_{};
};

/// Copies tables and what hangs on them. What cannot be made here (a virtual table of a module that is not
/// loaded, the inner tables of one that is) is left out, as it can never be tracked.
result<void> copy_schema(const std::string& from, const std::string& to) {
    auto source = sql_file::open(from, sql_file::access::read);
    if (!source) return source.failure();
    auto copy = sql_file::open(to, sql_file::access::write);
    if (!copy) return copy.failure();
    return source->each(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "AND name NOT LIKE 'casasync\\_%' ESCAPE '\\' "
        "ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, rowid",
        {}, [&](const std::vector<std::string>& row) {
            static_cast<void>(copy->run(row[0]));
            return true;
        });
}

}  // namespace

result<examination> examine(const std::string& path, std::span<const std::string> wanted) {
    const scratch_folder folder;
    if (folder.path().empty())
        return error{errc::io_failed,
                     "No temporary folder can be made. Nothing was changed. Set TMPDIR to a folder that can "
                     "be written."};
    const std::string copy = (folder.path() / "schema.db").string();
    if (auto ok = copy_schema(path, copy); !ok) return ok.failure();
    sqlite::identity nobody;
    nobody.vault.octets[0] = nobody.device.octets[0] = 1;
    auto vault = sqlite::vault::create(copy, nobody);
    if (!vault) return vault.failure();

    examination out;
    out.tables.assign(wanted.begin(), wanted.end());
    if (wanted.empty()) {
        auto all = vault->tables();
        if (!all) return all.failure();
        out.tables = std::move(*all);
    }
    auto refused = vault->check(out.tables);
    if (!refused) return refused.failure();
    out.refused = std::move(*refused);
    return out;
}

}  // namespace casasync::cli
