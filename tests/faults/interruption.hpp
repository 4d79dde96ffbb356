// SPDX-License-Identifier: MIT
#pragma once

/// A flow that is interrupted at one call, from the same beginning every time, and everything that must hold
/// afterwards.
#include "flow.hpp"

#include <functional>
#include <string>
#include <vector>

namespace casasync_test {

class interruption {
 public:
    /// Runs the flow undisturbed once, to know what the file holds after each step, and what all ends with.
    interruption(const flow& f, const std::string& journal);

    /// What went wrong so far; "" when nothing did.
    [[nodiscard]] const std::string& rehearsal_failed() const noexcept { return failed_; }
    /// Runs the flow with a power loss, starts the machine again, checks, goes on, checks again.
    /// \returns what is wrong; "" when nothing is
    [[nodiscard]] std::string power_loss(const fault_plan& plan);
    /// Runs the flow with errors, checks that the same vault object goes on once they are over.
    [[nodiscard]] std::string errors(const fault_plan& plan);
    /// The same with a fault of another kind: `begin` starts it, `end` ends it. \param other_ids  steps that
    /// all went well may have drawn other ids: where SQLite gets along without memory by a file, it draws a
    /// name for it. The file need not hold the same bytes then; rows and devices are compared all the same
    [[nodiscard]] std::string errors(const std::function<void()>& begin, const std::function<void()>& end,
                                     bool other_ids = false);

    /// False when the last run was over before its fault was due.
    [[nodiscard]] bool interrupted() const noexcept { return interrupted_; }
    /// The error that ended the last run's steps, or 0.
    [[nodiscard]] casasync::errc last_error() const noexcept { return last_error_; }
    /// True when a step of the last run ended by std::bad_alloc.
    [[nodiscard]] bool threw() const noexcept { return threw_; }

 private:
    [[nodiscard]] std::string prepare();
    [[nodiscard]] std::string start();
    [[nodiscard]] bool run(std::size_t step);
    /// Runs steps from `first` on. \returns the number of those that are done
    [[nodiscard]] std::size_t run_from(std::size_t first);
    /// The file, as `look` sees it, holds what it held after `done` steps, or also after one more if
    /// `may_be_more`. \param done  set to the number of steps that are in the file
    [[nodiscard]] std::string check_state(app& look, std::size_t& done, bool may_be_more) const;
    /// Opens what is not open.
    [[nodiscard]] std::string open_rest(device& d);
    /// The app writes as ever, and the vault takes it.
    [[nodiscard]] std::string fresh_write();
    /// Both devices hear of each other, and agree.
    [[nodiscard]] std::string meet();
    /// Does again what was not done. Where the file then holds what it holds undisturbed, so does everything
    /// that follows from it; elsewhere (an envelope made twice, a stamp more) both devices must meet.
    [[nodiscard]] std::string go_on(std::size_t done);

    const flow& flow_;
    device_pair pair_;
    pair_image start_;
    std::vector<std::string> states_;  ///< what is in the file before the first step, and after each
    std::string final_state_;          ///< and after a fresh write
    std::string rows_;                 ///< what a person sees when all is over
    std::string failed_;
    bool interrupted_ = false;
    casasync::errc last_error_{};
    bool threw_ = false;
};

}  // namespace casasync_test
