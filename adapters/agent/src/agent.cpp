// SPDX-License-Identifier: MIT
#include <casasync/agent/agent.hpp>

#include "poll_pace.hpp"
#include "push_pace.hpp"

#include <casasync/agent/link.hpp>
#include <casasync/backoff.hpp>
#include <casasync/openssl/random.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace casasync::agent {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::uint32_t long_poll_s = 25;
constexpr std::chrono::minutes polls_instead{10};  ///< where there is no live channel
constexpr int mute_channels_max = 2;
constexpr std::uint64_t unknown_pos = ~std::uint64_t{0};  ///< of another log than is known
constexpr std::chrono::seconds unread_pause{5};  ///< when news stays unread: something in it is refused

std::string percent_encoded(std::string_view text) {
    static constexpr char digit[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto b = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '-' || c == '_' || c == '.';
        if (plain)
            out += c;
        else
            out += {'%', digit[b >> 4], digit[b & 15]};
    }
    return out;
}

agent_state state_after(const error& failure) {
    switch (failure.code) {
        case errc::offline:
        case errc::relay_unavailable:
        case errc::too_many_requests:
            return agent_state::offline;
        default:
            return agent_state::error;
    }
}

}  // namespace

std::string_view name_of(agent_state state) noexcept {
    switch (state) {
        case agent_state::starting:
            return "starting";
        case agent_state::in_sync:
            return "in_sync";
        case agent_state::syncing:
            return "syncing";
        case agent_state::offline:
            return "offline";
        case agent_state::error:
            return "error";
        case agent_state::stopped:
            return "stopped";
    }
    return "unknown";
}

struct agent::state {
    state(agent_options how, link vault, beast::client listening)
        : options(std::move(how)),
          device(std::move(vault)),
          scout(std::move(listening)),
          writes({options.debounce, options.debounce_most,
                  options.private_timing ? options.batch : std::chrono::milliseconds(0)},
                 clock::now()) {}

    agent_options options;
    link device;          // the worker's
    beast::client scout;  // the listener's
    push_pace writes;     ///< the worker's
    std::string vault_text{};
    std::int64_t seen_version = 0;  ///< the worker's: data_version before the last sync
    backoff failures{};
    openssl::key256 told_key{};                        ///< the worker's: the key the listener has, or will
    std::vector<sqlite::device_info> known{};          ///< the worker's: the devices it has told of
    std::vector<sqlite::renumbered_row> renumbered{};  ///< the worker's: as it has told
    agent_state told_state = agent_state::starting;    ///< the worker's: in the last event
    std::optional<errc> told_code{};
    poll_pace pace{};                ///< the listener's
    clock::time_point poll_until{};  ///< the listener's: no live channel before that
    bool poll_next = false;          ///< the listener's: whether the relay can be reached at all
    int mute_channels = 0;           ///< the listener's: channels that got no answer, where polls did
    bool unheard = false;            ///< the listener's: its last try failed

    std::mutex stopper{};        ///< one stop() at a time
    mutable std::mutex guard{};  ///< for everything below
    std::condition_variable changed{};
    bool stopping = false, woken = false, news = false;
    std::uint64_t news_pos = 0;              ///< position of the newest record the listener heard of
    cursor at{};                             ///< the vault's, after the last sync
    std::optional<credentials> listen_as{};  ///< the device has new keys, and the listener does not know yet
    agent_status now{};

    std::thread worker{}, listener{};

    void work();
    void listen();
    [[nodiscard]] bool round(openssl::random& random);
    [[nodiscard]] bool rest_without_memory();
    [[nodiscard]] error follow_channel(bool& opened);
    [[nodiscard]] std::chrono::milliseconds listen_live(openssl::random& random);
    [[nodiscard]] std::chrono::milliseconds listen_once(const cursor& seen, openssl::random& random);
    [[nodiscard]] result<page> news_after(const cursor& seen);
    [[nodiscard]] bool begin_round();
    void end_round(const result<sync_report>& done);
    [[nodiscard]] bool wait_for_reason(clock::time_point at_latest, bool failed);
    [[nodiscard]] std::int64_t version();
    void hear(std::uint64_t pos, std::unique_lock<std::mutex>& lock);
    void call_worker();
    void emit(const std::string& event, const std::string& rest) const;
    void emit_renumbered();
    [[nodiscard]] std::string origin_of(const device_id& added) const;
    void emit_state(agent_state what, const std::optional<error>& failure) const;
};

void agent::state::emit(const std::string& event, const std::string& rest) const {
    if (options.on_event) options.on_event("vault-sync://" + event + "?vault=" + vault_text + "&" + rest);
}

/// Tells which device an added one is a copy of, if it is.
std::string agent::state::origin_of(const device_id& added) const {
    const member_device* const m = device.keys().members.find(added);
    return m != nullptr && m->copy ? "&copy_of=" + m->added_by.text() : std::string();
}

