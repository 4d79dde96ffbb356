// SPDX-License-Identifier: MIT
// What a relay, or something that is none, may answer to each call of the client. The input is the whole
// answer, or the body of one whose length and fields fit. Nothing that comes out goes beyond the contract,
// and what is shown to a person can be shown on a terminal.
#include "answering_server.hpp"
#include "harness.hpp"

#include <casasync/beast/client.hpp>
#include <casasync/beast/relay.hpp>

#include <array>
#include <string>

namespace casasync_fuzz {

using namespace casasync;

const harness this_harness{"answers", 10'000};

namespace {

std::string_view text_of(bytes_view data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// An answer around a body, as a relay gives it.
std::string framed(source& in) {
    static constexpr std::array statuses{200U, 201U, 204U, 400U, 401U, 404U, 409U, 410U, 429U, 503U};
    static constexpr std::array<std::string_view, 5> types{
        "application/json", "application/problem+json", "application/vnd.casasync.records",
        "application/octet-stream", "text/html; charset=utf-8"};
    const unsigned status = statuses[in.below(statuses.size())];
    const std::string_view type = types[in.below(types.size())];
    const std::string_view body = text_of(in.rest());
    std::string out =
        "HTTP/1.1 " + std::to_string(status) +
        " Text\r\nCasasync-Generation: AQEBAQEBAQEBAQEBAQEBAQ\r\nCasasync-Head: 9\r\n"
        "Casasync-Floor: 0\r\nCasasync-Time: 1795338685123\r\nCasasync-Members: 3\r\nCasasync-More: 0\r\n";
    out += "Content-Type: " + std::string(type) + "\r\n";
    if (status != 204) out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return (out += "\r\n") += body;
}

/// A failure has a sentence, without anything that moves a cursor.
template <class T>
const result<T>& checked(const result<T>& answer) {
    if (answer) return answer;
    must(!answer.failure().detail.empty() && condition_of(answer.code()) != condition{},
         "an error without a sentence");
    for (const char c : answer.failure().detail)
        must(static_cast<unsigned char>(c) >= ' ' && c != '\x7F', "a control character in a sentence");
    return answer;
}

beast::client make_client(const beast::endpoint& at) {
    beast::client_options options;
    options.relay = at;
    return beast::client::make(options).value();
}

void pull(beast::client& client) {
    pull_request request;
    request.from.pos = 7;
    if (const auto page = checked(client.pull(request)))
        must(page->last == 7 + page->records.size(), "a page is not dense");
}

void push(beast::client& client) {
    envelope_header head;
    head.seq = 42;
    const auto front = encode_header(head);
    bytes envelope(front.begin(), front.end());
    envelope.resize(envelope_overhead_bytes);
    if (const auto receipts = checked(client.push(std::span(&envelope, 1))))
        must(receipts->receipts.size() == 1 && receipts->receipts[0].seq == 42,
             "a receipt for something else");
}

void ask(std::size_t what, const beast::endpoint& at) {
    beast::client client = make_client(at);
    snapshot_info snapshot;
    snapshot.size = 100;
    switch (what) {
        case 0:
            return pull(client);
        case 1:
            return push(client);
        case 2:
            checked(client.latest_snapshot());
            return;
        case 3:
            if (const auto range = checked(client.read_snapshot(snapshot, 90, 64)))
                must(!range->empty() && range->size() <= 10, "a range beyond the snapshot");
            return;
        case 4:
            checked(client.info());
            return;
        case 5:
            if (const auto list = checked(client.members(1)))
                must(list->size() <= limits::member_entries_max, "more entries than a list has");
            return;
        case 6:
            if (auto box = client.open_mailbox()) checked(box->get(openssl::pairing_side::new_device, 0, 0));
            return;
        case 7:
            checked(client.acknowledge(7));
            return;
        case 8:
            checked(beast::claim_mailbox(at, *openssl::pairing_slot::parse("7KQ2")));
            return;
        case 9:
            checked(beast::probe(at));
            return;
        default:
            checked(beast::attach(at, {}, {}, {}));
    }
}

}  // namespace

int one(bytes_view data) {
    static answering_server relay;
    source in(data);
    const std::size_t what = in.below(11);
    relay.answer_with(in.flip() ? framed(in) : std::string(text_of(in.rest())));
    beast::endpoint at;
    at.url = relay.url();
    ask(what, at);
    return 0;
}

}  // namespace casasync_fuzz
