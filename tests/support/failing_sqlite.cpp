// SPDX-License-Identifier: MIT
// Stands before SQLite's own functions: in the program that links it, or in one that is started with it as a
// library that comes first (LD_PRELOAD); then CASASYNC_FAILING_CALL says which call fails,
// CASASYNC_FAILING_CODE how, and CASASYNC_FAILED names a file that is made when one did.
#include <casasync_test/failing_sqlite.hpp>

#include <sqlite3.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace casasync_test {
namespace {

constexpr std::uint64_t none = 0;

struct call_plan {
    std::atomic<std::uint64_t> at{none}, calls{0};
    std::atomic<bool> sticky{false}, failed{false}, in_any_thread{false};
    std::atomic<int> code{SQLITE_OK};
    std::atomic<call_kind> only{call_kind::any};
};

std::uint64_t number_in(const char* name, std::uint64_t otherwise) noexcept {
    const char* const text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

call_plan& plan() noexcept {
    static call_plan one;
    static const bool read = [] {
        one.code = static_cast<int>(number_in("CASASYNC_FAILING_CODE", SQLITE_NOMEM));
        one.at = number_in("CASASYNC_FAILING_CALL", none);
        one.in_any_thread = one.at != none;
        return true;
    }();
    static_cast<void>(read);
    return one;
}

/// What this thread's last call was made to fail with.
thread_local struct {
    sqlite3* db = nullptr;
    int code = SQLITE_OK;
    [[nodiscard]] bool is_of(sqlite3* asked) const noexcept { return code != SQLITE_OK && db == asked; }
} told;

thread_local bool planned = false;  ///< this thread called plan_calls()
thread_local int depth = 0;         ///< of SQLite's functions that call each other

/// Counts a call that does not come from SQLite itself. \returns what it fails with; SQLITE_OK when it may go
/// on
int fails(sqlite3* db, call_kind kind = call_kind::of_sqlite) noexcept {
    if (depth > 0) return SQLITE_OK;
    call_plan& p = plan();
    told = {db, SQLITE_OK};
    const std::uint64_t at = p.at;
    if (at == none || !(planned || p.in_any_thread)) return SQLITE_OK;
    if (p.only != call_kind::any && p.only != kind) return SQLITE_OK;
    const std::uint64_t call = ++p.calls;
    if (call != at && !(p.sticky && call > at)) return SQLITE_OK;
    if (const char* const mark = std::getenv("CASASYNC_FAILED"); mark != nullptr && !p.failed)
        if (const int file = ::open(mark, O_CREAT | O_WRONLY, 0600); file >= 0) ::close(file);
    p.failed = true;
    return told.code = p.code;
}

bool undoes(const char* sql) noexcept {
    return sql != nullptr && std::strncmp(sql, "ROLLBACK", 8) == 0;
}

/// SQLite's own function of that name.
template <class Function>
Function* real(const char* name) noexcept {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

template <class Function, class... Arguments>
int call(Function* usual, Arguments... arguments) {
    ++depth;
    const int out = usual(arguments...);
    --depth;
    return out;
}

}  // namespace

void plan_calls(std::uint64_t at, bool sticky, int code, call_kind only) noexcept {
    call_plan& p = plan();
    p.calls = 0;
    p.failed = false;
    p.sticky = sticky;
    p.code = code;
    p.only = only;
    p.at = at;
    planned = true;
}

call_report repair_calls() noexcept {
    call_plan& p = plan();
    p.at = none;
    planned = false;
    return {p.calls, p.failed};
}

bool next_call_fails(call_kind kind) noexcept {
    return fails(nullptr, kind) != SQLITE_OK;
}

}  // namespace casasync_test

using casasync_test::call;
using casasync_test::fails;
using casasync_test::real;
using casasync_test::told;
using casasync_test::undoes;

extern "C" {

int sqlite3_open_v2(const char* path, sqlite3** db, int flags, const char* vfs) {
    if (const int code = fails(nullptr); code != SQLITE_OK) return *db = nullptr, code;
    static auto* const usual = real<decltype(sqlite3_open_v2)>("sqlite3_open_v2");
    return call(usual, path, db, flags, vfs);
}

int sqlite3_prepare_v2(sqlite3* db, const char* sql, int size, sqlite3_stmt** out, const char** rest) {
    if (const int code = fails(db); code != SQLITE_OK) return *out = nullptr, code;
    static auto* const usual = real<decltype(sqlite3_prepare_v2)>("sqlite3_prepare_v2");
    return call(usual, db, sql, size, out, rest);
}

int sqlite3_prepare_v3(sqlite3* db, const char* sql, int size, unsigned flags, sqlite3_stmt** out,
                       const char** rest) {
    if (const int code = fails(db); code != SQLITE_OK) return *out = nullptr, code;
    static auto* const usual = real<decltype(sqlite3_prepare_v3)>("sqlite3_prepare_v3");
    return call(usual, db, sql, size, flags, out, rest);
}

int sqlite3_step(sqlite3_stmt* statement) {
    if (!undoes(sqlite3_sql(statement)))
        if (const int code = fails(sqlite3_db_handle(statement)); code != SQLITE_OK) return code;
    static auto* const usual = real<decltype(sqlite3_step)>("sqlite3_step");
    return call(usual, statement);
}

int sqlite3_exec(sqlite3* db, const char* sql, int (*each)(void*, int, char**, char**), void* of,
                 char** message) {
    if (!undoes(sql))
        if (const int code = fails(db); code != SQLITE_OK) return code;
    static auto* const usual = real<decltype(sqlite3_exec)>("sqlite3_exec");
    return call(usual, db, sql, each, of, message);
}

int sqlite3_close(sqlite3* db) {
    told = {};  // the next one can have its address
    static auto* const usual = real<decltype(sqlite3_close)>("sqlite3_close");
    return call(usual, db);
}

int sqlite3_close_v2(sqlite3* db) {
    told = {};
    static auto* const usual = real<decltype(sqlite3_close_v2)>("sqlite3_close_v2");
    return call(usual, db);
}

int sqlite3_errcode(sqlite3* db) {
    static auto* const usual = real<decltype(sqlite3_errcode)>("sqlite3_errcode");
    return told.is_of(db) ? told.code : usual(db);
}

int sqlite3_extended_errcode(sqlite3* db) {
    static auto* const usual = real<decltype(sqlite3_extended_errcode)>("sqlite3_extended_errcode");
    return told.is_of(db) ? told.code : usual(db);
}

const char* sqlite3_errmsg(sqlite3* db) {
    static auto* const usual = real<decltype(sqlite3_errmsg)>("sqlite3_errmsg");
    return told.is_of(db) ? sqlite3_errstr(told.code) : usual(db);
}

}  // extern "C"
