// SPDX-License-Identifier: MIT
#include "row_numbers.hpp"

#include <casasync/detail/hash.hpp>
#include <casasync/detail/wire.hpp>
#include <casasync/key.hpp>
#include <casasync/number_claims.hpp>

#include <algorithm>

namespace casasync::sqlite {
namespace {

std::string records_of(const vault_table& table) {
    return "casasync_m_" + std::to_string(table.number);
}

/// Returns the number that is the identity of a row which was there when the vault began.
std::optional<std::int64_t> as_number(bytes_view identity) {
    const auto key = decode_key(identity);
    if (!key || key->size() != 1 || (*key)[0].kind() != value_kind::integer) return std::nullopt;
    return (*key)[0].integer();
}

result<bytes> as_identity(std::int64_t number) {
    const value key(number);
    return encode_key(std::span(&key, 1));
}

}  // namespace

bytes row_numbers::mint() {
    bytes random(16);
    sqlite3_randomness(static_cast<int>(random.size()), random.data());
    const value key(std::move(random));
    return *encode_key(std::span(&key, 1));
}

bytes row_numbers::mint(const replica_id& writer, hlc clock, const vault_table& table, std::int64_t number,
                        const log_entry& inserted) {
    if (!inserted.at) return mint();  // two copies of a file may write at one place of their logs
    bytes all;
    all.reserve(56);
    detail::writer w(all);
    w.raw(writer.view());
    w.u64(clock.packed);
    w.u64(table.number);
    w.u64(static_cast<std::uint64_t>(number));
    w.u64(static_cast<std::uint64_t>(inserted.position));
    w.u64(static_cast<std::uint64_t>(*inserted.at));
    const detail::u128 hash = detail::hash128(all);
    bytes sixteen;
    detail::writer out(sixteen);
    out.u64(hash.high);
    out.u64(hash.low);
    const value key(std::move(sixteen));
    return *encode_key(std::span(&key, 1));
}

result<std::optional<bytes>> row_numbers::stored_holder(const vault_table& table, std::int64_t number) {
    auto s = db_->prepare("SELECT k FROM " + records_of(table) +
                          " WHERE w = ?1 AND n = ?1 UNION ALL SELECT k FROM " + records_of(table) +
                          " WHERE n = ?1 AND n IS NOT w LIMIT 1");
    if (!s) return s.failure();
    const auto found = s->bind(1, number).step();
    if (!found) return found.failure();
    if (!*found) return std::optional<bytes>{};
    return std::optional(bytes(s->blob(0).begin(), s->blob(0).end()));
}

result<bool> row_numbers::is_known(const vault_table& table, bytes_view identity) {
    if (placed_.contains({table.number, bytes(identity.begin(), identity.end())})) return true;
    auto s = db_->prepare("SELECT 1 FROM " + records_of(table) + " WHERE k = ?1");
    if (!s) return s.failure();
    return s->bind(1, identity).step();
}

result<std::optional<std::int64_t>> row_numbers::number_of(const vault_table& table, bytes_view identity) {
    const std::optional<std::int64_t> none;
    if (const auto it = placed_.find({table.number, bytes(identity.begin(), identity.end())});
        it != placed_.end())
        return it->second;
    {
        auto s = db_->prepare("SELECT n FROM " + records_of(table) + " WHERE k = ?1");
        if (!s) return s.failure();
        const auto found = s->bind(1, identity).step();
        if (!found) return found.failure();
        if (*found) return s->is_null(0) ? none : std::optional(s->integer(0));
    }
    if (!table.adopted || !table.tracked) return none;
    const auto number = as_number(identity);
    if (!number) return none;
    const auto holder = identity_of(table, *number);
    if (!holder) return holder.failure();
    return *holder && bytes_view(**holder).size() == identity.size() &&
                   std::equal(identity.begin(), identity.end(), (*holder)->begin())
               ? number
               : none;
}

result<std::optional<bytes>> row_numbers::identity_of(const vault_table& table, std::int64_t number) {
    if (const auto it = holders_.find({table.number, number}); it != holders_.end())
        return std::optional(it->second);
    auto stored = stored_holder(table, number);
    if (!stored) return stored.failure();
    if (*stored && !placed_.contains({table.number, **stored})) return stored;
    if (!table.adopted || !table.tracked || before_.contains({table.number, number}))
        return std::optional<bytes>{};
    auto adopted = as_identity(number);
    if (!adopted) return adopted.failure();
    const auto known = is_known(table, *adopted);
    if (!known) return known.failure();
    return *known ? std::optional<bytes>{} : std::optional(std::move(*adopted));
}

result<std::vector<bytes>> row_numbers::asking_for(const vault_table& table, std::int64_t number) {
    std::vector<bytes> out;
    auto s = db_->prepare("SELECT k FROM " + records_of(table) + " WHERE w = ?1 UNION ALL SELECT k FROM " +
                          records_of(table) + " WHERE n = ?1 AND n IS NOT w");
    if (!s) return s.failure();
    s->bind(1, number);
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        out.emplace_back(s->blob(0).begin(), s->blob(0).end());
    }
}

