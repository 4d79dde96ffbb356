// SPDX-License-Identifier: MIT
#pragma once

/// Registers beside the tables. For every tracked table t
///
///     casasync_m_<t>(k, r)     r: one byte (1: the row has a casasync_side record), then the registers
///     (row_codec.hpp) casasync_side(t, k, b)   what the table does not hold: values of rows that are hidden
///     or parked, of columns this file does
///                              not have, of references shown as NULL; and live writes that lost
///     casasync_replica(n, id, device, hlc)   replicas as small numbers, whose they are, and up to where they
///     are merged
///
/// A row without a record that is in the table was there when the vault began: every cell at the adoption
/// stamp.
#include "catalog.hpp"
#include "connection.hpp"
#include "row_numbers.hpp"

#include <casasync/bytes.hpp>
#include <casasync/causality.hpp>
#include <casasync/detail/hash.hpp>
#include <casasync/merge.hpp>
#include <casasync/result.hpp>
#include <casasync/row.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace casasync::sqlite {

/// Returns the key of a row, or nothing when it is longer than limits::key_bytes_max: such a row stays on
/// this device. \errors those of `key` but limit_exceeded
[[nodiscard]] inline result<std::optional<bytes>> if_it_travels(result<bytes> key) {
    if (key) return std::optional(std::move(*key));
    if (key.code() == errc::limit_exceeded) return std::optional<bytes>{};
    return key.failure();
}

class row_store {
 public:
    static constexpr std::size_t many_rows = 100;  ///< from here on, expect_many() pays

    row_store(connection& db, catalog& tables) noexcept : db_(&db), tables_(&tables), numbers_(db, tables) {}

    /// Which numbers rows have in tables with integer keys.
    [[nodiscard]] row_numbers& numbers() noexcept { return numbers_; }

    [[nodiscard]] static result<void> create(connection& db);
    /// Reads the replicas. Call after open, and after a rollback.
    [[nodiscard]] result<void> read();
    /// Returns a digest of the replicas: of equal ones an equal one.
    [[nodiscard]] detail::u128 digest() const;
    /// Forgets what holds only inside a transaction: at its end.
    void forget() noexcept;

    /// Before many records of a table are looked up in the order of keys: each is found beside the one
    /// before, and what lies between two, or behind the last, has none and is not looked for. Until
    /// expect_few(), or the first one that is saved.
    [[nodiscard]] result<void> expect_many(table_no table);
    void expect_few() noexcept {
        walks_.clear();
        ahead_.clear();
    }
    /// Reads table_shape::rows_at_once rows of a table that has the statement for it: in_file() gives them
    /// out when it is asked for just these keys, in this order. Until expect_few(); nothing may be written
    /// before.
    [[nodiscard]] result<void> expect_rows(const vault_table& table,
                                           std::span<const std::span<const value>> keys);

    /// Models row_source for merge().
    [[nodiscard]] result<resolved_table> resolve(const table_traits& theirs);
    [[nodiscard]] result<row_state> load(table_no table, bytes_view key, bool values);
    /// The row's record: registers, and the values that casasync_side has; nothing when it has none.
    [[nodiscard]] result<std::optional<row_state>> record(table_no table, bytes_view key);

    /// Writes registers, and into casasync_side what the table does not hold: every value when `in_table` is
    /// false, else those of columns this file does not have and of `apart` (sorted; shown differently from
    /// their register). Every value that goes to casasync_side must be loaded. A row that has a number has
    /// the one it was placed at. In the same transaction, the row was looked up before.
    [[nodiscard]] result<void> save(table_no table, bytes_view key, const row_state& row, bool in_table,
                                    std::span<const column_no> apart = {});
    /// The same, but the record may reach the file only with others, many by one statement: at the latest
    /// when one is looked up here, or with write_saved().
    [[nodiscard]] result<void> save_soon(table_no table, bytes_view key, const row_state& row, bool in_table,
                                         std::span<const column_no> apart = {});
    [[nodiscard]] result<void> write_saved();

