// SPDX-License-Identifier: MIT
#pragma once

/// Finds a row by the hash of its key: open addressing with linear probing, at most half full, eight bytes a
/// slot. Rows are never taken out, and the index is never iterated, so nothing depends on its order.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace casasync::detail {

/// A row's place in a table's registers, in the order in which rows became known.
using row_no = std::uint32_t;

/// Tells the processor that `at` is read soon. Only a hint.
inline void prefetch([[maybe_unused]] const void* at) noexcept {
#if defined(__GNUC__)
    __builtin_prefetch(at);
#endif
}

class row_index {
 public:
    /// Returns the row with this hash for which `same(row)` is true. \cost O(1)
    template <class Same>
    [[nodiscard]] std::optional<row_no> find(std::uint32_t hash, Same&& same) const {
        if (slots_.empty()) return std::nullopt;
        for (std::size_t at = hash & mask(); slots_[at].row != nothing; at = (at + 1) & mask())
            if (slots_[at].hash == hash && same(slots_[at].row)) return slots_[at].row;
        return std::nullopt;
    }
    /// Adds a row that is not there.
    void add(std::uint32_t hash, row_no row) {
        if (2 * (used_ + 1) > slots_.size()) grow();
        ++used_;
        put({hash, row});
    }
    void prefetch(std::uint32_t hash) const noexcept {
        if (!slots_.empty()) detail::prefetch(&slots_[hash & mask()]);
    }

 private:
    static constexpr row_no nothing = ~row_no{0};
    struct slot {
        std::uint32_t hash = 0;
        row_no row = nothing;
    };

    [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }
    void put(slot s) {
        std::size_t at = s.hash & mask();
        while (slots_[at].row != nothing) at = (at + 1) & mask();
        slots_[at] = s;
    }
    void grow() {
        const std::vector<slot> old =
            std::exchange(slots_, std::vector<slot>(slots_.empty() ? 16 : 2 * slots_.size()));
        for (const slot& s : old)
            if (s.row != nothing) put(s);
    }

    std::vector<slot> slots_;
    std::size_t used_ = 0;
};

}  // namespace casasync::detail
