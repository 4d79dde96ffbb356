// SPDX-License-Identifier: MIT
#include "row_store.hpp"

#include <casasync/key.hpp>
#include <casasync/row_codec.hpp>

#include <algorithm>
#include <cstring>
#include <limits>

namespace casasync::sqlite {

namespace {

error damaged(const vault_table& table) {
    return {errc::store_failed, "casasync's record of a row of table " + table.traits.name +
                                    " is damaged. The rows themselves are not touched. Restore the file from "
                                    "a backup, or join it anew."};
}

constexpr std::size_t record_bytes = 64;   ///< nearly all are smaller
constexpr std::size_t saved_at_once = 50;  ///< records that one statement writes

std::string meta_name(table_no table) {
    return "casasync_m_" + std::to_string(table);
}

/// A row among those in row_store::beside_.
std::uint64_t term_of(table_no table, bytes_view key) noexcept {
    return detail::hash128(key, {table, 0}).low;
}

/// In the order of BLOBs: less than, equal to or greater than 0.
int compare(bytes_view a, bytes_view b) noexcept {
    const int order = std::memcmp(a.data(), b.data(), std::min(a.size(), b.size()));
    if (order != 0 || a.size() == b.size()) return order;
    return a.size() < b.size() ? -1 : 1;
}

}  // namespace

result<void> row_store::create(connection& db) {
    return db.execute(
        "CREATE TABLE IF NOT EXISTS casasync_side(t INTEGER NOT NULL, k BLOB NOT NULL, b BLOB NOT NULL, "
        "PRIMARY KEY(t, k)) WITHOUT "
        "ROWID, STRICT;"
        "CREATE TABLE IF NOT EXISTS casasync_replica(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, device "
        "BLOB, hlc INTEGER NOT "
        "NULL) STRICT;"
        "INSERT OR IGNORE INTO casasync_replica(n, id, device, hlc) VALUES(0, zeroblob(16), NULL, 0);");
}

result<void> row_store::read() {
    auto s = db_->prepare("SELECT n, id, device, hlc FROM casasync_replica ORDER BY n");
    if (!s) return s.failure();
    vector_ = {};
    forget();
    replica_numbers_.clear();
    replicas_.clear();
    owners_.clear();
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return {};
        const auto id = replica_id::from(s->blob(1));
        if (!id || s->integer(0) != static_cast<std::int64_t>(replicas_.size()))
            return error{
                errc::store_failed,
                "casasync's list of replicas is damaged; restore the file from a backup, or join it anew"};
        replica_numbers_.emplace(*id, replicas_.size());
        replicas_.push_back(*id);
        if (const auto device = device_id::from(s->blob(2))) owners_.emplace(*id, *device);
        if (s->integer(3) != 0) vector_.raise(*id, hlc{static_cast<std::uint64_t>(s->integer(3))});
    }
}

detail::u128 row_store::digest() const {
    bytes all;
    detail::writer w(all);
    for (const replica_id& id : replicas_) {
        w.raw(id.octets);
        const auto device = owner(id);
        w.u8(device ? 1 : 0);
        if (device) w.raw(device->octets);
        w.u64(vector_.of(id).packed);
    }
    return detail::hash128(all);
}

void row_store::forget() noexcept {
    numbers_.forget();
    beside_.clear();
    expect_few();
    saved_count_ = 0;
}

result<void> row_store::expect_many(table_no table) {
    if (walks_.contains(table)) return {};
    auto s = db_->prepare(texts_of(table).walk);
    if (!s) return s.failure();
    walks_.emplace(table, record_walk{std::move(*s)});
    return {};
}

result<void> row_store::record_walk::step() {
    const auto row = read.step();
    if (!row) return row.failure();
    at_end = !*row;
    return {};
}

result<bool> row_store::record_walk::find(bytes_view key) {
    bool ahead = begun && compare(key, asked) >= 0;
    if (ahead && !at_end && compare(read.blob(0), key) < 0) {
        if (auto ok = step(); !ok) return ok.failure();
        ahead = at_end || compare(read.blob(0), key) >= 0;
    }
    asked.assign(key.begin(), key.end());
    if (!ahead) {
        begun = true;
        from = asked;
        if (auto ok = (read.bind_view(1, bytes_view(from)), step()); !ok) return ok.failure();
    }
    return !at_end && compare(read.blob(0), key) == 0;
}

