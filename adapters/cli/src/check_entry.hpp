// SPDX-License-Identifier: MIT
#pragma once

/// How the two digits come to a waiting `casasync pair`: typed on its terminal, or given by a script that
/// runs `casasync pair DB --check NN`, which writes them to the FIFO "<file>-casasync.check".
#include <casasync/result.hpp>

#include <cstdint>
#include <string>

namespace casasync::cli {

class check_entry {
 public:
    /// Makes the FIFO. \errors io_failed
    [[nodiscard]] static result<check_entry> make(const std::string& db);

    check_entry(check_entry&& other) noexcept;
    check_entry& operator=(check_entry&&) = delete;
    ~check_entry();

    /// Returns the first line that comes from either, without spaces around it.
    /// \param until  unix seconds \errors pairing_expired when none came
    [[nodiscard]] result<std::string> wait(std::int64_t until) const;

 private:
    check_entry(std::string path, int fifo) : path_(std::move(path)), fifo_(fifo) {}

    std::string path_;
    int fifo_;
};

/// Hands the digits to the `casasync pair` that waits on this vault. \errors not_found when none does
[[nodiscard]] result<void> send_check(const std::string& db, const std::string& digits);

}  // namespace casasync::cli
