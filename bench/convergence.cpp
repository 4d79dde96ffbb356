// SPDX-License-Identifier: MIT
// How long devices that edited offline take to be equal, for 2-8 devices and up to 100,000 edits, against
// plain files into which all others' edits are written. SQLite vaults, AES-256-GCM envelopes, a relay in
// memory: what the disk of a relay and a network add is not in it.
#include "programs.hpp"
#include "vaults.hpp"

#include <casasync/loopback/transport.hpp>
#include <casasync/openssl/cipher.hpp>
#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/snapshot_cipher.hpp>
#include <casasync/session.hpp>

#include <filesystem>
#include <memory>
#include <set>
#include <stdexcept>

namespace casasync::bench::convergence_program {
namespace {

/// Bytes that would cross a network, bodies only.
struct traffic {
    std::size_t up = 0, down = 0;
};

/// A loopback transport that counts.
class counted_transport {
 public:
    counted_transport(loopback::transport way, traffic& sum) : way_(std::move(way)), sum_(&sum) {}

    result<push_answer> push(std::span<const bytes> envelopes) {
        for (const bytes& e : envelopes) sum_->up += e.size();
        return way_.push(envelopes);
    }
    result<page> pull(const pull_request& request) {
        auto answer = way_.pull(request);
        if (answer)
            for (const log_record& r : answer->records)
                sum_->down += r.envelope.empty() ? r.digest.size() : r.envelope.size();
        return answer;
    }
    result<void> acknowledge(std::uint64_t pos) { return way_.acknowledge(pos); }
    result<std::optional<snapshot_info>> latest_snapshot() { return way_.latest_snapshot(); }
    result<bytes> read_snapshot(const snapshot_info& i, std::uint64_t offset, std::uint32_t size) {
        return way_.read_snapshot(i, offset, size);
    }
    result<void> begin_snapshot(const snapshot_info& i) { return way_.begin_snapshot(i); }
    result<void> write_snapshot(const snapshot_info& i, std::uint64_t offset, bytes_view part) {
        return way_.write_snapshot(i, offset, part);
    }
    result<void> complete_snapshot(const snapshot_info& i) { return way_.complete_snapshot(i); }

