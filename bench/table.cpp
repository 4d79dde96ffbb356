// SPDX-License-Identifier: MIT
// casasync-bench-table FOLDER [OLD]: makes README.md and plots of the records in FOLDER (as --json makes
// them), beside each ratio what it was in the records of OLD. Prints a short table, of the questions that
// have an aim, and on stderr what got slower.
#include "svg.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace {

namespace json = boost::json;
using casasync::bench::plot;
using std::filesystem::path;

constexpr double noise = 1.2;  ///< a ratio that rose by less may be luck

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

/// Calls `use` with each answer.
template <class Use>
void each_answer(const std::vector<record>& all, Use&& use) {
    for (const record& r : all)
        for (const json::value& a : r.all.at("answers").as_array()) use(a.as_object());
}

std::string text(const json::object& o, const char* name) {
    return o.at(name).as_string().c_str();
}
double number(const json::object& o, const char* name) {
    return o.at(name).to_number<double>();
}

std::string three_digits(double v) {
    const int after = v >= 100 ? 0 : v >= 10 ? 1 : v >= 1 ? 2 : 3;
    char out[32];
    std::snprintf(out, sizeof out, "%.*f", after, v);
    return out;
}

std::string spread(const json::object& o) {
    return three_digits(number(o, "median")) + " (" + three_digits(number(o, "min")) + "-" +
           three_digits(number(o, "max")) + ")";
}

/// Bytes a unit; beside those of the reference, where it has a size.
std::string size_of(const json::object& a) {
    if (!a.contains("bytes")) return "";
    if (!a.contains("reference_bytes")) return three_digits(number(a, "bytes"));
    return three_digits(number(a, "bytes")) + " (x " +
           three_digits(number(a, "bytes") / number(a, "reference_bytes")) + ")";
}

/// The middle and the tail of each wait, in milliseconds.
std::string waits_of(const json::object& a) {
    std::string out;
    if (!a.contains("latencies")) return out;
    for (const json::value& v : a.at("latencies").as_array()) {
        const json::object& w = v.as_object();
        out += (out.empty() ? "" : "; ") + text(w, "name") + ": " + three_digits(number(w, "p50_ms")) +
               " / " + three_digits(number(w, "p99_ms"));
    }
    return out;
}

std::map<std::string, double> ratios_of(const std::vector<record>& all) {
    std::map<std::string, double> out;
    each_answer(all, [&](const json::object& a) {
        out[text(a, "question")] = number(a.at("ratio").as_object(), "median");
    });
    return out;
}

void write_table(std::ostream& out, const std::vector<record>& now,
                 const std::map<std::string, double>& old) {
    out << "# What was measured\n\n"
           "Written by `scripts/bench`. Each line is one run with its reference, by turns: medians "
           "(least-greatest) of the rounds, microseconds\nof CPU time a unit with files in memory, or, where "
           "it says so, of the wall with files on a disk. Waits are p50 / p99 in ms.\n"
           "[PERFORMANCE.md](../PERFORMANCE.md) explains the figures.\n\n"
           "| question | reference | N | reference, us | casasync, us | ratio | ratio before | bytes a unit "
           "| "
           "allocations a unit | waits | checksum | aim |\n"
           "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    each_answer(now, [&](const json::object& a) {
        const auto before = old.find(text(a, "question"));
        out << "| " << text(a, "question") << " | " << text(a, "reference") << " | "
            << a.at("n").to_number<std::uint64_t>() << " " << text(a, "unit") << "s, "
            << a.at("rounds").to_number<std::uint64_t>() << " rounds"
            << (text(a, "clock") == "wall" ? ", wall" : "") << " | "
            << spread(a.at("reference_us").as_object()) << " | " << spread(a.at("ours_us").as_object())
            << " | " << spread(a.at("ratio").as_object()) << " | "
            << (before == old.end() ? "" : three_digits(before->second)) << " | " << size_of(a) << " | "
            << three_digits(number(a, "allocations")) << " | " << waits_of(a) << " | " << text(a, "checksum")
            << " | " << text(a, "aim") << " |\n";
    });
}

