// SPDX-License-Identifier: MIT
#include <casasync/relay/server.hpp>

#include "core.hpp"
#include "data_directory.hpp"
#include "http.hpp"
#include "router.hpp"
#include "shards.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace casasync::relay {
namespace {

unix_ms system_now() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string url_of(const char* scheme, const std::string& host, std::uint16_t port) {
    const bool is_v6 = host.find(':') != std::string::npos;
    return scheme + (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace

/// What only the database knows.
class relay_totals {
 public:
    explicit relay_totals(const std::vector<std::string>& paths) {
        for (const std::string& path : paths) files_.push_back(std::make_unique<file>(path));
    }

    void append_to(std::string& out) {
        std::uint64_t vaults = 0, bytes = 0, changesets = 0;
        try {
            for (const auto& f : files_) {
                rows row = f->sums.query();
                if (!row.next()) return;
                vaults += row.number(0), bytes += row.number(1), changesets += row.number(2);
            }
        } catch (const database_error&) {
            return;  // a page without these lines says that the database cannot be read
        }
        const auto add = [&out](std::string_view name, std::string_view help, std::uint64_t value) {
            append_metric(out, name, "gauge", help, static_cast<double>(value));
        };
        add("vaults", "Vaults.", vaults);
        add("changeset_bytes", "Bytes of changesets that are kept.", bytes);
        add("changesets", "Changesets that are kept.", changesets);
    }

 private:
    struct file {
        database db;
        prepared sums;

        explicit file(const std::string& path)
            : db(path, database::mode::read_only),
              sums(db,
                   "SELECT count(*), coalesce(sum(bytes), 0), coalesce(sum(head - floor), 0) FROM vault") {}
    };
    std::vector<std::unique_ptr<file>> files_{};
};

/// What all that write have done, and have to do.
struct work_done {
    writer::load load{};
    std::uint64_t failing = 0;  ///< files whose last transaction failed
    std::uint64_t forgotten = 0;
};

static work_done work_of(const core& shared) {
    work_done out;
    for (const auto& s : shared.shards) {
        const writer::load one = s->write.state();
        out.load.queued += one.queued;
        out.load.queued_bytes += one.queued_bytes;
        out.load.commits += one.commits;
        out.load.jobs += one.jobs;
        out.failing += one.failing ? 1 : 0;
        out.forgotten += s->keeper.forgotten();
    }
    return out;
}

struct server::state {
    data_directory directory;
    certificate tls{};
    std::optional<core> shared{};
    std::unique_ptr<http_server> http{};
    server_options metrics_options{};
    hub nobody{};
    std::unique_ptr<http_server> metrics_http{};

    explicit state(data_directory d) : directory(std::move(d)) {}

    [[nodiscard]] bool is_secret() const { return tls.current() != nullptr; }

    result<void> begin(server_options options, authorities names, trusted_proxies proxies) {
        if (!options.tls_certificate.empty())
            if (const auto loaded = tls.load(options.tls_certificate, options.tls_key); !loaded)
                return loaded;
        const auto keys = directory.keys();
        if (!keys) return keys.failure();
        const auto count = prepare_shards(directory, options.shards);
        if (!count) return count.failure();
        std::vector<std::string> paths;
        for (unsigned n = 0; n < *count; ++n) paths.push_back(directory.database_path(n));
        if (!options.clock) options.clock = system_now;
        try {
            shared.emplace(options, *keys, std::move(names), paths);
            auto started = http_server::start(
                shared->options, {is_secret() ? &tls : nullptr, std::move(proxies)}, shared->listeners,
                [&] { return std::make_unique<router>(*shared, paths); });
            if (!started) return started.failure();
            http = std::move(*started);
            if (!options.metrics_host.empty()) return begin_metrics(paths);
        } catch (const database_error& e) {
            return error{errc::io_failed, directory.path() + " cannot be used: " + e.what() + "."};
        }
        return {};
    }

    result<void> begin_metrics(const std::vector<std::string>& paths) {
        metrics_options = shared->options;
        metrics_options.host = metrics_options.metrics_host;
        metrics_options.port = metrics_options.metrics_port;
        metrics_options.io_threads = 1;
        metrics_options.connections_max = 16;
        metrics_options.verbose = false;
        const auto text = [this, read = std::make_shared<relay_totals>(paths)] { return page(*read); };
        auto started = http_server::start(metrics_options, {}, nobody,
                                          [&] { return std::make_unique<metrics_page>(text); });
        if (!started) return started.failure();
        metrics_http = std::move(*started);
        return {};
    }

    /// Everything there is to say, in the Prometheus text format.
    std::string page(relay_totals& totals) {
        std::string out;
        shared->counts.append_to(out);
        const auto [load, failing, forgotten] = work_of(*shared);
        const auto add = [&out](std::string_view name, std::string_view type, std::string_view help,
                                auto value) {
            append_metric(out, name, type, help, static_cast<double>(value));
        };
        add("connections", "gauge", "Connections that are open.", http->connections());
        add("write_queue_jobs", "gauge", "Requests that wait to be written.", load.queued);
        add("write_queue_bytes", "gauge", "Bytes of requests that wait to be written.", load.queued_bytes);
        add("commits_total", "counter", "Transactions that were tried.", load.commits);
        add("written_total", "counter", "Requests that were in them.", load.jobs);
        add("database_failing", "gauge", "Files whose last transaction failed.", failing);
        add("forgotten_total", "counter", "Changesets that were forgotten.", forgotten);
        totals.append_to(out);
        return out;
    }

    void stop() {
        if (!shared || shared->stopping.exchange(true)) return;
        if (metrics_http) metrics_http->stop();
        if (http) http->stop();
        for (const auto& s : shared->shards) s->keeper.stop(), s->write.stop();
    }
};

server::server(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}

server::~server() {
    stop();
}

result<std::unique_ptr<server>> server::start(const server_options& options) {
    auto names = authorities::make({options.host, options.port}, options.origins);
    if (!names) return names.failure();
    auto proxies = trusted_proxies::make(options.trusted_proxies);
    if (!proxies) return proxies.failure();
    if (options.tls_certificate.empty() != options.tls_key.empty())
        return error{errc::invalid_argument, "A certificate needs its key, and a key its certificate."};
    auto directory = data_directory::open(options.data);
    if (!directory) return directory.failure();
    auto s = std::make_unique<state>(std::move(*directory));
    if (const auto begun = s->begin(options, std::move(*names), std::move(*proxies)); !begun)
        return begun.failure();
    return std::unique_ptr<server>(new server(std::move(s)));
}

std::string server::address() const {
    return url_of(state_->is_secret() ? "https://" : "http://", state_->shared->options.host,
                  state_->http->port());
}

std::string server::metrics_address() const {
    if (!state_->metrics_http) return {};
    return url_of("http://", state_->metrics_options.host, state_->metrics_http->port()) + "/metrics";
}

result<void> server::reload_certificate() {
    const server_options& o = state_->shared->options;
    return o.tls_certificate.empty() ? result<void>() : state_->tls.load(o.tls_certificate, o.tls_key);
}

void server::tidy() {
    for (const auto& s : state_->shared->shards) s->keeper.look_at_all();
}

void server::stop() {
    state_->stop();
}

}  // namespace casasync::relay
