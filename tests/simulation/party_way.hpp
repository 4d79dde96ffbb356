// SPDX-License-Identifier: MIT
#pragma once

/// A party's way to the relay. What is about to be sent is written down before it is; and the relay has
/// memory of its own.
#include "memory.hpp"
#include "party.hpp"

#include <utility>

namespace simulation {

/// Models transport. The party must outlive it.
class party_way {
 public:
    explicit party_way(party& p) noexcept : party_(&p) {}

    casasync::result<casasync::push_answer> push(std::span<const casasync::bytes> envelopes) {
        const auto digest = party_->machine.keys().digest(envelopes.back());
        party_->beside.mark = sent_mark{party_->beside.self, digest};
        return relay()->push(envelopes);
    }
    casasync::result<casasync::page> pull(const casasync::pull_request& request) {
        return relay()->pull(request);
    }
    casasync::result<casasync::page> record(std::uint64_t pos) { return relay()->record(pos); }
    casasync::result<std::uint64_t> last_seq(const casasync::device_id& of) { return relay()->last_seq(of); }
    casasync::result<void> attach(const casasync::device_id& self, std::uint64_t forgotten) {
        return relay()->attach(self, forgotten);
    }
    casasync::result<void> acknowledge(std::uint64_t pos) { return relay()->acknowledge(pos); }
    casasync::result<std::optional<casasync::snapshot_info>> latest_snapshot() {
        return relay()->latest_snapshot();
    }
    casasync::result<casasync::bytes> read_snapshot(const casasync::snapshot_info& info, std::uint64_t offset,
                                                    std::uint32_t size) {
        return relay()->read_snapshot(info, offset, size);
    }
    casasync::result<void> begin_snapshot(const casasync::snapshot_info& info) {
        return relay()->begin_snapshot(info);
    }
    casasync::result<void> write_snapshot(const casasync::snapshot_info& info, std::uint64_t offset,
                                          casasync::bytes_view part) {
        return relay()->write_snapshot(info, offset, part);
    }
    casasync::result<void> complete_snapshot(const casasync::snapshot_info& info) {
        return relay()->complete_snapshot(info);
    }

 private:
    /// The way while it is asked: until the end of the expression.
    class asked {
     public:
        explicit asked(casasync::loopback::transport& way) noexcept : way_(&way) {}
        casasync::loopback::transport* operator->() noexcept { return way_; }

     private:
        casasync_test::others_memory relays_{};
        casasync::loopback::transport* way_;
    };
    [[nodiscard]] asked relay() noexcept { return asked(party_->way); }

    party* party_;
};
static_assert(casasync::transport<party_way>);

}  // namespace simulation
