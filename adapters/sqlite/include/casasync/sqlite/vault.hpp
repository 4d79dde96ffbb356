// SPDX-License-Identifier: MIT
#pragma once

/// A vault: an ordinary SQLite file whose tables are the same on all of a person's devices. The app keeps
/// writing with its own SQL on its own connection; triggers capture what it writes, and this class seals,
/// sends, receives, merges and shows.
#include <casasync/bytes.hpp>
#include <casasync/conflict.hpp>
#include <casasync/cursor.hpp>
#include <casasync/environment.hpp>
#include <casasync/ids.hpp>
#include <casasync/result.hpp>
#include <casasync/row.hpp>
#include <casasync/snapshot.hpp>
#include <casasync/store.hpp>
#include <casasync/table.hpp>
#include <casasync/value.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct sqlite3;

namespace casasync::sqlite {

/// Runs a piece of the engine's work on the app's own connection and writer queue, and returns its result.
/// Called on the thread that called the vault; it may hand over to another and wait.
using executor = std::function<result<void>(const std::function<result<void>(sqlite3*)>&)>;

struct vault_options {
    std::function<unix_ms()> now{};        ///< wall clock; the system's when empty
    int busy_timeout_ms = 5000;            ///< how long to wait for another writer before store_busy
    bool capture_write_time = true;        ///< stamps tell when a row was written, not when it was sealed
    unix_ms built_at = 1'790'000'000'000;  ///< a clock that says earlier than this is not believed
    /// Whose connection writes. Empty: the vault opens its own, keeps its transactions short while the app
    /// writes, and the app should use BEGIN IMMEDIATE and a busy timeout of a second or more.
    executor run_on_app{};
};

/// Who a new vault, or a new device of one, is.
struct identity {
    vault_id vault{};
    device_id device{};
    std::string device_name{};  ///< up to limits::name_bytes_max bytes
    std::string relay{};        ///< origin, kept for the programs that talk to it
};

/// What the numbers of INTEGER PRIMARY KEYs mean in rows that a joining device has of its own.
enum class brought_numbers : std::uint8_t {
    other_rows,  ///< numbers were handed out here: a row that differs from the vault's of that number is
                 ///< another
    same_rows,   ///< the file is a copy of the vault's: rows of one number are one row
};

struct track_options {
    delete_policy policy = delete_policy::later_wins;
    std::map<std::string, merge_rule> rules{};       ///< column -> rule; the others are lww
    std::vector<std::vector<std::string>> groups{};  ///< columns that are always stamped together, each in
                                                     ///< one group
    /// An INTEGER PRIMARY KEY means the same thing on every device: rows of one number are one row. Otherwise
    /// two devices that give one number out have two rows, and one of them gets another number.
    bool natural_integer_key = false;
    /// Column -> table: it holds the INTEGER PRIMARY KEY of a row of that table, though no foreign key says
    /// so. Declared foreign keys are known.
    std::map<std::string, std::string> references{};
};

/// A table that cannot be tracked: why, and what to do about it.
struct untrackable {
    std::string table{};
    std::string reason{};
};

/// Who wrote something, and when.
struct author {
    device_id device{};         ///< zero: it was there when the vault began
    std::string device_name{};  ///< empty when unknown
    unix_ms at = 0;             ///< 0: it was there when the vault began, or when the device joined
};

/// An entry of the audit log.
struct conflict_info {
    std::string id{};  ///< 12 hexadecimal digits, the same on every device
    std::string table{};
    std::vector<value> key{};
    bool key_taken = false;  ///< not the row that has this INTEGER PRIMARY KEY by now: this one is deleted or
                             ///< parked, and its number was given out again
    std::optional<std::string> column{};  ///< none: the lost write is a DELETE of the row
    value loser{};
    author loser_by{};
    value winner{};  ///< what is shown, or was when a closed one was noticed; NULL when the row is
                     ///< not, or the column by its DEFAULT alone
    author winner_by{};
    conflict_reason reason = conflict_reason::older_stamp;
    bool open = true;
    unix_ms noticed_at = 0;  ///< when this device merged the write that lost, or the one that won
    unix_ms closed_at = 0;   ///< when this device learned that somebody decided it; 0 while open
};

/// A row that was deleted, as it was.
struct deleted_row {
    std::string id{};  ///< 12 hexadecimal digits, the same on every device
    std::string table{};
    std::vector<value> key{};
    bool key_taken = false;                               ///< as in conflict_info
    std::vector<std::pair<std::string, value>> values{};  ///< column and value
    author deleted_by{};
};

/// A row that is in the vault but cannot be shown in its table at the moment.
struct parked_info {
    std::string table{};
    std::vector<value> key{};
    bool key_taken = false;  ///< as in conflict_info
    std::string reason{};
    std::string detail{};  ///< a sentence with the remedy
};

/// A row whose INTEGER PRIMARY KEY is another number on this device than it was.
struct renumbered_row {
    std::string table{};
    std::int64_t was = 0, is = 0;
    unix_ms at = 0;  ///< when this device learned of it

