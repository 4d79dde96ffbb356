// SPDX-License-Identifier: MIT
// How long devices that edited offline take to be equal: rounds, bytes, time, for 2-8 devices and up to
// 100,000 edits. SQLite vaults, AES-256-GCM envelopes, a relay in memory: what the disk of a relay and a
// network add is not in it.
#include "app.hpp"
#include "svg.hpp"
#include "workload.hpp"

#include <casasync/loopback/transport.hpp>
#include <casasync/openssl/cipher.hpp>
#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/snapshot_cipher.hpp>
#include <casasync/session.hpp>
#include <casasync/sqlite/vault.hpp>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>
#include <stdexcept>

namespace casasync::bench {
namespace {

using steady = std::chrono::steady_clock;
constexpr unix_ms some_day = 1'800'000'000'000;

template <class Id>
Id id_of(std::size_t n) {
    Id id;
    id.octets.fill(static_cast<std::uint8_t>(n));
    return id;
}

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

struct measurement {
    std::size_t devices = 0, edits = 0, rounds = 0, conflicts = 0;
    traffic bytes{};
    double seconds = 0;
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
                writer.update(make_update(mix64((d << 32) + k) % (rows * field_names.size()), d + 8, k));
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
    measurement check() {
        std::set<std::string> digests;
        for (const auto& d : devices_) digests.insert(need(d->vault.digest()));
        if (digests.size() != 1) throw std::runtime_error("the devices did not converge");
        measurement m;
        m.devices = devices_.size();
        m.bytes = bytes_;
        m.conflicts = need(devices_.front()->vault.status()).open_conflicts;
        return m;
    }

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

measurement measure(const std::filesystem::path& folder, std::size_t devices, std::size_t edits,
                    std::uint64_t rows) {
    household home(folder, devices, rows);
    home.edit(edits, rows);
    const auto begin = steady::now();
    const std::size_t rounds = home.settle();
    const double seconds = std::chrono::duration<double>(steady::now() - begin).count();
    measurement m = home.check();
    m.edits = edits;
    m.rounds = rounds;
    m.seconds = seconds;
    return m;
}

void print(const std::vector<measurement>& all) {
    std::cout
        << "| devices | edits | rounds | seconds | sent, bytes an edit | received, bytes an edit a device | "
           "open conflicts |\n| --- | --- | --- | --- | --- | --- | --- |\n";
    for (const measurement& m : all) {
        const double edits = static_cast<double>(m.edits);
        std::cout << "| " << m.devices << " | " << m.edits << " | " << m.rounds << " | "
                  << format("%.3f | %.1f | %.1f", m.seconds, static_cast<double>(m.bytes.up) / edits,
                            static_cast<double>(m.bytes.down) / edits / static_cast<double>(m.devices))
                  << " | " << m.conflicts << " |\n";
    }
}

void write_json(const std::string& path, const std::vector<measurement>& all) {
    boost::json::array out;
    for (const measurement& m : all)
        out.push_back({{"devices", m.devices},
                       {"edits", m.edits},
                       {"rounds", m.rounds},
                       {"seconds", m.seconds},
                       {"bytes_sent", m.bytes.up},
                       {"bytes_received", m.bytes.down},
                       {"open_conflicts", m.conflicts}});
    std::ofstream(path) << boost::json::serialize(out) << '\n';
}

void write_plot(const std::string& path, const std::vector<measurement>& all) {
    plot p{"Time to converge after offline edits", "edits in all, shared among the devices", "seconds", {}};
    for (const measurement& m : all) {
        const std::string name = std::to_string(m.devices) + " devices";
        if (p.lines.empty() || p.lines.back().name != name) p.lines.push_back({name, {}});
        p.lines.back().points.emplace_back(static_cast<double>(m.edits), m.seconds);
    }
    std::ofstream out(path);
    draw(out, p);
}

int run(int argc, char** argv) {
    CLI::App arguments{"Time, rounds and bytes until devices that edited offline are equal"};
    std::vector<std::size_t> devices{2, 4, 8}, edits{1'000, 10'000, 100'000};
    std::uint64_t rows = 10'000;
    std::size_t repeat = 3;
    std::string folder = (std::filesystem::temp_directory_path() / "casasync-convergence").string(), json,
                svg;
    arguments.add_option("--devices", devices, "how many devices, one run each");
    arguments.add_option("--edits", edits, "how many edits in all, one run each");
    arguments.add_option("--rows", rows, "rows of the vault");
    arguments.add_option("--repeat", repeat, "runs of each; the median time counts")
        ->check(CLI::PositiveNumber);
    arguments.add_option("--folder", folder, "where the files are made");
    arguments.add_option("--json", json, "writes the figures to this file");
    arguments.add_option("--svg", svg, "draws time against edits to this file");
    CLI11_PARSE(arguments, argc, argv);

    std::vector<measurement> all;
    for (const std::size_t d : devices)
        for (const std::size_t e : edits) {
            std::vector<measurement> runs;
            for (std::size_t i = 0; i < repeat; ++i) runs.push_back(measure(folder, d, e, rows));
            std::sort(runs.begin(), runs.end(),
                      [](const measurement& a, const measurement& b) { return a.seconds < b.seconds; });
            all.push_back(runs[runs.size() / 2]);
            std::cerr << d << " devices, " << e << " edits: " << format("%.3f s\n", all.back().seconds);
        }
    print(all);
    if (!json.empty()) write_json(json, all);
    if (!svg.empty()) write_plot(svg, all);
    return 0;
}

}  // namespace
}  // namespace casasync::bench

int main(int argc, char** argv) {
    try {
        return casasync::bench::run(argc, argv);
    } catch (const std::exception& e) {
        std::cerr << "convergence: " << e.what() << '\n';
        return 1;
    }
}
