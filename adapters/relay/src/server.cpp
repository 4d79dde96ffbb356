// SPDX-License-Identifier: MIT
#include <casasync/relay/server.hpp>

#include "core.hpp"
#include "data_directory.hpp"
#include "http.hpp"
#include "router.hpp"
#include "schema.hpp"

#include <optional>

namespace casasync::relay {
namespace {

unix_ms system_now() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

result<void> prepare_database(const std::string& path) {
    try {
        database db(path, database::mode::read_write);
        return prepare_schema(db, path);
    } catch (const database_error& e) {
        return error{e.is_foreign() ? errc::not_a_database : errc::io_failed,
                     path + " cannot be used: " + e.what() + ". Nothing was changed."};
    }
}

std::string url_of(const char* scheme, const std::string& host, std::uint16_t port) {
    const bool is_v6 = host.find(':') != std::string::npos;
    return scheme + (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace

/// What only the database knows.
class relay_totals {
 public:
    explicit relay_totals(const std::string& path)
        : db_(path, database::mode::read_only),
          vaults_(db_,
                  "SELECT count(*), coalesce(sum(bytes), 0), coalesce(sum(head - floor), 0) FROM vault") {}

    void append_to(std::string& out) {
        try {
            rows row = vaults_.query();
            if (!row.next()) return;
            append_metric(out, "vaults", "gauge", "Vaults.", static_cast<double>(row.number(0)));
            append_metric(out, "changeset_bytes", "gauge", "Bytes of changesets that are kept.",
                          static_cast<double>(row.number(1)));
            append_metric(out, "changesets", "gauge", "Changesets that are kept.",
                          static_cast<double>(row.number(2)));
        } catch (const database_error&) {
            // A page without these lines says that the database cannot be read.
        }
    }

 private:
    database db_;
    prepared vaults_;
};

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
        const auto key = directory.master_key();
        if (!key) return key.failure();
        if (const auto made = directory.make_database_file(); !made) return made.failure();
        const std::string path = directory.database_path();
        if (const auto ready = prepare_database(path); !ready) return ready.failure();
        if (!options.clock) options.clock = system_now;
        try {
            shared.emplace(options, *key, std::move(names), path);
            auto started = http_server::start(
                shared->options, {is_secret() ? &tls : nullptr, std::move(proxies)}, shared->listeners,
                [&] { return std::make_unique<router>(*shared, path); });
            if (!started) return started.failure();
            http = std::move(*started);
            if (!options.metrics_host.empty()) return begin_metrics(path);
        } catch (const database_error& e) {
            return error{errc::io_failed, path + " cannot be used: " + e.what() + "."};
        }
        return {};
    }

    result<void> begin_metrics(const std::string& path) {
        metrics_options = shared->options;
        metrics_options.host = metrics_options.metrics_host;
        metrics_options.port = metrics_options.metrics_port;
        metrics_options.io_threads = 1;
        metrics_options.connections_max = 16;
        metrics_options.verbose = false;
        const auto text = [this, read = std::make_shared<relay_totals>(path)] { return page(*read); };
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
        const auto load = shared->write.state();
        const auto add = [&out](std::string_view name, std::string_view type, std::string_view help,
                                auto value) {
            append_metric(out, name, type, help, static_cast<double>(value));
        };
        add("connections", "gauge", "Connections that are open.", http->connections());
        add("write_queue_jobs", "gauge", "Requests that wait to be written.", load.queued);
        add("write_queue_bytes", "gauge", "Bytes of requests that wait to be written.", load.queued_bytes);
        add("commits_total", "counter", "Transactions that were tried.", load.commits);
        add("written_total", "counter", "Requests that were in them.", load.jobs);
        add("database_failing", "gauge", "1: the last transaction failed.", load.failing ? 1 : 0);
        add("forgotten_total", "counter", "Changesets that were forgotten.", shared->keeper.forgotten());
        totals.append_to(out);
        return out;
    }

    void stop() {
        if (!shared || shared->stopping.exchange(true)) return;
        if (metrics_http) metrics_http->stop();
        if (http) http->stop();
        shared->keeper.stop();
        shared->write.stop();
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
    state_->shared->keeper.look_at_all();
}

void server::stop() {
    state_->stop();
}

}  // namespace casasync::relay