void agent::state::emit_state(agent_state what, const std::optional<error>& failure) const {
    emit("state", "state=" + std::string(name_of(what)) +
                      (failure ? "&code=" + std::string(casasync::name_of(failure->code)) : std::string()));
}

void agent::state::emit_renumbered() {
    const auto rows = device.vault().renumbered();
    if (!rows) return;  // told after another sync
    if (!rows->empty() && *rows != renumbered) emit("renumbered", "rows=" + std::to_string(rows->size()));
    renumbered = *rows;
}

std::int64_t agent::state::version() {
    const auto v = device.vault().data_version();
    return v ? *v : seen_version;
}

/// Returns false when it is time to stop.
bool agent::state::begin_round() {
    seen_version = version();
    const std::lock_guard lock(guard);
    news = woken = false;
    return !stopping;
}

void agent::state::end_round(const result<sync_report>& done) {
    const auto status = device.vault().status();
    const auto position = device.vault().position();
    agent_status before, after;
    {
        const std::lock_guard lock(guard);
        before = now;
        if (status) now.vault = *status;
        if (position) at = *position;
        if (device.keys().device_key != told_key) listen_as = device.keys();
        told_key = device.keys().device_key;
        now.last_error = done ? std::nullopt : std::optional(done.failure());
        now.state = done ? agent_state::in_sync : state_after(done.failure());
        after = now;
        changed.notify_all();
    }
    if (done && done->rows > 0) emit("changeset-received", "rows=" + std::to_string(done->rows));
    emit_renumbered();
    if (after.vault.open_conflicts > before.vault.open_conflicts)
        emit("conflict", "open=" + std::to_string(after.vault.open_conflicts));
    if (done)
        for (const std::string& alarm : done->alarms) emit("alarm", "text=" + percent_encoded(alarm));
    if (status) {
        for (const auto& added : devices_added(known, status->devices))
            emit("device-added",
                 "device=" + added.id.text() + "&name=" + percent_encoded(added.name) + origin_of(added.id));
        known = status->devices;
    }
    const std::optional<errc> code = done ? std::nullopt : std::optional(done.code());
    if (after.state != told_state || code != told_code) emit_state(after.state, after.last_error);
    told_state = after.state;
    told_code = code;
}

void agent::state::work() {
    openssl::random random;
    for (bool more = true; more;) {
        try {
            more = begin_round() && round(random);
        } catch (const std::bad_alloc&) {
            more = rest_without_memory();
        }
    }
    {
        const std::lock_guard lock(guard);
        now.state = agent_state::stopped;
    }
    try {
        emit_state(agent_state::stopped, std::nullopt);
    } catch (const std::bad_alloc&) {  // status() tells it as well
    }
}

/// Syncs, and waits for a reason to do it again. Returns false when it is time to stop.
bool agent::state::round(openssl::random& random) {
    const auto done = device.sync();
    if (!done && done.code() == errc::canceled) return false;
    end_round(done);
    auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(options.refresh);
    if (done)
        failures.reset();
    else
        pause = std::chrono::milliseconds(
            failures.next(random, std::int64_t{device.relay().retry_after_s()} * 1000));
    return wait_for_reason(clock::now() + pause, !done);
}

/// A round for which there was no memory is undone; another may find some. Needs none itself.
bool agent::state::rest_without_memory() {
    std::unique_lock lock(guard);
    now.state = told_state = agent_state::error;
    now.last_error = error{errc::io_failed, "out of memory"};
    changed.wait_for(lock, options.poll, [&] { return stopping; });
    return !stopping;
}

/// Returns false when it is time to stop. After a failure, neither writes nor news shorten the pause.
bool agent::state::wait_for_reason(clock::time_point at_latest, bool failed) {
    writes.sent();
    for (;;) {
        {
            std::unique_lock lock(guard);
            const auto called = [&] { return stopping || woken || (!failed && news && news_pos > at.pos); };
            if (changed.wait_for(lock, options.poll, called)) {
                if (woken) failures.reset();
                if (!stopping) now.state = agent_state::syncing;
                return !stopping;
            }
        }
        const auto time = clock::now();
        if (const std::int64_t v = version(); v != seen_version) {
            seen_version = v;
            writes.wrote(time);
        }
        if ((writes.due(time) && !failed) || time >= at_latest) {
            const std::lock_guard lock(guard);
            now.state = agent_state::syncing;
            return !stopping;
        }
    }
}

/// Tells the worker that the log goes on to `pos`, and waits until it has looked.
void agent::state::hear(std::uint64_t pos, std::unique_lock<std::mutex>& lock) {
    if (std::exchange(unheard, false)) call_worker();  // the relay is back
    if (pos <= at.pos) return;
    news = true;
    news_pos = pos;
    changed.notify_all();
    changed.wait_for(lock, unread_pause, [&] { return stopping || at.pos >= news_pos; });
}

