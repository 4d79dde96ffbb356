// SPDX-License-Identifier: MIT
#pragma once

/// A disk in memory that knows what was synced and what was not: at a power loss, unsynced writes go, some of
/// them stay, or one is torn. Every call is counted, and the n-th can fail or be where the power goes.
#include <casasync/bytes.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace casasync_test {

/// SplitMix64: the same numbers on every machine. Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom
/// Number Generators", 2014.
class dice {
 public:
    explicit dice(std::uint64_t seed) : state_(seed) {}
    [[nodiscard]] std::uint64_t next() noexcept {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    /// Returns a number below `n`, 0 for 0.
    [[nodiscard]] std::uint64_t below(std::uint64_t n) noexcept { return n == 0 ? 0 : next() % n; }
    [[nodiscard]] bool percent(unsigned p) noexcept { return below(100) < p; }

 private:
    std::uint64_t state_;
};

/// What SQLite asks of a disk.
enum class disk_call : std::uint8_t {
    open,
    read,
    write,
    truncate,
    sync,
    size,
    remove,
    exists,
    lock,  ///< unlocking cannot fail
    shm_map,
    shm_lock
};
inline constexpr std::size_t disk_call_kinds = 11;

/// A set of kinds of calls.
using call_set = std::uint32_t;
[[nodiscard]] constexpr call_set only(disk_call c) noexcept {
    return call_set{1} << static_cast<unsigned>(c);
}
inline constexpr call_set every_call = (call_set{1} << disk_call_kinds) - 1;
/// Those before which the power can go with a result of its own: the others leave everything as it is.
inline constexpr call_set calls_that_change =
    only(disk_call::open) | only(disk_call::write) | only(disk_call::truncate) | only(disk_call::sync) |
    only(disk_call::remove) | only(disk_call::lock) | only(disk_call::shm_map) | only(disk_call::shm_lock);

enum class fault : std::uint8_t { none, power_loss, io_error, disk_full };

/// What becomes of writes that were not synced when the power went.
enum class loss : std::uint8_t {
    all_unsynced,   ///< none of them is there
    random_subset,  ///< some are, in any combination
    torn_write,     ///< the first few are, and a piece of the next
    nothing         ///< all are: the processes were killed, and the machine goes on
};

/// Which call fails: the `at`-th, from 1, of those in `counted`; and all after it when `sticky`.
struct fault_plan {
    fault what = fault::none;
    std::uint64_t at = 0;
    bool sticky = false;
    call_set counted = every_call;
    loss how = loss::all_unsynced;
    std::uint64_t seed = 0;  ///< decides what survives a power loss
};

/// One write or truncation that was not synced yet.
struct disk_change {
    std::uint64_t offset = 0;
    casasync::bytes data{};
    bool truncates = false;  ///< to `offset` bytes
};

/// A file while the power is on. Open handles share it; a removed file lives until the last one closes it.
struct disk_file {
    casasync::bytes now{}, synced{};
    std::vector<disk_change> unsynced{};
    std::vector<std::unique_ptr<casasync::bytes>> shared_memory{};  ///< the WAL index: gone with the power
    std::vector<struct disk_handle*> open{};
};

/// A file opened by one connection, with what it has locked.
struct disk_handle {
    class disk* home = nullptr;  ///< null for a temporary file
    std::string name{};
    std::shared_ptr<disk_file> file{};
    std::uint64_t epoch = 0;
    int lock_level = 0;  ///< SQLITE_LOCK_*
    std::uint32_t shm_shared = 0, shm_exclusive = 0;
    bool remove_at_close = false;
};

/// What lies on a disk without power: everything is synced.
using disk_image = std::map<std::string, casasync::bytes>;

class disk {
 public:
    disk() = default;
    explicit disk(const disk_image& image);

    /// Begins to count calls anew, with a fault ahead.
    void plan(const fault_plan& p) noexcept;
    /// No fault from here on; the power comes back.
    void repair() noexcept;
    /// While paused, no fault happens and no call counts: for looking at what is there. \returns what was
    /// before
    bool pause(bool on) noexcept { return std::exchange(paused_, on); }
    /// Calls counted since plan(), those that failed included.
    [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
    [[nodiscard]] std::uint64_t calls(disk_call c) const noexcept {
        return calls_of_[static_cast<std::size_t>(c)];
    }
    [[nodiscard]] bool fault_happened() const noexcept { return happened_; }
    [[nodiscard]] bool is_powered() const noexcept { return powered_; }

    /// The power goes now. Handles that are open fail from here on, even after repair().
    void lose_power(loss how, std::uint64_t seed);
    /// What would be there if every process were killed now: everything that was written.
    [[nodiscard]] disk_image image() const;

    /// Counts a call. \returns the fault that meets it
    [[nodiscard]] fault meet(disk_call c);
    [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }

    [[nodiscard]] std::shared_ptr<disk_file> find(const std::string& name) const;
    [[nodiscard]] std::shared_ptr<disk_file> make(const std::string& name);
    /// \param synced  the folder was synced as well; otherwise the file can be back after a power loss
    void remove(const std::string& name, bool synced);
    /// Makes durable what was written to a file; with it the folder, when the file is new in it.
    void sync(const std::string& name, disk_file& f);

 private:
    std::map<std::string, std::shared_ptr<disk_file>> names_{}, synced_names_{};
    fault_plan plan_{};
    std::uint64_t calls_ = 0;
    std::array<std::uint64_t, disk_call_kinds> calls_of_{};
    std::uint64_t epoch_ = 0;
    bool happened_ = false;
    bool powered_ = true;
    bool paused_ = false;
};

/// Applies a change to the content of a file.
void perform(casasync::bytes& content, const disk_change& change);

}  // namespace casasync_test