result<std::uint64_t> row_store::number_of(const replica_id& id) {
    const auto known = replica_numbers_.find(id);
    if (known != replica_numbers_.end()) return known->second;
    const std::uint64_t n = replicas_.size();
    if (auto ok = db_->run("INSERT INTO casasync_replica(n, id, hlc) VALUES(?1, ?2, 0)",
                           static_cast<std::int64_t>(n), id.view());
        !ok)
        return ok.failure();
    replica_numbers_.emplace(id, n);
    replicas_.push_back(id);
    return n;
}

const row_store::record_texts& row_store::texts_of(table_no table) {
    record_texts& texts = texts_[table];
    if (texts.read.empty()) {
        texts.write = "REPLACE INTO " + meta_name(table) + "(k, r) VALUES(?1, ?2)";  // looks for the row once
        texts.write_many = texts.write;
        for (std::size_t n = 1; n < saved_at_once; ++n) texts.write_many += ", (?, ?)";
        texts.read = "SELECT r FROM " + meta_name(table) + " WHERE k = ?1";
        texts.walk = "SELECT k, r FROM " + meta_name(table) + " WHERE k >= ?1 ORDER BY k";
    }
    return texts;
}

std::optional<replica_id> row_store::replica_of(std::uint64_t number) const {
    if (number >= replicas_.size()) return std::nullopt;
    return replicas_[static_cast<std::size_t>(number)];
}

result<void> row_store::raise(const version_vector& to) {
    for (const auto& [id, when] : to.entries()) {
        if (when <= vector_.of(id)) continue;
        auto n = number_of(id);
        if (!n) return n.failure();
        if (auto ok = db_->run("UPDATE casasync_replica SET hlc = ?1 WHERE n = ?2",
                               static_cast<std::int64_t>(when.packed), static_cast<std::int64_t>(*n));
            !ok)
            return ok;
        vector_.raise(id, when);
    }
    return {};
}

result<void> row_store::own(const replica_id& replica, const device_id& device) {
    const auto known = owners_.find(replica);
    if (replica.is_zero() || (known != owners_.end() && known->second == device)) return {};
    auto n = number_of(replica);
    if (!n) return n.failure();
    owners_[replica] = device;
    return db_->run("UPDATE casasync_replica SET device = ?1 WHERE n = ?2", device.view(),
                    static_cast<std::int64_t>(*n));
}

std::optional<device_id> row_store::owner(const replica_id& replica) const {
    const auto known = owners_.find(replica);
    return known == owners_.end() ? std::nullopt : std::optional(known->second);
}

result<resolved_table> row_store::resolve(const table_traits& theirs) {
    return tables_->resolve(*db_, theirs);
}

result<std::optional<std::vector<value>>> row_store::in_table(const vault_table& table, bytes_view key) {
    if (!table.tracked) return std::optional<std::vector<value>>{};
    const auto place = numbers_.in_table(table, key);
    if (!place) return place.failure();
    if (!*place) return std::optional<std::vector<value>>{};
    const auto own = is_place_of(table, **place, key);
    if (!own) return own.failure();
    return *own ? in_file(table, **place) : std::optional<std::vector<value>>{};
}

namespace {

/// SQL finds 1 also as 1.0.
bool has_key(const table_shape& table, const std::vector<value>& row, std::span<const value> key) {
    for (std::size_t i = 0; i < key.size(); ++i)
        if (row[table.key[i]] != key[i]) return false;
    return true;
}

}  // namespace

result<void> row_store::expect_rows(const vault_table& table, std::span<const std::span<const value>> keys) {
    ahead_.clear();
    if (!db_->takes_parameters(keys.size() * table.shape.key.size())) return {};
    auto s = db_->prepare(table.shape.select_rows);
    if (!s) return s.failure();
    ahead_.reserve(keys.size());
    ahead_next_ = 0;
    int at = 0;
    for (const std::span<const value> key : keys) {
        ahead_.push_back({key, {}});
        for (const value& v : key) s->bind_view(++at, v);
    }
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return {};
        std::vector<value> cells = s->cells();
        row_ahead& of = ahead_[static_cast<std::size_t>(cells.back().integer())];
        cells.pop_back();
        if (has_key(table.shape, cells, of.key)) of.row = std::move(cells);
    }
}

