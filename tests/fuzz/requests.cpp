// SPDX-License-Identifier: MIT
// What a stranger, or a device of the vault, may send to a relay. The input is all that goes over the wire,
// or the query and body of a request that is signed as it should be, so that what is behind the signature is
// reached. Every answer is one of the contract, and the relay never fails inside.
#include "harness.hpp"

#include "fixtures.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

namespace casasync_fuzz {

using namespace casasync;
using casasync_test::device_client;
using casasync_test::relay_fixture;

const harness this_harness{"requests", 5'000};

namespace {

std::string_view text_of(bytes_view data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// A relay with one vault, and no patience to count.
struct world {
    relay_fixture relay{};
    device_client device{};

    world() {
        relay.options.rates = {0, 0, 0, 0, 0, 0, 0, 1};
        relay.start();
        device = casasync_test::make_vault(relay.port(), relay.now_s());
    }
};

void check_status(unsigned status) {
    static constexpr std::array known{100U, 101U, 200U, 201U, 204U, 206U, 304U, 400U, 401U,
                                      403U, 404U, 405U, 408U, 409U, 410U, 412U, 413U, 415U,
                                      416U, 417U, 421U, 426U, 429U, 431U, 507U};
    must(std::find(known.begin(), known.end(), status) != known.end(),
         "an answer that the contract does not know");
}

/// Sends bytes, then nothing more; returns all that is answered.
std::string exchange(std::uint16_t port, std::string_view text) {
    const int wire = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(::connect(wire, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0,
         "the relay does not listen");
    while (!text.empty()) {
        const ssize_t n = ::send(wire, text.data(), text.size(), MSG_NOSIGNAL);
        if (n <= 0) break;  // it has heard enough
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    ::shutdown(wire, SHUT_WR);
    std::string out;
    std::array<char, 4096> piece{};
    for (ssize_t n = 0; (n = ::recv(wire, piece.data(), piece.size(), 0)) > 0;)
        out.append(piece.data(), static_cast<std::size_t>(n));
    ::close(wire);
    return out;
}

void raw(world& w, std::string_view text) {
    constexpr std::string_view start = "HTTP/1.1 ";
    const std::string answers = exchange(w.relay.port(), text);
    must(answers.empty() || answers.starts_with(start), "an answer that is not HTTP");
    for (std::size_t at = 0; (at = answers.find(start, at)) != std::string::npos; at += start.size())
        check_status(static_cast<unsigned>(std::stoul(answers.substr(at + start.size(), 3))));
}

struct call {
    const char* method;
    const char* path;  ///< behind /v1/vaults/{v}; * stands for the device
    const char* media;
};

/// Gives envelopes this vault, this device and the length they have: one envelope takes what is left.
bytes repaired(const device_client& device, bytes body) {
    if (body.size() < envelope_overhead_bytes) return body;
    std::copy(device.vault.octets.begin(), device.vault.octets.end(), body.begin() + 8);
    std::copy(device.device.octets.begin(), device.device.octets.end(), body.begin() + 24);
    detail::put_be(&body[84], static_cast<std::uint32_t>(body.size() - envelope_overhead_bytes));
    return body;
}

void signed_request(world& w, source& in) {
    static constexpr std::array<call, 12> calls{
        {{"POST", "/changesets", "application/vnd.casasync.envelopes"},
         {"GET", "/changesets", "application/json"},
         {"GET", "", "application/json"},
         {"POST", "/members", "application/json"},
         {"PUT", "/devices/*/ack", "application/json"},
         {"POST", "/snapshots", "application/json"},
         {"PUT", "/snapshots/BAAAAAAAAAAAAAAAAAAAAA/parts/0", "application/octet-stream"},
         {"POST", "/snapshots/BAAAAAAAAAAAAAAAAAAAAA/complete", "application/octet-stream"},
         {"GET", "/snapshots/BAAAAAAAAAAAAAAAAAAAAA/content", "application/json"},
         {"GET", "/snapshots/latest", "application/json"},
         {"POST", "pairings", "application/json"},
         {"GET", "/members", "application/json"}}};
    const call& c = calls[in.below(calls.size())];
    std::string target = c.path;
    if (const std::size_t star = target.find('*'); star != std::string::npos)
        target.replace(star, 1, w.device.device.text());
    target = target == "pairings" ? "/v1/pairings" : w.device.base() + target;
    const bool repair = in.flip();
    std::string query(text_of(in.take(in.below(48))));
    if (query.find("wait") != std::string::npos) return;  // a relay that waits is not a finding
    std::replace_if(
        query.begin(), query.end(), [](char x) { return x <= ' ' || x == '\x7F'; }, '_');
    const bool is_range = query.starts_with("bytes=");
    if (!query.empty() && !is_range) target += "?" + query;
    const bytes_view rest = in.rest();
    bytes body(rest.begin(), rest.end());
    if (repair) body = repaired(w.device, std::move(body));
    auto request = w.device.make(c.method, target, body, c.media);
    if (is_range) request.set("Range", query);
    check_status(w.device.send(request).status);
}

}  // namespace

int one(bytes_view data) {
    static world w;
    source in(data);
    if (in.flip())
        signed_request(w, in);
    else
        raw(w, text_of(in.rest()));
    return 0;
}

}  // namespace casasync_fuzz
