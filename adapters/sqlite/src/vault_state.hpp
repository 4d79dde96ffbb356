// SPDX-License-Identifier: MIT
#pragma once

/// What a vault object holds, and the one way in which everything it does reaches the file.
#include "audit.hpp"
#include "capture.hpp"
#include "catalog.hpp"
#include "connection.hpp"
#include "display.hpp"
#include "history.hpp"
#include "row_store.hpp"
#include "settings.hpp"
#include "suppress.hpp"

#include <casasync/changeset.hpp>
#include <casasync/merge.hpp>
#include <casasync/sqlite/vault.hpp>

#include <chrono>
#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace casasync::sqlite {

/// \errors invalid_argument for a name that is too long to travel
[[nodiscard]] result<void> check_device_name(const std::string& name);

struct sealed_row;      // seal.cpp
struct row_life;        // row_lives.hpp
struct followed_table;  // migration_script.hpp

/// Takes cells over the limit out of an operation. Returns their columns.
[[nodiscard]] std::vector<column_no> take_large(row_operation& op);
/// Lists a cell that is too large to travel: it stays on this device until somebody writes it again.
[[nodiscard]] result<void> list_large(connection& db, const vault_table& table, bytes_view key,
                                      column_no column);

/// A row in a table that no capture told of.
struct stray_row {
    std::vector<value> key{};  ///< as in the file
    bool known = false;        ///< it has registers, which say that it is hidden
};

/// A key as people know it.
struct shown_key {
    std::vector<value> key{};
    bool taken = false;  ///< it is another row's by now
};

template <class Work>
using returned = std::invoke_result_t<const Work&>;
/// Work that returns a result<T>, T not void.
template <class Work>
concept gives_value = !std::is_void_v<returned<Work>> && !std::same_as<returned<Work>, result<void>>;

struct vault::state {
    state(std::string file, vault_options how) : path(std::move(file)), options(std::move(how)) {}

    std::string path;
    vault_options options;
    std::optional<connection> db{};
    std::optional<suppress_capture> quiet{};  ///< only on the engine's own connection
    settings self{};
    catalog tables{};
    std::optional<row_store> rows{};
    std::optional<display> shown{};
    std::optional<history_log> past{};
    std::optional<audit_log> audit{};
    std::optional<capture_mark>
        mark{};  ///< on the app's connection, inside a transaction that is not to be captured
    std::optional<std::pair<table_no, bytes>>
        decided{};      ///< a row that a person brought back, while it is sealed
    bool stale = true;  ///< what is in memory may not be what is in the file
    bytes record{};     ///< that `self` and the list of replicas are of; empty when they are of none
    std::int64_t seen_version = -1;                     ///< data_version at the last look
    std::int64_t schema_version = -1;                   ///< schema_version the catalog was read at
    std::int64_t captured_schema = -1;                  ///< schema_version the triggers were found current at
    unix_ms pruned_at = 0;                              ///< when a seal last forgot history
    std::chrono::steady_clock::time_point app_wrote{};  ///< when another connection was last seen to commit
    std::map<std::uint64_t, inbound_part> sent_by_copy{};  ///< by seq: what another copy sent as this device

    /// Opens or borrows the connection and reads what is there.
    [[nodiscard]] result<void> connect(open_mode mode);
    /// Runs `work` with what is in memory up to date, outside a transaction.
    [[nodiscard]] result<void> run(const std::function<result<void>()>& work);
    /// Runs `work` in a write transaction in which nothing is captured; all or nothing, in memory too.
    [[nodiscard]] result<void> write(const std::function<result<void>()>& work);
    /// The same, but what `work` writes is captured as this device's own.
    [[nodiscard]] result<void> write_captured(const std::function<result<void>()>& work);
    /// The same three for work that gives a value: they return what it returns.
    template <gives_value Work>
    [[nodiscard]] returned<Work> run(const Work& work) {
        return value_of(work, &state::run);
    }
    template <gives_value Work>
    [[nodiscard]] returned<Work> write(const Work& work) {
        return value_of(work, &state::write);
    }
    template <gives_value Work>
    [[nodiscard]] returned<Work> write_captured(const Work& work) {
        return value_of(work, &state::write_captured);
    }
    /// The same for work that cannot fail.
    template <class Work>
    requires std::is_void_v<returned<Work>>
    [[nodiscard]] result<void> write(const Work& work) {
        return write([&]() -> result<void> { return work(), result<void>{}; });
    }
    /// Makes the file a vault and runs `work` on it, in one transaction that is captured.
    [[nodiscard]] result<void> create(const identity& who, const std::function<result<void>()>& work);