result<std::optional<std::vector<value>>> row_store::in_file(const vault_table& table,
                                                             std::span<const value> key) {
    std::optional<std::vector<value>> found;
    if (ahead_next_ < ahead_.size() && ahead_[ahead_next_].key.data() == key.data()) {
        found = std::move(ahead_[ahead_next_++].row);
    } else {
        auto s = db_->prepare(table.shape.select_row);
        if (!s) return s.failure();
        for (std::size_t i = 0; i < key.size(); ++i) s->bind_view(static_cast<int>(i) + 1, key[i]);
        while (!found) {
            const auto row = s->step();
            if (!row) return row.failure();
            if (!*row) break;
            std::vector<value> cells = s->cells();
            if (has_key(table.shape, cells, key)) found = std::move(cells);
        }
    }
    if (found)
        if (auto ok = numbers_.to_registers(table, *found); !ok) return ok.failure();
    return found;
}

result<std::optional<row_state>> row_store::record(table_no number, bytes_view key) {
    const vault_table& table = *tables_->find(number);
    if (auto ok = write_saved(); !ok) return ok.failure();
    row_state row;
    const auto take = [&](bytes_view registers) -> result<bool> {
        detail::reader r(registers);
        const bool side = r.u8() != 0;
        row = get_registers(r, [this](std::uint64_t n) { return replica_of(n); });
        if (!r.done() || (!row.cells.empty() && row.cells.back().column >= table.traits.columns.size()))
            return damaged(table);
        return side;
    };
    result<bool> side = false;
    if (const auto walk = walks_.find(number); walk != walks_.end()) {
        const auto found = walk->second.find(key);
        if (!found) return found.failure();
        if (!*found) return std::optional<row_state>{};
        side = take(walk->second.read.blob(1));
    } else {
        auto s = db_->prepare(texts_of(number).read);
        if (!s) return s.failure();
        const auto found = s->bind_view(1, key).step();
        if (!found) return found.failure();
        if (!*found) return std::optional<row_state>{};
        side = take(s->blob(0));
    }
    if (!side) return side.failure();
    if (!*side) return std::optional(std::move(row));
    beside_.insert(term_of(number, key));
    auto s = db_->prepare("SELECT b FROM casasync_side WHERE t = ?1 AND k = ?2");
    if (!s) return s.failure();
    const auto found = s->bind_all(std::int64_t{number}, key).step();
    if (!found) return found.failure();
    if (!*found) return damaged(table);
    detail::reader r(s->blob(0));
    get_contents(
        r, row, [this](std::uint64_t n) { return replica_of(n); }, std::numeric_limits<std::size_t>::max());
    if (!r.done()) return damaged(table);
    return std::optional(std::move(row));
}

result<row_state> row_store::load(table_no number, bytes_view key, bool values) {
    const vault_table& table = *tables_->find(number);
    auto known = record(number, key);
    if (!known) return known.failure();
    row_state row = *known ? std::move(**known) : row_state{};
    if (*known ? !values : !table.adopted) return row;
    auto shown = in_table(table, key);
    if (!shown) return shown.failure();
    if (!*shown) return row;
    if (!*known) row = adopted_row(*table.adopted);
    for (cell& c : row.cells)
        if (!c.what && table.holds(c.column)) c.what = std::move((**shown)[*table.in_shape[c.column]]);
    return row;
}

/// \param asked  the register of the number; null, or without a value, when what it asks for is as before
result<void> row_store::save_numbered(const vault_table& table, bytes_view key, bytes_view registers,
                                      const cell* asked, std::optional<std::int64_t> number) {
    const bool integer = asked != nullptr && asked->what && asked->what->kind() == value_kind::integer;
    auto s = db_->prepare("INSERT INTO " + meta_name(table.number) +
                          "(k, r, w, n) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(k) DO UPDATE SET r = excluded.r, "
                          "w = coalesce(excluded.w, w), n = excluded.n");
    if (!s) return s.failure();
    s->bind_all(key, registers, integer ? *asked->what : value{}, number ? value(*number) : value{});
    return s->run();
}

