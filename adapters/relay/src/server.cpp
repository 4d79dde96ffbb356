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

}  // namespace

struct server::state {
    data_directory directory;
    std::optional<core> shared{};
    std::unique_ptr<http_server> http{};

    explicit state(data_directory d) : directory(std::move(d)) {}

    result<void> begin(server_options options, authorities names) {
        const auto key = directory.master_key();
        if (!key) return key.failure();
        if (const auto made = directory.make_database_file(); !made) return made.failure();
        const std::string path = directory.database_path();
        if (const auto ready = prepare_database(path); !ready) return ready.failure();
        if (!options.clock) options.clock = system_now;
        try {
            shared.emplace(options, *key, std::move(names), path);
            auto started = http_server::start(shared->options, shared->listeners,
                                              [&] { return std::make_unique<router>(*shared, path); });
            if (!started) return started.failure();
            http = std::move(*started);
        } catch (const database_error& e) {
            return error{errc::io_failed, path + " cannot be used: " + e.what() + "."};
        }
        return {};
    }

    void stop() {
        if (!shared || shared->stopping.exchange(true)) return;
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
    auto directory = data_directory::open(options.data);
    if (!directory) return directory.failure();
    auto s = std::make_unique<state>(std::move(*directory));
    if (const auto begun = s->begin(options, std::move(*names)); !begun) return begun.failure();
    return std::unique_ptr<server>(new server(std::move(s)));
}

std::string server::address() const {
    const bool is_v6 = state_->shared->options.host.find(':') != std::string::npos;
    const std::string& host = state_->shared->options.host;
    return "http://" + (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(state_->http->port());
}

void server::tidy() {
    state_->shared->keeper.look_at_all();
}

void server::stop() {
    state_->stop();
}

}  // namespace casasync::relay