    [[nodiscard]] unix_ms own_now() const;
    /// \param relay_now  0: unknown
    void hear_time(unix_ms relay_now);
    /// The time to stamp with.
    [[nodiscard]] unix_ms stamping_now() const;

    /// On the app's connection: what is captured from here on is not the app's. Elsewhere nothing is
    /// captured.
    [[nodiscard]] result<void> set_mark();
    /// Takes back what was captured since set_mark().
    [[nodiscard]] result<void> drop_captured();

    /// Inside write_captured(): runs `work` as inside write().
    [[nodiscard]] result<void> uncaptured(const std::function<result<void>()>& work);

    /// True when seal() has something to do.
    [[nodiscard]] result<bool> anything_to_seal();
    // seal.cpp: inside write(), seal_log() inside write_captured(), too
    [[nodiscard]] result<std::size_t> seal_log();
    [[nodiscard]] result<std::size_t> seal_all();
    /// \param any_parked  some row of the vault is parked
    [[nodiscard]] result<sealed_row> look_up(row_life& life, bool any_parked);
    [[nodiscard]] result<void> take_out_lost(std::vector<merged_row>& merged);
    [[nodiscard]] result<void> keep_dangling(const vault_table& table, const row_state& known,
                                             std::vector<value>& in_shape);
    [[nodiscard]] result<void> correct_defaults();
    [[nodiscard]] result<void> queue(changeset& c);
    /// Merges a queued changeset, or a piece of one; the tables have its rows already.
    template <row_source Rows>
    [[nodiscard]] result<std::vector<merged_row>> merge_own(changeset c, Rows& source);
    /// Keeps the writes of a changeset, where the policy says so.
    [[nodiscard]] result<void> keep_writes(const changeset& c);
    /// Writes down what a merge decided besides the rows: audit, digests, contexts, clock.
    [[nodiscard]] result<void> conclude(const merge_plan& plan);
    [[nodiscard]] result<void> unlist_large(const merge_plan& plan);
    [[nodiscard]] result<void> show_whole(const vault_table& table, std::span<merged_row> changed);
    [[nodiscard]] result<void> show_unseen(const vault_table& table);

    // brought_rows.cpp: inside write()
    /// Makes rows that are in a table which nobody else has rows this device brings along.
    [[nodiscard]] result<void> bring_along(const vault_table& table);

    // row_lives.cpp: inside write()
    /// \param of_long_keys  gets the tables that have entries of rows which stay on this device
    [[nodiscard]] result<std::vector<row_life>> rows_of_log(std::vector<row_log>& log,
                                                            std::set<table_no>& of_long_keys);
    [[nodiscard]] result<void> identify(std::vector<row_life>& lives);
    [[nodiscard]] result<void> translate(std::vector<row_life>& lives);
    [[nodiscard]] result<bool> was_there(const vault_table& table, const bytes& key);

