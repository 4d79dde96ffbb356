// SPDX-License-Identifier: MIT
#pragma once

/// A TCP server on loopback that reads requests and answers with bytes given beforehand, right or wrong.
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// Returns a whole HTTP answer; `fields` are lines that end in \r\n.
std::string http_reply(unsigned status, const std::string& fields, const std::string& body);
/// Returns an answer with a JSON body and the fields of an authenticated answer: head 9, floor 0.
std::string json_reply(unsigned status, const std::string& body);
/// Returns an application/problem+json answer; `more` is further members, each with a comma before it.
std::string problem_reply(unsigned status, const std::string& type, const std::string& more = {},
                          const std::string& fields = {});
/// The header lines of an authenticated answer.
extern const std::string relay_fields;

/// What the server does with one request.
struct exchange {
    enum class after { keep, close, hold, reset, drip };

    std::string reply{};  ///< {accept} stands for what answers the Sec-WebSocket-Key of the request before
    after then = after::keep;  ///< hold: stay silent until the client closes; drip: send it an x now and then
    bool read = true;          ///< false: reply before the request is read
};

/// What the server does with one connection after the other.
using connection_script = std::vector<exchange>;

class scripted_server {
 public:
    explicit scripted_server(std::vector<connection_script> script);
    scripted_server(const scripted_server&) = delete;
    scripted_server& operator=(const scripted_server&) = delete;
    ~scripted_server();

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    /// Returns the requests read so far, head and body.
    [[nodiscard]] std::vector<std::string> requests();
    /// Blocks until `n` requests were read.
    void wait_for_requests(std::size_t n);
    /// Blocks until the server closed its `n`-th connection; all it sent there has arrived.
    void wait_for_closed(std::size_t n);

 private:
    void serve();
    void serve_connection(int socket, const connection_script& script);

    std::vector<connection_script> script_;
    int listener_ = -1;
    unsigned short port_ = 0;
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<std::string> requests_;
    std::size_t closed_ = 0;
    bool stopping_ = false;
    std::thread thread_;
};

/// Returns the value of a header field in a recorded request, empty when it is not there.
std::string field_of(const std::string& request, std::string_view name);
/// Returns the first line of a recorded request without the protocol: "GET /v1/info".
std::string line_of(const std::string& request);
/// Returns the body of a recorded request.
std::string body_of(const std::string& request);
