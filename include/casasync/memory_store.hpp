// SPDX-License-Identifier: MIT
#pragma once

/// A vault without a file: the same promises as the SQLite store, in memory. For tests, for examples, and for
/// apps that keep their data elsewhere.
#include <casasync/capture.hpp>
#include <casasync/clock.hpp>
#include <casasync/codec.hpp>
#include <casasync/inbox.hpp>
#include <casasync/key.hpp>
#include <casasync/memory_rows.hpp>
#include <casasync/store.hpp>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace casasync {

struct memory_identity {
    vault_id vault{};
    device_id device{};
    replica_id replica{};  ///< what the device's stamps carry
    std::string name{};
};

/// An open conflict, and where it is.
struct memory_conflict {
    std::string table{};
    bytes key{};  ///< canonical: decode_key()
    conflict what{};

    friend bool operator==(const memory_conflict&, const memory_conflict&) = default;
};

/// The sums that are equal on devices in sync.
struct vault_digest {
    digest128 rows{}, open{};

    friend bool operator==(const vault_digest&, const vault_digest&) = default;
};

/// Models change_store. Local writes are logged as the SQLite store's triggers log them, and become
/// changesets at seal(). Every call does all or nothing. One thread. The clock must outlive the store.
template <wall_clock Clock>
class memory_store {
 public:
    memory_store(memory_identity who, Clock& clock) : who_(std::move(who)), clock_(&clock) {
        names_[who_.device] = who_.name;
        owners_[who_.replica] = who_.device;
    }

    /// Makes an empty table. `groups` name columns that are always stamped together, each column once; key
    /// columns are not listed. \errors already_exists; invalid_argument for a column that is not there, or
    /// that is named twice
    [[nodiscard]] result<void> create_table(table_traits traits,
                                            const std::vector<std::vector<std::string>>& groups = {}) {
        if (rows_.find(traits.name) != nullptr) return errc::already_exists;
        auto numbers = columns_of(traits, groups);
        if (!numbers) return numbers.failure();
        rows_.add(std::move(traits)).groups = std::move(*numbers);
        return {};
    }

    /// Inserts a row, its unlisted columns NULL, or updates the listed columns of one that is there.
    /// \errors not_found for a table or column; limit_exceeded for a key or value; invalid_argument for a
    /// NULL key
    [[nodiscard]] result<void> write(std::string_view table, std::span<const value> key,
                                     const std::map<std::string, value>& cells) {
        memory_table* const t = rows_.find(table);
        if (t == nullptr) return errc::not_found;
        for (const auto& [name, what] : cells) {
            if (!t->traits.column(name)) return errc::not_found;
            if (what.size() > limits::value_bytes_max) return errc::limit_exceeded;
        }
        auto packed = encode_key(key);
        if (!packed) return packed.failure();
        auto before = t->read(*packed);
        const bool there = before.has_value();
        std::vector<value> now = there ? std::move(*before) : std::vector<value>(t->traits.columns.size());
        captured_write w{there ? captured_kind::update : captured_kind::insert, {}};
        for (const auto& [name, what] : cells) {
            const column_no c = *t->traits.column(name);
            if (there && now[c] != what) w.columns.push_back(c);
            now[c] = what;
        }
        if (there && w.columns.empty()) return {};
        t->edits[*packed] = std::move(now);
        log(*t, std::move(*packed), std::move(w));
        return {};
    }

    /// Deletes a row; nothing happens if it is not there. \errors not_found for the table
    [[nodiscard]] result<void> erase(std::string_view table, std::span<const value> key) {
        memory_table* const t = rows_.find(table);
        if (t == nullptr) return errc::not_found;
        auto packed = encode_key(key);
        if (!packed) return packed.failure();
        bury(*t, std::move(*packed));
        return {};
    }

    /// Returns a row's values, one a column; nothing if it is not there.
    [[nodiscard]] std::optional<std::vector<value>> read(std::string_view table, std::span<const value> key) {
        const auto packed = encode_key(key);
        memory_table* const t = rows_.find(table);
        if (t == nullptr || !packed) return std::nullopt;
        return t->read(*packed);
    }