    // schema_change.cpp
    /// Returns the tables whose triggers are not those of their present schema. \cost nothing while
    /// schema_version stays; 1 ms for 30 tables after it changed
    [[nodiscard]] result<std::vector<const vault_table*>> changed_tables();
    /// Returns the keys of rows that lie in a table and that the vault does not know, or knows as hidden.
    [[nodiscard]] result<std::vector<stray_row>> stray_rows(const vault_table& table);
    [[nodiscard]] result<std::vector<std::vector<value>>> keys_in_file(const vault_table& table);
    [[nodiscard]] result<void> log_missing(const vault_table& table);
    /// Logs what can be told of a table that was rebuilt, and has lost its triggers by that: rows that are
    /// new, or missing, and what new columns hold. \cost  the table and its registers once
    [[nodiscard]] result<void> log_rebuilt(const vault_table& table);
    /// The tables that are left alone as they are now.
    [[nodiscard]] std::vector<table_number> left_alone() const;
    /// Returns the gained columns of a row that were written: those that hold neither their default nor what
    /// somebody else wrote. No log entry names them.
    [[nodiscard]] result<column_set> gained_and_written(const vault_table& table, std::span<const value> key,
                                                        std::span<const value> now, const row_state* known);
    /// Installs the triggers of changed tables, whose log must be empty, and shows what others wrote to
    /// columns this file has gained. Inside a transaction.
    [[nodiscard]] result<void> take_in(const std::vector<const vault_table*>& changed);
    [[nodiscard]] result<void> show_gained(const vault_table& table, const column_set& gained);

    /// Returns the pending and refused differences between this file and the vault.
    [[nodiscard]] result<std::vector<schema_difference>> schema_differences();

    // migrate.cpp: inside write_captured()
    [[nodiscard]] result<std::vector<schema_difference>> migrate(
        const std::function<result<void>(const sql_runner&)>& change);
    [[nodiscard]] result<void> keep_values(const vault_table& table, const std::vector<column_no>& lost);
    [[nodiscard]] result<void> log_differences(const vault_table& table, const followed_table& followed);
    [[nodiscard]] result<void> log_renamed(const vault_table& table, const std::string& old,
                                           const std::string& fresh);
    [[nodiscard]] result<void> log_changed(const vault_table& table, const followed_table& followed);

    // outbox.cpp: inside write()
    [[nodiscard]] result<void> settle(std::uint64_t seq);
    [[nodiscard]] result<void> prune_sent();

    // inbox.cpp: inside write()
    void go_to(const cursor& to) noexcept;
    [[nodiscard]] result<void> keep_links(std::span<const inbound_part> parts);
    /// Merges one admissible changeset of the inbox; false when there is none.
    [[nodiscard]] result<bool> merge_next(unix_ms relay_now, merge_report& done);
    /// Cuts a changeset into pieces to be merged one after the other, where its tables allow that.
    [[nodiscard]] result<changeset_pieces> pieces_of(changeset c);
    /// Merges and shows a changeset whose tables are known, or a piece of one. \param done  gets what it did
    [[nodiscard]] result<void> merge_piece(changeset c, merge_report& done);

    // merged_state.cpp: inside write(), context() inside run(), too
    /// What this device has merged.
    [[nodiscard]] result<causal_context> context();
    /// Stamps, queues and merges one changeset of this device.
    [[nodiscard]] result<std::vector<merged_row>> publish(changeset& c, row_store& into);
    /// Holds what its author says of its state against this file's, where both have merged the same.
    void compare_state(const changeset& c);
    /// Asks another device for a snapshot, where another state was found. Returns whether it did: once a day
    /// is enough.
    [[nodiscard]] result<bool> ask_for_snapshot();

    /// Up to where each device is merged: others by casasync_device, this one by self.last_seq.
    [[nodiscard]] result<frontier> read_frontier();
    [[nodiscard]] result<void> raise_frontier(const frontier& to);
    [[nodiscard]] result<void> name_device(const device_id& device, const std::string& name);

    // restamp.cpp: inside write()
    [[nodiscard]] result<std::size_t> restamp();

    // succession.cpp: inside write()
    [[nodiscard]] result<void> succeed(const device_id& next);
    /// Keeps what another copy of this file has sent, for succeed() to compare.
    void remember(const inbound_part& sent);

    // history_reports.cpp
    [[nodiscard]] result<kept_write> describe(const history_entry& e);
    [[nodiscard]] result<history_info> tell_history();
    /// Drops what is too old, a little. Inside write()
    [[nodiscard]] result<void> prune_history();
    /// The same, when it was not done for an hour: a vault that is never synced seals all the same.
    [[nodiscard]] result<void> prune_history_now_and_then();

