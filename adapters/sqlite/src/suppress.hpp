// SPDX-License-Identifier: MIT
#pragma once

/// Applying what other devices wrote must not be captured as if it were written here, and what their triggers
/// wrote comes with it: it must not be done twice.
#include "capture.hpp"
#include "catalog.hpp"
#include "connection.hpp"

#include <casasync/result.hpp>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace casasync::sqlite {

/// While it lives, nothing that its connection does is captured: an authorizer compiles the bodies of our
/// triggers to nothing. The application's triggers still fire, but what they insert into tracked tables or
/// change there is compiled to nothing, too: the author's triggers did that already, and it was captured.
/// Other connections do not notice. Only for the engine's own connection, because an application may have an
/// authorizer of its own.
/// Making and destroying it has SQLite compile the connection's statements anew at their next use.
class suppress_capture {
 public:
    /// \param tables  must outlive this
    suppress_capture(connection& db, const catalog& tables) noexcept;
    suppress_capture(const suppress_capture&) = delete;
    suppress_capture& operator=(const suppress_capture&) = delete;
    ~suppress_capture();

 private:
    sqlite3* db_;
};

/// For a connection of the application, where the authorizer is not ours: remembers how far log and
/// graveyards reached, and removes what came after. Both inside one write transaction, so nobody else's
/// entries are hit.
class capture_mark {
 public:
    [[nodiscard]] static result<capture_mark> set(connection& db, std::span<const table_number> tables);

    /// Removes all that was captured since set(). May be called more than once.
    [[nodiscard]] result<void> discard(connection& db) const;

 private:
    std::int64_t log_ = 0;
    std::vector<std::pair<table_number, std::int64_t>> graves_{};  ///< table, greatest rowid
};

}  // namespace casasync::sqlite