result<std::optional<std::int64_t>> row_numbers::asked_by(const vault_table& table, bytes_view identity) {
    auto s = db_->prepare("SELECT w FROM " + records_of(table) + " WHERE k = ?1");
    if (!s) return s.failure();
    const auto found = s->bind(1, identity).step();
    if (!found) return found.failure();
    if (*found) return s->is_null(0) ? std::optional<std::int64_t>{} : std::optional(s->integer(0));
    return table.adopted ? as_number(identity) : std::nullopt;
}

result<std::optional<std::int64_t>> row_numbers::last_number_of(const vault_table& table,
                                                                bytes_view identity) {
    if (const auto it = passed_.find({table.number, bytes(identity.begin(), identity.end())});
        it != passed_.end())
        return std::optional(it->second);
    auto s = db_->prepare("SELECT n FROM " + records_of(table) + " WHERE k = ?1");
    if (!s) return s.failure();
    const auto found = s->bind(1, identity).step();
    if (!found) return found.failure();
    if (*found) return s->is_null(0) ? std::optional<std::int64_t>{} : std::optional(s->integer(0));
    return table.adopted ? as_number(identity) : std::nullopt;
}

result<std::optional<bytes>> row_numbers::adopted_holder(const vault_table& table, std::int64_t number) {
    const std::optional<bytes> none;
    if (!table.adopted || !table.tracked || holders_.contains({table.number, number})) return none;
    auto stored = stored_holder(table, number);
    if (!stored) return stored.failure();
    if (*stored) return none;
    auto identity = as_identity(number);
    if (!identity) return identity.failure();
    const auto known = is_known(table, *identity);
    if (!known) return known.failure();
    if (*known) return none;
    const auto there = db_->query_integer("SELECT EXISTS(SELECT 1 FROM main." + quote_name(table.shape.name) +
                                              " WHERE " + quote_name(table.traits.number) + " = ?1)",
                                          number);
    if (!there) return there.failure();
    return *there != 0 ? std::optional(std::move(*identity)) : none;
}

result<void> row_numbers::place(const vault_table& table, bytes_view row,
                                std::optional<std::int64_t> number) {
    const bytes identity(row.begin(), row.end());
    const auto old = number_of(table, identity);
    if (!old) return old.failure();
    if (*old && *old != number) {
        before_.try_emplace({table.number, **old}, identity);
        const auto held = holders_.find({table.number, **old});
        if (held != holders_.end() && held->second == identity) holders_.erase(held);
    }
    placed_[{table.number, identity}] = number;
    if (number) holders_[{table.number, *number}] = identity;
    return {};
}

result<void> row_numbers::reserve(const vault_table& table, bytes_view identity, std::int64_t number) {
    return db_->run("UPDATE " + records_of(table) + " SET n = ?2 WHERE k = ?1", identity, number);
}

void row_numbers::pass(const vault_table& table, const bytes& identity, std::int64_t number) {
    before_.try_emplace({table.number, number}, identity);
    passed_.insert_or_assign({table.number, identity}, number);
}

bool row_numbers::refers_to_new(const vault_table& table, bytes_view key) {
    const std::vector<std::string>& refers = table.traits.key_refers;
    if (refers.empty()) return false;
    const auto values = decode_key(key);
    for (std::size_t i = 0; values && i < refers.size() && i < values->size(); ++i)
        if (!refers[i].empty() && (*values)[i].kind() == value_kind::blob) return true;
    return false;
}