    [[nodiscard]] const std::deque<memory_table>& tables() const noexcept { return rows_.tables(); }
    [[nodiscard]] vault_digest digest() const noexcept { return {rows_.digest(), rows_.open_digest()}; }
    /// What became of every write merged so far; what is captured and not sealed is not counted yet.
    [[nodiscard]] const accounts& counts() const noexcept { return rows_.counts(); }
    [[nodiscard]] const causal_context& merged() const noexcept { return rows_.merged(); }
    [[nodiscard]] hlc clock() const noexcept { return greatest_; }
    /// Envelopes that the relay has not confirmed.
    [[nodiscard]] std::size_t pending_out() const noexcept { return outbox_.size(); }
    /// Parts that were received and are not merged: they wait for others, or for time to pass.
    [[nodiscard]] std::size_t pending_in() const noexcept { return inbox_.size(); }
    /// Returns the device whose stamps carry `replica`, zero for none that is known.
    [[nodiscard]] device_id author_of(const replica_id& replica) const {
        const auto it = owners_.find(replica);
        return it == owners_.end() ? device_id{} : it->second;
    }
    /// Returns what a device calls itself, empty when it never said.
    [[nodiscard]] std::string name_of(const device_id& device) const {
        const auto it = names_.find(device);
        return it == names_.end() ? std::string() : it->second;
    }

    /// Returns the open conflicts, by table and key. \cost O(rows).
    [[nodiscard]] std::vector<memory_conflict> conflicts() const {
        std::vector<memory_conflict> out;
        for (const memory_table& t : rows_.tables())
            for (const detail::row_no r : t.rows.by_key()) {
                const bytes_view key = t.rows.key(r);
                for (conflict& c : open_conflicts(t.rows.load(r, true), t.traits))
                    out.push_back({t.traits.name, bytes(key.begin(), key.end()), std::move(c)});
            }
        return out;
    }
    /// Writes the loser back as an ordinary write, which closes the conflict everywhere.
    /// \errors not_found when it is not open (any more)
    [[nodiscard]] result<void> restore(const memory_conflict& c) {
        auto t = table_of(c);
        if (!t) return t.failure();
        memory_table& table = **t;
        if (!c.what.column) return bury(table, c.key), result<void>();
        auto now = table.read(c.key);
        const bool there = now.has_value();
        if (!there) {
            now.emplace(table.traits.columns.size());
            const auto row = table.find(c.key);
            for (const cell& known : row->cells) (*now)[known.column] = known.what.value_or(value{});
        }
        (*now)[*c.what.column] = c.what.what;
        table.edits[c.key] = std::move(now);
        if (there)
            log(table, c.key, {captured_kind::update, {*c.what.column}});
        else
            log(table, c.key, {captured_kind::insert, {}});
        return {};
    }
    /// Confirms what is shown by an ordinary write, which closes the conflict everywhere. The row's other
    /// conflicts stay open, except where the lost write is a DELETE and each column is in conflict: then the
    /// whole row is said once more. \errors not_found when it is not open (any more)
    [[nodiscard]] result<void> keep(const memory_conflict& c) {
        auto t = table_of(c);
        if (!t) return t.failure();
        memory_table& table = **t;
        if (!table.read(c.key)) {
            log(table, c.key, {captured_kind::erase, {}});
            return {};
        }
        auto column = c.what.column;
        if (!column)
            column = uncontested_column(*table.find(c.key), table.traits, table.groups,
                                        [](column_no) { return true; });
        if (column)
            log(table, c.key, {captured_kind::update, {*column}});
        else
            log(table, c.key, {captured_kind::insert, {}});
        return {};
    }

    // change_store: store.hpp tells what each call promises

    [[nodiscard]] vault_id id() const noexcept { return who_.vault; }
    [[nodiscard]] device_id device() const noexcept { return who_.device; }

    [[nodiscard]] result<std::size_t> seal() { return seal_log(); }

    [[nodiscard]] result<std::vector<outbound_part>> outbox(std::size_t bytes_max) const {
        std::vector<outbound_part> out;
        std::size_t size = 0;
        for (const auto& [seq, part] : outbox_) {
            size += part.payload.size();
            if (!out.empty() && size > bytes_max) break;
            out.push_back(part);
            if (const auto before = links_.find({who_.device, seq - 1}); before != links_.end())
                out.back().link = before->second;
        }
        return out;
    }
    [[nodiscard]] result<void> keep_envelope(std::uint64_t seq, bytes_view envelope, const digest256& digest,
                                             const digest256& link) {
        const auto it = outbox_.find(seq);
        if (it == outbox_.end()) return errc::invalid_argument;
        it->second.envelope.assign(envelope.begin(), envelope.end());
        made_.emplace(digest, seq);
        links_[{who_.device, seq}] = link;
        return {};
    }
    /// It is not written down: the relay's head is of no use here.
    [[nodiscard]] result<void> settle(std::uint64_t seq, std::uint64_t = 0) {
        outbox_.erase(seq);
        return {};
    }
    [[nodiscard]] result<bool> settle(const digest256& digest, std::uint64_t = 0) {
        const auto it = made_.find(digest);
        if (it != made_.end()) outbox_.erase(it->second);
        return it != made_.end();
    }