    friend bool operator==(const renumbered_row&, const renumbered_row&) = default;
};

enum class schema_verdict : std::uint8_t {
    compatible,  ///< taken in; nothing is missing on either side
    pending,     ///< this file has no such table or column: values are kept, and shown once it has; or
                 ///< the column's DEFAULT is another one than on other devices
    refused,  ///< the file's table is not the vault's any more: it is left alone, and what comes for it waits
};

/// A way in which this file's tables differ from the vault's, or in which a migration changed them.
struct schema_difference {
    std::string table{};
    std::string column{};  ///< empty: the whole table
    schema_verdict verdict = schema_verdict::pending;
    std::string detail{};  ///< a sentence with what to do
};

/// Runs statements, several at once if need be. \errors as migrate()
using sql_runner = std::function<result<void>(std::string_view sql)>;

/// What is kept of the past. Open conflicts are always kept, whatever the policy says.
enum class history_kept : std::uint8_t {
    conflicts,  ///< writes that lost unseen, also once they were decided
    all,        ///< every write merged here from then on, so that a cell's whole story can be told
};
struct history_policy {
    history_kept keep = history_kept::conflicts;
    std::uint32_t days = 0;  ///< how long decided conflicts and kept writes stay; 0: for good

    friend bool operator==(const history_policy&, const history_policy&) = default;
};

/// The policy, and how much is kept.
struct history_info {
    history_policy policy{};
    std::size_t open = 0, decided = 0;  ///< conflicts
    std::size_t writes = 0;             ///< kept because of history_kept::all
};

/// A write that was kept, whether it is still shown or not.
struct kept_write {
    std::string table{};
    std::vector<value> key{};
    bool key_taken = false;               ///< as in conflict_info
    std::optional<std::string> column{};  ///< none: a DELETE, or an INSERT of a key alone
    op_kind kind = op_kind::update;
    value what{};
    author by{};
    unix_ms merged_at = 0;  ///< when this device merged it
};

/// One cell's story.
struct cell_history {
    std::string column{};
    std::optional<value> shown{};  ///< none when the row is not visible
    author by{};
    std::vector<conflict_info>
        lost{};  ///< writes of this cell that lost unseen, closed ones too, oldest first
    std::vector<kept_write> writes{};  ///< every one that was kept, oldest first; see history_policy
};

struct row_history {
    bool visible = false;
    author born{}, deleted{};  ///< at = 0 when it never was
    std::vector<cell_history> cells{};
    std::vector<conflict_info> lost_deletes{};
    std::vector<kept_write> row_writes{};  ///< kept writes of no cell: DELETEs, INSERTs of a key alone
};

struct device_info {
    device_id id{};
    std::string name{};
    std::uint64_t last_seq = 0;  ///< merged here
    unix_ms last_write = 0;      ///< greatest stamp merged of it; 0 when none
    bool self = false;
};

/// What became of every write this device has heard of, its own included: each is in one class, and the
/// classes add up to `total`. A write is one cell of an INSERT or UPDATE, or a DELETE (casasync/accounts.hpp
/// says what the classes mean). Kept across restarts; what is captured and not sealed is not counted yet.
struct write_counts {
    std::size_t rejected = 0;  ///< changesets that do not open or are damaged; nobody can read what they say,
                               ///< so each counts as one
    std::size_t held =
        0;  ///< in changesets that wait: for the time of their clock, for others, for an update
    std::size_t applied = 0;  ///< live and shown
    std::size_t superseded = 0;
    std::size_t absorbed = 0;
    std::size_t conflicts = 0;  ///< open ones
    std::size_t parked = 0;     ///< of `applied`: in rows that cannot be shown at the moment
    std::size_t total = 0;
};

/// A file that turned out to be an older state or a copy of another took the place of a device of its own.
struct succession_info {
    device_id from{};  ///< who it was before; that device stays in the vault until a person removes it
    unix_ms at = 0;    ///< own clock
    std::size_t sent_again = 0;  ///< changesets that nobody had got, sent under the new id

