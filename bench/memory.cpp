// SPDX-License-Identifier: MIT
// What memory a device needs that joins with ten times the rows of W: the greatest resident memory while it
// does, above what was there before and above SQLite's page cache, against INSERTs of the same rows.
#include "programs.hpp"
#include "vaults.hpp"

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <optional>

namespace casasync::bench::memory_program {
namespace {

/// A line of /proc/self/status, in bytes.
double status_of_process(const std::string& name) {
    std::ifstream in("/proc/self/status");
    for (std::string line; std::getline(in, line);)
        if (line.rfind(name + ":", 0) == 0) return 1024 * std::stod(line.substr(name.size() + 1));
    throw std::runtime_error("/proc/self/status has no " + name);
}

/// Measures from start() to bytes(). The greatest page cache may be of another moment than the greatest
/// resident memory: then the difference is too small by at most the page cache, cache_size of the connection.
class peak {
 public:
    void start() {
        malloc_trim(0);
        std::ofstream("/proc/self/clear_refs") << '5';  // the greatest so far is forgotten
        (void)page_cache(true);
        before_ = status_of_process("VmRSS");
    }
    [[nodiscard]] double bytes() const {
        return std::max(0.0, status_of_process("VmHWM") - before_ - page_cache(false));
    }

 private:
    [[nodiscard]] static double page_cache(bool forget) {
        sqlite3_int64 now = 0, greatest = 0;
        sqlite3_status64(SQLITE_STATUS_PAGECACHE_OVERFLOW, &now, &greatest, forget ? 1 : 0);
        return static_cast<double>(greatest);
    }
    double before_ = 0;
};

/// Makes the snapshot that is joined from.
void write_snapshot(const std::string& folder, std::uint64_t rows) {
    sqlite::vault v = make_vault(folder + "/vault.db", 2);
    app a(folder + "/vault.db");
    for (std::uint64_t first = 0; first < rows; first += 10'000) {
        a.run("BEGIN IMMEDIATE");
        for (std::uint64_t i = first; i < std::min(rows, first + 10'000); ++i) a.insert(make_row(i));
        a.run("COMMIT");
        need(v.seal());
        (void)take_outbox(v);
    }
    std::ofstream out(folder + "/snapshot", std::ios::binary);
    (void)need(v.write_snapshot([&out](bytes_view part) -> result<void> {
        out.write(reinterpret_cast<const char*>(part.data()), static_cast<std::streamsize>(part.size()));
        return out ? result<void>() : result<void>(errc::io_failed);
    }));
}

/// Does it in a process of its own, so that what it needs is not in this one's memory.
void write_snapshot_apart(const std::string& folder, std::uint64_t rows) {
    const pid_t child = fork();
    if (child == 0) {
        int status = 0;
        try {
            write_snapshot(folder, rows);
        } catch (const std::exception&) {
            status = 1;
        }
        _exit(status);
    }
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        throw std::runtime_error("the snapshot could not be made");
}

result<void> join(const std::string& folder) {
    const sqlite::identity who{id_of<vault_id>(1), id_of<device_id>(4), "device 4", "http://127.0.0.1:1"};
    const auto in = std::make_shared<std::ifstream>(folder + "/snapshot", std::ios::binary);
    const snapshot_source source = [in]() -> result<bytes> {
        bytes part(65'536);
        in->read(reinterpret_cast<char*>(part.data()), static_cast<std::streamsize>(part.size()));
        part.resize(static_cast<std::size_t>(in->gcount()));
        return part;
    };
    const auto joined = sqlite::vault::join(folder + "/joined.db", who, source, {}, still_clock(true));
    return joined ? result<void>() : result<void>(joined.failure());
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    const std::uint64_t rows = 10 * o.rows;
    write_snapshot_apart(o.folder, rows);
    const std::string inserted = o.folder + "/inserted.db", joined = o.folder + "/joined.db";
    struct peaks {
        peak reference{}, ours{};
        double reference_bytes = 0, our_bytes = 0;
    };
    const auto p = std::make_shared<peaks>();
    question q;
    q.name = "memory of a join, above the page cache";
    q.unit = "row";
    q.count = rows;
    q.rounds_max = 1;  // how much memory it is does not depend on the load
    q.reference = {"INSERT, one transaction", [=] { remove_database(inserted); },
                   [=](std::size_t) {
                       p->reference.start();
                       app a(inserted);
                       a.run(create_txn);
                       a.run("BEGIN IMMEDIATE");
                       for (std::uint64_t i = 0; i < rows; ++i) a.insert(make_row(i));
                       a.run("COMMIT");
                       p->reference_bytes = p->reference.bytes();
                   },
                   [=] { return app(inserted).checksum(); }};
    q.ours = {"vault::join()", [=] { remove_database(joined); },
              [=](std::size_t) {
                  p->ours.start();
                  need(join(o.folder));
                  p->our_bytes = p->ours.bytes();
              },
              [=] { return app(joined).checksum(); }};
    q.bytes = [=] { return p->our_bytes / static_cast<double>(rows); };
    q.reference_bytes = [=] { return p->reference_bytes / static_cast<double>(rows); };
    q.bytes_max = 64.0 * 1024 * 1024 / 1e6;  // 64 MiB for a million rows
    return {q};
}

}  // namespace casasync::bench::memory_program