void row_numbers::forget() noexcept {
    placed_.clear();
    passed_.clear();
    holders_.clear();
    before_.clear();
    lying_.clear();
}

result<std::optional<std::vector<value>>> row_numbers::in_table(const vault_table& table, bytes_view key) {
    const std::optional<std::vector<value>> none;
    if (!table.tracked) return none;
    if (table.numbered()) {
        const auto number = number_of(table, key);
        if (!number) return number.failure();
        return *number ? std::optional(std::vector<value>{value(**number)}) : none;
    }
    auto out = decode_key(key);
    if (!out || out->size() != table.shape.key.size()) return none;
    for (std::size_t i = 0; i < table.traits.key_refers.size() && i < out->size(); ++i) {
        if (table.traits.key_refers[i].empty()) continue;
        auto shown = to_number(table.traits.key_refers[i], (*out)[i]);
        if (!shown) return shown.failure();
        (*out)[i] = std::move(shown->what);
    }
    return std::optional(std::move(*out));
}

result<bytes> row_numbers::translate(const vault_table& table, std::span<const value> key, moment when) {
    if (table.numbered() && key.size() == 1 && key[0].kind() == value_kind::integer) {
        auto known = identity_of(table, key[0].integer());
        if (!known) return known.failure();
        if (*known) return std::move(**known);
    }
    if (table.traits.key_refers.empty()) return encode_key(key);
    std::vector<value> out(key.begin(), key.end());
    for (std::size_t i = 0; i < table.traits.key_refers.size() && i < out.size(); ++i) {
        if (table.traits.key_refers[i].empty()) continue;
        auto identity = to_identity(table.traits.key_refers[i], out[i], when);
        if (!identity) return identity.failure();
        out[i] = std::move(*identity);
    }
    return encode_key(out);
}

void row_numbers::lie(const vault_table& table, const bytes& key, bool there) {
    lying_.insert_or_assign({table.number, key}, there);
}

std::optional<bool> row_numbers::lies(const vault_table& table, const bytes& key) const {
    const auto it = lying_.find({table.number, key});
    return it == lying_.end() ? std::nullopt : std::optional(it->second);
}

result<shown_reference> row_numbers::to_number(const std::string& parent, const value& identity) {
    const vault_table* const table = tables_->find(parent);
    const bool is_one = identity.kind() == value_kind::integer || identity.kind() == value_kind::blob;
    if (table == nullptr || !table->numbered() || !is_one) return shown_reference{identity};
    const auto key = encode_key(std::span(&identity, 1));
    if (!key) return shown_reference{identity};
    const auto number = number_of(*table, *key);
    if (!number) return number.failure();
    if (*number) return shown_reference{value(**number)};
    const auto known = is_known(*table, *key);
    if (!known) return known.failure();
    if (!*known && identity.kind() == value_kind::integer)
        return shown_reference{identity, shown_reference::fate::loose};
    return shown_reference{value(derived_number(*key, 1)), shown_reference::fate::missing};
}

result<value> row_numbers::to_identity(const std::string& parent, const value& number, moment when) {
    const vault_table* const table = tables_->find(parent);
    if (table == nullptr || !table->numbered() || number.kind() != value_kind::integer) return number;
    auto identity = identity_of(*table, number.integer());
    if (!identity) return identity.failure();
    const auto before = before_.find({table->number, number.integer()});
    if (before != before_.end() && (when == moment::before || !*identity)) *identity = before->second;
    if (!*identity) return number;
    auto key = decode_key(**identity);
    if (!key || key->size() != 1) return number;
    return std::move((*key)[0]);
}

result<void> row_numbers::to_registers(const vault_table& table, std::span<value> in_shape, moment when) {
    if (!table.has_references()) return {};
    for (std::size_t i = 0; i < in_shape.size(); ++i) {
        const std::string& parent = table.refers(i);
        if (parent.empty() || table.shape.columns[i].key_position != 0) continue;
        auto identity = to_identity(parent, in_shape[i], when);
        if (!identity) return identity.failure();
        in_shape[i] = std::move(*identity);
    }
    return {};
}

}  // namespace casasync::sqlite
