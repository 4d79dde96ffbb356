// SPDX-License-Identifier: MIT
// How small workload W is as changesets, before encryption, and how fast it is encoded and decoded, against
// copying the encoded bytes.
#include "changesets.hpp"
#include "programs.hpp"

#include <casasync/codec.hpp>
#include <casasync/detail/hash.hpp>

#include <memory>
#include <stdexcept>

namespace casasync::bench::codec_program {
namespace {

struct coded {
    changeset made{};
    bytes encoded{}, copy{}, again{};
    result<changeset> decoded = changeset{};
};

question about(const std::string& what, const std::string& unit, std::uint64_t count,
               const std::shared_ptr<coded>& c, bool encoding) {
    question q;
    q.name = (encoding ? "encode, " : "decode, ") + what;
    q.unit = unit;
    q.count = count;
    q.same_work = false;
    q.reference = {"copying the bytes", [=] { c->copy.assign(c->encoded.size(), 0); },
                   [=](std::size_t) {
                       std::copy(c->encoded.begin(), c->encoded.end(), c->copy.begin());
                       keep(c->copy.back());
                   },
                   [] { return std::uint64_t{0}; }};
    if (encoding) {
        q.ours = {"encode()", [=] { c->again = {}; }, [=](std::size_t) { c->again = encode(c->made); },
                  [=] {
                      if (c->again != c->encoded) throw std::runtime_error("equal changesets, other bytes");
                      return detail::hash128(c->again).low;
                  }};
    } else {
        q.ours = {"decode()", [=] { c->decoded = changeset{}; },
                  [=](std::size_t) { c->decoded = decode(c->encoded); },
                  [=] {
                      if (!c->decoded) throw std::runtime_error(c->decoded.failure().text());
                      c->decoded->last_seq = c->made.last_seq;
                      if (*c->decoded != c->made) throw std::runtime_error("what was decoded is another");
                      return static_cast<std::uint64_t>(count_operations(*c->decoded));
                  }};
    }
    q.bytes = [=] { return static_cast<double>(c->encoded.size()) / static_cast<double>(count); };
    q.rate_min = 5e6;
    return q;
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    const auto full = std::make_shared<coded>(), single = std::make_shared<coded>();
    full->made = full_set(o.rows);
    single->made = delta(o.rows);
    for (const auto& c : {full, single}) {
        c->encoded = encode(c->made);
        const std::uint64_t last_seq = c->made.last_seq;
        c->made =
            *decode(c->encoded);  // rows in memory as a seal makes them, too: in the order of their keys
        c->made.last_seq = last_seq;
    }
    const std::uint64_t fields = o.rows * field_names.size();
    std::vector<question> out;
    for (const bool encoding : {true, false}) {
        out.push_back(about("full set", "field", fields, full, encoding));
        out.back().bytes_max = 9;
        out.push_back(about("delta of single fields", "change", o.rows, single, encoding));
        out.back().bytes_max = 24;
    }
    return out;
}

}  // namespace casasync::bench::codec_program