    friend bool operator==(const succession_info&, const succession_info&) = default;
};

/// Received changesets of one device that wait, and for what. Those behind them are not counted.
struct held_back {
    device_id device{};
    std::string device_name{};
    std::size_t changesets = 0;
    std::string reason{};  ///< a sentence with what to do, if anything
};

/// A device that has merged the same changes as this one has another state: one of the two began with a
/// snapshot that lacked something, or its file was damaged.
struct suspicion {
    device_id device{};
    unix_ms at = 0;           ///< own clock
    std::uint64_t asked = 0;  ///< number of the changeset with which this device asked for a snapshot; 0: not

    friend bool operator==(const suspicion&, const suspicion&) = default;
};

/// Where the vault stands. `in_sync` needs the relay's head, hence a sync.
struct vault_status {
    vault_id vault{};
    device_id device{};
    std::string device_name{};
    std::string relay{};
    std::size_t captured = 0;     ///< log entries not sealed yet
    std::size_t pending_out = 0;  ///< changesets the relay has not confirmed
    std::size_t pending_in =
        0;  ///< changesets received and not merged, held ones included; and log positions not pulled
    std::size_t held = 0;  ///< those whose clock is too far ahead, or that wait for others
    std::size_t parked = 0;
    std::size_t open_conflicts = 0;
    std::size_t too_large = 0;  ///< cells, and rows with too long a key, that stay on this device
    std::string digest{};       ///< 32 hexadecimal digits: equal on devices in sync
    std::uint64_t cursor = 0, head = 0;
    bool in_sync = false;
    bool hydrated = true;             ///< false from joining until something pulled was merged
    std::int64_t last_synced_at = 0;  ///< unix seconds, 0: never
    std::string last_error{};         ///< empty after a success
    write_counts ops{};
    bool copied = false;  ///< this file is not the device it was: the next sync makes it a new one
    std::optional<succession_info> succeeded{};  ///< the last time that happened
    std::optional<suspicion> suspect{};          ///< until a snapshot of another device was merged
    bool clock_disagrees = false;                ///< own and relay's clock differ by more than 24 h
    std::vector<device_info> devices{};
    std::vector<schema_difference> schema{};  ///< pending and refused ones
    std::vector<held_back> waiting{};         ///< why `held` changesets do
};

/// What tells whether the relay has lost something.
struct relay_memory {
    std::uint64_t last_sent = 0;  ///< of this device's changesets that it has confirmed
    std::uint64_t read_back =
        0;  ///< of those that lie below the cursor, where its log cannot change unnoticed
    std::uint64_t forgotten = 0;  ///< of those that are not kept here any more
    std::uint64_t head = 0;       ///< the relay's, as last heard
    bool owed = false;            ///< it has lost something that it was not given again yet
    unix_ms fed_at = 0;           ///< when it was last given again what it had lost, own clock; 0: never
};

/// What verify() found. Empty lists: all is well.
struct verify_report {
    std::string digest{};        ///< recomputed from the registers
    bool digest_matches = true;  ///< with the running one
    bool conflicts_match = true;
    bool counts_match = true;  ///< of the writes that stand
    std::size_t rows = 0;
    std::vector<std::string> differences{};  ///< sentences, at most 100
};

/// Models casasync::change_store. One vault object belongs to one thread at a time; the app's connections are
/// their own.
class vault {
 public:
    /// Makes the SQLite file `path` (created when missing) a vault of one device. Its rows stay as they are.
    /// The file is in WAL mode afterwards. \errors already_exists for a vault, not_a_database, store_busy,
    /// store_full, io_failed
    [[nodiscard]] static result<vault> create(const std::string& path, const identity& who,
                                              vault_options options = {});
    /// Makes the file `path` a new device of an existing vault from its snapshot: schema, tracking, rows.
    /// Rows that the file has in the vault's tables are brought along: those that are equal cost nothing, of
    /// the others the vault's values are shown and the file's are open conflicts, and what the vault does not
    /// have is added to it. All or nothing. \param at  the snapshot's place in the relay's log \errors
    /// schema_mismatch when a table of the file has another key, or a column of another type, than the
    /// vault's; invalid_argument when it has rows and foreign keys are enforced on the connection of
    /// `run_on_app`; as create() \cost  linear; rows of the file are compared one by one
    [[nodiscard]] static result<vault> join(const std::string& path, const identity& who,
                                            const snapshot_source& snapshot, const cursor& at,
                                            vault_options options = {},
                                            brought_numbers numbers = brought_numbers::other_rows);
    /// Opens a vault; schema changes made meanwhile are taken in, capture is checked and repaired.
    /// \errors not_a_vault, not_a_database, unknown_format_version, io_failed, store_busy. \cost 1 ms for 30
    /// tables
    [[nodiscard]] static result<vault> open(const std::string& path, vault_options options = {});

