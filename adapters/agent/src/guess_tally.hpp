// SPDX-License-Identifier: MIT
#pragma once

/// How often somebody may have guessed at a code on this device: "<file>-casasync.tries", a time a line. A
/// run counts, from when the other side answered until that side has proved that it knows the code, however
/// it ends: a relay can dress a wrong guess as a time-out or a failure. So it is written down before.
#include <casasync/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace casasync::agent {

class guess_tally {
 public:
    static constexpr std::size_t most = 3;          ///< then typed codes are off ..
    static constexpr std::int64_t kept_s = 86'400;  ///< .. until so long after

    /// \param vault_path  the vault, or the file that is to become one
    explicit guess_tally(const std::string& vault_path);

    /// Returns the runs within 24 hours that did not finish. \errors io_failed
    [[nodiscard]] result<std::size_t> count() const;
    /// Writes a run down, durably. \errors io_failed, store_full
    [[nodiscard]] result<void> begin();
    /// Takes it back: whoever was there knew the code.
    [[nodiscard]] result<void> end();

 private:
    [[nodiscard]] result<std::vector<std::int64_t>> read() const;
    [[nodiscard]] result<void> write(const std::vector<std::int64_t>& times) const;

    std::string path_;
    std::int64_t begun_ = 0;
};

}  // namespace casasync::agent
