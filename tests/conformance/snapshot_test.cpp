// SPDX-License-Identifier: MIT
#include "relay_under_test.hpp"
#include "snapshot_upload.hpp"

#include <casasync/limits.hpp>

#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync_test;

namespace {

/// Reads a snapshot's content, with header fields that are not signed.
reply content(const device_client& d, const upload& u, const header_fields& more) {
    signed_request r = d.make("GET", d.base() + u.path() + "/content");
    r.fields.insert(r.fields.end(), more.begin(), more.end());
    return d.send(r);
}

}  // namespace

TEST_CASE("a snapshot goes up in parts and comes down in ranges", "[conformance][snapshot]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    REQUIRE(a.push({a.envelope(1)}).status == 201);
    const auto u = make_upload(1, 2500, 1);
    CHECK(a.call("GET", "/snapshots/latest").problem() == "not-found");
    REQUIRE(begin(a, u).status == 201);
    CHECK(put(a, u, 2, u.part(2)).status == 204);  // in any order
    CHECK(put(a, u, 0, u.part(0)).status == 204);
    CHECK(complete(a, u).problem() == "malformed");  // part 1 is missing
    CHECK(put(a, u, 1, u.part(1)).status == 204);
    CHECK(a.call("GET", "/snapshots/latest").status == 404);  // not yet visible
    CHECK(a.call("GET", u.path() + "/content").status == 404);
    REQUIRE(complete(a, u).status == 201);

    const reply latest = b.call("GET", "/snapshots/latest");
    CHECK(latest.status == 200);
    CHECK(latest.string("snapshot_id") == u.id.text());
    CHECK(latest.number("pos") == 1);
    CHECK(latest.number("size") == 2500);
    CHECK(latest.string("manifest") == to_base64url(manifest_of(a)));
    CHECK(b.call("GET", "").json().at("snapshot").at("pos") == 1);

    const auto range = [&](const std::string& asked, const std::string& said) {
        const reply r = content(b, u, {{"Range", "bytes=" + asked}});
        CHECK(r.status == 206);
        CHECK(r.field("content-range") == "bytes " + said + "/2500");
        CHECK(r.field("etag") == '"' + u.id.text() + '"');
        CHECK(r.field("cache-control") == "private, max-age=31536000, immutable");
        return r.body;
    };
    const auto expected = [&](std::size_t offset, std::size_t size) {
        return bytes(u.content.begin() + static_cast<std::ptrdiff_t>(offset),
                     u.content.begin() + static_cast<std::ptrdiff_t>(offset + size));
    };
    const reply all = b.call("GET", u.path() + "/content");
    CHECK(all.status == 200);
    CHECK(all.field("accept-ranges") == "bytes");
    CHECK(all.body == u.content);
    CHECK(range("0-0", "0-0") == expected(0, 1));
    CHECK(range("999-1000", "999-1000") == expected(999, 2));
    CHECK(range("500-", "500-2499") == expected(500, 2000));
    CHECK(range("2499-9999", "2499-2499") == expected(2499, 1));
    CHECK(range("-3", "2497-2499") == expected(2497, 3));
    CHECK(range("-9999", "0-2499") == u.content);
    for (const std::string nothing : {"2500-", "2500-2501", "-0"}) {
        const reply r = content(b, u, {{"Range", "bytes=" + nothing}});
        CHECK(r.status == 416);
        CHECK(r.field("content-range") == "bytes */2500");
    }
    // What is no range of one part does not count.
    for (const std::string odd :
         {"bytes=", "bytes=-", "bytes=x-1", "bytes=5-4", "bytes=0-1,3-4", "lines=0-1"})
        CHECK(content(b, u, {{"Range", odd}}).body == u.content);
    CHECK(b.call("GET", u.path() + "/content?offset=1").problem() == "malformed");
}

TEST_CASE("a range of a snapshot that changed meanwhile is the whole", "[conformance][snapshot]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto u = make_upload(1);
    upload_all(a, u);
    const std::string tag = '"' + u.id.text() + '"', other = '"' + make_upload(2).id.text() + '"';
    CHECK(content(a, u, {{"Range", "bytes=1-2"}, {"If-Range", tag}}).status == 206);
    CHECK(content(a, u, {{"Range", "bytes=1-2"}, {"If-Range", other}}).body == u.content);
    const reply known = content(a, u, {{"If-None-Match", tag}});
    CHECK(known.status == 304);
    CHECK(known.body.empty());
    CHECK(content(a, u, {{"If-None-Match", other}}).status == 200);
}

TEST_CASE("a part may come again, but not changed", "[conformance][snapshot]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto u = make_upload(1);
    REQUIRE(begin(a, u).status == 201);
    REQUIRE(put(a, u, 0, u.part(0)).status == 204);
    CHECK(put(a, u, 0, u.part(0)).status == 204);
    const reply other = put(a, u, 0, u.part(1));
    CHECK(other.status == 409);
    CHECK(other.problem() == "already-exists");
    CHECK(put(a, u, 1, u.part(2)).problem() == "malformed");  // shorter than announced
    CHECK(put(a, u, 3, u.part(0)).status == 404);
    CHECK(a.call("PUT", u.path() + "/parts/x", u.part(0), octets_type).status == 404);
    CHECK(put(a, make_upload(9), 0, u.part(0)).status == 404);
    const auto b = f.enrol(a, 2);
    CHECK(put(b, u, 1, u.part(1)).status == 404);  // another device's upload
}