/// Has the worker sync without waiting for a pause to end. The lock is held.
void agent::state::call_worker() {
    woken = true;
    changed.notify_all();
}

/// Listens to the live channel until it ends. Returns why. \param opened  it told something
error agent::state::follow_channel(bool& opened) try {
    if (const auto open = scout.open_live(); !open) return open.failure();
    for (;;) {
        const auto hint = scout.next_hint();
        if (!hint) return hint.failure();
        opened = true;
        std::unique_lock lock(guard);
        if (stopping) return errc::canceled;
        hear(hint->generation == at.generation ? hint->head : unknown_pos, lock);
    }
} catch (const std::bad_alloc&) {
    return errc::io_failed;
}

/// Returns how long to wait before the next try. A channel that cannot be had is no failure: there are polls.
std::chrono::milliseconds agent::state::listen_live(openssl::random& random) {
    bool opened = false;
    const error ended = follow_channel(opened);
    const bool taken = ended.code == errc::already_exists;  // by another process of this device
    const std::lock_guard lock(guard);
    if (ended.code == errc::device_revoked) call_worker();  // it sees for itself
    if (taken || (!opened && ended.code != errc::offline && ended.code != errc::canceled)) {
        poll_until = clock::now() + polls_instead;
        return {};
    }
    mute_channels = opened ? 0 : mute_channels + 1;
    poll_next = !opened;
    unheard = true;
    return pace.after_channel(random, scout.retry_after_s());
}

result<page> agent::state::news_after(const cursor& seen) try {
    return scout.pull({seen, 1, long_poll_s});
} catch (const std::bad_alloc&) {
    return errc::io_failed;
}

/// Polls. Returns how long to wait before the next try.
std::chrono::milliseconds agent::state::listen_once(const cursor& seen, openssl::random& random) {
    const auto answer = news_after(seen);
    std::unique_lock lock(guard);
    if (stopping) return {};
    poll_next = false;
    if (!answer) mute_channels = 0;
    if (mute_channels == mute_channels_max) {
        mute_channels = 0;
        poll_until = clock::now() + polls_instead;
    }
    if (answer) {
        hear(answer->last, lock);
        return pace.after_answer(answer->last > seen.pos, random);
    }
    if (!unheard && answer.code() == errc::history_compacted)
        call_worker();  // takes the snapshot that leads on
    unheard = true;
    return pace.after_failure(random, scout.retry_after_s());
}

void agent::state::listen() {
    openssl::random random;
    std::unique_lock lock(guard);
    for (;;) {
        changed.wait(lock, [&] { return stopping || !at.generation.is_zero(); });
        if (stopping) return;
        const cursor seen = at;
        if (const auto keys = std::exchange(listen_as, std::nullopt))
            scout.sign_as(keys->device, keys->device_key, keys->key_version);
        lock.unlock();
        pace.begin();
        const auto pause =
            poll_next || clock::now() < poll_until ? listen_once(seen, random) : listen_live(random);
        lock.lock();
        changed.wait_for(lock, pause, [&] { return stopping; });
    }
}

agent::agent(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
agent::agent(agent&&) noexcept = default;
agent::~agent() {
    if (state_) stop();
}

result<agent> agent::start(agent_options options) {
    auto vault = open_vault(options.path);
    if (!vault) return vault.failure();
    auto keys = read_credentials(options.path);
    if (!keys) return keys.failure();
    if (!options.relay.empty()) keys->relay = options.relay;
    auto device = link::make(std::move(*vault), options.path, *keys);
    if (!device) return device.failure();
    auto scout = make_client(device->keys());
    if (!scout) return scout.failure();
    const auto status = device->vault().status();
    if (!status) return status.failure();
    auto s = std::make_unique<state>(std::move(options), std::move(*device), std::move(*scout));
    s->vault_text = keys->vault.text();
    s->known = status->devices;
    s->told_key = s->device.keys().device_key;
    s->worker = std::thread([raw = s.get()] { raw->work(); });
    s->listener = std::thread([raw = s.get()] { raw->listen(); });
    return agent(std::move(s));
}

void agent::stop() {
    const std::lock_guard one(state_->stopper);
    {
        const std::lock_guard lock(state_->guard);
        state_->stopping = true;
        state_->changed.notify_all();
    }
    state_->device.cancel();
    state_->scout.cancel();
    if (state_->worker.joinable()) state_->worker.join();
    if (state_->listener.joinable()) state_->listener.join();
}

agent_status agent::status() const {
    const std::lock_guard lock(state_->guard);
    return state_->now;
}

void agent::wake() {
    const std::lock_guard lock(state_->guard);
    state_->woken = true;
    state_->changed.notify_all();
}

}  // namespace casasync::agent
