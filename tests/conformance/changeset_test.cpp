// SPDX-License-Identifier: MIT
#include "relay_under_test.hpp"

#include <casasync/cursor.hpp>
#include <casasync/limits.hpp>
#include <casasync/openssl/hash.hpp>
#include <casasync/page.hpp>

#include <boost/json/array.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync_test;

namespace {

std::uint64_t result_of(const reply& r, std::size_t i, const char* key) {
    return static_cast<std::uint64_t>(r.json().at("results").as_array().at(i).at(key).as_int64());
}
bool is_dup(const reply& r, std::size_t i) {
    return r.json().at("results").as_array().at(i).at("dup").as_bool();
}

digest256 log_of(const std::vector<bytes>& envelopes) {
    digest256 log{};
    for (const bytes& e : envelopes) log = advance_log(log, openssl::sha256(e), openssl::sha256);
    return log;
}

}  // namespace

TEST_CASE("a push gives dense positions in the order of commits", "[conformance][push]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    const reply first = a.push({a.envelope(1), a.envelope(2)});
    CHECK(first.status == 201);
    CHECK(result_of(first, 0, "seq") == 1);
    CHECK(result_of(first, 0, "pos") == 1);
    CHECK(result_of(first, 1, "pos") == 2);
    CHECK_FALSE(is_dup(first, 1));
    CHECK(first.number("head") == 2);
    CHECK(first.field("casasync-head") == "2");
    CHECK(result_of(b.push({b.envelope(1)}), 0, "pos") == 3);
    CHECK(result_of(a.push({a.envelope(3)}), 0, "pos") == 4);
}

TEST_CASE("what was pushed before is a duplicate", "[conformance][push]") {
    const relay_under_test f;
    const auto a = f.vault();
    REQUIRE(a.push({a.envelope(1), a.envelope(2)}).status == 201);
    const reply again = a.push({a.envelope(1), a.envelope(2)});
    CHECK(again.status == 200);
    CHECK(is_dup(again, 0));
    CHECK(result_of(again, 1, "pos") == 2);
    const reply partly = a.push({a.envelope(2), a.envelope(3)});
    CHECK(partly.status == 201);
    CHECK(is_dup(partly, 0));
    CHECK_FALSE(is_dup(partly, 1));
    CHECK(result_of(partly, 1, "pos") == 3);
    CHECK(partly.number("head") == 3);
}

TEST_CASE("a refused push stores nothing", "[conformance][push]") {
    own_relay f({"--vault-bytes-max", "4096"});
    const auto a = f.vault();
    REQUIRE(a.push({a.envelope(1)}).status == 201);

    SECTION("other bytes under a used number") {
        const reply r = a.push({a.envelope(1, 256, 7), a.envelope(2)});
        CHECK(r.status == 409);
        CHECK(r.problem() == "seq-conflict");
        CHECK(r.number("seq") == 1);
        CHECK(r.number("last_seq") == 1);
    }
    SECTION("a gap") {
        const reply r = a.push({a.envelope(3), a.envelope(4)});
        CHECK(r.status == 409);
        CHECK(r.problem() == "seq-gap");
        CHECK(r.number("expected") == 2);
        CHECK(r.number("last_seq") == 1);
    }
    SECTION("the second one from too far ahead") {
        const auto hour = static_cast<std::uint32_t>(f.now_s() / 3600);
        const reply r = a.push({a.envelope(2), a.envelope(3, 256, 1, hour + 26)});
        CHECK(r.status == 409);
        CHECK(r.problem() == "stamp-ahead");
        CHECK(r.number("server_time") == f.now_s());
        CHECK(r.number("last_seq") == 1);
    }
    SECTION("no room left") {
        const reply r = a.push({a.envelope(2), a.envelope(3, 4000)});
        CHECK(r.status == 507);
        CHECK(r.problem() == "vault-quota");
        CHECK(r.number("used") == 360 * 2);  // with the one before it
        CHECK(r.number("quota") == 4096);
    }
    CHECK(a.call("GET", "").number("head") == 1);
    CHECK(a.call("GET", "").number("bytes") == 360);
    const reply next = a.push({a.envelope(2)});
    CHECK(next.status == 201);
    CHECK(result_of(next, 0, "pos") == 2);
}

TEST_CASE("limits of a push are inclusive", "[conformance][push]") {
    own_relay f({"--vault-bytes-max", "720"});
    const auto a = f.vault();
    const auto hour = static_cast<std::uint32_t>(f.now_s() / 3600);
    CHECK(a.push({a.envelope(1, 256, 1, hour + 25)}).status == 201);
    CHECK(a.push({a.envelope(2)}).status == 201);  // the vault is full to the byte
    CHECK(a.push({a.envelope(3)}).status == 507);
    CHECK(a.push({a.envelope(2)}).status == 200);  // a duplicate needs no room
}

