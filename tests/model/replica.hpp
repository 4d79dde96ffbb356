// SPDX-License-Identifier: MIT
#pragma once

/// The least device: two keys of one table, the engine's capture, merge and admission, and nothing else. A
/// value, so that a branch of an exploration is a copy. Local writes are what a person's SQL would be.
#include <casasync/capture.hpp>
#include <casasync/codec.hpp>
#include <casasync/inbox.hpp>
#include <casasync/merge.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace interleaving {

/// What a device may do once. Each works on the row if it is there, under whichever key.
enum class kind : std::uint8_t {
    insert,       ///< INSERT OR IGNORE
    update_f1,    ///< UPDATE of one field
    update_f2,    ///< and of the other
    update_both,  ///< UPDATE of both fields
    remove,       ///< DELETE
    reinsert,     ///< DELETE and INSERT in one transaction
    change_key,   ///< UPDATE of the key, if the other key is free
    nothing,      ///< UPDATE of a field to what it is
};
inline constexpr std::size_t kinds = 8;
inline constexpr std::size_t keys = 2;

/// A sealed changeset on its way.
struct sealed {
    casasync::changeset body{};
    casasync::changeset_head head{};
};

class replica {
 public:
    replica(const casasync::table_traits& table, std::uint8_t number, casasync::unix_ms wall);

    /// Writes `what` with the values f1 and f2, and seals it.
    [[nodiscard]] sealed write(kind what, int f1, int f2);
    /// Takes in a changeset; it is merged, with those that waited for it, or waits. Returns what it was.
    casasync::admission receive(const sealed& incoming);

    [[nodiscard]] const std::array<casasync::row_state, keys>& rows() const { return source_.rows; }
    [[nodiscard]] const casasync::causal_context& merged() const { return merged_; }
    [[nodiscard]] const casasync::digest128& digest() const { return digest_; }
    [[nodiscard]] const casasync::digest128& open_digest() const { return open_digest_; }
    /// True when the digests that merges have added up are those of the rows.
    [[nodiscard]] bool digests_add_up() const;
    [[nodiscard]] const casasync::accounts& counts() const { return counts_; }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
    void set_wall(casasync::unix_ms wall) { wall_ = wall; }

    [[nodiscard]] static casasync::bytes key(std::size_t n) { return {static_cast<std::uint8_t>(n)}; }

 private:
    /// Models row_source.
    struct source {
        const casasync::table_traits* table;
        std::array<casasync::row_state, keys> rows{};

        [[nodiscard]] casasync::result<casasync::resolved_table> resolve(
            const casasync::table_traits& theirs) const;
        [[nodiscard]] casasync::result<casasync::row_state> load(casasync::table_no, casasync::bytes_view key,
                                                                 bool) const {
            return rows[key[0]];
        }
    };
    using row_values = std::vector<casasync::value>;

    /// One local transaction: the table before and after, and what its triggers log.
    struct transaction {
        std::array<std::optional<row_values>, keys> now{};
        std::array<std::vector<casasync::captured_write>, keys> log{};
        std::array<std::optional<row_values>, keys> buried{};

        void insert(std::size_t key, row_values values);
        void update(std::size_t key, const std::vector<casasync::column_no>& columns, const row_values& to);
        void erase(std::size_t key);
    };

    [[nodiscard]] std::optional<row_values> shown(std::size_t key) const;
    static void perform(transaction& t, kind what, const row_values& values);
    [[nodiscard]] casasync::changeset seal(const transaction& t);
    void merge_now(const casasync::changeset& c);

    source source_;
    casasync::device_id device_{};
    casasync::replica_id replica_{};
    casasync::unix_ms wall_ = 0;
    casasync::hlc clock_{};
    std::uint64_t seq_ = 0;
    casasync::causal_context merged_{};
    casasync::digest128 digest_{}, open_digest_{};
    casasync::accounts counts_{};
    std::vector<const sealed*> waiting_{};
};

}  // namespace interleaving
