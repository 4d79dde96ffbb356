// SPDX-License-Identifier: MIT
// casasync-make-vault FILE: makes a finance vault of any size to try things on.
#include "file.hpp"
#include "vault.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <iostream>

namespace ex = casasync::examples;

int main(int argc, char** argv) {
    CLI::App app("Makes a SQLite file with a household's made-up finances, the same for the same seed.");
    std::string path;
    ex::vault_options options;
    app.add_option("file", path, "The file to make")->required();
    app.add_option("-n,--transactions", options.transactions, "How many transactions")->capture_default_str();
    app.add_option("-s,--seed", options.seed, "Another seed, other rows")->capture_default_str();
    CLI11_PARSE(app, argc, argv);

    if (std::filesystem::exists(path))
        return ex::fail({casasync::errc::already_exists,
                         path + " exists and was left as it is. Choose another name, or delete it first."});
    auto file = ex::open_file(path, ex::open_mode::make);
    if (!file) return ex::fail(file.failure());
    const auto made = ex::make_vault(file->get(), options);
    if (!made) {
        file->reset();
        std::filesystem::remove(path);
        return ex::fail(made.failure());
    }
    std::cout << path << ": " << made->transactions << " transactions, " << made->splits << " splits, "
              << made->transaction_tags << " tags on them; " << made->accounts << " accounts, "
              << made->payees << " payees, " << made->categories << " categories, " << made->rules
              << " rules, " << made->tags << " tags\n";
}