/// One line for all programs that were run alike.
void write_origins(std::ostream& out, const std::vector<record>& now) {
    std::map<std::string, std::string> programs;
    for (const record& r : now) {
        std::string& names = programs["commit " + text(r.all, "commit") + ", " + text(r.all, "compiler") +
                                      ", flags `" + text(r.all, "flags") + "`, " + text(r.all, "machine")];
        names +=
            (names.empty() ? "" : ", ") + r.program + " (load " + three_digits(number(r.all, "load")) + ")";
    }
    for (const auto& [origin, names] : programs) out << "\n" << origin << ": " << names << ".\n";
}

/// Lines of casasync and of the references, by the file of their plot.
std::map<std::string, plot> plots_of(const std::vector<record>& now) {
    std::map<std::string, plot> out;
    const auto add = [](plot& p, const std::string& name, double x, double y) {
        auto line =
            std::find_if(p.lines.begin(), p.lines.end(), [&](const auto& l) { return l.name == name; });
        if (line == p.lines.end()) line = p.lines.insert(line, {name, {}});
        if (line->points.empty() || line->points.back().first != x) line->points.emplace_back(x, y);
    };
    each_answer(now, [&](const json::object& a) {
        if (!a.contains("shown")) return;
        const json::object& s = a.at("shown").as_object();
        plot& p = out[text(s, "plot")];
        p.title = text(s, "title"), p.x = text(s, "x"), p.y = "microseconds each";
        add(p, text(s, "line"), number(s, "at"), number(a.at("ours_us").as_object(), "median"));
        add(p, text(s, "reference_line"), number(s, "at"),
            number(a.at("reference_us").as_object(), "median"));
    });
    return out;
}

void print_short_table(const std::vector<record>& now) {
    std::cout << "| question | against | ratio | aim | bytes, waits (p50 / p99, ms) |\n"
                 "| --- | --- | --- | --- | --- |\n";
    each_answer(now, [](const json::object& a) {
        if (text(a, "aim").empty()) return;
        std::string more = size_of(a);
        if (!more.empty()) more += " bytes a " + text(a, "unit");
        const std::string waited = waits_of(a);
        more += (more.empty() || waited.empty() ? "" : "; ") + waited;
        std::cout << "| " << text(a, "question") << " | " << text(a, "reference") << " | "
                  << three_digits(number(a.at("ratio").as_object(), "median")) << " | " << text(a, "aim")
                  << " | " << more << " |\n";
    });
    write_origins(std::cout, now);
}

void tell_what_is_slower(const std::vector<record>& now, const std::map<std::string, double>& old) {
    each_answer(now, [&](const json::object& a) {
        const auto before = old.find(text(a, "question"));
        const double ratio = number(a.at("ratio").as_object(), "median");
        if (before != old.end() && ratio > before->second * noise)
            std::cerr << "slower than before: " << before->first << ", ratio " << three_digits(ratio)
                      << " after " << three_digits(before->second) << '\n';
    });
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2 || argc > 3) {
        std::cerr << "usage: casasync-bench-table FOLDER [OLD]\n";
        return 64;
    }
    try {
        const path folder = argv[1];
        const auto now = read_folder(folder);
        const auto old = ratios_of(argc > 2 ? read_folder(argv[2]) : std::vector<record>{});
        const auto plots = plots_of(now);
        std::ofstream page(folder / "README.md");
        write_table(page, now, old);
        write_origins(page, now);
        for (const auto& [name, p] : plots) {
            std::ofstream picture(folder / (name + ".svg"));
            casasync::bench::draw(picture, p);
            page << "\n![" << p.title << "](" << name << ".svg)\n";
        }
        print_short_table(now);
        tell_what_is_slower(now, old);
    } catch (const std::exception& e) {
        std::cerr << "table: " << e.what() << '\n';
        return 1;
    }
    return 0;
}
