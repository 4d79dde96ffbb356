// SPDX-License-Identifier: MIT
#pragma once

/// A plain file and a vault after step 1 of W.
#include "harness.hpp"
#include "vaults.hpp"

#include <span>
#include <string>

namespace casasync::bench {

struct filled_files {
    std::string plain{}, vault{};
};

/// Makes both; everything in the vault is sealed and acknowledged.
[[nodiscard]] inline filled_files fill_files(const run_options& o, const made_workload& w) {
    const filled_files f{o.folder + "/plain.db", o.folder + "/vault.db"};
    const std::span<const field_update> changes(w.first.data(), w.rows.size());
    {
        app a(f.plain);
        a.run(create_txn);
        write_all(a, w.rows);
        write_all(a, changes);
    }
    sqlite::vault v = make_vault(f.vault, 2);
    app a(f.vault);
    write_all(a, w.rows);
    need(v.seal());
    (void)take_outbox(v);
    write_all(a, changes);
    need(v.seal());
    (void)take_outbox(v);
    return f;
}

/// Makes both with so many rows, none for empty tables, as files to be copied.
[[nodiscard]] inline filled_files begin_files(const std::string& folder,
                                              std::span<const transaction_row> rows, bool write_time) {
    const std::string name = folder + "/begin-" + std::to_string(rows.size()) + (write_time ? "t" : "");
    const filled_files f{name + "-plain.db", name + "-vault.db"};
    {
        app a(f.plain);
        a.run(create_txn);
        write_all(a, rows);
        a.run("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    sqlite::vault v = make_vault(f.vault, 2, write_time);
    app a(f.vault);
    write_all(a, rows);
    need(v.seal());
    (void)take_outbox(v);
    a.run("PRAGMA wal_checkpoint(TRUNCATE)");
    return f;
}

}  // namespace casasync::bench