 private:
    loopback::transport way_;
    traffic* sum_;
};

struct device {
    std::unique_ptr<app> writer;
    sqlite::vault vault;
    openssl::vault_cipher keys;
    counted_transport way;
};

openssl::device_identity identity_of(std::size_t n) {
    openssl::device_identity out;
    out.signing.fill(static_cast<std::uint8_t>(n + 1));
    return out;
}

/// Returns the list of so many devices.
member_list members_of(std::size_t devices) {
    member_list out;
    for (std::size_t n = 0; n < devices; ++n) {
        const bytes entry = n == 0 ? openssl::first_entry(identity_of(0), {}, 0)
                                   : openssl::add_entry(out, identity_of(0), identity_of(n).public_keys(), 0);
        need(out.append(entry, openssl::verifier{}));
    }
    return out;
}

/// The k-th edit that device `d` makes.
field_update edit_of(std::size_t d, std::size_t k, std::uint64_t rows) {
    return make_update(mix64((d << 32) + k) % (rows * field_names.size()), d + 8, k);
}

/// Devices of one vault, a relay, and their folder.
class household {
 public:
    household(std::filesystem::path folder, std::size_t devices, std::uint64_t rows)
        : folder_(std::move(folder)),
          members_(members_of(devices)),
          relay_(members_.vault(), id_of<generation_id>(8), openssl::sha256, [this] { return now_; }) {
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        for (std::size_t n = 0; n < devices; ++n) add(n, rows);
        settle();
        bytes_ = {};
    }
    ~household() {
        devices_.clear();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    household(const household&) = delete;
    household& operator=(const household&) = delete;

    /// Every device makes its share of the edits, in transactions of 100, without meeting the others.
    void edit(std::size_t edits, std::uint64_t rows) {
        for (std::size_t d = 0; d < devices_.size(); ++d) {
            now_ += 1000;
            app& writer = *devices_[d]->writer;
            const std::size_t share = edits / devices_.size();
            for (std::size_t k = 0; k < share; ++k) {
                if (k % 100 == 0) writer.run("BEGIN IMMEDIATE");
                writer.update(edit_of(d, k, rows));
                if (k % 100 == 99 || k + 1 == share) writer.run("COMMIT");
            }
        }
    }
    /// Everybody syncs in turn until nothing moves. Returns the rounds in which something moved.
    std::size_t settle() {
        for (std::size_t round = 0;; ++round) {
            std::size_t moved = 0;
            for (const auto& d : devices_) {
                const auto report = need(sync<openssl::snapshot_opener>(d->vault, d->keys, d->way));
                moved += report.sealed + report.pushed + report.received + report.merged;
            }
            if (moved == 0) return round;
            if (round == 10) throw std::runtime_error("ten rounds and still no rest");
        }
    }
    /// Returns how many conflicts are open, the same everywhere.
    std::size_t check() {
        std::set<std::string> digests;
        for (const auto& d : devices_) digests.insert(need(d->vault.digest()));
        if (digests.size() != 1) throw std::runtime_error("the devices did not converge");
        return need(devices_.front()->vault.status()).open_conflicts;
    }
    [[nodiscard]] const traffic& bytes() const noexcept { return bytes_; }

 private:
    void add(std::size_t n, std::uint64_t rows) {
        const std::string file = (folder_ / ("device" + std::to_string(n) + ".db")).string();
        const openssl::device_identity self = identity_of(n);
        const sqlite::identity who{members_.vault(), self.id(), "device " + std::to_string(n),
                                   "http://127.0.0.1:1"};
        openssl::key256 key;
        key.fill(3);
        openssl::vault_cipher keys(members_, {{1, key}}, self);
        counted_transport way(loopback::transport(relay_, network_, who.device), bytes_);
        sqlite::vault_options options;
        options.now = [this] { return now_; };
        options.capture_write_time = false;
        auto writer = std::make_unique<app>(file);
        if (n == 0) {
            writer->run(create_txn);
            write_all(*writer, made_workload(rows).rows);
        }
        auto vault = n == 0 ? first(file, who, options) : joined(file, who, keys, way, options);
        devices_.push_back(std::make_unique<device>(
            device{std::move(writer), std::move(vault), std::move(keys), std::move(way)}));
    }
    static sqlite::vault first(const std::string& file, const sqlite::identity& who,
                               const sqlite::vault_options& options) {
        auto vault = need(sqlite::vault::create(file, who, options));
        need(vault.track("txn"));
        return vault;
    }
    sqlite::vault joined(const std::string& file, const sqlite::identity& who,
                         const openssl::vault_cipher& keys, counted_transport& way,
                         const sqlite::vault_options& options) {
        device& from = *devices_.front();
        if (devices_.size() == 1) {
            need(sync<openssl::snapshot_opener>(from.vault, from.keys, from.way));
            memory_spool spool;
            openssl::random random;
            need(offer_snapshot<openssl::snapshot_sealer>(from.vault, from.keys, from.way, spool, random));
        }
        auto found = need(find_snapshot<openssl::snapshot_opener>(who.vault, keys, way));
        if (!found) throw std::runtime_error("the relay has no snapshot");
        return need(sqlite::vault::join(file, who, found->source(), found->manifest().at, options));
    }

    std::filesystem::path folder_;
    unix_ms now_ = some_day;
    traffic bytes_{};
    member_list members_;
    loopback::relay relay_;
    loopback::network network_{1};
    std::vector<std::unique_ptr<device>> devices_;
};

struct homes {
    std::unique_ptr<household> ours{};
    std::vector<std::unique_ptr<app>> plain{};
    std::size_t rounds = 0;
};

/// Plain files that had the same edits as the devices.
void make_plain(homes& h, const std::string& folder, std::size_t devices, std::uint64_t rows) {
    h.plain.clear();
    for (std::size_t n = 0; n < devices; ++n) {
        const std::string file = folder + "/plain" + std::to_string(n) + ".db";
        remove_database(file);
        h.plain.push_back(std::make_unique<app>(file));
        h.plain.back()->run(create_txn);
        write_all(*h.plain.back(), made_workload(rows).rows);
    }
}
/// Everybody writes what the others wrote.
void write_others(homes& h, std::size_t edits, std::uint64_t rows) {
    const std::size_t share = edits / h.plain.size();
    for (std::size_t n = 0; n < h.plain.size(); ++n) {
        app& a = *h.plain[n];
        a.run("BEGIN IMMEDIATE");
        for (std::size_t d = 0; d < h.plain.size(); ++d)
            for (std::size_t k = 0; d != n && k < share; ++k) a.update(edit_of(d, k, rows));
        a.run("COMMIT");
    }
}

question converging(const std::string& folder, std::size_t devices, std::size_t edits, std::uint64_t rows) {
    const auto h = std::make_shared<homes>();
    question q;
    q.name = "converge, " + std::to_string(devices) + " devices, " + std::to_string(edits) + " edits";
    q.unit = "edit";
    q.count = edits;
    q.rounds_max = devices * edits > 200'000 ? 1 : 3;
    q.same_work = false;
    q.reference = {"UPDATE of all others' edits on each device",
                   [=] { make_plain(*h, folder, devices, rows); },
                   [=](std::size_t) { write_others(*h, edits, rows); },
                   {}};
    q.ours = {"sync of all",
              [=] {
                  h->ours.reset();
                  h->ours = std::make_unique<household>(folder + "/home", devices, rows);
                  h->ours->edit(edits, rows);
              },
              [=](std::size_t) { h->rounds = h->ours->settle(); },
              [=] {
                  const std::uint64_t sum = h->ours->check() * 31 + h->rounds;
                  h->plain.clear();
                  return sum;
              }};
    q.bytes = [=] {
        const double sent = static_cast<double>(h->ours->bytes().up) / static_cast<double>(edits);
        h->ours.reset();
        return sent;
    };
    q.shown = {"devices",
               "Time to converge after offline edits",
               "edits in all, shared among the devices",
               std::to_string(devices) + " devices",
               std::to_string(devices) + " plain files",
               static_cast<double>(edits)};
    return q;
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    const std::uint64_t rows = o.rows / 10;
    std::vector<question> out;
    for (const std::size_t devices : {2U, 4U, 8U})
        for (const std::uint64_t edits : {o.rows / 100, o.rows / 10, o.rows})
            if (edits >= 100) out.push_back(converging(o.folder, devices, edits, rows));
    return out;
}

}  // namespace casasync::bench::convergence_program
