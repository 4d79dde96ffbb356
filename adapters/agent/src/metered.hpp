// SPDX-License-Identifier: MIT
#pragma once

/// A transport that tells how far it is, marks what it sends (install_mark.hpp), and keeps up with the list
/// of the vault's devices: what an answer brings was perhaps written by a device, or under a key, that is
/// new.
#include "install_mark.hpp"
#include "membership.hpp"

#include <casasync/agent/link.hpp>
#include <casasync/transport.hpp>

namespace casasync::agent {

/// Models transport. The client, the list, the path and the sink must outlive it.
class metered {
 public:
    metered(beast::client& relay, membership& members, const std::string& vault_path,
            const progress_sink& sink) noexcept
        : relay_(&relay), members_(&members), path_(&vault_path), sink_(&sink) {}

    [[nodiscard]] result<push_answer> push(std::span<const bytes> envelopes) {
        const digest256 last = members_->cipher().digest(envelopes.back());
        if (auto ok = mark_sending(*path_, members_->keys().device, last); !ok) return ok.failure();
        auto answer = heard(relay_->push(envelopes));
        if (answer) tell("sending", sent_ += envelopes.size(), 0);
        return answer;
    }
    [[nodiscard]] result<page> pull(const pull_request& request) {
        auto answer = heard(relay_->pull(request));
        if (answer && answer->last > request.from.pos) tell("receiving", answer->last, answer->relay.head);
        return answer;
    }
    /// Returns who had the vault deleted, once the relay has shown it.
    [[nodiscard]] const std::optional<device_id>& deleted_by() const noexcept { return deleted_by_; }
    [[nodiscard]] result<void> acknowledge(std::uint64_t pos) { return relay_->acknowledge(pos); }
    [[nodiscard]] result<std::optional<snapshot_info>> latest_snapshot() { return relay_->latest_snapshot(); }
    [[nodiscard]] result<bytes> read_snapshot(const snapshot_info& info, std::uint64_t offset,
                                              std::uint32_t size) {
        auto answer = relay_->read_snapshot(info, offset, size);
        if (answer) tell("downloading", offset + answer->size(), info.size);
        return answer;
    }
    [[nodiscard]] result<void> begin_snapshot(const snapshot_info& info) {
        return relay_->begin_snapshot(info);
    }
    [[nodiscard]] result<void> write_snapshot(const snapshot_info& info, std::uint64_t offset,
                                              bytes_view part) {
        auto answer = relay_->write_snapshot(info, offset, part);
        if (answer) tell("uploading", offset + part.size(), info.size);
        return answer;
    }
    [[nodiscard]] result<void> complete_snapshot(const snapshot_info& info) {
        return relay_->complete_snapshot(info);
    }

 private:
    /// Looks at the list before the answer is used, where it tells of something new.
    template <class Answer>
    [[nodiscard]] result<Answer> heard(result<Answer> answer) {
        const std::size_t known = members_->list().entries().size();
        if (!answer && answer.code() == errc::vault_deleted) return deleted(answer.failure());
        const bool refused =
            !answer && (answer.code() == errc::stale_epoch || answer.code() == errc::device_revoked);
        if (!refused && !(answer && answer->relay.members > known)) return answer;
        if (auto ok = members_->catch_up(*relay_); !ok) return ok.failure();
        if (!answer && answer.code() == errc::device_revoked)
            return error{
                errc::relay_refused,
                "The relay says that this device was removed from the vault, but cannot show who did "
                "it. Everything on this device is safe, and it goes on trying. Ask the relay's "
                "operator."};
        if (answer && answer->relay.members > members_->list().entries().size())
            return error{errc::malformed_answer,
                         "The relay tells of more devices than it shows. Nothing of its answer was used, and "
                         "everything on this device is safe."};
        return answer;
    }
    /// A relay alone deletes no vault: a device has to have said so.
    [[nodiscard]] error deleted(const error& why) {
        const auto word = relay_->deletion();
        const auto shown = [&] {
            return word && openssl::holds(*word, relay_->authority(), members_->list());
        };
        if (!shown())
            if (auto ok = members_->catch_up(*relay_); !ok) return ok.failure();
        if (shown()) return deleted_by_ = word->device, why;
        return {errc::relay_refused,
                "The relay says that the vault was deleted, but cannot show who did it. Everything on this "
                "device "
                "is safe, and it goes on trying. Ask the relay's operator."};
    }
    void tell(std::string_view what, std::uint64_t done, std::uint64_t total) const {
        if (*sink_) (*sink_)(what, done, total);
    }

    beast::client* relay_;
    membership* members_;
    const std::string* path_;
    const progress_sink* sink_;
    std::uint64_t sent_ = 0;
    std::optional<device_id> deleted_by_{};
};

static_assert(transport<metered>);

}  // namespace casasync::agent