    /// The row's values in the table now, one an entry of shape.columns (NULL for generated ones), references
    /// as registers hold them; nothing when not there.
    [[nodiscard]] result<std::optional<std::vector<value>>> in_table(const vault_table& table,
                                                                     bytes_view key);
    /// The same, by the key the row has in the file.
    [[nodiscard]] result<std::optional<std::vector<value>>> in_file(const vault_table& table,
                                                                    std::span<const value> key);

    /// Returns the key of the row that lies, or lay, in the file's table under `key`. A key that holds a
    /// number which was no row's when it was written, and is one's by now, goes on meaning the number while
    /// its row is there. \errors as encode_key()
    [[nodiscard]] result<bytes> in_registers(const vault_table& table, std::span<const value> key,
                                             row_numbers::moment when = row_numbers::moment::now);

    /// What this device has merged, by replica.
    [[nodiscard]] const version_vector& vector() const noexcept { return vector_; }
    [[nodiscard]] result<void> raise(const version_vector& to);
    /// Notes whose stamps carry `replica`.
    [[nodiscard]] result<void> own(const replica_id& replica, const device_id& device);
    [[nodiscard]] std::optional<device_id> owner(const replica_id& replica) const;

 private:
    /// The statements that read and write a table's records, as text.
    struct record_texts {
        std::string read{}, write{}, write_many{}, walk{};
    };
    /// A row that was read before it was asked for.
    struct row_ahead {
        std::span<const value> key{};
        std::optional<std::vector<value>> row{};
    };
    /// A record on its way to the file.
    struct saved_record {
        bytes key{}, registers{};
    };
    /// A walk over the records of a table in the order of their keys.
    struct record_walk {
        statement read;
        bytes from{};   ///< bound to it
        bytes asked{};  ///< for which key last: between it and where `read` stands there is no record
        bool begun = false, at_end = false;

        /// True when `read` stands at the record of `key` now.
        [[nodiscard]] result<bool> find(bytes_view key);
        [[nodiscard]] result<void> step();
    };
    [[nodiscard]] const record_texts& texts_of(table_no table);
    [[nodiscard]] result<std::uint64_t> number_of(const replica_id& id);
    [[nodiscard]] std::optional<replica_id> replica_of(std::uint64_t number) const;
    [[nodiscard]] result<void> save_numbered(const vault_table& table, bytes_view key, bytes_view registers,
                                             const cell* asked, std::optional<std::int64_t> number);

    // row_store_keys.cpp
    /// Returns the row that lies in the table under `key` and is known by some of its numbers as they are.
    [[nodiscard]] result<std::optional<bytes>> as_written(const vault_table& table,
                                                          std::span<const value> key,
                                                          const bytes& translated);
    [[nodiscard]] result<bool> lies(const vault_table& table, const bytes& key, const bytes& translated);
    /// True where it is the row with this register key that lies in the table under `in_file`, if one does.
    [[nodiscard]] result<bool> is_place_of(const vault_table& table, std::span<const value> in_file,
                                           bytes_view key);

    connection* db_;
    catalog* tables_;
    row_numbers numbers_;
    version_vector vector_;
    std::map<replica_id, std::uint64_t> replica_numbers_;
    std::vector<replica_id> replicas_;
    std::map<replica_id, device_id> owners_;
    std::map<table_no, record_texts> texts_;
    std::unordered_set<std::uint64_t> beside_;  ///< rows that have a casasync_side record, by hash: those
                                                ///< that were looked up or saved in this transaction
    std::map<table_no, record_walk> walks_;     ///< of expect_many()
    std::vector<row_ahead> ahead_{};            ///< of expect_rows(), of one table
    std::size_t ahead_next_ = 0;                ///< of them, that is not given out yet
    std::vector<saved_record> saved_{};         ///< by save_soon(), of one table; kept for their memory
    std::size_t saved_count_ = 0;               ///< of them, those that wait
    table_no saved_table_ = 0;
};

}  // namespace casasync::sqlite
