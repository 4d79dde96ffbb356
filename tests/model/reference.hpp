// SPDX-License-Identifier: MIT
#pragma once

/// What casasync means, said a second time and as naively as possible: keep every write for ever, sort them
/// by stamp, replay them; find conflicts by their definition over the set of writes. Nothing of the core is
/// used here, so that the two can only agree by meaning the same.
///
/// Not modelled: two writes under one stamp (a copied device), and adopted rows. Accounts are kept by cell:
/// an INSERT that writes no column under last-writer-wins has nothing that could be listed, as in the engine.
#include <bitset>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace reference {

enum class type : std::uint8_t { null, integer, real, text, blob };

/// A value: its type, and the number or the bytes it holds.
struct value {
    type kind = type::null;
    std::int64_t integer = 0;
    std::uint64_t real_bits = 0;  ///< as they are: -0.0 and 0.0 differ
    std::string content{};

    friend bool operator==(const value&, const value&) = default;
};

struct stamp {
    std::uint64_t time = 0;  ///< 0: never
    int author = 0;

    friend auto operator<=>(const stamp&, const stamp&) = default;
};

enum class rule : std::uint8_t { last, greatest, least };
enum class deletes : std::uint8_t { lose_to_later_edits, win };

struct table {
    deletes policy = deletes::lose_to_later_edits;
    std::map<std::string, rule> columns{};
};

/// Changesets by number: bit n is the n-th one sealed.
using changeset_set = std::bitset<256>;

enum class action : std::uint8_t { insert, update, remove };

struct operation {
    action what = action::update;
    stamp when{};
    std::size_t changeset = 0;  ///< the one it travels in
    changeset_set seen{};       ///< those its author had merged when this one was sealed
    bool blind = false;         ///< it covers nothing of other authors
    std::map<std::string, value> cells{};
};

/// Every operation on one row.
using history = std::vector<operation>;

struct shown_cell {
    value what{};
    stamp when{};  ///< of the write, or of the latest one where the rule is not `last`

    friend bool operator==(const shown_cell&, const shown_cell&) = default;
};

/// What a person sees of a row. A column that is not listed shows its default.
struct row_view {
    bool visible = false;
    std::map<std::string, shown_cell> cells{};  ///< none while it is not visible
    stamp born{}, dead{}, touched{};            ///< the greatest INSERT, DELETE, and INSERT or UPDATE

    friend bool operator==(const row_view&, const row_view&) = default;
};

enum class reason : std::uint8_t { older, tie, hidden_by_delete, delete_undone };

/// A write that lost to somebody who had not seen it.
struct lost_write {
    std::optional<std::string> column{};  ///< none: a DELETE
    stamp loser{};
    value what{};
    stamp winner{};
    reason why = reason::older;

    friend bool operator==(const lost_write&, const lost_write&) = default;
};

[[nodiscard]] bool saw(const operation& y, const operation& w);

/// Replays a row's operations in the order of their stamps.
[[nodiscard]] row_view replay(const history& row, const table& t);

/// Returns the row's open conflicts, by column and stamp, a DELETE last.
[[nodiscard]] std::vector<lost_write> conflicts(const history& row, const table& t);

/// What became of every write of a row: one class each.
struct accounts {
    std::size_t writes = 0;      ///< cells written, and DELETEs
    std::size_t applied = 0;     ///< nobody overwrote it, and it is what is shown (or hides the row)
    std::size_t superseded = 0;  ///< overwritten by somebody who had seen it; a DELETE: under a greater one
    std::size_t absorbed = 0;    ///< the same value is shown or listed under a greater stamp; or the rule is
                                 ///< not `last`, and another write is the one that counts as shown
    std::size_t lost = 0;        ///< listed as a conflict

    accounts& operator+=(const accounts& other);

    friend bool operator==(const accounts&, const accounts&) = default;
};

/// Finds the class of each write in what a replica shows and lists (not in what it should). Returns nothing
/// when one fits no class, or two, or when something is shown or listed that nobody wrote.
[[nodiscard]] std::optional<accounts> conserve(const history& row, const table& t, const row_view& shown,
                                               const std::vector<lost_write>& listed);

}  // namespace reference
