// SPDX-License-Identifier: MIT
// What a relay process does: durable pushes of 2 KiB by 64 connections, against INSERTs of the same bytes
// into a plain database that are as durable; pulls of a whole log, against reading such a table; and the
// memory of live channels on which nothing happens. Times are of the wall.
#include "programs.hpp"
#include "relay_process.hpp"
#include "vaults.hpp"

#include <casasync/beast/client.hpp>
#include <casasync/beast/relay.hpp>
#include <casasync/envelope.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/vault_keys.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

namespace casasync::bench::relay_program {
namespace {

constexpr std::size_t connections = 64, devices_of_a_vault = 4, envelope_bytes = 2048;
using steady = std::chrono::steady_clock;

/// A device that a relay knows.
struct device {
    beast::client client;
    vault_id vault{};
    device_id id{};
    std::uint64_t sent = 0;
};

/// Makes a vault of so many devices.
void add_vault(const std::string& address, std::size_t devices, std::vector<device>& to) {
    openssl::random random;
    const auto first = openssl::device_identity::make(random);
    member_list list;
    need(list.append(openssl::first_entry(first, {}, 0), openssl::verifier{}));
    std::vector<openssl::device_identity> all{first};
    for (std::size_t n = 1; n < devices; ++n) {
        all.push_back(openssl::device_identity::make(random));
        need(list.append(openssl::add_entry(list, first, all.back().public_keys(), 0), openssl::verifier{}));
    }
    beast::endpoint at;
    at.url = address;
    for (const openssl::device_identity& self : all) {
        const auto in = need(beast::attach(at, list.vault(), self, list.entries()));
        to.push_back({need(beast::client::make({at, list.vault(), self.id(), in.device_key, in.key_version})),
                      list.vault(), self.id(), 0});
    }
}

/// The next envelope of a device. What is inside nobody can read here.
bytes next_envelope(device& d) {
    envelope_header h;
    h.vault = d.vault, h.device = d.id, h.seq = ++d.sent;
    h.ciphertext_bytes = envelope_bytes - envelope_overhead_bytes;
    const auto head = encode_header(h);
    bytes out(head.begin(), head.end());
    out.resize(envelope_bytes, static_cast<std::uint8_t>(d.sent));
    return out;
}

/// The plain database: the same bytes, and nothing known of them.
class plain_log {
 public:
    explicit plain_log(const std::string& file) {
        remove_database(file);
        if (sqlite3_open(file.c_str(), &db_) != SQLITE_OK) throw std::runtime_error("cannot open " + file);
        run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
        run("CREATE TABLE log(pos INTEGER PRIMARY KEY, envelope BLOB)");
        sqlite3_prepare_v2(db_, "INSERT INTO log(envelope) VALUES(?1)", -1, &insert_, nullptr);
        sqlite3_prepare_v2(db_, "SELECT envelope FROM log ORDER BY pos", -1, &select_, nullptr);
    }
    plain_log(const plain_log&) = delete;
    ~plain_log() {
        sqlite3_finalize(insert_);
        sqlite3_finalize(select_);
        sqlite3_close_v2(db_);
    }
    /// A commit for each group of envelopes, as many as there are connections.
    void insert(std::uint64_t count) {
        const bytes envelope(envelope_bytes, 1);
        for (std::uint64_t i = 0; i < count; ++i) {
            if (i % connections == 0) run("BEGIN IMMEDIATE");
            sqlite3_bind_blob(insert_, 1, envelope.data(), static_cast<int>(envelope.size()), SQLITE_STATIC);
            if (sqlite3_step(insert_) != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(db_));
            sqlite3_reset(insert_);
            if (i % connections == connections - 1 || i + 1 == count) run("COMMIT");
        }
    }
    /// Returns how many there are.
    [[nodiscard]] std::uint64_t read() {
        std::uint64_t n = 0, sum = 0;
        for (; sqlite3_step(select_) == SQLITE_ROW; ++n) {
            const auto* blob = static_cast<const std::uint8_t*>(sqlite3_column_blob(select_, 0));
            const bytes copy(blob, blob + sqlite3_column_bytes(select_, 0));
            sum += copy.back();
        }
        sqlite3_reset(select_);
        keep(sum);
        return n;
    }

 private:
    void run(const char* sql) {
        if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
            throw std::runtime_error(sqlite3_errmsg(db_));
    }