    /// Makes the vault `path` an ordinary SQLite file again: the tables stay as they are, without capture,
    /// and everything that is named casasync_ goes: what was not sent, what lost, what waits or cannot be
    /// shown, and deleted rows. All or nothing. Other devices are not told. \errors as open() \cost  the
    /// records
    [[nodiscard]] static result<void> leave(const std::string& path, vault_options options = {});

    vault(vault&&) noexcept;
    vault& operator=(vault&&) noexcept;
    ~vault();

    /// Returns the app's tables, in creation order, without SQLite's and ours.
    [[nodiscard]] result<std::vector<std::string>> tables();
    /// Returns those of `names` that cannot be tracked, with reason and fix. Changes nothing.
    [[nodiscard]] result<std::vector<untrackable>> check(std::span<const std::string> names);
    /// Tracks a table, or changes its delete policy. Rows that are there become part of the vault: as they
    /// are while it has one device, otherwise as rows this device brings along. \errors not_trackable,
    /// schema_mismatch, not_found; invalid_argument for a column in the options that the table has not, or
    /// that is in two groups
    [[nodiscard]] result<void> track(const std::string& table, const track_options& options = {});
    [[nodiscard]] result<void> untrack(const std::string& table);
    [[nodiscard]] result<std::vector<std::string>> tracked();

    /// Changes the schema: ADD, DROP and RENAME COLUMN, new tables, a table rebuilt by create, copy, drop and
    /// rename, and writes among them. `change` is called once and gives its SQL to the runner. Capture is
    /// taken away meanwhile and put back; rows that came out different are written by this device like any
    /// others. All in one transaction, or nothing. Values of dropped columns and tables are kept beside, and
    /// other devices keep theirs. What others wrote to a new column stands; filling it here counts where
    /// nobody wrote. A renamed column is a new one with the old one's values. Returns what changed for the
    /// vault. \errors what `change` returns; invalid_argument for SQL that fails or is no part of a
    /// transaction; schema_mismatch when a tracked table would change its name, its key, or the type a column
    /// converts to; not_trackable when it could no longer be tracked \cost  the statements twice; a copy of
    /// the tracked tables when rows may have changed
    [[nodiscard]] result<std::vector<schema_difference>> migrate(
        const std::function<result<void>(const sql_runner& run)>& change);