    // accounting.cpp
    [[nodiscard]] result<write_counts> accounting();

    // reports.cpp
    [[nodiscard]] result<author> author_of(const stamp& s);
    [[nodiscard]] result<conflict_info> describe(const audit_entry& e);
    [[nodiscard]] result<shown_key> key_for_people(const vault_table& table, bytes_view key);
    [[nodiscard]] result<bool> has_number(const vault_table& table, std::int64_t number);
    [[nodiscard]] result<std::vector<value>> key_in_file(const vault_table& table, bytes_view key);
    [[nodiscard]] result<std::vector<value>> free_number(const vault_table& table, bytes_view key);
    [[nodiscard]] result<bytes> key_typed(const vault_table& table, std::span<const value> key);
    [[nodiscard]] result<std::vector<device_info>> list_devices();
    [[nodiscard]] result<std::vector<held_back>> list_held_back();
    /// Tells whether a row has a register of a column, or had it when the vault began. \cost  the records
    [[nodiscard]] result<bool> is_written(const vault_table& table, column_no column);
    [[nodiscard]] result<std::vector<renumbered_row>> read_renumbered();
    // decisions.cpp, deleted_rows.cpp: inside write_captured()
    [[nodiscard]] result<void> hold_numbers(const vault_table& table, bytes_view deleted);
    [[nodiscard]] result<void> insert_again(const vault_table& table, bytes_view key,
                                            std::span<const std::pair<column_no, value>> values);
    /// Seals what insert_again() wrote, as a decision of this device's person.
    [[nodiscard]] result<void> seal_decided(const vault_table& table, bytes_view key,
                                            std::span<const std::pair<column_no, value>> values);
    [[nodiscard]] result<void> say_not_held(const vault_table& table, bytes_view key,
                                            std::span<const std::pair<column_no, value>> values);
    /// Inside write() or uncaptured(), with nothing left to seal: writes columns of a row that is there as
    /// this device. The caller shows or keeps what it returns.
    [[nodiscard]] result<std::vector<merged_row>> say(const vault_table& table, bytes_view key,
                                                      std::span<const std::pair<column_no, value>> values);
    [[nodiscard]] result<void> restore_number(const vault_table& table, bytes_view key, column_no column,
                                              const value& number);
    /// Returns the digest of registers, open conflicts and adopted values together.
    [[nodiscard]] detail::u128 state_digest() const;
    [[nodiscard]] std::string digest_text() const;  ///< the same as 32 hexadecimal digits
    [[nodiscard]] result<void> change_policy(const vault_table& table, delete_policy policy);
    [[nodiscard]] result<void> record_rows(const vault_table& table, bool stay);
    [[nodiscard]] result<std::vector<bytes>> all_keys(const vault_table& table);

    [[nodiscard]] result<void> on_connection(const std::function<result<void>()>& work);

 private:
    using way_in = result<void> (state::*)(const std::function<result<void>()>&);
    template <gives_value Work>
    [[nodiscard]] returned<Work> value_of(const Work& work, way_in way) {
        returned<Work> out = errc::io_failed;  // for a run_on_app that runs nothing
        const auto ok = (this->*way)([&]() -> result<void> {
            out = work();
            return out ? result<void>{} : out.failure();
        });
        if (!ok) return ok.failure();
        return out;
    }

    [[nodiscard]] result<void> refresh();
    [[nodiscard]] result<void> transact(const std::function<result<void>()>& begin,
                                        const std::function<result<void>()>& work, bool captured);
};

template <row_source Rows>
result<std::vector<merged_row>> vault::state::merge_own(changeset c, Rows& source) {
    if (auto ok = keep_writes(c); !ok) return ok.failure();
    auto plan = merge(std::move(c), source);
    if (!plan) return plan.failure();
    if (auto ok = conclude(*plan); !ok) return ok.failure();
    return std::move(plan->rows);
}

}  // namespace casasync::sqlite