    sqlite3* db_ = nullptr;
    sqlite3_stmt *insert_ = nullptr, *select_ = nullptr;
};

struct givens {
    std::string folder{};
    std::unique_ptr<relay_process> relay{};
    std::vector<device> devices{};
    std::unique_ptr<plain_log> plain{};
    std::vector<std::vector<double>> push_us{std::vector<std::vector<double>>(connections)};
    std::uint64_t pushed = 0, pulled = 0, of_one_vault = 0;
};

void begin(givens& g) {
    g.devices.clear();
    g.relay.reset();
    std::filesystem::remove_all(g.folder + "/relay");
    g.relay = std::make_unique<relay_process>(g.folder + "/relay");
    while (g.devices.size() < connections) add_vault(g.relay->address(), devices_of_a_vault, g.devices);
    g.plain = std::make_unique<plain_log>(g.folder + "/plain.db");
    g.pushed = g.of_one_vault = 0;
}

/// Every device pushes so many envelopes, one after the other.
void push_all(givens& g, std::uint64_t each) {
    std::vector<std::thread> threads;
    std::vector<std::string> failures(connections);
    for (std::size_t i = 0; i < connections; ++i)
        threads.emplace_back([&, i] {
            for (std::uint64_t k = 0; k < each && failures[i].empty(); ++k) {
                const bytes envelope = next_envelope(g.devices[i]);
                const auto begin = steady::now();
                if (const auto answer = g.devices[i].client.push({&envelope, 1}); !answer)
                    failures[i] = answer.failure().text();
                g.push_us[i].push_back(
                    std::chrono::duration<double, std::micro>(steady::now() - begin).count());
            }
        });
    for (std::thread& t : threads) t.join();
    for (const std::string& f : failures)
        if (!f.empty()) throw std::runtime_error(f);
    g.pushed += each * connections;
    g.of_one_vault += each * devices_of_a_vault;
}

question pushing(const std::shared_ptr<givens>& g, std::uint64_t count) {
    constexpr std::size_t steps = 4;
    const std::uint64_t each = std::max<std::uint64_t>(1, count / steps / connections);
    question q;
    q.name = "relay, durable pushes of 2 KiB, 64 connections";
    q.unit = "push";
    q.count = each * steps * connections;
    q.steps = steps;
    q.wall = true;
    q.same_work = false;
    q.rate_min = 4000, q.p99_ms_max = 60;
    q.reference = {"INSERT, a commit for each 64 rows",
                   [=] { begin(*g); },
                   [=](std::size_t) { g->plain->insert(each * connections); },
                   {}};
    q.ours = {"POST /changesets", {}, [=](std::size_t) { push_all(*g, each); }, [=] { return g->pushed; }};
    q.latencies = [=] {
        waits all{"a push, until it is answered", {}};
        for (const auto& one : g->push_us) all.us.insert(all.us.end(), one.begin(), one.end());
        return std::vector<waits>{all};
    };
    return q;
}

/// Reads a vault's whole log; the device's own envelopes, a quarter, come as digests. Returns the records.
std::uint64_t pull_all(device& d) {
    pull_request request;
    for (std::uint64_t n = 0;;) {
        const auto page = need(d.client.pull(request));
        n += page.records.size();
        request.from = {page.relay.generation, page.last, page.log};
        if (!page.more) return n;
    }
}

/// Goes on with what was pushed.
question pulling(const std::shared_ptr<givens>& g, std::uint64_t count) {
    const std::uint64_t each = std::max<std::uint64_t>(1, count / connections) * devices_of_a_vault;
    constexpr std::size_t vaults = connections / devices_of_a_vault;
    question q;
    q.name = "relay, pulls of whole logs";
    q.unit = "envelope";
    q.count = each * vaults;
    q.wall = true;
    q.same_work = false;
    q.reference = {"SELECT of as many",
                   [=] {
                       if (g->pushed == each * vaults) return;
                       begin(*g);
                       push_all(*g, each / devices_of_a_vault);
                       g->plain->insert(g->pushed);
                   },
                   [=](std::size_t) { keep(g->plain->read()); },
                   {}};
    q.ours = {"GET /changesets", [=] { g->pulled = 0; },
              [=](std::size_t) {
                  for (std::size_t i = 0; i < connections; i += devices_of_a_vault)
                      g->pulled += pull_all(g->devices[i]);
              },
              [=] {
                  if (g->pulled != g->pushed) throw std::runtime_error("the logs are not whole");
                  return g->pulled;
              }};
    return q;
}

/// What a live channel on which nothing happens costs a relay.
question idle_channels(const std::string& folder, std::uint64_t count) {
    struct state {
        std::unique_ptr<relay_process> relay{};
        std::vector<device> devices{};
        double before = 0, after = 0;
    };
    const auto s = std::make_shared<state>();
    question q;
    q.name = "relay, idle live channels";
    q.unit = "channel";
    q.count = count;
    q.rounds_max = 1;
    q.wall = true;
    q.same_work = false;
    q.reference = {"a connection and GET /v1/info",
                   [=] {
                       s->relay = std::make_unique<relay_process>(folder + "/idle");
                       while (s->devices.size() < count)
                           add_vault(s->relay->address(),
                                     std::min<std::size_t>(limits::devices_max, count - s->devices.size()),
                                     s->devices);
                       s->before = s->relay->resident_bytes();
                   },
                   [=](std::size_t) {
                       beast::endpoint at;
                       at.url = s->relay->address();
                       for (std::uint64_t i = 0; i < count; ++i) need(beast::probe(at));
                   },
                   {}};
    q.ours = {"open_live(), and its first hint",
              {},
              [=](std::size_t) {
                  for (device& d : s->devices) {
                      need(d.client.open_live());
                      (void)need(d.client.next_hint());
                  }
                  s->after = s->relay->resident_bytes();
              },
              [=] { return s->devices.size(); }};
    q.bytes = [=] {
        s->devices.clear();
        s->relay.reset();
        return (s->after - s->before) / static_cast<double>(count);
    };
    return q;
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    const auto g = std::make_shared<givens>();
    g->folder = o.folder;
    return {idle_channels(o.folder, o.rows / 100), pushing(g, o.rows / 5), pulling(g, o.rows / 5)};
}

}  // namespace casasync::bench::relay_program