TEST_CASE("a push has to be whole envelopes of a stream", "[conformance][push]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto refused = [&](const bytes& body) {
        const reply r = a.call("POST", "/changesets", body, envelopes_type);
        CHECK(r.status == 400);
        CHECK(r.problem() == "malformed");
    };
    bytes cut = a.envelope(1);
    cut.pop_back();
    refused(cut);
    bytes more = a.envelope(1);
    more.push_back(0);
    refused(more);
    bytes other = a.envelope(1);
    other[0] = 'X';
    refused(other);
    bytes newer = a.envelope(1);
    newer[4] = 2;
    refused(newer);
    bytes manifest = a.envelope(0);
    manifest[5] = 2;
    refused(manifest);
    bytes length = a.envelope(1);
    length[84] = 0xFF;
    refused(length);
    bytes jump = a.envelope(1);
    const bytes third = a.envelope(3);
    jump.insert(jump.end(), third.begin(), third.end());
    refused(jump);
    CHECK(a.call("POST", "/changesets").status == 415);
    CHECK(a.call("POST", "/changesets", a.envelope(1), json_type).status == 415);
    CHECK(a.call("GET", "").number("head") == 0);
}

TEST_CASE("a push has at most 64 envelopes, none over 1 MiB", "[conformance][push]") {
    const relay_under_test f;
    const auto a = f.vault();
    std::vector<bytes> many;
    for (std::uint64_t seq = 1; seq <= limits::request_envelopes_max + 1; ++seq)
        many.push_back(a.envelope(seq, 16));
    const reply r = a.push(many);
    CHECK(r.status == 413);
    CHECK(r.problem() == "too-large");
    many.pop_back();
    CHECK(a.push(many).status == 201);
    const std::size_t most = limits::envelope_bytes_max - envelope_overhead_bytes;
    CHECK(a.push({a.envelope(65, most + 1)}).status == 413);
    CHECK(a.push({a.envelope(65, most)}).status == 201);
}

TEST_CASE("a pull reads the log in pages", "[conformance][pull]") {
    own_relay f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    const std::vector<bytes> all = {a.envelope(1, 100), a.envelope(2, 200), b.envelope(1, 300)};
    REQUIRE(a.push({all[0], all[1]}).status == 201);
    REQUIRE(b.push({all[2]}).status == 201);

    SECTION("all at once") {
        const reply r = b.pull(0, "");
        CHECK(r.status == 200);
        CHECK(r.field("content-type") == "application/vnd.casasync.records");
        CHECK(r.field("casasync-more") == "0");
        const auto page = decode_page(r.body, 0);
        REQUIRE(page);
        REQUIRE(page->records.size() == 3);
        CHECK(page->records[0].envelope == all[0]);
        CHECK(page->records[1].envelope == all[1]);
        CHECK(page->records[1].received_at == f.now_s());
        CHECK(page->records[2].envelope.empty());  // its own: the digest
        CHECK(page->records[2].digest == openssl::sha256(all[2]));
        CHECK(page->log == log_of(all));
        CHECK(page->relay.time == static_cast<unix_ms>(f.now_s()) * 1000);
    }
    SECTION("one by one") {
        digest256 log{};
        for (std::uint64_t pos = 0; pos < 3; ++pos) {
            const reply r = b.pull(pos, pos == 0 ? "" : log_text(log), "&limit=1");
            const auto page = decode_page(r.body, pos);
            REQUIRE(page);
            CHECK(page->last == pos + 1);
            CHECK(r.field("casasync-more") == (pos < 2 ? "1" : "0"));
            log = page->log;
        }
        CHECK(log == log_of(all));
        const reply end = b.pull(3, log_text(log));
        CHECK(end.status == 204);
        CHECK(end.field("casasync-head") == "3");
    }
    SECTION("by size: as many as fit, and at least one") {
        const auto first = decode_page(b.pull(0, "", "&max_bytes=1").body, 0);
        REQUIRE(first);
        CHECK(first->records.size() == 1);
        const std::size_t two = 20 + all[0].size() + 20 + all[1].size() + 52;
        const auto exactly = decode_page(b.pull(0, "", "&max_bytes=" + std::to_string(two)).body, 0);
        REQUIRE(exactly);
        CHECK(exactly->records.size() == 2);
        const auto less = decode_page(b.pull(0, "", "&max_bytes=" + std::to_string(two - 1)).body, 0);
        REQUIRE(less);
        CHECK(less->records.size() == 1);
    }
    SECTION("a reader whose log is another") {
        const reply r = b.pull(2, log_text(log_of({all[0], all[2]})));
        CHECK(r.status == 409);
        CHECK(r.problem() == "cursor-mismatch");
        CHECK(r.number("head") == 3);
        CHECK(b.pull(2, log_text(log_of({all[0], all[1]}))).status == 200);
    }
    SECTION("a reader that is ahead") {
        const reply r = b.pull(4, log_text(log_of(all)));
        CHECK(r.status == 409);
        CHECK(r.problem() == "cursor-mismatch");
    }
}

