// SPDX-License-Identifier: MIT
#include <casasync/beast/client.hpp>

#include "answer.hpp"
#include "json.hpp"
#include "live.hpp"
#include "seconds.hpp"

#include <casasync/limits.hpp>
#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/request_signature.hpp>
#include <casasync/page.hpp>

#include <algorithm>

namespace casasync::beast {
namespace {

constexpr std::string_view envelopes_type = "application/vnd.casasync.envelopes";
constexpr std::string_view records_type = "application/vnd.casasync.records";
constexpr std::size_t page_frame_bytes_max = std::size_t{64} << 10;  // record heads and the page's end
constexpr std::size_t snapshot_range_bytes_max = std::size_t{4} << 20;

error misuse(const char* what) {
    return {errc::invalid_argument, what};
}

/// One signed call: what differs from route to route.
struct call {
    std::string_view method{};
    std::string path{};  ///< behind /v1/vaults/{v}
    std::vector<unsigned> expected{};
    bytes_view body{};
    std::string_view content_type = json_type;  ///< of the request's body
    std::size_t answer_bytes_max = std::size_t{256} << 10;
    std::uint32_t wait_s = 0;
    bool repeatable = true;  ///< see http_request
    const live_handshake* live = nullptr;
    std::string range{};  ///< of the answer's body; empty: all
};

}  // namespace

struct client::state {
    client_options options{};
    http_connection http;
    std::uint64_t ack = 0;
    std::int64_t clock_offset_s = 0;  ///< relay's time minus this device's, as far as signatures need it
    refusal_hints hints{};
    std::optional<live_reader> live{};  ///< of the channel that is open

    struct answered {
        http_answer http{};
        relay_state relay{};
    };

    /// Returns the answer to a signed request on this vault, with what it says of the log.
    result<answered> vault_call(const call& c) {
        auto answer = signed_call("/v1/vaults/" + options.vault.text() + c.path, c);
        if (!answer && answer.code() == errc::log_mismatch) ack = 0;  // nothing of another log is stored
        if (!answer) return answer.failure();
        const auto relay = state_in(*answer, http.origin());
        if (!relay) return relay.failure();
        return answered{std::move(*answer), *relay};
    }

    /// Signs and sends; again when the relay tells that the time was off and what time it has.
    result<http_answer> signed_call(const std::string& target, const call& c) {
        auto answer = send_signed(target, c);
        if (answer || answer.code() != errc::clock_skew || hints.server_time == 0) return answer;
        clock_offset_s = hints.server_time - unix_seconds();
        return send_signed(target, c);
    }

    result<http_answer> send_signed(const std::string& target, const call& c) {
        const std::string digest = c.body.empty() ? "" : openssl::content_digest(openssl::sha256(c.body));
        const openssl::signed_parts parts{c.method, http.origin().authority, target,
                                          digest,   c.content_type,          ack};
        openssl::signature_claims claims;
        claims.created =
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, unix_seconds() + clock_offset_s));
        openssl::random{}.fill(claims.nonce);
        claims.vault = options.vault;
        claims.device = options.device;
        claims.key_version = options.key_version;
        const auto signature = openssl::sign_request(options.device_key, parts, claims);

        http_request request;
        request.method = c.method;
        request.target = target;
        request.body = c.body;
        request.answer_bytes_max = c.answer_bytes_max;
        request.wait = std::chrono::seconds(c.wait_s);
        request.repeatable = c.repeatable;
        request.fields = {{"Casasync-Ack", std::to_string(ack)},
                          {"Signature-Input", signature.input},
                          {"Signature", signature.signature}};
        if (parts.has_body()) {
            request.fields.emplace_back("Content-Digest", digest);
            request.fields.emplace_back("Content-Type", c.content_type);
        }
        if (!c.range.empty()) request.fields.emplace_back("Range", "bytes=" + c.range);
        if (c.live != nullptr) c.live->add_to(request.fields);
        request.upgrade = c.live != nullptr;
        live.reset();
        return ask(http, request, c.expected, &hints);
    }

    /// Returns the JSON object of an answer.
    result<boost::json::object> object_in(const http_answer& answer) const {
        if (!answer.is(json_type)) return malformed(http.origin());
        auto body = parse_object(answer.body);
        return body ? body : result<boost::json::object>(malformed(http.origin()));
    }

    result<void> done(const result<answered>& answer) const {
        return answer ? result<void>() : answer.failure();
    }
};

