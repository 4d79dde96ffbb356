// SPDX-License-Identifier: MIT
#include "reply.hpp"

#include <boost/json/parse.hpp>

namespace casasync::relay {

answer malformed(std::string_view detail) {
    return problem(400, "malformed", detail);
}

answer too_large(std::uint64_t limit) {
    return problem(413, "too-large", "The request, or something in it, is larger than the relay takes.",
                   {{"limit", limit}});
}

void reply(const core& shared, const exchange_ptr& x, answer out) {
    if (x->who) add_log_state(out, *x->who, shared);
    x->send(std::move(out));
}

void write_to(shard& where, context& c, const exchange_ptr& x, std::function<verdict(write_store&)> job) {
    const core& shared = c.shared;
    const bool queued = where.write.submit({std::move(job),
                                            [x, &shared](verdict v) {
                                                if (v.who) x->who = v.who;
                                                reply(shared, x, std::move(v.out));
                                            },
                                            x->in.body.size()});
    if (!queued) reply(shared, x, unavailable());
}

void write(context& c, const exchange_ptr& x, std::function<verdict(write_store&)> job) {
    write_to(c.shared.home_of(x->who->vault), c, x,
             [row = x->who->device_row, job = std::move(job)](write_store& store) {
                 return store.log.is_revoked(row) ? refuse(device_revoked()) : job(store);
             });
}

void note_ack(core& shared, write_store& store, const member& who, std::uint64_t ack) {
    store.log.touch(who.device_row, ack, shared.now_s());
    if (who.cover.covered > who.floor && is_nearly_full(who.bytes, shared.options.vault_bytes_max))
        shared.home_of(who.vault).keeper.tidy_in(store, who.vault_row);
}

void watch(context& c, const exchange_ptr& x, const topic& what, std::uint64_t wait_s, exchange::look look) {
    // The exchange keeps this function, so the function must not keep the exchange.
    const auto complete = [&c, here = x.get(), look = std::move(look)](bool last) -> std::optional<answer> {
        std::optional<answer> out;
        try {
            out = look(last);
        } catch (const database_error&) {
            out = unavailable();
        }
        if (out && here->who) add_log_state(*out, *here->who, c.shared);
        return out;
    };
    x->watch(what, std::chrono::seconds(wait_s), complete);
}

std::optional<boost::json::object> json_body(const exchange& x) {
    boost::json::error_code failed;
    boost::json::parse_options options;
    options.max_depth = 8;
    const boost::json::string_view text(reinterpret_cast<const char*>(x.in.body.data()), x.in.body.size());
    auto value = boost::json::parse(text, failed, {}, options);
    if (failed || !value.is_object()) return std::nullopt;
    return std::move(value.as_object());
}

std::optional<std::uint64_t> number_in(const boost::json::object& in, std::string_view key) {
    const auto* const value = in.if_contains(key);
    if (value == nullptr || !value->is_int64()) return std::nullopt;
    const std::int64_t number = value->get_int64();
    if (number < 0 || number >= std::int64_t{1} << 53) return std::nullopt;
    return static_cast<std::uint64_t>(number);
}

std::optional<std::uint64_t> number_of(const exchange& x, std::string_view key, std::uint64_t least,
                                       std::uint64_t most, std::optional<std::uint64_t> absent) {
    const auto text = x.where.value(key);
    if (!text) return absent;
    const auto number = parse_number(*text);
    return number && *number >= least && *number <= most ? number : std::nullopt;
}

}  // namespace casasync::relay