TEST_CASE("a pull's query is read strictly", "[conformance][pull]") {
    const relay_under_test f;
    const auto a = f.vault();
    REQUIRE(a.push({a.envelope(1)}).status == 201);
    const std::string log = log_text(log_of({a.envelope(1)}));
    const std::vector<std::string> bad = {
        "",
        "?after=0&after=0",
        "?after=0&other=1",
        "?after=0&log=" + log,
        "?after=1",
        "?after=1&log=" + log.substr(1),
        "?after=01&log=" + log,
        "?after=-1&log=" + log,
        "?after=9007199254740992&log=" + log,
        "?after=0&limit=0",
        "?after=0&limit=501",
        "?after=0&max_bytes=0",
        "?after=0&max_bytes=4194305",
        "?after=0&wait=26",
        "?after=0&wait=",
        "?after",
        "?",
    };
    for (const auto& query : bad) {
        INFO(query);
        const reply r = a.call("GET", "/changesets" + query);
        CHECK(r.status == 400);
        CHECK(r.problem() == "malformed");
    }
    CHECK(a.call("GET", "/changesets?wait=0&max_bytes=4194304&limit=500&log=" + log + "&after=1").status ==
          204);
}

TEST_CASE("the paths of the first client lead to the same handlers", "[conformance][pull]") {
    const relay_under_test f;
    const auto a = f.vault();
    const std::string path = "/vaults/" + a.vault.text() + "/changesets";
    CHECK(a.send(a.make("POST", path, a.envelope(1), envelopes_type)).status == 201);
    CHECK(a.send(a.make("GET", path + "?after=0")).status == 200);
}

TEST_CASE("a single record comes whole, the reader's own, too", "[conformance][changeset]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    REQUIRE(a.push({a.envelope(1)}).status == 201);
    REQUIRE(b.push({b.envelope(1)}).status == 201);
    for (const device_client& reader : {a, b}) {
        const reply r = reader.call("GET", "/changesets/2");
        CHECK(r.status == 200);
        CHECK(r.field("content-type") == "application/vnd.casasync.records");
        const auto page = decode_page(r.body, 1);
        REQUIRE(page);
        REQUIRE(page->records.size() == 1);
        CHECK(page->records[0].envelope == b.envelope(1));
        CHECK(page->log == log_of({a.envelope(1), b.envelope(1)}));
    }
    CHECK(a.call("GET", "/changesets/1").field("casasync-more") == "1");
    for (const std::string nowhere : {"0", "3", "x", "01"})
        CHECK(a.call("GET", "/changesets/" + nowhere).problem() == "not-found");
    CHECK(f.vault(3).call("GET", "/changesets/1").problem() == "not-found");
}

TEST_CASE("what a reader has already is not sent again", "[conformance][changeset]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    REQUIRE(a.push({a.envelope(1)}).status == 201);
    const auto get = [&](const std::string& path, const std::string& tag) {
        signed_request r = b.make("GET", b.base() + path);
        r.fields.emplace_back("If-None-Match", tag);
        return b.send(r);
    };
    for (const std::string path : {"", "/changesets?after=0"}) {
        const reply first = get(path, "\"nothing\"");
        CHECK(first.status == 200);
        const std::string tag = first.field("etag");
        CHECK(tag.size() > 2);
        for (const std::string& list : {tag, "\"x\", " + tag, std::string("*")}) {
            const reply again = get(path, list);
            CHECK(again.status == 304);
            CHECK(again.field("etag") == tag);
            CHECK(again.field("content-length").empty());
        }
    }
    const reply vault = get("", "x"), page = get("/changesets?after=0", "x");
    CHECK(page.field("etag") == '"' + vault.string("generation") + "-1\"");
    REQUIRE(a.push({a.envelope(2)}).status == 201);
    CHECK(get("", vault.field("etag")).status == 200);
    CHECK(get("/changesets?after=0", page.field("etag")).status == 200);
}
