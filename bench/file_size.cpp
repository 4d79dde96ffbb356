// SPDX-License-Identifier: MIT
// How large a vault is beside a plain file after step 1 of W, net of the free list, and what reading its rows
// costs.
#include "filled_files.hpp"
#include "programs.hpp"

#include <memory>

namespace casasync::bench::file_size_program {
namespace {

/// Bytes of the pages in use, a row.
double used_bytes(const std::string& file, std::uint64_t rows) {
    app a(file);
    const auto pages = a.number("PRAGMA page_count") - a.number("PRAGMA freelist_count");
    return static_cast<double>(pages * a.number("PRAGMA page_size")) / static_cast<double>(rows);
}

side reading(const std::string& name, const std::string& file) {
    const auto sum = std::make_shared<std::uint64_t>();
    return {name, {}, [=](std::size_t) { *sum = app(file).checksum(); }, [=] { return *sum; }};
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    const filled_files f = fill_files(o, made_workload(o.rows));
    const std::uint64_t rows = o.rows;
    question q;
    q.name = "file after step 1, and reading all rows";
    q.unit = "row";
    q.count = rows;
    q.reference = reading("plain file", f.plain);
    q.ours = reading("vault", f.vault);
    q.bytes = [=] { return used_bytes(f.vault, rows); };
    q.reference_bytes = [=] { return used_bytes(f.plain, rows); };
    q.bytes_ratio_max = 1.35;
    return {q};
}

}  // namespace casasync::bench::file_size_program
