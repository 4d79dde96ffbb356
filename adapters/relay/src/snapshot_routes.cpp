// SPDX-License-Identifier: MIT
#include "conditional.hpp"
#include "reply.hpp"
#include "routes.hpp"

#include <algorithm>

namespace casasync::relay {
namespace {

constexpr std::uint64_t parts_max = 1024;
constexpr std::uint64_t range_bytes_max = std::uint64_t{4} << 20;

using outcome = snapshot_writer::verdict;

/// Returns the answer to what is wrong with an upload; `detail` is the route's word for taken or differs.
verdict refused(outcome why, std::string_view detail) {
    if (why == outcome::older)
        return refuse(problem(409, "snapshot-older", "There is a complete snapshot of a later position."));
    if (why == outcome::missing) return refuse(malformed("Parts of the snapshot are missing."));
    return refuse(problem(409, "already-exists", detail));
}

answer range_not_satisfiable(std::uint64_t whole) {
    answer out = problem(416, "range-not-satisfiable", "The snapshot has nothing there.");
    out.fields = "Content-Range: " + content_range({}, whole) + "\r\n";
    return out;
}

bool is_good(outcome o) noexcept {
    return o == outcome::done || o == outcome::again;
}

std::optional<snapshot_plan> plan_of(const exchange& x) {
    const auto body = json_body(x);
    if (!body) return std::nullopt;
    const auto id = id_in<snapshot_id>(*body, "snapshot_id");
    const auto pos = number_in(*body, "pos");
    const auto size = number_in(*body, "size");
    const auto part_size = number_in(*body, "part_size");
    if (!id || !pos || !size || !part_size || *size == 0 || *part_size == 0) return std::nullopt;
    return snapshot_plan{*id, *pos, *size, *part_size};
}

}  // namespace

boost::json::object description_of(const snapshot_row& s) {
    return {{"snapshot_id", s.plan.id.text()},
            {"pos", s.plan.pos},
            {"size", s.plan.size},
            {"manifest", to_base64url(s.manifest)}};
}

void begin_snapshot(context& c, const exchange_ptr& x) {
    const auto plan = plan_of(*x);
    if (!plan)
        return reply(c.shared, x, malformed("The body has to be {snapshot_id, pos, size, part_size}."));
    if (plan->size > limits::snapshot_bytes_max)
        return reply(c.shared, x, too_large(limits::snapshot_bytes_max));
    if (plan->part_size > limits::snapshot_part_bytes)
        return reply(c.shared, x, too_large(limits::snapshot_part_bytes));
    if (plan->parts() > parts_max) return reply(c.shared, x, too_large(parts_max));
    if (plan->pos > x->who->head) return reply(c.shared, x, cursor_mismatch(x->who->head));
    write(c, x, [who = *x->who, p = *plan, now = c.shared.now_s()](write_store& store) {
        const outcome done = store.snapshots.begin(who.vault_row, who.device_row, p, now);
        if (!is_good(done)) return refused(done, "There is another snapshot of this id.");
        return verdict{json_answer(201, {{"snapshot_id", p.id.text()}})};
    });
}

void put_snapshot_part(context& c, const exchange_ptr& x) {
    const auto id = id_at<snapshot_id>(*x, 3);
    const auto n = parse_number(x->where.segments[5]);
    if (!id || !n) return reply(c.shared, x, not_found());
    write(c, x, [who = *x->who, id = *id, n = *n, x](write_store& store) {
        const auto snapshot = store.snapshots.find(who.vault_row, id);
        if (!snapshot || snapshot->device_row != who.device_row || n >= snapshot->plan.parts())
            return refuse(not_found());
        if (x->in.body.size() != snapshot->plan.size_of(n))
            return refuse(malformed("The part has not the size that was announced."));
        const outcome done = store.snapshots.put(snapshot->row, n, x->in.body_hash, x->in.body);
        return is_good(done) ? verdict{} : refused(done, "The part was stored before, with other bytes.");
    });
}

void complete_snapshot(context& c, const exchange_ptr& x) {
    const auto id = id_at<snapshot_id>(*x, 3);
    if (!id) return reply(c.shared, x, not_found());
    const auto head = decode_header(x->in.body);
    if (!head || head->kind != envelope_kind::snapshot_manifest)
        return reply(c.shared, x, malformed("The body has to be the envelope of a snapshot's manifest."));
    if (head->vault != x->who->vault || head->device != x->who->device)
        return reply(c.shared, x, unauthenticated());
    write(c, x,
          [who = *x->who, id = *id, epoch = head->epoch, x,
           &keeper = c.shared.home_of(x->who->vault).keeper](write_store& store) {
              const auto snapshot = store.snapshots.find(who.vault_row, id);
              if (!snapshot || snapshot->device_row != who.device_row) return refuse(not_found());
              const auto now = store.read.find(who.vault, who.device);
              if (!now || now->epoch != epoch)
                  return refuse(problem(409, "stale-epoch", "The vault has a newer key than this manifest's.",
                                        {{"current", now ? now->epoch : 0}}));
              const outcome done = store.snapshots.complete(who.vault_row, *snapshot, x->in.body);
              if (!is_good(done)) return refused(done, "The snapshot was completed with another manifest.");
              store.retention.note_snapshots(who.vault_row, store.holders(who.vault_row).size());
              keeper.tidy_in(store, who.vault_row);
              return verdict{json_answer(201, {{"snapshot_id", id.text()}}), true, std::nullopt,
                             store.read.find(who.vault, who.device)};
          });
}

void get_latest_snapshot(context& c, const exchange_ptr& x) {
    const auto latest = c.read(x->who->vault).snapshots.latest(x->who->vault_row);
    if (!latest) return reply(c.shared, x, not_found());
    reply(c.shared, x, json_answer(200, description_of(*latest)));
}

void get_snapshot_content(context& c, const exchange_ptr& x) {
    const auto id = id_at<snapshot_id>(*x, 3);
    snapshot_reader& snapshots = c.read(x->who->vault).snapshots;
    const auto snapshot = id ? snapshots.find(x->who->vault_row, *id) : std::nullopt;
    if (!snapshot || !snapshot->complete) return reply(c.shared, x, not_found());
    const std::string tag = "\"" + id->text() + "\"";  // what is under an id never changes
    if (names_tag(x->in.if_none_match, tag)) return reply(c.shared, x, not_modified(tag));
    const std::uint64_t whole = snapshot->plan.size;
    const bool same = x->in.if_range.empty() || x->in.if_range == tag;
    const auto asked = same ? range_of(x->in.range, whole) : std::nullopt;
    byte_range part = asked.value_or(byte_range{0, whole});
    if (part.size == 0) return reply(c.shared, x, range_not_satisfiable(whole));
    if (!asked && whole > range_bytes_max)
        return reply(c.shared, x, malformed("A snapshot of this size is read in parts: send Range."));
    part.size = std::min(part.size, range_bytes_max);
    auto content = snapshots.content(x->who->vault_row, *id, part.offset, part.size);
    if (!content) return reply(c.shared, x, not_found());
    answer out;
    out.status = asked ? 206 : 200;
    out.content_type = octets_type;
    out.body = std::move(*content);
    out.fields = "ETag: " + tag + "\r\nAccept-Ranges: bytes\r\n";
    if (asked) out.fields += "Content-Range: " + content_range(part, whole) + "\r\n";
    out.cache_control = "private, max-age=31536000, immutable";
    reply(c.shared, x, std::move(out));
}

}  // namespace casasync::relay
