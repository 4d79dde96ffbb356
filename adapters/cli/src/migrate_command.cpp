// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "show.hpp"
#include "words.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace casasync::cli {
namespace {

struct migrate_options {
    std::string db{}, file{};
};

result<std::string> read_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in.good() && !in.eof())
        return error{errc::not_found,
                     "The file " + path + " cannot be read. Nothing was changed. Check the path."};
    return text;
}

result<int> migrate(const console& out, const migrate_options& o) {
    const auto sql = read_text(o.file);
    if (!sql) return sql.failure();
    auto vault = open_vault(o.db);
    if (!vault) return vault.failure();
    const auto done = vault->migrate([&sql](const sqlite::sql_runner& run) { return run(*sql); });
    if (!done) return done.failure();
    if (out.json()) {
        out.print({{"schema", json_of(*done)}});
        return exit_ok;
    }
    for (const auto& d : *done) out.line(text_of(d));
    out.line("The schema is changed, and every tracked table is watched as before.");
    return exit_ok;
}

}  // namespace

void add_migrate_command(CLI::App& app, program& run) {
    const auto o = std::make_shared<migrate_options>();
    CLI::App* command =
        add_command(app, run, "migrate", "Change the schema: run an SQL file, all of it or nothing",
                    [&run, o] { return migrate(run.out, *o); });
    command->add_option("DB", o->db, "the vault file")->required();
    command->add_option("FILE", o->file, "SQL: ALTER TABLE, CREATE, DROP, and writes among them")->required();
}

}  // namespace casasync::cli