    [[nodiscard]] result<cursor> position() const { return position_; }

    /// What came back of its own is not written down either.
    [[nodiscard]] result<void> accept(std::span<const inbound_part> parts, const cursor& at,
                                      const std::optional<digest256>& = {}) {
        for (const inbound_part& p : parts)
            if (p.seq > rows_.merged().seen.of(p.device)) inbox_.try_emplace({p.device, p.seq}, p);
        for (const inbound_part& p : parts) keep_link(p);
        position_ = at;
        return {};
    }

    [[nodiscard]] result<stream_mark> stream(const device_id& device) const {
        stream_mark out;
        const auto last = last_of(links_, device);
        if (last != links_.end()) out = {last->first.second, last->second};
        const auto waiting = last_of(inbox_, device);
        const std::uint64_t come =
            std::max(rows_.merged().seen.of(device), waiting == inbox_.end() ? 0 : waiting->first.second);
        return come > out.seq ? stream_mark{come, {}} : out;
    }

    [[nodiscard]] result<merge_report> merge_inbox(unix_ms relay_now) {
        seal_log();
        if (relay_now != 0) relay_offset_ = relay_now - clock_->now();
        merge_report report;
        for (bool progress = true; progress;) {
            progress = false;
            std::set<device_id> authors;
            for (const auto& [place, part] : inbox_) authors.insert(place.first);
            for (const device_id& author : authors)
                while (merge_next(author, relay_now != 0 ? relay_now : clock_->now(), report))
                    progress = true;
        }
        return report;
    }

    [[nodiscard]] result<causal_context> write_snapshot(const snapshot_sink& sink) {
        seal_log();
        snapshot_writer out(sink);
        if (auto ok = out.begin(snapshot_front()); !ok) return ok.failure();
        for (std::size_t place = 0; place < rows_.tables().size(); ++place)
            for (const detail::row_no r : rows_.tables()[place].rows.by_key())
                if (auto ok = add_row(out, place, r); !ok) return ok.failure();
        for (const auto& [place, p] : inbox_)
            if (auto ok = out.add(unmerged_part{p.device, p.seq, p.part, p.parts, p.payload}); !ok)
                return ok.failure();
        if (auto ok = out.end(); !ok) return ok.failure();
        return rows_.merged();
    }

    [[nodiscard]] result<void> merge_snapshot(const snapshot_source& source, const cursor& at) {
        seal_log();
        memory_store after = *this;
        snapshot_header header;
        std::vector<resolved_table> tables;
        const snapshot_visitor visitor{
            [&](snapshot_header h) {
                header = std::move(h);
                return after.take_header(header, tables);
            },
            [&](std::size_t place, snapshot_row row) {
                after.take_row(tables[place], std::move(row), rows_.merged().vector, header.merged.vector);
                return result<void>();
            },
            [&](unmerged_part p) {
                after.inbox_.try_emplace({p.device, p.seq},
                                         inbound_part{0, p.device, p.seq, p.part, p.parts, p.payload, {}});
                return result<void>();
            }};
        if (auto ok = read_snapshot(source, visitor); !ok) return ok;
        after.rows_.raise(header.merged);
        after.drop_merged();
        after.last_seq_ = std::max(last_seq_, header.merged.seen.of(who_.device));
        for (const auto& [replica, when] : header.merged.vector.entries())
            after.greatest_ = observe(after.greatest_, when);
        after.position_ = at;
        *this = std::move(after);
        return {};
    }

 private:
    /// An entry of the capture log.
    struct log_entry {
        table_no table = 0;
        bytes key{};
        captured_write what{};
        unix_ms at = 0;
        std::optional<std::vector<value>> buried{};  ///< the row's values, when this deleted it
    };
    struct pending_operation {
        table_no table = 0;
        bytes key{};
        std::size_t entry = 0;  ///< the log entry whose tick stamps it
        row_operation op{};
    };
    using operations = std::span<const pending_operation>;

