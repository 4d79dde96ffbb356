// SPDX-License-Identifier: MIT
#include <casasync/beast/proxy.hpp>

#include <casasync_test/catch.hpp>

#include <cstdlib>
#include <vector>

using namespace casasync;
using namespace casasync::beast;

namespace {

/// The variables that name a proxy, as a test sets them; as they were at its end.
class environment {
 public:
    environment() {
        for (const char* const name : names) {
            const char* const was = std::getenv(name);
            before_.emplace_back(was == nullptr ? "" : was);
            ::unsetenv(name);
        }
    }
    environment(const environment&) = delete;
    environment& operator=(const environment&) = delete;
    ~environment() {
        for (std::size_t i = 0; i < before_.size(); ++i)
            before_[i].empty() ? ::unsetenv(names[i]) : ::setenv(names[i], before_[i].c_str(), 1);
    }
    static void set(const char* name, const char* value) { ::setenv(name, value, 1); }

 private:
    static constexpr const char* names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy",
                                            "ALL_PROXY",   "no_proxy",    "NO_PROXY"};
    std::vector<std::string> before_{};
};

std::string proxy_for(const char* url) {
    return proxy_of_environment(parse_origin(url, true).value());
}

}  // namespace

TEST_CASE("a proxy's URL is taken apart", "[beast][proxy]") {
    const auto plain = parse_proxy("http://Proxy.Example:3128").value();
    CHECK(plain.at.host == "proxy.example");
    CHECK(plain.at.port == "3128");
    CHECK(plain.authorization.empty());
    CHECK(parse_proxy("proxy.example:3128").value() == plain);
    CHECK(parse_proxy("http://proxy.example/").value().at.port == "80");
    CHECK(parse_proxy("http://[2001:db8::7]:8080").value().at.host == "2001:db8::7");
    CHECK(parse_proxy("http://Aladdin:open%20sesame@proxy.example").value().authorization ==
          "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617, section 2
    CHECK(parse_proxy("http://me@work:a@b@proxy.example").value().at.host == "proxy.example");
    CHECK(parse_proxy("http://a:%2a%2A%7e@proxy.example").value() ==
          parse_proxy("http://a:**~@proxy.example").value());
}

TEST_CASE("what is no proxy's URL is refused, and its password not shown", "[beast][proxy]") {
    for (const char* const url : {"", "http://", "https://proxy.example", "socks5://proxy.example:1080",
                                  "http://me:secret%2@proxy.example", "http://me:secret%2g@proxy.example",
                                  "http://me:secret%2-@proxy.example", "http://me:secret%2:@proxy.example",
                                  "http://me:secret%zz@proxy.example", "http://me:secret@proxy.example:99999",
                                  "http://me:secret@proxy example", "http://me:secret@proxy.example/path",
                                  "http://me:secret@x\r\nHost: y"}) {
        CAPTURE(url);
        const auto r = parse_proxy(url);
        REQUIRE_FALSE(r.ok());
        CHECK(r.code() == errc::malformed_text);
        CHECK(r.failure().detail.find("secret") == std::string::npos);
    }
}

TEST_CASE("the environment names a proxy, and what is reached without it", "[beast][proxy]") {
    const environment e;
    CHECK(proxy_for("https://relay.example").empty());
    e.set("ALL_PROXY", "http://all:1");
    CHECK(proxy_for("https://relay.example") == "http://all:1");
    e.set("HTTPS_PROXY", "http://upper:1");
    CHECK(proxy_for("https://relay.example") == "http://upper:1");
    e.set("https_proxy", "http://lower:1");
    CHECK(proxy_for("https://relay.example") == "http://lower:1");
    CHECK(proxy_for("http://relay.example").empty());
    e.set("no_proxy", "other.example, .example.org,relay.example");
    CHECK(proxy_for("https://relay.example").empty());
    CHECK(proxy_for("https://eu.relay.example").empty());
    CHECK(proxy_for("https://example.org").empty());
    CHECK(proxy_for("https://a.example.org").empty());
    CHECK_FALSE(proxy_for("https://myrelay.example").empty());
    CHECK_FALSE(proxy_for("https://example.net").empty());
    CHECK_FALSE(proxy_for("https://a.b").empty());  // shorter than each of them
    e.set("no_proxy", ", other.example  , relay.example ");
    CHECK(proxy_for("https://relay.example").empty());
    e.set("https_proxy", "");
    CHECK(proxy_for("https://example.net") == "http://upper:1");
    e.set("no_proxy", "*");
    CHECK(proxy_for("https://relay.example").empty());
}