    // change_store: see store.hpp
    [[nodiscard]] vault_id id() const;
    [[nodiscard]] device_id device() const;
    [[nodiscard]] result<std::size_t> seal();
    [[nodiscard]] result<std::vector<outbound_part>> outbox(std::size_t bytes_max);
    [[nodiscard]] result<void> keep_envelope(std::uint64_t seq, bytes_view envelope, const digest256& digest,
                                             const digest256& link);
    [[nodiscard]] result<void> settle(std::uint64_t seq, std::uint64_t relay_head = 0);
    [[nodiscard]] result<bool> settle(const digest256& envelope, std::uint64_t relay_head = 0);
    [[nodiscard]] result<cursor> position();
    [[nodiscard]] result<void> accept(std::span<const inbound_part> parts, const cursor& at,
                                      const std::optional<digest256>& own = {});
    [[nodiscard]] result<stream_mark> stream(const device_id& device);
    [[nodiscard]] result<merge_report> merge_inbox(unix_ms relay_now);
    [[nodiscard]] result<causal_context> write_snapshot(const snapshot_sink& sink);
    [[nodiscard]] result<void> merge_snapshot(const snapshot_source& source, const cursor& at);

    /// Gives this device another name: here at once, on the others with the next sync. \errors
    /// invalid_argument for one that is too long, store_busy, store_full
    [[nodiscard]] result<void> rename(const std::string& name);
    /// Tells whether an envelope with this digest was ever in the outbox of this file.
    [[nodiscard]] result<bool> made(const digest256& envelope);
    /// Notes that another file goes on as this device: this one was restored from a backup, or copied, and
    /// has to succeed() before it sends anything. What is written meanwhile is kept.
    [[nodiscard]] result<void> note_copied();
    /// Tells whether that is so.
    [[nodiscard]] result<bool> copied();
    /// Takes out of the outbox what the relay has: a changeset of this device that another copy of this file
    /// has sent, or this one in another envelope. False: it does not wait there. It is remembered, up to
    /// 64 MiB, while this object lives: succeed() does not send again what both had captured.
    [[nodiscard]] result<bool> settle_same(const inbound_part& sent);
    /// Makes this file the device `next`, with replica ids of its own. What was sealed and not sent is sealed
    /// anew in its name: the same writes with the same times, rows and contexts; but for those that another
    /// copy sent as well. All else stays; what the other copy sent comes with the next pull. A second call
    /// does nothing. \errors store_busy, store_full; store_failed when the outbox is damaged. \cost  that of
    /// merging the outbox
    [[nodiscard]] result<void> succeed(const device_id& next);

    /// Where this device wrote with a clock that was far ahead and is right now, dates what nobody else has:
    /// its time is now, in the same order. Tables and conflicts stay as they are. Call it when the relay has
    /// refused these changes as stamp_ahead itself: what it may have must stay. \param relay_now  its time;
    /// 0: unknown Returns the number of operations; 0 when the clock is still wrong, or never was. \errors
    /// store_busy, store_full; store_failed when the outbox is damaged \cost  that of merging the outbox
    [[nodiscard]] result<std::size_t> restamp(unix_ms relay_now);

    [[nodiscard]] result<relay_memory> known_of_relay();
    /// Notes that all that was confirmed lies below the cursor. read_back is 0 again where another log
    /// begins.
    [[nodiscard]] result<void> note_read_back();
    /// Notes that the relay has lost something, until note_relay_fed().
    [[nodiscard]] result<void> note_relay_lost();
    /// Notes that the relay was given again, now, what it had lost.
    [[nodiscard]] result<void> note_relay_fed();
    /// Puts into the outbox again all changesets of this device after `after`: the relay has lost them.
    /// False: some are not kept any more. They are kept for 30 days after they were sent.
    [[nodiscard]] result<bool> send_again(std::uint64_t after);

    /// Puts a changeset without changes into the outbox: it tells others what this device has merged.
    [[nodiscard]] result<void> tell_merged();
    /// Returns what this device has merged.
    [[nodiscard]] result<causal_context> merged();
    /// True while changes in the inbox wait for earlier ones, and none for their time: those may be the
    /// earlier ones.
    [[nodiscard]] result<bool> waits();

    /// Puts a changeset without changes into the outbox that asks the others for a snapshot; at most once a
    /// day. Returns whether it did.
    [[nodiscard]] result<bool> ask_for_snapshot();
    /// Returns who asks for a snapshot.
    [[nodiscard]] result<snapshot_asks> asks();
    /// Notes that another device's snapshot was merged, for which this one had asked.
    [[nodiscard]] result<void> note_mended();
    /// Notes that the device that asked has a snapshot, or will get none from here.
    [[nodiscard]] result<void> note_answered();