    static constexpr std::size_t changeset_operations = 4096;
    static constexpr std::size_t changeset_value_bytes = std::size_t{16} << 20;

    [[nodiscard]] static result<std::vector<std::vector<column_no>>> columns_of(
        const table_traits& traits, const std::vector<std::vector<std::string>>& groups) {
        std::vector<std::vector<column_no>> out;
        std::set<column_no> grouped;
        for (const auto& group : groups) {
            out.emplace_back();
            for (const std::string& name : group) {
                const auto c = traits.column(name);
                if (!c || !grouped.insert(*c).second) return errc::invalid_argument;
                out.back().push_back(*c);
            }
        }
        return out;
    }

    [[nodiscard]] unix_ms now() const { return stamping_time({clock_->now(), relay_offset_, greatest_, 0}); }
    void log(memory_table& table, bytes key, captured_write what) {
        log_.push_back({rows_.number_of(table), std::move(key), std::move(what), now(), std::nullopt});
    }
    /// Deletes a row if it is there.
    void bury(memory_table& table, bytes key) {
        auto now = table.read(key);
        if (!now) return;
        table.edits[key] = std::nullopt;
        log(table, std::move(key), {captured_kind::erase, {}});
        log_.back().buried = std::move(now);
    }
    [[nodiscard]] result<memory_table*> table_of(const memory_conflict& c) {
        seal_log();
        memory_table* const t = rows_.find(c.table);
        const auto row = t != nullptr ? t->find(c.key) : std::nullopt;
        if (!row) return errc::not_found;
        const auto open = open_conflicts(*row, t->traits);
        if (std::find(open.begin(), open.end(), c.what) == open.end()) return errc::not_found;
        return t;
    }

    /// Turns the log into operations with stamps, in order of their stamps.
    [[nodiscard]] std::vector<pending_operation> stamp_log() {
        std::map<std::pair<table_no, bytes>, std::vector<std::size_t>> entries;
        for (std::size_t i = 0; i < log_.size(); ++i) entries[{log_[i].table, log_[i].key}].push_back(i);
        std::vector<pending_operation> out;
        for (const auto& [place, numbers] : entries)
            for (captured_operation& o : operations_of(captured(place.first, place.second, numbers)))
                for (row_operation& piece : in_pieces(std::move(o.op)))
                    out.push_back({place.first, place.second, numbers[o.write], std::move(piece)});
        std::stable_sort(out.begin(), out.end(), [](const pending_operation& a, const pending_operation& b) {
            return a.entry < b.entry;
        });
        for (pending_operation& o : out) {
            greatest_ = tick_user(greatest_, log_[o.entry].at);
            o.op.when = {greatest_, who_.replica};
        }
        return out;
    }
    [[nodiscard]] captured_row captured(table_no number, const bytes& key,
                                        const std::vector<std::size_t>& entries) {
        const memory_table& table = rows_.at(number);
        captured_row row;
        if (const auto known = table.find(key)) {
            row.known = true;
            row.existed = is_visible(*known, table.traits.policy);
        }
        row.now = table.read(key);
        for (const std::size_t i : entries) {
            row.writes.push_back(with_groups(log_[i].what, table));
            if (log_[i].buried) row.buried = log_[i].buried;
        }
        return row;
    }
    [[nodiscard]] static captured_write with_groups(captured_write w, const memory_table& table) {
        const column_list written = w.columns;
        for (const auto& group : table.groups)
            if (std::find_first_of(group.begin(), group.end(), written.begin(), written.end()) != group.end())
                w.columns.append(group.begin(), group.end());
        return w;
    }

    /// Makes changesets of the log. Returns the number of their operations.
    std::size_t seal_log() {
        const std::vector<pending_operation> operations = stamp_log();
        for (auto first = operations.begin(); first != operations.end();) {
            const auto last = end_of_changeset(first, operations.end());
            seal_changeset({first, last});
            first = last;
        }
        log_.clear();
        rows_.forget_edits();
        return operations.size();
    }

    using operation_iterator = typename std::vector<pending_operation>::const_iterator;
    [[nodiscard]] static operation_iterator end_of_changeset(operation_iterator first,
                                                             operation_iterator end) {
        std::size_t n = 0, size = 0;
        for (; first != end && n < changeset_operations && (n == 0 || size < changeset_value_bytes);
             ++first, ++n)
            for (const cell_write& c : first->op.cells) size += c.what.size();
        return first;
    }