TEST_CASE("an upload can be taken up again", "[conformance][snapshot]") {
    own_relay f;
    const auto a = f.vault();
    const auto u = make_upload(1);
    REQUIRE(begin(a, u).status == 201);
    REQUIRE(put(a, u, 0, u.part(0)).status == 204);
    f.restart();
    auto again = a;
    again.at = f.at();
    CHECK(begin(again, u).status == 201);
    for (std::size_t n = 0; n < u.parts(); ++n) CHECK(put(again, u, n, u.part(n)).status == 204);
    CHECK(complete(again, u).status == 201);
    CHECK(complete(again, u).status == 201);  // the answer was lost
    CHECK(complete(again, u, 2).problem() == "already-exists");
    CHECK(begin(again, u).problem() == "already-exists");
    CHECK(again.call("GET", u.path() + "/content").body == u.content);
}

TEST_CASE("another plan under the same id is refused", "[conformance][snapshot]") {
    const relay_under_test f;
    const auto a = f.vault();
    REQUIRE(begin(a, make_upload(1)).status == 201);
    CHECK(begin(a, make_upload(1, 2400)).problem() == "already-exists");
}

TEST_CASE("an upload that was given up makes way for the device's next one", "[conformance][snapshot]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto first = make_upload(1);
    REQUIRE(begin(a, first).status == 201);
    REQUIRE(put(a, first, 0, first.part(0)).status == 204);
    REQUIRE(begin(a, make_upload(2)).status == 201);
    CHECK(put(a, first, 1, first.part(1)).status == 404);
}

TEST_CASE("an older snapshot is refused", "[conformance][snapshot]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    REQUIRE(a.push({a.envelope(1), a.envelope(2)}).status == 201);
    const auto slow = make_upload(1, 1000, 1);
    REQUIRE(begin(b, slow).status == 201);
    REQUIRE(put(b, slow, 0, slow.part(0)).status == 204);
    upload_all(a, make_upload(2, 1000, 2));
    CHECK(begin(a, make_upload(3, 1000, 1)).problem() == "snapshot-older");
    CHECK(complete(b, slow).problem() == "snapshot-older");
    CHECK(begin(a, make_upload(3, 1000, 2)).status == 201);
    const reply ahead = begin(a, make_upload(4, 1000, 3));
    CHECK(ahead.problem() == "cursor-mismatch");
    CHECK(ahead.number("head") == 2);
}

TEST_CASE("the two newest snapshots are kept", "[conformance][snapshot]") {
    const relay_under_test f;
    const auto a = f.vault();
    for (std::uint8_t n = 1; n <= 3; ++n) upload_all(a, make_upload(n));
    CHECK(a.call("GET", "/snapshots/latest").string("snapshot_id") == id<snapshot_id>(3).text());
    CHECK(a.call("GET", make_upload(1).path() + "/content").status == 404);
    CHECK(a.call("GET", make_upload(2).path() + "/content").body == make_upload(2).content);
}

TEST_CASE("a snapshot's announcement is checked", "[conformance][snapshot]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto announce = [&](const std::string& size, const std::string& part_size) {
        return a.call("POST", "/snapshots",
                      R"({"snapshot_id":")" + id<snapshot_id>(1).text() + R"(","pos":0,"size":)" + size +
                          R"(,"part_size":)" + part_size + "}");
    };
    CHECK(announce("0", "1").problem() == "malformed");
    CHECK(announce("1", "0").problem() == "malformed");
    CHECK(announce("2147483649", "8388608").problem() == "too-large");
    CHECK(announce("8388609", "8388609").problem() == "too-large");
    CHECK(announce("1025", "1").problem() == "too-large");
    CHECK(announce("2147483648", "8388608").status == 201);
}

TEST_CASE("a manifest is an envelope of its own kind, of the device that signs", "[conformance][snapshot]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    const auto u = make_upload(1);
    REQUIRE(begin(a, u).status == 201);
    for (std::size_t n = 0; n < u.parts(); ++n) REQUIRE(put(a, u, n, u.part(n)).status == 204);
    const auto path = u.path() + "/complete";
    CHECK(a.call("POST", path, a.envelope(1), octets_type).problem() == "malformed");
    CHECK(a.call("POST", path, bytes(100), octets_type).problem() == "malformed");
    CHECK(a.call("POST", path, manifest_of(b), octets_type).problem() == "unauthenticated");
    CHECK(a.call("POST", path, bytes(limits::manifest_bytes_max + 1), octets_type).status == 413);
    CHECK(complete(a, u).status == 201);
}

TEST_CASE("a part of 8 MiB goes through", "[conformance][snapshot]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto u = make_upload(1, limits::snapshot_part_bytes + 5, 0, limits::snapshot_part_bytes);
    upload_all(a, u);
    const reply end = content(a, u, {{"Range", "bytes=-15"}});
    CHECK(end.body == bytes(u.content.end() - 15, u.content.end()));
    const reply begin = content(a, u, {{"Range", "bytes=0-"}});  // as much as a relay gives at once
    CHECK(begin.field("content-range") == "bytes 0-4194303/8388613");
    CHECK(begin.body == bytes(u.content.begin(), u.content.begin() + 4194304));
    CHECK(a.call("GET", u.path() + "/content").problem() == "malformed");
}
