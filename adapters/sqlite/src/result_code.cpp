// SPDX-License-Identifier: MIT
#include "connection.hpp"

namespace casasync::sqlite {
namespace {

struct meaning {
    errc code;
    const char* sentence;
};

meaning meaning_of(int result_code) noexcept {
    switch (result_code == SQLITE_IOERR_NOMEM ? SQLITE_NOMEM : result_code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
        case SQLITE_SCHEMA:
            return {
                errc::store_busy,
                "Another program is writing to the database; nothing was changed. Try again in a moment."};
        case SQLITE_FULL:
            return {
                errc::store_full,
                "The disk is full; nothing was changed and the data is safe. Free some space and try again."};
        case SQLITE_NOTADB:
            return {errc::not_a_database,
                    "The file is not an SQLite database (or it is encrypted); it was not touched. Check the "
                    "path."};
        case SQLITE_CORRUPT:
            return {
                errc::store_failed,
                "SQLite finds the database file damaged; nothing more was written to it. Keep a copy of the "
                "file, and check it with: sqlite3 FILE 'PRAGMA integrity_check'."};
        case SQLITE_IOERR:
            return {
                errc::store_failed,
                "The disk failed while the database was read or written; what was not finished was undone. "
                "Check the disk and try again."};
        case SQLITE_READONLY:
        case SQLITE_PERM:
            return {errc::io_failed,
                    "The database cannot be written; nothing was changed. Check the permissions of the file "
                    "and of "
                    "its folder."};
        case SQLITE_CANTOPEN:
            return {errc::io_failed,
                    "The database file cannot be opened. Check that the path exists and may be read and "
                    "written."};
        case SQLITE_AUTH:
            return {errc::invalid_argument,
                    "The application's authorizer refuses this access; nothing was changed. Allow the tables "
                    "whose "
                    "names begin with casasync_."};
        case SQLITE_NOMEM:
            return {errc::io_failed,
                    "There is not enough memory; nothing was changed. Close something and try again."};
        case SQLITE_INTERRUPT:
        case SQLITE_ABORT:
            return {errc::canceled, "The operation was interrupted; nothing was changed."};
        case SQLITE_TOOBIG:
            return {errc::limit_exceeded,
                    "A value or a statement is larger than this SQLite allows; nothing was changed."};
        case SQLITE_CONSTRAINT:
            return {errc::invalid_argument,
                    "The database refuses the row because of a constraint; nothing was changed."};
        default:
            return {errc::invalid_argument, "SQLite refuses the statement; nothing was changed."};
    }
}

std::string quoted(std::string_view text, char quote) {
    std::string out(1, quote);
    for (const char c : text) {
        if (c == quote) out.push_back(quote);
        out.push_back(c);
    }
    out.push_back(quote);
    return out;
}

}  // namespace

std::string quote_name(std::string_view name) {
    return quoted(name, '"');
}

std::string quote_text(std::string_view text) {
    return quoted(text, '\'');
}

error to_error(int result_code, sqlite3* db) {
    const meaning m = meaning_of(result_code);
    // The connection keeps the words for its own last failure only.
    const bool has_words = db != nullptr && (sqlite3_extended_errcode(db) & 0xff) == (result_code & 0xff);
    const char* words = has_words ? sqlite3_errmsg(db) : sqlite3_errstr(result_code);
    return {m.code, std::string(m.sentence) + " (SQLite " + std::to_string(result_code) + ": " + words + ")"};
}

}  // namespace casasync::sqlite
