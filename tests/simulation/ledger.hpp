// SPDX-License-Identifier: MIT
#pragma once

/// The books of what people wrote, kept from outside: from the rows an app sees before and after each of its
/// transactions. In the end each write must be shown, be an open conflict, or have been overwritten by
/// somebody who had it before the eyes or among the open conflicts. Knows nothing of stamps, registers or the
/// engine.
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace simulation {

/// Row and cell names, values as SQL text.
struct row_name {
    std::string table{}, key{};
    friend auto operator<=>(const row_name&, const row_name&) = default;
};
struct cell_name {
    row_name row{};
    std::string column{};
    friend auto operator<=>(const cell_name&, const cell_name&) = default;
};
[[nodiscard]] std::string text_of(const cell_name& c);

/// The rows of a file as its app sees them.
using picture = std::map<cell_name, std::string>;
/// Values beside the shown ones: those of open conflicts.
using losers = std::multimap<cell_name, std::string>;

/// What a device knew of rows when its app wrote.
struct knowledge {
    picture shown{};
    losers open{};
    std::set<row_name> parked{};  ///< what is there of them is not before anybody's eyes
};

class ledger {
 public:
    /// Books a committed transaction. \param replaced  rows it wrote as a whole, though they were there
    /// \param named  rows it may have inserted and taken away again
    void wrote(std::size_t device, const knowledge& before, const picture& after,
               const std::set<row_name>& replaced, const std::set<row_name>& named);
    /// Books that somebody decided an open conflict: everything known of the cell is settled, `value` was
    /// written.
    void decided(std::size_t device, const knowledge& before, const cell_name& cell,
                 const std::string& value);
    /// Books that a write of the whole row by someone with this knowledge happened, or may have.
    void settled(std::size_t device, const knowledge& before, const row_name& row);

    /// Books that a device is a copy of another one: what that wrote so far is its own, too.
    void copied(std::size_t from, std::size_t to) { origins_[to] = {from, writes_}; }
    /// Books that everything a device wrote is at the relay.
    void sent(std::size_t device);
    /// Books that a device is what it was when there were `writes` in the books. What it wrote since, and the
    /// relay never got, is lost by nature.
    void went_back(std::size_t device, std::size_t writes);
    /// Books that the relay may have lost anything. Devices give it again; but what one has lost, too, is
    /// gone.
    void relay_lost();
    /// Books that a device was removed: what it did not send stays with it, and so does what the relay loses.
    void removed(std::size_t device);

    /// Returns the first write that is neither in `shown` nor in `open` nor overwritten; "" when there is
    /// none.
    [[nodiscard]] std::string missing(const picture& shown, const losers& open) const;
    [[nodiscard]] std::size_t writes() const noexcept { return writes_; }

 private:
    struct written {
        std::size_t device = 0;
        std::string value{};
        bool overwritten = false;
        bool sent = false;        ///< the relay has it
        bool only_there = false;  ///< its author does not have it any more
        bool excused = false;     ///< it may be lost
        std::size_t number = 0;   ///< of writes in the books before it
    };
    struct origin {
        std::size_t device = 0;
        std::size_t writes = 0;  ///< in the books when it was copied
    };
    template <class Visit>
    void each_of(Visit visit);
    [[nodiscard]] bool is_own(std::size_t device, const written& w) const;
    void overwrite(std::size_t device, const knowledge& before, const cell_name& cell);
    void add(std::size_t device, const cell_name& cell, const std::string& value);

    std::map<cell_name, std::vector<written>> books_;
    std::map<std::size_t, origin> origins_;
    std::size_t writes_ = 0;
};

}  // namespace simulation