    /// Notes how a sync ended. \param head  the relay's head when it was heard; \param failure  empty after a
    /// success; \param refused  changesets that did not open, when all of the log was read
    [[nodiscard]] result<void> note_sync(std::uint64_t head, unix_ms relay_now, const std::string& failure,
                                         std::optional<std::size_t> refused = {});

    [[nodiscard]] result<vault_status> status();
    [[nodiscard]] result<std::string> digest();
    [[nodiscard]] result<verify_report> verify(const std::function<void(std::size_t rows)>& progress = {});
    [[nodiscard]] result<std::vector<device_info>> devices();
    [[nodiscard]] result<std::vector<conflict_info>> conflicts(bool open_only = true);
    [[nodiscard]] result<std::vector<parked_info>> integrity();
    /// Returns the rows that got another number while they were shown, since take_renumbered() was last
    /// called: two devices had given one number out. References that casasync knows of follow by themselves;
    /// an app that keeps numbers elsewhere (a list of favourites, an open window) follows these, one after
    /// the other in the order given. A row that moved several times is listed once. Kept across restarts.
    /// \errors store_busy, io_failed
    [[nodiscard]] result<std::vector<renumbered_row>> renumbered();
    /// Returns what renumbered() does, and forgets it. \errors store_busy, io_failed
    [[nodiscard]] result<std::vector<renumbered_row>> take_renumbered();
    /// Writes the loser of a conflict back, as an ordinary write of this device; that closes it everywhere. A
    /// row that gets its other number back stays the same row, and what refers to it follows.
    /// \errors not_found; invalid_argument while the row is parked, or another one has that number;
    /// schema_mismatch for a column that this file's table has not; what the table says to the value
    [[nodiscard]] result<conflict_info> restore(const std::string& id);
    /// Confirms what is shown, as an ordinary write of this device; that closes the conflict everywhere, and
    /// no other one; that a row stays deleted closes all that are open of it. \errors not_found;
    /// invalid_argument while the row is parked; schema_mismatch for a column that this file's table has not
    [[nodiscard]] result<conflict_info> keep(const std::string& id);
    /// Returns the rows that were deleted, the last one first; of one table when it is named. What follows
    /// from a deletion, such as a cascade, is listed row by row. \cost the records of the tables
    [[nodiscard]] result<std::vector<deleted_row>> deleted(const std::string& table = {});
    /// Makes a deleted row a row again, with all its fields, those too that this file's table has no columns
    /// for, as an ordinary write of this device. `id`: its first 4 digits or more. Under its own number, or
    /// another where that is taken. \errors not_found; invalid_argument when a row it refers to is deleted,
    /// too; what the table says to it
    [[nodiscard]] result<deleted_row> undelete(const std::string& id);
    /// Returns a row's story. `key`: the key columns' values as text, as a person types them.
    [[nodiscard]] result<row_history> why(const std::string& table, std::span<const std::string> key);

    /// Returns what is kept of the past, and for how long.
    [[nodiscard]] result<history_info> history();
    /// Changes what this device keeps, and drops what it no longer does; other devices keep what they like.
    /// What gets too old later goes with syncs and seals, a little with each. \errors invalid_argument for
    /// more than 36,500 days
    [[nodiscard]] result<history_info> set_history(const history_policy& policy);
    /// Returns the writes kept because of history_kept::all, in the order of their stamps: of one table when
    /// it is named, merged here since a time. \cost the entries kept, of the table or since then
    [[nodiscard]] result<std::vector<kept_write>> kept_writes(const std::string& table = {},
                                                              unix_ms since = 0);

    /// A number that changes when another connection wrote the file: cheap to poll (4 us).
    [[nodiscard]] result<std::int64_t> data_version();

    struct state;  ///< internal

 private:
    explicit vault(std::unique_ptr<state> s);
    std::unique_ptr<state> state_;
};

}  // namespace casasync::sqlite
