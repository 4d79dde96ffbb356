// SPDX-License-Identifier: MIT
// Whoever copies the README's first code block copies a program that is built and run by the tests.
#include <casasync_test/catch.hpp>

#include <fstream>
#include <sstream>
#include <string>

namespace {

std::string text_of(const char* path) {
    std::ifstream file(path, std::ios::binary);
    INFO(path);
    REQUIRE(file.good());
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
}

/// What stands between the first ```cpp and the fence that closes it.
std::string first_cpp_block(const std::string& markdown) {
    const std::string fence = "```cpp\n";
    const auto begin = markdown.find(fence);
    REQUIRE(begin != std::string::npos);
    const auto end = markdown.find("```\n", begin + fence.size());
    REQUIRE(end != std::string::npos);
    return markdown.substr(begin + fence.size(), end - begin - fence.size());
}

/// A source file as the README shows it: without its licence line.
std::string without_licence(const std::string& source) {
    return source.rfind("// SPDX", 0) == 0 ? source.substr(source.find('\n') + 1) : source;
}

}  // namespace

TEST_CASE("the README's first code block is the quickstart", "[examples]") {
    CHECK(first_cpp_block(text_of(CASASYNC_README)) == without_licence(text_of(CASASYNC_QUICKSTART)));
}
