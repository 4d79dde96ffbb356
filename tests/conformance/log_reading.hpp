// SPDX-License-Identifier: MIT
#pragma once

/// A vault's log as a device reads it, page by page, held against itself: positions are dense, the running
/// hash is right, each device's numbers are dense.
#include "device_client.hpp"

#include <casasync/cursor.hpp>
#include <casasync/envelope.hpp>
#include <casasync/openssl/hash.hpp>
#include <casasync/page.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace casasync_test {

class log_reading {
 public:
    [[nodiscard]] std::uint64_t pos() const noexcept { return pos_; }
    /// The query of the next pull.
    [[nodiscard]] std::string query() const {
        return "?after=" + std::to_string(pos_) + (pos_ == 0 ? "" : "&log=" + log_text(log_));
    }
    /// Takes the answer to it. False: it brings no page, or one that does not fit.
    [[nodiscard]] bool take(const reply& r) {
        if (r.status != 200) return false;
        const auto page = casasync::decode_page(r.body, pos_);
        if (!page) return false;
        for (const casasync::log_record& record : page->records) {
            if (record.pos != ++pos_) return false;
            digests_[pos_] =
                record.envelope.empty() ? record.digest : casasync::openssl::sha256(record.envelope);
            log_ = casasync::advance_log(log_, digests_[pos_], casasync::openssl::sha256);
            own_ += record.envelope.empty() ? 1 : 0;
            if (record.envelope.empty()) continue;
            const auto head = casasync::decode_header(record.envelope);
            if (!head || head->seq != ++last_seq_[head->device]) return false;
        }
        return log_ == page->log;
    }
    /// What came: position -> digest.
    [[nodiscard]] const std::map<std::uint64_t, casasync::digest256>& digests() const noexcept {
        return digests_;
    }
    /// How many of the records are the reader's own.
    [[nodiscard]] std::uint64_t own() const noexcept { return own_; }
    [[nodiscard]] std::uint64_t last_seq_of(const casasync::device_id& device) const {
        const auto it = last_seq_.find(device);
        return it == last_seq_.end() ? 0 : it->second;
    }

 private:
    std::uint64_t pos_ = 0;
    std::uint64_t own_ = 0;
    casasync::digest256 log_{};
    std::map<std::uint64_t, casasync::digest256> digests_{};
    std::map<casasync::device_id, std::uint64_t> last_seq_{};
};

}  // namespace casasync_test
