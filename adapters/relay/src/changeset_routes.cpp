// SPDX-License-Identifier: MIT
#include "conditional.hpp"
#include "reply.hpp"
#include "routes.hpp"

#include <casasync/limits.hpp>
#include <casasync/openssl/hash.hpp>

#include <boost/json/array.hpp>

#include <variant>

namespace casasync::relay {
namespace {

constexpr std::size_t length_offset = 84;  // of an envelope's ciphertext, in its header

/// Takes the first envelope off `rest`. \errors malformed_envelope when it does not fit.
result<bytes_view> take_envelope(bytes_view& rest) {
    if (rest.size() < envelope_overhead_bytes) return errc::malformed_envelope;
    const std::uint64_t size =
        envelope_overhead_bytes + std::uint64_t{detail::get_be<std::uint32_t>(&rest[length_offset])};
    if (size > rest.size()) return errc::malformed_envelope;
    const bytes_view out = rest.first(static_cast<std::size_t>(size));
    rest = rest.subspan(out.size());
    return out;
}

/// The envelopes of a push, or the answer that refuses it.
using split_push = std::variant<std::vector<pushed>, answer>;

split_push split(const exchange& x) {
    std::vector<pushed> out;
    bytes_view rest = x.in.body;
    while (!rest.empty()) {
        if (out.size() == limits::request_envelopes_max) return too_large(limits::request_envelopes_max);
        const auto envelope = take_envelope(rest);
        if (!envelope) return malformed("The body is not whole envelopes, one after the other.");
        if (envelope->size() > limits::envelope_bytes_max) return too_large(limits::envelope_bytes_max);
        const auto head = decode_header(*envelope);
        if (!head && head.code() == errc::unknown_format_version)
            return malformed("An envelope was made by a newer casasync than this relay knows.");
        if (!head || head->kind == envelope_kind::snapshot_manifest)
            return malformed("An envelope's header does not make sense.");
        if (head->vault != x.who->vault || head->device != x.who->device) return unauthenticated();
        if (!out.empty() && head->seq != out.back().seq + 1)
            return malformed("The sequence numbers do not rise by one.");
        const bool whole_body = envelope->size() == x.in.body.size();
        out.push_back({head->seq, head->epoch, head->max_hour,
                       whole_body ? x.in.body_hash : openssl::sha256(*envelope), *envelope});
    }
    if (out.empty()) return malformed("The body holds no envelope.");
    return out;
}

answer refusal_of(const push_refusal& r, std::uint64_t now_s, std::uint64_t quota) {
    using reason = push_refusal::reason;
    switch (r.why) {
        case reason::conflict:
            return problem(409, "seq-conflict", "Another changeset is stored under this sequence number.",
                           {{"seq", r.seq}, {"last_seq", r.last_seq}, {"compacted", r.compacted}});
        case reason::gap:
            return problem(409, "seq-gap", "Changesets before this one are missing.",
                           {{"expected", r.seq}, {"last_seq", r.last_seq}});
        case reason::stale_epoch:
            return problem(409, "stale-epoch", "The vault has a newer key than this changeset's.",
                           {{"current", r.epoch}, {"last_seq", r.last_seq}});
        case reason::stamp_ahead:
            return problem(409, "stamp-ahead",
                           "A changeset is from more than a day ahead of the relay's time.",
                           {{"server_time", now_s}, {"last_seq", r.last_seq}});
        case reason::full:
            return problem(507, "vault-quota", "The vault has no room left at this relay.",
                           {{"used", r.used}, {"quota", quota}});
    }
    return unavailable();
}

verdict push(write_store& store, core& shared, const member& who, std::uint64_t ack,
             const std::vector<pushed>& envelopes) {
    const std::uint64_t now = shared.now_s();
    const std::uint64_t quota = shared.options.vault_bytes_max;
    const auto done = store.log.push(who, envelopes, now, quota);
    if (const auto* refused = std::get_if<push_refusal>(&done))
        return refuse(refusal_of(*refused, now, quota));
    const auto& receipts = std::get<push_receipts>(done);
    note_ack(shared, store, who, ack);
    boost::json::array results;
    results.reserve(receipts.all.size());
    for (const receipt& r : receipts.all)
        results.push_back({{"seq", r.seq}, {"pos", r.pos}, {"dup", r.duplicate}});
    verdict out{json_answer(receipts.anything_new ? 201 : 200,
                            {{"results", std::move(results)}, {"head", receipts.head}, {"floor", who.floor}}),
                true, std::nullopt, store.read.find(who.vault, who.device)};
    if (receipts.anything_new) out.changed = who.vault.octets;
    return out;
}

std::optional<page_query> page_query_of(const exchange& x) {
    const auto after = number_of(x, "after", 0, std::uint64_t{1} << 53, std::nullopt);
    const auto records = number_of(x, "limit", 1, limits::page_records_max, limits::page_records_max);
    const auto size = number_of(x, "max_bytes", 1, limits::page_bytes_max, limits::page_bytes_max);
    const auto log = from_base64url(x.where.value("log").value_or(""));
    if (!after || !records || !size || !log || log->size() != (*after == 0 ? 0U : 16U)) return std::nullopt;
    return page_query{*after, *log, static_cast<std::size_t>(*records), static_cast<std::size_t>(*size)};
}

/// 410: with the snapshot that leads on.
answer history_compacted(context& c, const member& who) {
    boost::json::object more{{"floor", who.floor}, {"snapshot", nullptr}};
    if (const auto s = c.read(who.vault).snapshots.latest(who.vault_row))
        more["snapshot"] = description_of(*s);
    return problem(410, "history-compacted",
                   "The log no longer goes back to this position; take the newest snapshot.",
                   std::move(more));
}

answer records_answer(page_answer page) {
    answer out;
    out.status = 200;
    out.content_type = "application/vnd.casasync.records";
    out.body = std::move(page.body);
    out.fields = page.more ? "Casasync-More: 1\r\n" : "Casasync-More: 0\r\n";
    return out;
}

/// Returns the answer of a pull; nothing when there is no news and the wait goes on.
std::optional<answer> look(context& c, exchange& x, const page_query& q, bool last) {
    read_store& store = c.read(x.who->vault);
    page_answer page = store.log.page(*x.who, q, c.shared.now_s());
    // After the page, so that the answer tells of every entry of the list that its envelopes need.
    const auto who = store.log.find(x.who->vault, x.who->device);
    if (!who || who->revoked) return device_revoked();
    if (who->purge_at != 0)
        if (const auto d = store.deletions.find(who->vault_row)) return vault_deleted(*d);
    x.who = *who;
    x.who->head = page.head;
    if (page.mismatch) return cursor_mismatch(page.head);
    if (page.forgotten) return history_compacted(c, *x.who);
    if (page.body.empty() && !last) return std::nullopt;
    const std::string tag = "\"" + x.who->generation.text() + "-" + std::to_string(page.head) + "\"";
    if (names_tag(x.in.if_none_match, tag)) return not_modified(tag);
    answer out = page.body.empty() ? answer{} : records_answer(std::move(page));
    out.fields += "ETag: " + tag + "\r\n";
    return out;
}

}  // namespace

void push_changesets(context& c, const exchange_ptr& x) {
    auto envelopes = split(*x);
    if (auto* refused = std::get_if<answer>(&envelopes)) return reply(c.shared, x, std::move(*refused));
    write(c, x,
          [&shared = c.shared, who = *x->who, ack = x->ack,
           list = std::move(std::get<std::vector<pushed>>(envelopes))](write_store& store) {
              return push(store, shared, who, ack, list);
          });
}

void pull_changesets(context& c, const exchange_ptr& x) {
    const auto q = page_query_of(*x);
    const auto wait_s = number_of(*x, "wait", 0, limits::wait_s_max, 0);
    if (!q || !wait_s)
        return reply(c.shared, x, malformed("The query's numbers or its log value do not fit."));
    watch(c, x, x->who->vault.octets, *wait_s,
          [&c, x = x.get(), q = *q](bool last) { return look(c, *x, q, last); });
}

void get_changeset(context& c, const exchange_ptr& x) {
    const auto pos = parse_number(x->where.segments[3]);
    page_answer page =
        pos ? c.read(x->who->vault).log.record(*x->who, *pos, c.shared.now_s()) : page_answer{};
    if (page.forgotten) return reply(c.shared, x, history_compacted(c, *x->who));
    if (page.body.empty()) return reply(c.shared, x, not_found());
    reply(c.shared, x, records_answer(std::move(page)));
}

}  // namespace casasync::relay
