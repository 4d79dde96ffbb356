// SPDX-License-Identifier: MIT
#pragma once

/// How values, times, devices and conflicts look, for people and in JSON.
#include <casasync/sqlite/vault.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <span>
#include <string>
#include <string_view>

namespace casasync::cli {

/// Returns a string; text that is not UTF-8 as {"text_hex": ".."}.
[[nodiscard]] boost::json::value json_of_text(std::string_view text);
/// Returns null, a number, a string, or an object: {"blob_hex": ".."}, {"text_hex": ".."},
/// {"real": "inf"}.
[[nodiscard]] boost::json::value json_of(const value& what);
[[nodiscard]] boost::json::array json_of(std::span<const value> key);
/// Returns {id, table, key, column, loser: {value, device, device_id, at}, winner: {..}, reason, open}.
[[nodiscard]] boost::json::object json_of(const sqlite::conflict_info& conflict);
/// Returns {table, key, column, kind, value, device, device_id, at, merged_at}.
[[nodiscard]] boost::json::object json_of(const sqlite::kept_write& write);
/// Returns {device, device_id, at}; nulls for what was there when the vault began, `at` null for what a
/// device brought along.
[[nodiscard]] boost::json::object json_of(const sqlite::author& by);
/// Returns {id, name, last_seq, last_write, self}.
[[nodiscard]] boost::json::object json_of(const sqlite::device_info& device);

/// Returns the value as SQL would write it, on one line, at most about 80 characters.
[[nodiscard]] std::string text_of(const value& what);
/// Returns the key's values, joined by ", ".
[[nodiscard]] std::string text_of(std::span<const value> key);
/// Returns table and key of a conflict, a write, or a row that is deleted or parked: "txn coffee".
template <class Info>
[[nodiscard]] std::string row_text(const Info& of) {
    return printable(of.table) + " " + text_of(of.key) +
           (of.key_taken ? " (not the row that has this number now)" : "");
}
/// Returns "phone, 2026-11-25 12:31:07 UTC".
[[nodiscard]] std::string text_of(const sqlite::author& by);
/// Returns "2026-11-25 12:31:07 UTC", or "never" for 0.
[[nodiscard]] std::string time_text(std::int64_t unix_seconds);
/// Returns two or three lines that tell what lost against what.
[[nodiscard]] std::string text_of(const sqlite::conflict_info& conflict);
/// Returns "insert 'Food'", "DELETE".
[[nodiscard]] std::string text_of(const sqlite::kept_write& write);
/// Returns one object a difference: table, column (null: the whole table), verdict, detail.
[[nodiscard]] boost::json::array json_of(const std::vector<sqlite::schema_difference>& differences);
/// Returns "txn note: pending: not in this file; ...".
[[nodiscard]] std::string text_of(const sqlite::schema_difference& difference);
/// Returns the name, or the beginning of the id where there is none.
[[nodiscard]] std::string name_of_device(const std::string& name, const device_id& id);

/// Returns "1 row", "2 rows".
[[nodiscard]] std::string counted(std::uint64_t n, std::string_view noun);

}  // namespace casasync::cli
