// SPDX-License-Identifier: MIT
#include "vault_state.hpp"

#include <memory>
#include <string>
#include <vector>

namespace casasync::sqlite {
namespace {

/// Returns what the vault made in the file: triggers first, then tables.
result<std::vector<std::string>> things_of_the_vault(connection& db) {
    std::vector<std::string> out;
    auto s = db.prepare(
        "SELECT type, name FROM main.sqlite_schema WHERE type IN ('table', 'trigger') AND name LIKE "
        "'casasync!_%' ESCAPE '!' ORDER BY type DESC, name");
    if (!s) return s.failure();
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        out.push_back(std::string(s->text(0)) + " main." + quote_name(s->text(1)));
    }
}

}  // namespace

result<void> vault::leave(const std::string& path, vault_options options) {
    auto s = std::make_unique<state>(path, std::move(options));
    if (auto ok = s->connect(open_mode::read_write); !ok) return ok.failure();
    return s->run([&]() -> result<void> {
        auto tx = transaction::begin(*s->db);
        if (!tx) return tx.failure();
        const auto things = things_of_the_vault(*s->db);
        if (!things) return things.failure();
        for (const std::string& thing : *things)
            if (auto ok = s->db->execute("DROP " + thing); !ok) return ok;
        return tx->commit();
    });
}

}  // namespace casasync::sqlite
