// SPDX-License-Identifier: MIT
#pragma once

/// Rows that are known by an identity, and the numbers they have in this file. In a table with an INTEGER
/// PRIMARY KEY that is not natural, two devices that hand out one number mean two rows: registers know such a
/// row by its identity, and the number is one of its cells (casasync/number_claims.hpp decides who keeps it).
///
/// A row that was there when the vault began has its number as its identity; any other gets 16 random bytes.
/// Where a column or a key column refers to such a table, registers hold the identity and the file the
/// number.
///
///     casasync_m_<t>(k, r, w, n)   w: the number the row's register asks for; n: the one it has in the
///     table,
///                                  NULL while it is not there
#include "capture.hpp"
#include "catalog.hpp"
#include "connection.hpp"

#include <casasync/bytes.hpp>
#include <casasync/hlc.hpp>
#include <casasync/ids.hpp>
#include <casasync/result.hpp>
#include <casasync/value.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace casasync::sqlite {

/// A reference as the file shows it.
struct shown_reference {
    enum class fate : std::uint8_t {
        found,    ///< the number of the row it refers to; or it refers to nothing
        missing,  ///< that row has no number now: one that no row has
        loose,    ///< it never was a row's number: what was written
    };
    value what{};
    fate how = fate::found;
};

class row_numbers {
 public:
    row_numbers(connection& db, const catalog& tables) noexcept : db_(&db), tables_(&tables) {}

    /// Returns a new identity, as key bytes: a random one.
    [[nodiscard]] static bytes mint();
    /// Returns the identity of a row that a log says was inserted: the same wherever a copy of that log is
    /// sealed, so that a backup with rows that were not sealed yet does not double them.
    /// \param clock  the greatest stamp of `writer` before the log is sealed
    [[nodiscard]] static bytes mint(const replica_id& writer, hlc clock, const vault_table& table,
                                    std::int64_t number, const log_entry& inserted);

    /// Returns the number a row has in its table; nothing while it is not there.
    [[nodiscard]] result<std::optional<std::int64_t>> number_of(const vault_table& table,
                                                                bytes_view identity);
    /// Returns which row has a number; nothing when none has.
    [[nodiscard]] result<std::optional<bytes>> identity_of(const vault_table& table, std::int64_t number);
    /// Returns the rows whose register asks for a number, whether they are shown or not.
    [[nodiscard]] result<std::vector<bytes>> asking_for(const vault_table& table, std::int64_t number);

    /// Returns the number a row's register asks for, as it was saved.
    [[nodiscard]] result<std::optional<std::int64_t>> asked_by(const vault_table& table, bytes_view identity);
    /// Returns the number a row had before anything was placed.
    [[nodiscard]] result<std::optional<std::int64_t>> last_number_of(const vault_table& table,
                                                                     bytes_view identity);
    /// Returns the row that has had a number since the vault began and has no record; nothing when there is
    /// none.
    [[nodiscard]] result<std::optional<bytes>> adopted_holder(const vault_table& table, std::int64_t number);

    /// Notes which number a row has from now on, until row_store::save() has written it down.
    [[nodiscard]] result<void> place(const vault_table& table, bytes_view row,
                                     std::optional<std::int64_t> number);
    /// Has a row, which has a record and is not in its table, be the one that a coming INSERT of the number
    /// makes: the next seal takes it for this row.
    [[nodiscard]] result<void> reserve(const vault_table& table, bytes_view identity, std::int64_t number);
    /// Notes that a row which nobody else hears of had a number for no longer than since the last seal: what
    /// still shows the number refers to that row. Until forget().
    void pass(const vault_table& table, const bytes& identity, std::int64_t number);
    /// True for a key that refers to a row which was not there when the vault began.
    [[nodiscard]] static bool refers_to_new(const vault_table& table, bytes_view key);
    /// Forgets what was placed: all is saved, or undone.
    void forget() noexcept;

    /// Returns the key under which a row lies in the file's table; nothing while it is not there, or when the
    /// key does not fit the table.
    [[nodiscard]] result<std::optional<std::vector<value>>> in_table(const vault_table& table,
                                                                     bytes_view key);
    /// Whose a number is that was found in the file: the row that has it now, or the one that had it before
    /// anything was placed.
    enum class moment : std::uint8_t { now, before };

    /// Returns the key of the row of the file's table that `key` names, if its numbers are those of rows
    /// wherever a row has them: row_store::in_registers() knows of others. \errors as encode_key()
    [[nodiscard]] result<bytes> translate(const vault_table& table, std::span<const value> key,
                                          moment when = moment::now);

    /// Notes whether a row whose key holds references lies in its table, until that is saved.
    void lie(const vault_table& table, const bytes& key, bool there);
    /// What lie() noted; nothing where it is as saved.
    [[nodiscard]] std::optional<bool> lies(const vault_table& table, const bytes& key) const;

    [[nodiscard]] result<shown_reference> to_number(const std::string& parent, const value& identity);
    /// A number that no row has, nor had before, stays what it is.
    [[nodiscard]] result<value> to_identity(const std::string& parent, const value& number,
                                            moment when = moment::now);
    /// Replaces the numbers in a row of the file's table by what the registers hold.
    [[nodiscard]] result<void> to_registers(const vault_table& table, std::span<value> in_shape,
                                            moment when = moment::now);

 private:
    using row_id = std::pair<table_no, bytes>;
    using place_id = std::pair<table_no, std::int64_t>;

    [[nodiscard]] result<std::optional<bytes>> stored_holder(const vault_table& table, std::int64_t number);
    [[nodiscard]] result<bool> is_known(const vault_table& table, bytes_view identity);

    connection* db_;
    const catalog* tables_;
    std::map<row_id, std::optional<std::int64_t>> placed_{};
    std::map<place_id, bytes> holders_{};  ///< of placed_
    std::map<place_id, bytes> before_{};   ///< who had a number first that lost it since forget()
    std::map<row_id, std::int64_t> passed_{};
    std::map<row_id, bool> lying_{};
};

}  // namespace casasync::sqlite
