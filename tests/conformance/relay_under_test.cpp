// SPDX-License-Identifier: MIT
#include "relay_under_test.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/random.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace casasync_test {

using namespace casasync;

namespace {

std::string environment(const char* name, const char* otherwise) {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : otherwise;
}

std::string program_path() {
    return environment("CASASYNC_RELAY_PROGRAM", CASASYNC_CONFORMANCE_RELAY);
}

/// Arguments that each relay gets, after those that name its data.
std::vector<std::string> arguments_for_all(const std::string& data) {
    std::vector<std::string> out{"--data", data};
    if (const std::string shards = environment("CASASYNC_RELAY_SHARDS", ""); !shards.empty())
        out.insert(out.end(), {"--shards", shards});
    return out;
}

endpoint endpoint_of(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme)) throw std::runtime_error("CASASYNC_RELAY_URL has to begin with http://");
    url.remove_prefix(scheme.size());
    url = url.substr(0, url.find('/'));
    const std::size_t colon = url.rfind(':');
    if (colon == std::string_view::npos) return {std::string(url), 80};
    return {std::string(url.substr(0, colon)),
            static_cast<std::uint16_t>(std::stoi(std::string(url.substr(colon + 1))))};
}

std::int64_t system_now_s() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

/// What all tests share.
struct shared_relay {
    temporary_directory directory{};
    std::unique_ptr<relay_process> program{};
    endpoint at{};
    std::int64_t ahead_s = 0;  ///< of this machine's clock

    shared_relay() {
        const std::string url = environment("CASASYNC_RELAY_URL", "");
        if (url.empty())
            program = std::make_unique<relay_process>(program_path(), arguments_for_all(directory.path()),
                                                      stdin_is::a_pipe);
        at = endpoint_of(url.empty() ? program->address() : url);
        const reply info = http_client(at).call("GET", "/v1/info", {{"Host", at.authority()}});
        ahead_s = static_cast<std::int64_t>(info.number("time")) - system_now_s();
    }
};

const shared_relay& shared() {
    static const shared_relay one;
    return one;
}

}  // namespace

device_maker::device_maker() {
    openssl::random{}.fill(seed_);
}

openssl::device_identity device_maker::who(std::uint8_t n) const {
    openssl::device_identity out;
    bytes text(seed_.begin(), seed_.end());
    text.push_back(n);
    out.signing = openssl::sha256(text);
    out.agreement = openssl::sha256(out.signing);
    return out;
}

reply device_maker::call(const std::string& method, const std::string& target, header_fields fields) const {
    fields.insert(fields.begin(), {"Host", at().authority()});
    return http_client(at()).call(method, target, fields);
}

relay_under_test::relay_under_test() {
    static_cast<void>(shared());
}

endpoint relay_under_test::at() const {
    return shared().at;
}

std::uint64_t relay_under_test::now_s() const {
    return static_cast<std::uint64_t>(system_now_s() + shared().ahead_s);
}

own_relay::own_relay(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
    const auto first = arguments_for_all(directory_.path());
    arguments_.insert(arguments_.begin(), first.begin(), first.end());
    start();
}

void own_relay::start() {
    program_ = std::make_unique<relay_process>(program_path(), arguments_, stdin_is::a_pipe);
    if (program_->address().empty()) throw std::runtime_error("the relay does not start");
    set_clock(now_ms_);
}

void own_relay::set_clock(std::int64_t unix_ms) {
    now_ms_ = unix_ms;
    hook("clock " + std::to_string(unix_ms));
}

void own_relay::kill() {
    program_->signal(SIGKILL);
    program_->wait();
}

void own_relay::hook(const std::string& line) {
    if (program_->ask(line) != "ok") throw std::runtime_error("the relay does not know: " + line);
}

}  // namespace casasync_test
