// SPDX-License-Identifier: MIT
// docs/openapi.yaml lists the relay's routes, all of them and no other.
#include "routes.hpp"

#include <casasync_test/catch.hpp>

#include <fstream>
#include <set>
#include <string>
#include <utility>

using casasync::relay::all_routes;
using casasync::relay::route;
using casasync::relay::verb;

namespace {

using listed = std::set<std::pair<std::string, std::string>>;  ///< path as in the router, query key or method

struct document {
    listed methods{}, keys{};
};

std::string without_version(const std::string& path) {
    const std::string prefix = path.rfind("/v1/", 0) == 0 ? "/v1/" : "/";
    return path.substr(prefix.size());
}

/// Reads what the document says line by line: paths and methods stand at fixed depths, a parameter on one
/// line.
document read_document() {
    document out;
    std::ifstream file(CASASYNC_OPENAPI);
    std::string path, method;
    bool in_paths = false;
    for (std::string line; std::getline(file, line);) {
        if (!line.empty() && line[0] != ' ') in_paths = line == "paths:";
        if (!in_paths) continue;
        if (line.rfind("  /", 0) == 0) path = without_version(line.substr(2, line.size() - 3));
        if (line.rfind("    ", 0) == 0 && line[4] != ' ') {
            method = line.substr(4, line.size() - 5);
            out.methods.emplace(path, method);
        }
        const std::size_t name = line.find("{name: ");
        if (name == std::string::npos || line.find("in: query") == std::string::npos) continue;
        const std::size_t begin = name + 7;
        out.keys.emplace(path + " " + method, line.substr(begin, line.find(',') - begin));
    }
    return out;
}

std::string name_of(verb method) {
    switch (method) {
        case verb::get:
            return "get";
        case verb::put:
            return "put";
        case verb::post:
            return "post";
        case verb::del:
            return "delete";
        case verb::other:
            break;
    }
    return "";
}

}  // namespace

TEST_CASE("the OpenAPI document has every route of the router, and no other", "[relay][openapi]") {
    document routed;
    for (const route& r : all_routes()) {
        const std::string path(r.path);
        routed.methods.emplace(path, name_of(r.method));
        for (const std::string_view key : r.keys) routed.keys.emplace(path + " " + name_of(r.method), key);
    }
    const document said = read_document();
    CHECK(said.methods == routed.methods);
    CHECK(said.keys == routed.keys);
    CHECK(said.methods.size() == all_routes().size());
}
