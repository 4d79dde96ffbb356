// SPDX-License-Identifier: MIT
#include "reply.hpp"
#include "routes.hpp"

#include <boost/json/array.hpp>

namespace casasync::relay {

void get_info(context& c, const exchange_ptr& x) {
    reply(c.shared, x,
          json_answer(200, {{"proto", boost::json::array{1}},
                            {"min_client", c.shared.options.min_client},
                            {"limits",
                             {{"envelope_bytes", limits::envelope_bytes_max},
                              {"request_bytes", limits::request_bytes_max},
                              {"request_envelopes", limits::request_envelopes_max},
                              {"page_bytes", limits::page_bytes_max},
                              {"page_records", limits::page_records_max},
                              {"snapshot_bytes", limits::snapshot_bytes_max},
                              {"snapshot_part_bytes", limits::snapshot_part_bytes},
                              {"devices", limits::devices_max},
                              {"vault_bytes", c.shared.options.vault_bytes_max}}},
                            {"time", c.shared.now_s()},
                            {"features", boost::json::array{"ws", "longpoll"}}}));
}

void get_health(context& c, const exchange_ptr& x) {
    reply(c.shared, x, json_answer(200, {{"status", "ok"}}));
}

void get_readiness(context& c, const exchange_ptr& x) {
    if (c.shared.stopping) return reply(c.shared, x, unavailable());
    for (const auto& store : c.stores) (void)store->log.find({}, {});  // throws when a file cannot be read
    reply(c.shared, x, json_answer(200, {{"status", "ready"}}));
}

}  // namespace casasync::relay
