// SPDX-License-Identifier: MIT
#pragma once

/// One device of the simulation: a machine with a disk, a network and a clock of its own, its app and its
/// vault.
#include "app_writes.hpp"
#include "device.hpp"
#include "holdings.hpp"
#include "ledger.hpp"

#include <casasync/loopback/transport.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace simulation {

/// What was sent last, and by whom.
struct sent_mark {
    casasync::device_id device{};
    casasync::digest256 envelope{};
};

/// In the next sync an allocation of SQLite's, or of `new`, fails: the `at`-th.
struct memory_shortage {
    std::uint64_t at = 1;
    bool and_all_after = false, of_new = false;
};

/// What lies beside the vault, in files of its own: whose keys, of whom it is about to become, and the mark.
struct install {
    casasync::device_id self{};
    std::optional<casasync::device_id> next{};
    std::optional<sent_mark> mark{};
};

/// A copy of all files of a device, and what the books and the world knew then.
struct saved_files {
    casasync_test::disk_image files{};
    install beside{};
    bool upgraded = false;
    std::size_t writes = 0;        ///< in the books
    std::size_t relay_losses = 0;  ///< so far
    holdings has{};
};

/// A device of a vault as it lies there, to begin scenes with.
struct party_image {
    casasync_test::disk_image files{};
    casasync_test::plain_cipher keys{};
    install beside{};
};

struct failed_write {
    knowledge before{};
    app_write what{};
};

class party {
 public:
    party(std::size_t number, casasync::loopback::relay& relay, std::uint64_t seed);
    party(const party&) = delete;
    party& operator=(const party&) = delete;

    casasync_test::device machine;
    casasync::loopback::network network;
    casasync::loopback::transport way;

    const std::size_t number;
    std::int64_t clock_error = 0;  ///< milliseconds its clock is ahead
    bool joined = false;
    bool upgraded = false;
    install beside;
    std::optional<saved_files> saved{};
    std::optional<memory_shortage> shortage{};
    /// Since it last synced its files were replaced, all of them, or another file has synced as the device
    /// that it is, too: nobody may know that yet.
    bool doubtful = false;
    /// Its vault was replaced since it last synced: what it makes in its name another may have made
    /// otherwise.
    bool put_back = false;
    /// Its rows, when nothing but its app can have changed them since: a power loss must not, either.
    std::optional<picture> expected{};
    /// A transaction of its app that failed on a bad disk, the last one: it may come back with a power loss
    /// (README, Two writers on one file).
    std::optional<failed_write> unsettled{};
    std::size_t family = number;  ///< the number of the first of those whose files are copies of each other
    std::set<casasync::unix_ms> wrote_at{};  ///< by its clock

    /// Opens app and vault if they are not. \returns false when the vault does not open
    [[nodiscard]] casasync::result<void> open();
    /// Ends its programs and begins them again; nothing of an unhappy disk stands in the way.
    void begin_anew();
    /// Looks whether the vault is an older state of the one that sent last, and notes that in it.
    [[nodiscard]] casasync::result<void> recognise_copy();
    /// The vault is the device it was about to become: so is what lies beside it.
    void finish_succession();
    /// Puts files in the place of its own. \param all  what lies beside the vault, too
    void put(const saved_files& files, bool all);
    [[nodiscard]] party_image image();
    void become(const party_image& image);
    /// The rows the app sees, as far as they are booked; nothing of an unhappy disk stands in the way.
    [[nodiscard]] picture rows();
    /// True when the file has what the app's next version adds to its tables.
    [[nodiscard]] bool has_more_columns();
    /// The other rows, as lines.
    [[nodiscard]] std::string other_rows();
    /// Returns the row a conflict is about, by the name the books have for it; none where they have none,
    /// several where its number was given out again.
    [[nodiscard]] std::set<row_name> named(const casasync::sqlite::conflict_info& c);
    /// The one row of a conflict whose values are in the books.
    [[nodiscard]] std::optional<row_name> booked(const casasync::sqlite::conflict_info& c);
    /// What somebody at this device can know. \param whole_rows  as far as it matters to one who writes or
    /// deletes whole rows; this seals
    [[nodiscard]] knowledge know(bool whole_rows);
    /// Returns what it has, and of its own what the relay ever had; nothing when the vault does not open.
    [[nodiscard]] std::optional<holdings> has_at_most(const last_seqs& sent);
    /// Returns what it has for certain. A file that is put back makes anew, as another device, what was not
    /// confirmed to it.
    [[nodiscard]] std::optional<holdings> has_at_least(bool when_put_back);
    /// The values of rows that are parked, as if they were shown.
    void add_parked(picture& to);
    [[nodiscard]] losers open_conflicts();

 private:
    /// Adds what others wrote to columns this device's app does not have yet: it overwrites that with the
    /// row.
    void add_unknown(picture& to);
    template <class OwnMax>
    [[nodiscard]] std::optional<holdings> has(OwnMax own_max);
};

/// Returns a value as SQL text.
[[nodiscard]] std::string text_of(const casasync::value& v);
[[nodiscard]] row_name row_of(const std::string& table, const std::vector<casasync::value>& key);

}  // namespace simulation