client::client(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;
client::~client() = default;

result<client> client::make(const client_options& options) {
    auto http = connection_to(options.relay);
    if (!http) return http.failure();
    return client(std::make_unique<state>(state{options, std::move(*http)}));
}

void client::sign_as(const device_id& device, const openssl::key256& device_key, std::uint32_t key_version) {
    client_options& o = state_->options;
    if (o.device != device) state_->ack = 0;
    o.device = device;
    o.device_key = device_key;
    o.key_version = key_version;
}
void client::set_ack(std::uint64_t pos) noexcept {
    state_->ack = std::max(state_->ack, pos);
}
void client::cancel() {
    state_->http.cancel();
}
void client::resume() noexcept {
    state_->http.resume();
}
std::uint32_t client::retry_after_s() const noexcept {
    return state_->hints.retry_after_s;
}

result<push_answer> client::push(std::span<const bytes> envelopes) {
    if (envelopes.empty() || envelopes.size() > limits::request_envelopes_max)
        return misuse("A push takes 1 to 64 envelopes.");
    bytes body;
    std::vector<std::uint64_t> seqs;
    for (const bytes& envelope : envelopes) {
        const auto head = decode_header(envelope);
        if (!head) return head.failure();
        seqs.push_back(head->seq);
        body.insert(body.end(), envelope.begin(), envelope.end());
    }
    if (body.size() > limits::request_bytes_max) return misuse("A push takes at most 4 MiB.");
    const auto answer = state_->vault_call({"POST", "/changesets", {200, 201}, body, envelopes_type});
    if (!answer) return answer.failure();
    const auto json = state_->object_in(answer->http);
    if (!json) return json.failure();
    const auto* const results = array_in(*json, "results");
    const error wrong = malformed(state_->http.origin());
    if (results == nullptr || results->size() != seqs.size()) return wrong;
    push_answer out{answer->relay, {}};
    for (std::size_t i = 0; i < seqs.size(); ++i) {
        const auto* const one = (*results)[i].if_object();
        if (one == nullptr) return wrong;
        const auto seq = number_in(*one, "seq");
        const auto pos = number_in(*one, "pos");
        const auto dup = truth_in(*one, "dup");
        if (seq != seqs[i] || !pos || *pos == 0 || *pos > out.relay.head || !dup) return wrong;
        out.receipts.push_back({*seq, *pos, *dup});
    }
    return out;
}

result<page> client::pull(const pull_request& request) {
    const auto records = std::clamp<std::size_t>(request.records_max, 1, limits::page_records_max);
    const std::uint32_t wait_s = std::min(request.wait_s, limits::wait_s_max);
    call c{"GET", "/changesets?after=" + std::to_string(request.from.pos), {200, 204}};
    if (request.from.pos > 0) c.path += "&log=" + to_base64url(bytes_view(request.from.log).first(16));
    c.path += "&limit=" + std::to_string(records) + "&max_bytes=" + std::to_string(limits::page_bytes_max);
    if (wait_s > 0) c.path += "&wait=" + std::to_string(wait_s);
    c.answer_bytes_max = limits::page_bytes_max + page_frame_bytes_max;
    c.wait_s = wait_s;
    const auto answer = state_->vault_call(c);
    if (!answer) return answer.failure();
    const error wrong = malformed(state_->http.origin());
    if (answer->http.status == 204) return page{answer->relay, {}, request.from.pos, request.from.log, false};
    if (!answer->http.is(records_type)) return wrong;
    auto out = decode_page(answer->http.body, request.from.pos);
    const std::string_view more = answer->http.field("casasync-more");
    if (!out || out->records.size() > records || (more != "0" && more != "1")) return wrong;
    out->relay = answer->relay;
    out->more = more == "1";
    for (log_record& record : out->records)
        if (!record.envelope.empty()) record.digest = openssl::sha256(record.envelope);
    return out;
}

result<page> client::record(std::uint64_t pos) {
    call c{"GET", "/changesets/" + std::to_string(pos), {200}};
    c.answer_bytes_max = limits::envelope_bytes_max + page_frame_bytes_max;
    const auto answer = state_->vault_call(c);
    if (!answer) return answer.failure();
    auto out = decode_page(answer->http.body, pos - 1);
    if (!answer->http.is(records_type) || !out || out->records.size() != 1 ||
        out->records[0].envelope.empty())
        return malformed(state_->http.origin());
    out->relay = answer->relay;
    out->more = answer->http.field("casasync-more") == "1";
    out->records[0].digest = openssl::sha256(out->records[0].envelope);
    return out;
}

result<void> client::acknowledge(std::uint64_t pos) {
    const std::string json = R"({"pos":)" + std::to_string(pos) + "}";
    const auto answer = state_->vault_call(
        {"PUT", "/devices/" + state_->options.device.text() + "/ack", {204}, as_bytes(json)});
    if (answer) set_ack(pos);
    return state_->done(answer);
}

result<std::optional<snapshot_info>> client::latest_snapshot() {
    const auto answer = state_->vault_call({"GET", "/snapshots/latest", {200}});
    if (!answer && answer.code() == errc::not_found) return std::optional<snapshot_info>();
    if (!answer) return answer.failure();
    const auto json = state_->object_in(answer->http);
    if (!json) return json.failure();
    const auto id = id_in<snapshot_id>(*json, "snapshot_id");
    const auto pos = number_in(*json, "pos");
    const auto size = number_in(*json, "size");
    const auto manifest = from_base64url(text_in(*json, "manifest").value_or(""));
    if (!id || !pos || !size || *size == 0 || *size > limits::snapshot_bytes_max || !manifest ||
        manifest->empty() || manifest->size() > limits::manifest_bytes_max)
        return malformed(state_->http.origin());
    return std::optional<snapshot_info>(snapshot_info{*id, *pos, *size, *manifest});
}

result<bytes> client::read_snapshot(const snapshot_info& info, std::uint64_t offset, std::uint32_t size) {
    if (size == 0 || size > snapshot_range_bytes_max || offset >= info.size)
        return misuse("A snapshot is read in ranges of 1 byte to 4 MiB within its size.");
    call c{"GET", "/snapshots/" + info.id.text() + "/content", {206}};
    c.range = std::to_string(offset) + "-" + std::to_string(offset + size - 1);
    c.answer_bytes_max = std::max<std::size_t>(c.answer_bytes_max, size);
    auto answer = state_->vault_call(c);
    if (!answer) return answer.failure();
    const std::size_t got = answer->http.body.size();
    const std::string part = "bytes " + std::to_string(offset) + "-" + std::to_string(offset + got - 1) +
                             "/" + std::to_string(info.size);
    if (!answer->http.is(octets_type) || got == 0 || got > size ||
        answer->http.field("content-range") != part)
        return malformed(state_->http.origin());
    return std::move(answer->http.body);
}

result<void> client::begin_snapshot(const snapshot_info& info) {
    const std::string json = R"({"snapshot_id":")" + info.id.text() + R"(","pos":)" +
                             std::to_string(info.pos) + R"(,"size":)" + std::to_string(info.size) +
                             R"(,"part_size":)" + std::to_string(limits::snapshot_part_bytes) + "}";
    return state_->done(state_->vault_call({"POST", "/snapshots", {200, 201}, as_bytes(json)}));
}

result<void> client::write_snapshot(const snapshot_info& info, std::uint64_t offset, bytes_view part) {
    const bool inside = offset % limits::snapshot_part_bytes == 0 && offset < info.size;
    if (!inside || part.size() != std::min<std::uint64_t>(limits::snapshot_part_bytes, info.size - offset))
        return misuse("A snapshot is written in parts of 8 MiB; only the last one is shorter.");
    const std::string path =
        "/snapshots/" + info.id.text() + "/parts/" + std::to_string(offset / limits::snapshot_part_bytes);
    return state_->done(state_->vault_call({"PUT", path, {200, 201, 204}, part, octets_type}));
}

result<void> client::complete_snapshot(const snapshot_info& info) {
    if (info.manifest.empty() || info.manifest.size() > limits::manifest_bytes_max)
        return misuse("A snapshot's manifest has 1 byte to 64 KiB.");
    return state_->done(state_->vault_call(
        {"POST", "/snapshots/" + info.id.text() + "/complete", {200, 201}, info.manifest, octets_type}));
}

result<std::vector<bytes>> client::members(std::size_t after) {
    call c{"GET", "/members?after=" + std::to_string(after), {200}};
    c.answer_bytes_max = limits::members_bytes_max / 3 * 4 + (std::size_t{8} << 10);
    const auto answer = state_->vault_call(c);
    if (!answer) return answer.failure();
    const auto body = state_->object_in(answer->http);
    if (!body) return body.failure();
    const auto* const entries = array_in(*body, "entries");
    const error wrong = malformed(state_->http.origin());
    if (entries == nullptr || entries->size() > limits::member_entries_max) return wrong;
    std::vector<bytes> out;
    for (const auto& value : *entries) {
        const auto* const text = value.if_string();
        auto entry =
            text == nullptr ? result<bytes>(errc::malformed_text) : from_base64url(std::string_view(*text));
        if (!entry) return wrong;
        out.push_back(std::move(*entry));
    }
    return out;
}

result<bool> client::add_member_entry(bytes_view entry) {
    const std::string json = R"({"entry":")" + to_base64url(entry) + R"("})";
    const auto answer = state_->vault_call({"POST", "/members", {200, 201, 412}, as_bytes(json)});
    if (!answer) return answer.failure();
    return answer->http.status != 412;
}

result<void> client::open_live() {
    const live_handshake handshake;
    call c{"GET", "/live", {101}};
    c.live = &handshake;
    const auto answer = state_->vault_call(c);
    if (answer && handshake.is_answer(answer->http)) {
        state_->live.emplace(state_->options.relay.ping);
        return {};
    }
    state_->http.close();
    if (!answer) return answer.failure();
    return not_a_relay(state_->http.origin(), "something answers that speaks another protocol");
}

result<live_hint> client::next_hint() {
    if (!state_->live) return misuse("There is no live channel; open_live() makes one.");
    auto hint = state_->live->next(state_->http, state_->hints.retry_after_s);
    if (!hint) state_->live.reset();
    return hint;
}

result<vault_info> client::info() {
    const auto answer = state_->vault_call({"GET", "", {200}});
    if (!answer) return answer.failure();
    const auto body = state_->object_in(answer->http);
    if (!body) return body.failure();
    const error wrong = malformed(state_->http.origin());
    const auto bytes_used = number_in(*body, "bytes");
    const auto* const devices = array_in(*body, "devices");
    if (!bytes_used || devices == nullptr) return wrong;
    vault_info out{answer->relay, *bytes_used, {}};
    for (const auto& value : *devices) {
        const auto* const one = value.if_object();
        if (one == nullptr) return wrong;
        const auto id = id_in<device_id>(*one, "id");
        const auto condition = text_in(*one, "state");
        const auto ack = number_in(*one, "ack");
        const auto last_seq = number_in(*one, "last_seq");
        const auto last_seen = number_in(*one, "last_seen");
        if (!id || !condition || !ack || !last_seq || !last_seen) return wrong;
        out.devices.push_back({*id, *condition != "revoked", *condition == "dormant", *ack, *last_seq,
                               static_cast<std::int64_t>(*last_seen)});
    }
    return out;
}

result<std::uint64_t> client::delete_vault(const openssl::device_identity& self) {
    state& s = *state_;
    const std::int64_t now = unix_seconds() + s.clock_offset_s;
    const auto word = openssl::delete_vault(self, s.http.origin().authority, s.options.vault,
                                            static_cast<std::uint64_t>(std::max<std::int64_t>(0, now)));
    const std::string json = R"({"created":)" + std::to_string(word.created) + R"(,"nonce":")" +
                             to_base64url(word.nonce) + R"(","signature":")" + to_base64url(word.signature) +
                             R"("})";
    const auto answer =
        s.signed_call("/v1/vaults/" + s.options.vault.text(), {"DELETE", "", {202}, as_bytes(json)});
    if (!answer) return answer.failure();
    const auto body = s.object_in(*answer);
    if (!body) return body.failure();
    const auto purge_at = number_in(*body, "purge_at");
    return purge_at ? result<std::uint64_t>(*purge_at) : malformed(s.http.origin());
}

std::optional<openssl::vault_deletion> client::deletion() const {
    return state_->hints.deletion;
}
const std::string& client::authority() const noexcept {
    return state_->http.origin().authority;
}

result<mailbox> client::open_mailbox() {
    call c{"POST", "", {200, 201}};
    c.repeatable = false;  // a second time another would be opened
    const auto answer = state_->signed_call("/v1/pairings", c);
    if (!answer) return answer.failure();
    if (!answer->is(json_type)) return malformed(state_->http.origin());
    return mailbox::opened(state_->options.relay, std::nullopt, answer->body);
}

static_assert(transport<client>);

}  // namespace casasync::beast