result<void> row_store::save(table_no table, bytes_view key, const row_state& row, bool in_table,
                             std::span<const column_no> apart) {
    const auto saved = save_soon(table, key, row, in_table, apart);
    return saved ? write_saved() : saved;
}

result<void> row_store::write_saved() {
    const std::size_t count = std::exchange(saved_count_, 0);
    const bool many = count >= saved_at_once && db_->takes_parameters(2 * saved_at_once);
    for (std::size_t i = 0; i < count;) {
        const std::size_t n = many && count - i >= saved_at_once ? saved_at_once : 1;
        const record_texts& texts = texts_of(saved_table_);
        auto s = db_->prepare(n == 1 ? texts.write : texts.write_many);
        if (!s) return s.failure();
        for (int at = 0; at < static_cast<int>(2 * n); ++i) {
            s->bind_view(++at, bytes_view(saved_[i].key));
            s->bind_view(++at, bytes_view(saved_[i].registers));
        }
        if (auto ok = s->run(); !ok) return ok;
    }
    return {};
}

result<void> row_store::save_soon(table_no number_of_table, bytes_view key, const row_state& row,
                                  bool in_table, std::span<const column_no> apart) {
    const vault_table& table = *tables_->find(number_of_table);
    result<void> interned;
    const auto number_or_zero = [&](const replica_id& id) -> std::uint64_t {
        if (!interned) return 0;  // the first failure says what happened
        auto n = number_of(id);
        if (n) return *n;
        interned = n.failure();
        return 0;
    };
    const auto contested = [&](const cell& c) {
        return std::any_of(row.live.begin(), row.live.end(),
                           [&c](const live_write& l) { return l.column == c.column; });
    };
    walks_.erase(number_of_table);  // it would go on with what was there before
    std::optional<std::int64_t> number;
    if (table.numbered() && in_table) {
        auto now = numbers_.number_of(table, key);
        if (!now) return now.failure();
        number = *now;
    }
    const auto number_column = table.numbered() ? table.traits.column(table.traits.number) : std::nullopt;
    const cell* const asked = number_column ? row.find(*number_column) : nullptr;
    const bool other_number =
        asked != nullptr && asked->what &&
        (asked->what->kind() != value_kind::integer || asked->what->integer() != number);
    const auto elsewhere = [&](const cell& c) {
        return !in_table || (&c == asked && other_number) || !table.holds(c.column) ||
               (table.gains(c.column) && c.what) || table.traits.columns[c.column].rule != merge_rule::lww ||
               std::binary_search(apart.begin(), apart.end(), c.column) || contested(c);
    };
    const bool side = !row.live.empty() || std::any_of(row.cells.begin(), row.cells.end(), elsewhere);
    if (saved_count_ == saved_at_once || saved_table_ != table.number)
        if (auto ok = write_saved(); !ok) return ok;
    if (saved_count_ == saved_.size()) saved_.emplace_back().registers.reserve(record_bytes);
    saved_record& next = saved_[saved_count_];
    next.key.assign(key.begin(), key.end());
    bytes& out = next.registers;
    out.clear();
    detail::writer w(out);
    w.u8(side ? 1 : 0);
    put_registers(w, row, number_or_zero);
    if (!interned) return interned;
    if (table.numbered()) {
        if (auto ok = save_numbered(table, key, out, asked, number); !ok) return ok;
    } else {
        saved_table_ = table.number;
        ++saved_count_;
    }
    const std::uint64_t term = term_of(number_of_table, key);
    if (!side && !beside_.contains(term)) return {};
    if (!side)
        return db_->run("DELETE FROM casasync_side WHERE t = ?1 AND k = ?2", std::int64_t{table.number}, key);
    beside_.insert(term);
    bytes contents;
    detail::writer beside_it(contents);
    put_contents(beside_it, row, number_or_zero, elsewhere);
    if (!interned) return interned;
    return db_->run(
        "INSERT INTO casasync_side(t, k, b) VALUES(?1, ?2, ?3) ON CONFLICT(t, k) DO UPDATE SET b = "
        "excluded.b",
        std::int64_t{table.number}, key, contents);
}

}  // namespace casasync::sqlite
