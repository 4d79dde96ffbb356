// SPDX-License-Identifier: MIT
// What casasync draws is read again by another program, zbarimg.
#include "qr.hpp"

#include "folder.hpp"

#include <casasync_test/catch.hpp>
#include <casasync_test/process.hpp>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace casasync;
using namespace casasync::cli;

namespace {

const std::string shown_link =
    "casasync://pair/1#r=https://relay.example:8443&s=7KQ2&m=q6urq6urq6urq6urq6urqw&k=FxcXFxcXFxcXFxcXFxcXFw";

std::string scanned(const std::string& path) {
    auto read = casasync_test::run({CASASYNC_ZBARIMG, "--nodbus", "-q", "--raw", path});
    INFO(read.err);
    CHECK(read.exit == 0);
    read.out.erase(read.out.find_last_not_of('\n') + 1);
    return read.out;
}

/// A picture as rows of squares, put into a plain file that zbarimg reads.
struct picture {
    std::vector<std::vector<bool>> dark{};

    explicit picture(std::size_t size) : dark(size, std::vector<bool>(size)) {}
    void write(const std::string& path) const {
        const std::size_t scale = 6;
        std::ofstream out(path);
        out << "P1\n" << dark.size() * scale << ' ' << dark.size() * scale << '\n';
        for (const auto& row : dark)
            for (std::size_t line = 0; line < scale; ++line, out << '\n')
                for (const bool d : row)
                    for (std::size_t i = 0; i < scale; ++i) out << (d ? "1 " : "0 ");
    }
};

}  // namespace

TEST_CASE("a scanner reads the PNG that is written", "[cli][qr]") {
    const casasync_test::folder dir;
    REQUIRE(write_qr(qr_code::make(shown_link).value(), dir / "code.png"));
    CHECK(scanned(dir / "code.png") == shown_link);
    CHECK((std::filesystem::status(dir / "code.png").permissions() & std::filesystem::perms::all) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("a scanner reads what the SVG draws", "[cli][qr]") {
    const casasync_test::folder dir;
    const auto code = qr_code::make(shown_link).value();
    REQUIRE(write_qr(code, dir / "code.svg"));
    std::ifstream file(dir / "code.svg");
    std::stringstream svg;
    svg << file.rdbuf();
    CHECK(svg.str().find("viewBox=\"0 0 " + std::to_string(code.size()) + " " + std::to_string(code.size()) +
                         "\"") != std::string::npos);
    picture drawn(code.size());
    const std::string text = svg.str();
    for (std::size_t at = text.find('M'); at != std::string::npos; at = text.find('M', at + 1)) {
        std::istringstream place(text.substr(at + 1, 20));
        std::size_t x = 0, y = 0;
        std::string shape;
        place >> x >> y >> shape;
        REQUIRE(shape.starts_with("h1v1h-1z"));
        drawn.dark.at(y).at(x) = true;
    }
    drawn.write(dir / "code.pbm");
    CHECK(scanned(dir / "code.pbm") == shown_link);
}

TEST_CASE("a scanner reads the blocks on the terminal", "[cli][qr]") {
    const casasync_test::folder dir;
    const auto code = qr_code::make(shown_link).value();
    picture drawn(code.size());
    std::istringstream lines(qr_text(code));
    std::size_t y = 0;
    for (std::string line; std::getline(lines, line); y += 2) {
        const std::string white_on_black = "\033[97;40m", reset = "\033[0m";
        REQUIRE(line.starts_with(white_on_black));
        REQUIRE(line.ends_with(reset));
        line = line.substr(white_on_black.size(), line.size() - white_on_black.size() - reset.size());
        for (std::size_t x = 0; !line.empty(); ++x) {
            const std::size_t bytes = line[0] == ' ' ? 1 : 3;
            const std::string block = line.substr(0, bytes);
            line.erase(0, bytes);
            drawn.dark.at(y).at(x) = block == " " || block == "\u2584";
            if (y + 1 < code.size()) drawn.dark.at(y + 1).at(x) = block == " " || block == "\u2580";
        }
    }
    drawn.write(dir / "code.pbm");
    CHECK(scanned(dir / "code.pbm") == shown_link);
}

TEST_CASE("a QR code goes to a name that says what it is", "[cli][qr]") {
    const casasync_test::folder dir;
    const auto code = qr_code::make("x").value();
    CHECK(write_qr(code, dir / "code.gif").code() == errc::invalid_argument);
    CHECK(write_qr(code, dir / "nowhere/code.png").code() == errc::io_failed);
    CHECK(qr_code::make(std::string(5000, 'x')).code() == errc::limit_exceeded);
}
