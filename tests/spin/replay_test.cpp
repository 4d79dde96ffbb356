// SPDX-License-Identifier: MIT
// What the Spin model (sync.pml) did, done again by the real session, store and relay: the same requests in
// the same order, the same losses and kills, and the same state after each step.
#include <casasync/loopback/transport.hpp>
#include <casasync/memory_store.hpp>
#include <casasync/session.hpp>
#include <casasync_test/catch.hpp>
#include <casasync_test/plain_cipher.hpp>

#include <array>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

using namespace casasync;
using namespace casasync_test;

namespace {

/// What a session does next, in the model's numbers.
enum step : std::size_t { idle, pushing, pulling, acknowledging };

/// One line of a trace: an event, and what the model says of the device and the relay after it.
struct line {
    std::string text{}, event{}, fate{};
    std::size_t device = 0, count = 0;
    std::size_t sealed = 0, settled = 0, life = 0, cursor = 0, next = idle, head = 0;
    std::array<std::size_t, 2> seen{};
};

line read_line(const std::string& text) {
    line l;
    l.text = text;
    std::istringstream in(text);
    char at = 0, bar = 0;
    in >> at >> l.event >> l.device >> l.fate >> l.count >> bar >> l.sealed >> l.settled >> l.life >>
        l.cursor >> l.next >> l.seen[0] >> l.seen[1] >> bar >> l.head;
    REQUIRE(!in.fail());
    REQUIRE(l.device < 2);
    return l;
}

template <class Id>
Id id_of(std::size_t n) {
    Id id;
    id.octets.fill(static_cast<std::uint8_t>(n));
    return id;
}

struct story_clock {
    unix_ms time = 1'800'000'000'000;
    [[nodiscard]] unix_ms now() noexcept { return ++time; }
};
using store_type = memory_store<story_clock>;

/// A device and its session, if it is in one.
class device {
 public:
    device(std::size_t n, loopback::relay& relay, loopback::network& by, story_clock& clock)
        : number_(n),
          store_({id_of<vault_id>(7), id_of<device_id>(n + 1), id_of<replica_id>(n + 1), "device"}, clock),
          way_(relay, by, id_of<device_id>(n + 1)) {
        REQUIRE(store_.create_table({"txn", delete_policy::later_wins, {{"amount", merge_rule::lww}}}).ok());
    }

    void follow(const line& l) {
        if (l.event == "on_write") return write();
        if (l.event == "on_kill") return session_.reset();
        if (l.event == "on_begin") return begin();
        REQUIRE(session_);
        if (l.event == "on_push") return push(l.fate);
        if (l.event == "on_pull") return pull(l.fate, l.count);
        if (l.event == "on_restart") return restart();
        REQUIRE(l.event == "on_acknowledge");
        session_->receive(way_.acknowledge(std::get<acknowledge_request>(request_).pos));
        ask();
    }

    void compare(const line& l) {
        const auto outbox = store_.outbox(limits::changeset_bytes_max);
        REQUIRE(outbox.ok());
        CHECK(outbox->size() == l.sealed - l.settled);
        for (std::size_t i = 0; i < outbox->size(); ++i) CHECK((*outbox)[i].seq == l.settled + i + 1);
        const cursor at = *store_.position();
        CHECK(at.pos == l.cursor);
        CHECK(at.generation == (l.life == 0 ? generation_id{} : id_of<generation_id>(l.life)));
        CHECK(next() == l.next);
        for (const std::size_t who : {0U, 1U}) {
            std::size_t visible = 0;
            while (store_.read("txn", key_of(who, visible + 1))) ++visible;
            CHECK(visible == l.seen[who]);
        }
    }

 private:
    static std::array<value, 1> key_of(std::size_t who, std::size_t n) {
        return {value(std::to_string(who) + "-" + std::to_string(n))};
    }
    void write() {
        ++written_;
        const auto n = static_cast<std::int64_t>(written_);
        REQUIRE(store_.write("txn", key_of(number_, written_), {{"amount", value(n)}}).ok());
    }
    void begin() {
        session_.emplace(store_, cipher_);
        ask();
    }
    void ask() { request_ = session_->next(); }
    void push(const std::string& fate) {
        const auto& envelopes = std::get<push_request>(request_).envelopes;
        result<push_answer> answer = errc::offline;
        if (fate != "request_lost") answer = way_.push(envelopes);
        if (fate == "twice") answer = way_.push(envelopes);
        if (fate == "answer_lost") answer = errc::offline;
        session_->receive(answer);
        ask();
    }
    void pull(const std::string& fate, std::size_t count) {
        pull_request what = std::get<pull_request>(request_);
        what.records_max = static_cast<std::uint32_t>(count);
        result<page> answer = way_.pull(what);
        if (fate == "answer_lost") answer = errc::offline;
        session_->receive(answer);
        ask();
    }
    /// The relay's log is another one: asked for a snapshot, of which there is none, it is read from the
    /// start.
    void restart() {
        session_->receive(way_.pull(std::get<pull_request>(request_)));
        ask();
        REQUIRE(std::holds_alternative<snapshot_request>(request_));
        session_->receive(merge_latest_snapshot<plain_opener>(store_, cipher_, way_));
        ask();
    }
    [[nodiscard]] step next() const {
        if (!session_ || std::holds_alternative<nothing_left>(request_)) return idle;
        if (std::holds_alternative<push_request>(request_)) return pushing;
        return std::holds_alternative<acknowledge_request>(request_) ? acknowledging : pulling;
    }

    std::size_t number_, written_ = 0;
    store_type store_;
    plain_cipher cipher_;
    loopback::transport way_;
    std::optional<session<store_type, plain_cipher>> session_;
    session_request request_ = nothing_left{};
};

class world {
 public:
    void follow(const line& l) {
        if (l.event == "on_rollback")
            relay_.roll_back(l.head, id_of<generation_id>(++life_));
        else
            devices_[l.device].follow(l);
        devices_[l.device].compare(l);
        CHECK(relay_.state().head == l.head);
    }

 private:
    std::size_t life_ = 1;
    story_clock clock_;
    loopback::relay relay_{id_of<vault_id>(7), id_of<generation_id>(1), quick_digest,
                           [this] { return clock_.time; }};
    loopback::network network_{1};
    std::array<device, 2> devices_{device(0, relay_, network_, clock_), device(1, relay_, network_, clock_)};
};

}  // namespace

TEST_CASE("sessions do what the model does", "[spin]") {
    const char* const given = std::getenv("CASASYNC_SPIN_TRACES");
    std::ifstream file(given != nullptr ? given : CASASYNC_SPIN_TRACES);
    std::optional<world> w;
    std::size_t traces = 0, steps = 0;
    for (std::string text; std::getline(file, text);) {
        if (text.starts_with("#")) {  // where a trace begins, and the seed it came from
            w.emplace();
            ++traces;
            UNSCOPED_INFO(text);
            continue;
        }
        REQUIRE(w);
        const line l = read_line(text);
        CAPTURE(traces, l.text);
        w->follow(l);
        ++steps;
    }
    CHECK(traces >= 20);
    CHECK(steps >= traces * 10);
}
