// SPDX-License-Identifier: MIT
#include "connection.hpp"
#include "statement_cache.hpp"

#include <new>
#include <utility>

namespace casasync::sqlite {

statement::statement(statement&& other) noexcept
    : home_(other.home_),
      shelf_(other.shelf_),
      handle_(std::exchange(other.handle_, nullptr)),
      bind_code_(other.bind_code_),
      code_(other.code_) {}

statement& statement::operator=(statement&& other) noexcept {
    std::swap(home_, other.home_);
    std::swap(shelf_, other.shelf_);
    std::swap(handle_, other.handle_);
    std::swap(bind_code_, other.bind_code_);
    std::swap(code_, other.code_);
    return *this;
}

statement::~statement() {
    if (handle_ != nullptr) home_->give_back(*shelf_, handle_);
}

statement& statement::bound(int result_code) noexcept {
    if (bind_code_ == SQLITE_OK) bind_code_ = result_code;
    return *this;
}

statement& statement::bind(int index, std::int64_t v) noexcept {
    reset();
    return bound(sqlite3_bind_int64(handle_, index, v));
}

statement& statement::bind(int index, double v) noexcept {
    reset();
    return bound(sqlite3_bind_double(handle_, index, v));
}

statement& statement::bind_text(int index, std::string_view v, sqlite3_destructor_type how) noexcept {
    reset();
    const char* data = v.data() == nullptr ? "" : v.data();  // a null pointer would bind NULL, not ''
    return bound(sqlite3_bind_text64(handle_, index, data, v.size(), how, SQLITE_UTF8));
}

statement& statement::bind_blob(int index, bytes_view v, sqlite3_destructor_type how) noexcept {
    reset();
    if (v.empty()) return bound(sqlite3_bind_zeroblob(handle_, index, 0));
    return bound(sqlite3_bind_blob64(handle_, index, v.data(), v.size(), how));
}

statement& statement::bind(int index, std::string_view v) noexcept {
    return bind_text(index, v, SQLITE_TRANSIENT);
}

statement& statement::bind(int index, bytes_view v) noexcept {
    return bind_blob(index, v, SQLITE_TRANSIENT);
}

statement& statement::bind_view(int index, std::string_view v) noexcept {
    return bind_text(index, v, SQLITE_STATIC);
}

statement& statement::bind_view(int index, bytes_view v) noexcept {
    return bind_blob(index, v, SQLITE_STATIC);
}

statement& statement::bind_view(int index, const value& v) noexcept {
    switch (v.kind()) {
        case value_kind::text:
            return bind_view(index, std::string_view(v.text()));
        case value_kind::blob:
            return bind_view(index, bytes_view(v.blob()));
        default:
            return bind(index, v);
    }
}

statement& statement::bind(int index, std::nullptr_t) noexcept {
    reset();
    return bound(sqlite3_bind_null(handle_, index));
}

statement& statement::bind(int index, const value& v) noexcept {
    switch (v.kind()) {
        case value_kind::integer:
            return bind(index, v.integer());
        case value_kind::real:
            return bind(index, v.real());
        case value_kind::text:
            return bind(index, std::string_view(v.text()));
        case value_kind::blob:
            return bind(index, bytes_view(v.blob()));
        case value_kind::null:
            break;
    }
    return bind(index, nullptr);
}

result<bool> statement::step() {
    code_ = std::exchange(bind_code_, SQLITE_OK);
    if (code_ == SQLITE_OK) code_ = sqlite3_step(handle_);
    if (code_ == SQLITE_ROW) return true;
    if (code_ == SQLITE_DONE) {
        sqlite3_reset(handle_);
        return false;
    }
    const int extended = sqlite3_extended_errcode(home_->db());  // an application's connection may hide them
    if ((extended & 0xff) == (code_ & 0xff)) code_ = extended;
    error failure = to_error(code_, home_->db());
    sqlite3_reset(handle_);
    return failure;
}

result<void> statement::run() {
    while (true) {
        const auto row = step();
        if (!row) return row.failure();
        if (!*row) return {};
    }
}

void statement::reset() noexcept {
    if (sqlite3_stmt_busy(handle_) != 0) sqlite3_reset(handle_);
}

int statement::columns() const noexcept {
    return sqlite3_column_count(handle_);
}

bool statement::is_null(int column) const noexcept {
    return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

std::int64_t statement::integer(int column) const noexcept {
    return sqlite3_column_int64(handle_, column);
}

double statement::real(int column) const noexcept {
    return sqlite3_column_double(handle_, column);
}

void statement::check_memory() const {
    if ((sqlite3_errcode(home_->db()) & 0xff) == SQLITE_NOMEM) throw std::bad_alloc();
}

std::string_view statement::text(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
    if (data == nullptr) return check_memory(), std::string_view();
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

bytes_view statement::blob(int column) const {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle_, column));
    if (data == nullptr) return check_memory(), bytes_view();
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

value statement::cell(int column) const {
    switch (sqlite3_column_type(handle_, column)) {
        case SQLITE_INTEGER:
            return integer(column);
        case SQLITE_FLOAT:
            return real(column);
        case SQLITE_TEXT:
            return text(column);
        case SQLITE_BLOB: {
            const bytes_view v = blob(column);
            return bytes(v.begin(), v.end());
        }
        default:
            return {};
    }
}

std::vector<value> statement::cells() const {
    std::vector<value> out;
    out.reserve(static_cast<std::size_t>(columns()));
    for (int i = 0; i < columns(); ++i) out.push_back(cell(i));
    return out;
}

}  // namespace casasync::sqlite