    /// Makes one changeset, merges it like everybody's, and puts it into the outbox.
    void seal_changeset(operations all) {
        changeset c;
        c.device = who_.device;
        c.seq = last_seq_ + 1;
        if (last_seq_ == 0) c.device_name = who_.name;
        c.context = rows_.merged();
        std::map<table_no, std::vector<const pending_operation*>> by_table;
        for (const pending_operation& o : all) by_table[o.table].push_back(&o);
        for (auto& [number, list] : by_table) c.tables.push_back(changes_of(rows_.at(number).traits, list));
        const bytes data = encode(c);
        queue(data, c.seq, greatest_stamp(c).when);
        c.last_seq = last_seq_;
        const auto merged = rows_.merge(c);
        CASASYNC_ASSERT(merged.ok());  // it names this store's own tables and rules
    }
    /// Lists just the columns written, as the codec wants them.
    [[nodiscard]] static table_changes changes_of(const table_traits& traits,
                                                  std::vector<const pending_operation*>& list) {
        std::stable_sort(list.begin(), list.end(),
                         [](const auto* a, const auto* b) { return a->key < b->key; });
        std::map<column_no, column_no> places;
        for (const pending_operation* o : list)
            for (const cell_write& w : o->op.cells) places.emplace(w.column, 0);
        table_changes out{traits.without_columns(), {}};
        for (auto& [column, place] : places) {
            place = static_cast<column_no>(out.table.columns.size());
            out.table.columns.push_back(traits.columns[column]);
        }
        for (const pending_operation* o : list) {
            out.rows.push_back({o->key, o->op});
            for (cell_write& w : out.rows.back().op.cells) w.column = places.at(w.column);
        }
        return out;
    }
    void queue(bytes_view data, std::uint64_t seq, hlc greatest) {
        constexpr std::size_t part_bytes = limits::part_payload_bytes_max;
        constexpr unix_ms hour = 3'600'000;
        const std::size_t parts = (data.size() + part_bytes - 1) / part_bytes;
        for (std::size_t i = 0; i < parts; ++i) {
            const bytes_view piece =
                data.subspan(i * part_bytes, std::min(part_bytes, data.size() - i * part_bytes));
            outbox_[seq + i] = {seq + i,
                                static_cast<std::uint16_t>(i),
                                static_cast<std::uint16_t>(parts),
                                envelope_kind::changeset,
                                static_cast<std::uint32_t>((greatest.ms() + hour - 1) / hour),
                                bytes(piece.begin(), piece.end()),
                                {},
                                {}};
        }
        last_seq_ = seq + parts - 1;
    }

    /// Merges the next changeset of `author`, if it is complete and admitted.
    [[nodiscard]] bool merge_next(const device_id& author, unix_ms now, merge_report& report) {
        bytes payload;
        const std::uint64_t last_seq = assemble(author, payload);
        if (last_seq == 0) return false;
        const auto head = decode_head(payload);
        const std::uint64_t seq = rows_.merged().seen.of(author) + 1;
        if (!head || head->device != author || head->seq != seq) return false;
        if (admit(*head, rows_.merged(), now) != admission::ready) return false;
        auto incoming = decode(payload);
        if (!incoming) return false;
        incoming->last_seq = last_seq;
        const auto merged = rows_.merge(*incoming);
        if (!merged) return false;
        if (!head->device_name.empty()) names_[author] = head->device_name;
        for (const replica_id& replica : head->replicas) owners_.emplace(replica, author);
        ++report.changesets;
        report.rows += merged->rows;
        report.duplicates += merged->duplicates;
        greatest_ = observe(greatest_, merged->greatest);
        drop_merged();
        return true;
    }
    /// Joins the parts of the next changeset of `author`. Returns the seq of the last one, 0 if one is
    /// missing.
    [[nodiscard]] std::uint64_t assemble(const device_id& author, bytes& payload) const {
        const std::uint64_t first = rows_.merged().seen.of(author) + 1;
        for (std::uint64_t seq = first;; ++seq) {
            const auto it = inbox_.find({author, seq});
            if (it == inbox_.end() || it->second.part != seq - first) return 0;
            payload.insert(payload.end(), it->second.payload.begin(), it->second.payload.end());
            if (it->second.part + 1 == it->second.parts) return seq;
        }
    }
    /// Returns the last entry of `device` in a map by device and number; its end if there is none.
    template <class Map>
    [[nodiscard]] static auto last_of(const Map& map, const device_id& device) {
        const auto after = map.upper_bound({device, std::numeric_limits<std::uint64_t>::max()});
        if (after == map.begin() || std::prev(after)->first.first != device) return map.end();
        return std::prev(after);
    }
    void keep_link(const inbound_part& p) {
        const auto last = last_of(links_, p.device);
        if (p.link == digest256{} || (last != links_.end() && last->first.second >= p.seq)) return;
        if (last != links_.end()) links_.erase(last);
        links_[{p.device, p.seq}] = p.link;
    }
    void drop_merged() {
        std::erase_if(inbox_, [this](const auto& entry) {
            return entry.first.second <= rows_.merged().seen.of(entry.first.first);
        });
    }

