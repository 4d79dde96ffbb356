// SPDX-License-Identifier: MIT
// casasync-bench-table NEW [OLD]: writes the records of the folder NEW (as --json makes them) as a Markdown
// table, and beside each ratio what it was in the folder OLD.
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace {

namespace json = boost::json;
using std::filesystem::path;

struct record {
    std::string program;
    json::object all;
};

std::vector<record> read_folder(const path& folder) {
    std::vector<record> out;
    if (!std::filesystem::is_directory(folder)) return out;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".json") continue;
        std::ifstream in(entry.path());
        const json::value v = json::parse(std::string(std::istreambuf_iterator<char>(in), {}));
        if (v.is_object() && v.as_object().contains("answers"))
            out.push_back({entry.path().stem().string(), v.as_object()});
    }
    std::sort(out.begin(), out.end(), [](const record& a, const record& b) { return a.program < b.program; });
    return out;
}

std::string text(const json::object& o, const char* name) {
    return o.at(name).as_string().c_str();
}

std::string three_digits(double v) {
    const int after = v >= 100 ? 0 : v >= 10 ? 1 : v >= 1 ? 2 : 3;
    char out[32];
    std::snprintf(out, sizeof out, "%.*f", after, v);
    return out;
}

std::string spread(const json::object& o) {
    return three_digits(o.at("median").to_number<double>()) + " (" +
           three_digits(o.at("min").to_number<double>()) + "-" +
           three_digits(o.at("max").to_number<double>()) + ")";
}

/// The median ratio of the same question in another record; empty when it was not asked.
std::string ratio_before(const std::vector<record>& old, const std::string& asked) {
    for (const record& r : old)
        for (const json::value& a : r.all.at("answers").as_array())
            if (text(a.as_object(), "question") == asked)
                return three_digits(a.at("ratio").at("median").to_number<double>());
    return "";
}

void print_answer(const json::object& a, const std::vector<record>& old) {
    const auto number = [&](const char* name) {
        return a.contains(name) ? three_digits(a.at(name).to_number<double>()) : std::string();
    };
    std::cout << "| " << text(a, "question") << " | " << text(a, "reference") << " | "
              << a.at("n").to_number<std::uint64_t>() << " " << text(a, "unit") << "s, "
              << a.at("rounds").to_number<std::uint64_t>() << " rounds | "
              << spread(a.at("reference_us").as_object()) << " | " << spread(a.at("ours_us").as_object())
              << " | " << spread(a.at("ratio").as_object()) << " | " << ratio_before(old, text(a, "question"))
              << " | " << number("bytes") << " | " << number("allocations") << " | " << text(a, "aim")
              << " |\n";
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2 || argc > 3) {
        std::cerr << "usage: casasync-bench-table NEW [OLD]\n";
        return 1;
    }
    try {
        const auto now = read_folder(argv[1]), old = argc > 2 ? read_folder(argv[2]) : std::vector<record>{};
        std::cout
            << "| question | reference | N | reference, us a unit | casasync, us a unit | ratio | ratio "
               "before | bytes a unit | allocations a unit | aim |\n"
            << "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
        for (const record& r : now)
            for (const json::value& a : r.all.at("answers").as_array()) print_answer(a.as_object(), old);
        for (const record& r : now)
            std::cout << "\n`" << r.program << "`: commit " << text(r.all, "commit") << ", "
                      << text(r.all, "compiler") << ", flags `" << text(r.all, "flags") << "`, "
                      << text(r.all, "machine") << ", load "
                      << three_digits(r.all.at("load").to_number<double>()) << "\n";
    } catch (const std::exception& e) {
        std::cerr << "table: " << e.what() << '\n';
        return 1;
    }
    return 0;
}
