// SPDX-License-Identifier: MIT
// casasync-edit-vault FILE: works on a finance vault at random, as a person at an app would.
#include "file.hpp"
#include "vault.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace ex = casasync::examples;

int main(int argc, char** argv) {
    CLI::App app("Edits a vault made by casasync-make-vault, each edit in a transaction of its own.");
    std::string path;
    ex::edit_options options;
    app.add_option("file", path, "The vault")->required();
    app.add_option("-n,--edits", options.edits, "How many edits")->capture_default_str();
    app.add_option("-s,--seed", options.seed, "Another seed, other edits")->capture_default_str();
    CLI11_PARSE(app, argc, argv);

    const auto file = ex::open_file(path, ex::open_mode::edit);
    if (!file) return ex::fail(file.failure());
    const auto done = ex::edit_vault(file->get(), options);
    if (!done) return ex::fail(done.failure());
    std::cout << path << ": " << done->edits << " edits; " << done->inserted << " rows inserted, "
              << done->updated << " updated, " << done->deleted << " deleted\n";
}