    [[nodiscard]] result<void> add_row(snapshot_writer& out, std::size_t place, detail::row_no r) const {
        const detail::packed_rows& rows = rows_.tables()[place].rows;
        return out.add(place, rows.key(r), rows.load(r, true));
    }
    [[nodiscard]] snapshot_header snapshot_front() const {
        snapshot_header out;
        out.merged = rows_.merged();
        for (const auto& [device, name] : names_) {
            known_device known{device, name, {}};
            for (const auto& [replica, owner] : owners_)
                if (owner == device) known.replicas.push_back(replica);
            out.devices.push_back(std::move(known));
        }
        for (const memory_table& t : rows_.tables()) {
            snapshot_table& table = out.tables.emplace_back(snapshot_table{t.traits, {}, {}});
            for (const auto& group : t.groups) {
                auto& names = table.groups.emplace_back();
                for (const column_no c : group) names.push_back(t.traits.columns[c].name);
            }
        }
        return out;
    }
    [[nodiscard]] result<void> take_header(const snapshot_header& header,
                                           std::vector<resolved_table>& tables) {
        for (const snapshot_table& t : header.tables) {
            const bool known = rows_.find(t.traits.name) != nullptr;
            auto resolved = rows_.resolve(t.traits);
            if (!resolved) return resolved.failure();
            for (std::size_t i = 0; i < t.traits.columns.size(); ++i)  // registers are of one rule
                if (resolved->traits->columns[resolved->columns[i]].rule != t.traits.columns[i].rule)
                    return errc::schema_mismatch;
            if (!known) {
                auto groups = columns_of(*resolved->traits, t.groups);
                if (!groups) return errc::malformed_snapshot;
                rows_.at(resolved->table).groups = std::move(*groups);
            }
            tables.push_back(std::move(*resolved));
        }
        for (const known_device& d : header.devices) {
            if (!d.name.empty()) names_[d.id] = d.name;
            for (const replica_id& replica : d.replicas) owners_.emplace(replica, d.id);
        }
        return {};
    }
    void take_row(const resolved_table& table, snapshot_row theirs, const version_vector& mine_merged,
                  const version_vector& they_merged) {
        for (cell& c : theirs.row.cells) c.column = table.columns[c.column];
        std::sort(theirs.row.cells.begin(), theirs.row.cells.end(),
                  [](const cell& a, const cell& b) { return a.column < b.column; });
        for (live_write& w : theirs.row.live) w.column = table.columns[w.column];
        std::sort(theirs.row.live.begin(), theirs.row.live.end());
        const row_state before = rows_.at(table.table).find(theirs.key).value_or(row_state{});
        row_state after = before;
        merge_state(after, mine_merged, theirs.row, they_merged, *table.traits);
        merge_plan plan;
        plan.rows.push_back(
            detail::compare_states(plan, table, std::move(theirs.key), before, std::move(after), {}));
        rows_.apply(plan);
    }

    memory_identity who_;
    Clock* clock_;
    memory_rows rows_;
    hlc greatest_{};  ///< not less than any stamp issued or merged
    std::optional<std::int64_t> relay_offset_{};
    std::vector<log_entry> log_{};
    std::uint64_t last_seq_ = 0;
    std::map<std::uint64_t, outbound_part> outbox_{};
    std::map<digest256, std::uint64_t> made_{};  ///< digest of each envelope -> its seq
    cursor position_{};
    std::map<std::pair<device_id, std::uint64_t>, inbound_part> inbox_{};
    /// Links of parts: of all that were sealed here, of the last that came from each other device.
    std::map<std::pair<device_id, std::uint64_t>, digest256> links_{};
    std::map<device_id, std::string> names_{};
    std::map<replica_id, device_id> owners_{};
};

}  // namespace casasync
