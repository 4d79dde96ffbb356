// SPDX-License-Identifier: MIT
/// Whether everything is as it should be: registers, tables, running sums and counts, computed again.
#include "vault_state.hpp"

#include <casasync/accounts.hpp>
#include <casasync/digest.hpp>
#include <casasync/key.hpp>

namespace casasync::sqlite {

/// True when the running counts can be right, given the writes that stand; those that do not are gone.
static bool counts_stand(const accounts& counts, const accounts& standing) {
    return counts.applied == standing.applied && counts.conflicts == standing.conflicts &&
           counts.absorbed >= standing.absorbed && counts.superseded >= 0;
}

result<verify_report> vault::verify(const std::function<void(std::size_t)>& progress) {
    return state_->write([&]() -> result<verify_report> {
        verify_report out;
        state& v = *state_;
        if (auto n = v.seal_log(); !n) return n.failure();
        detail::u128 digest, open;
        accounts standing;
        for (const auto& t : v.tables.tables()) {
            auto keys = v.all_keys(*t);
            if (!keys) return keys.failure();
            for (const bytes& key : *keys) {
                auto row = v.rows->load(t->number, key, true);
                if (!row) return row.failure();
                digest += row_digest(t->traits, key, *row);
                const auto lost = open_conflicts(*row, t->traits);
                open += conflict_digest(t->traits, key, lost);
                standing += standing_writes(*row, t->traits, lost);
                if (++out.rows % 10'000 == 0 && progress) progress(out.rows);
                if (!t->tracked || out.differences.size() >= 100) continue;
                auto there = v.rows->in_table(*t, key);
                if (!there) return there.failure();
                auto parked = v.shown->is_parked(t->number, key);
                if (!parked) return parked.failure();
                const bool expected = is_visible(*row, t->traits.policy) && !*parked;
                if (expected != there->has_value())
                    out.differences.push_back("table " + t->traits.name + ": a row that should " +
                                              (expected ? "be there is missing" : "be hidden is there") +
                                              " (key " + to_hex(key) + ")");
            }
        }
        for (const auto& t : v.tables.tables()) {
            if (!t->tracked || out.differences.size() >= 100) continue;
            auto strays = v.stray_rows(*t);
            if (!strays) return strays.failure();
            for (const stray_row& stray : *strays) {
                const auto key = encode_key(stray.key);
                if (!stray.known && key && out.differences.size() < 100)
                    out.differences.push_back("table " + t->traits.name +
                                              ": a row is there that the vault does not know (key " +
                                              to_hex(*key) + "); change it once, and it is sent");
            }
        }
        out.digest_matches = digest == v.self.digest;
        out.conflicts_match = open == v.self.open_digest;
        out.counts_match = counts_stand(v.self.counts, standing);
        if (!out.digest_matches)
            out.differences.push_back("the registers do not add up to the running digest");
        if (!out.conflicts_match)
            out.differences.push_back("the open conflicts do not add up to their running digest");
        if (!out.counts_match)
            out.differences.push_back("the writes that stand do not add up to their running counts");
        out.digest = v.digest_text();
        return out;
    });
}

}  // namespace casasync::sqlite
