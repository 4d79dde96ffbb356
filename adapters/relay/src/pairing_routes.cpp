// SPDX-License-Identifier: MIT
#include "claim_limit.hpp"
#include "reply.hpp"
#include "routes.hpp"

#include <casasync/limits.hpp>
#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/random.hpp>

namespace casasync::relay {
namespace {

constexpr std::uint64_t pairing_nonce_s = 600;  ///< a signature is good for half of that, either way
constexpr std::uint64_t claimable_s = 300;
constexpr int slots_tried_max = 16;

/// A side token and what is kept of it.
struct side_token {
    std::string text{};
    digest256 hash{};
};

side_token make_token() {
    std::array<std::uint8_t, 32> secret{};
    openssl::random{}.fill(secret);
    side_token out{to_base64url(secret), {}};
    out.hash = openssl::sha256(as_bytes(out.text));
    return out;
}

digest256 token_hash(const exchange& x) {
    return openssl::sha256(as_bytes(bearer_token(x.in.authorization)));
}

answer pairing_expired() {
    return problem(410, "pairing-expired", "The pairing code is past its time.");
}

answer crowded() {
    return problem(409, "crowded", "The pairing code was used twice, so it is void.");
}

/// What a mailbox is to the holder of a token: open, or the answer that says why not.
std::optional<answer> closed(const std::optional<mailbox_row>& box, std::uint64_t now) {
    if (!box) return unauthenticated();
    if (box->closes <= now) return pairing_expired();
    if (box->burnt) return crowded();
    return std::nullopt;
}

/// Which message a path names.
struct message_place {
    mailbox_id box{};
    mailbox_side side{};
    std::uint64_t n = 0;
};

std::optional<message_place> place_of(const exchange& x) {
    const std::string_view side = x.where.segments[2];
    const auto box = id_at<mailbox_id>(x, 1);
    const auto n = parse_number(x.where.segments[3]);
    if (!box || !n || *n > 7 || (side != "a" && side != "b")) return std::nullopt;
    return message_place{*box, side == "a" ? mailbox_side::a : mailbox_side::b, *n};
}

/// Opens a mailbox under a slot that is free. One of the 2^20 is, unless somebody holds them all.
verdict create(write_store& store, std::uint64_t now) {
    openssl::random random;
    const side_token token = make_token();
    const auto box = mailbox_id::make(random);
    for (int tried = 0; tried < slots_tried_max; ++tried) {
        const auto slot = openssl::pairing_slot::make(random);
        if (store.mailboxes.create(slot, box, token.hash, now, now + claimable_s))
            return {json_answer(201, {{"slot", slot.text()},
                                      {"mailbox_id", box.text()},
                                      {"side_token", token.text},
                                      {"expires_at", now + claimable_s}}),
                    true, std::nullopt, std::nullopt};
    }
    return refuse(unavailable());
}

verdict claim(write_store& store, openssl::pairing_slot slot, std::uint64_t now) {
    using claim_verdict = mailbox_writer::claim_verdict;
    const side_token token = make_token();
    const auto done = store.mailboxes.claim(slot, token.hash, now);
    switch (done.verdict) {
        case claim_verdict::unknown:
            return refuse(not_found());
        case claim_verdict::expired:
            return refuse(pairing_expired());
        case claim_verdict::crowded:  // kept, so that it is void for the first one as well
            return {crowded(), true, done.id.octets, {}};
        case claim_verdict::done:
            break;
    }
    return {
        json_answer(
            200, {{"mailbox_id", done.id.text()}, {"side_token", token.text}, {"expires_at", done.expires}}),
        true, std::nullopt, std::nullopt};
}

verdict put(write_store& store, const message_place& at, const digest256& token, bytes_view body,
            std::uint64_t now) {
    const auto box = store.mailboxes.find(at.box, token);
    if (auto why = closed(box, now)) return refuse(std::move(*why));
    if (box->side != at.side) return refuse(unauthenticated());
    if (!store.mailboxes.put(at.box, at.side, at.n, body))
        return refuse(problem(412, "precondition-failed", "Another message was written here before."));
    return {{}, true, at.box.octets, {}};
}

}  // namespace

void create_pairing(context& c, const exchange_ptr& x) {
    write_to(c.shared.home_of_pairings(), c, x,
             [now = c.shared.now_s(), once = x->nonce](write_store& store) {
                 if (!store.members.use(once, now, pairing_nonce_s)) return refuse(unauthenticated());
                 return create(store, now);
             });
}

void claim_pairing(context& c, const exchange_ptr& x) {
    const auto slot = openssl::pairing_slot::parse(x->where.segments[1]);
    if (!slot) return reply(c.shared, x, not_found());
    write_to(c.shared.home_of_pairings(), c, x,
             [slot = *slot, &shared = c.shared, from = x->in.from](write_store& store) {
                 verdict out = claim(store, slot, shared.now_s());
                 if (out.out.status != 200) note_failed_claim(shared, from);
                 return out;
             });
}

void put_message(context& c, const exchange_ptr& x) {
    const auto at = place_of(*x);
    if (!at) return reply(c.shared, x, not_found());
    if (x->in.body.empty()) return reply(c.shared, x, malformed("A message is not empty."));
    write_to(c.shared.home_of_pairings(), c, x,
             [at = *at, token = token_hash(*x), x, now = c.shared.now_s()](write_store& store) {
                 return put(store, at, token, x->in.body, now);
             });
}

void get_message(context& c, const exchange_ptr& x) {
    const auto at = place_of(*x);
    if (!at) return reply(c.shared, x, not_found());
    const auto wait_s = number_of(*x, "wait", 0, limits::wait_s_max, 0);
    if (!wait_s) return reply(c.shared, x, malformed("The wait has to be 0 to 25 seconds."));
    watch(c, x, at->box.octets, *wait_s,
          [&c, at = *at, token = token_hash(*x)](bool last) -> std::optional<answer> {
              mailbox_reader& mailboxes = c.read_pairings().mailboxes;
              if (auto why = closed(mailboxes.find(at.box, token), c.shared.now_s())) return why;
              auto message = mailboxes.message(at.box, at.side, at.n);
              if (!message) return last ? std::optional(answer{}) : std::nullopt;
              answer out;
              out.status = 200;
              out.content_type = octets_type;
              out.body = std::move(*message);
              return out;
          });
}

void delete_mailbox(context& c, const exchange_ptr& x) {
    const auto box = id_at<mailbox_id>(*x, 1);
    write_to(c.shared.home_of_pairings(), c, x, [box = *box, token = token_hash(*x)](write_store& store) {
        if (!store.mailboxes.find(box, token)) return refuse(unauthenticated());
        store.mailboxes.remove(box);
        return verdict{{}, true, box.octets, {}};
    });
}

}  // namespace casasync::relay
