// SPDX-License-Identifier: MIT
#include "http.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/vector_body.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

namespace casasync::beast {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using steady = std::chrono::steady_clock;

constexpr std::size_t header_bytes_max = std::size_t{16} << 10;
constexpr std::size_t slice_bytes = std::size_t{64} << 10;  // written under one deadline, read at once
constexpr std::size_t slowest_bytes_per_s = 1024;  // of an answer: less is a relay that holds its client up
constexpr std::string_view kept =
    " Nothing is lost: changes stay on this device and go out once the relay can be reached.";

/// What became of one asynchronous operation.
struct outcome {
    error_code ec{};
    std::size_t n = 0;
};
using pending = std::shared_ptr<std::optional<outcome>>;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
    return out;
}

/// Returns the request's head: all fields are ours, so nothing in them needs quoting.
std::string head_of(const http_request& request, const relay_origin& origin, const std::string& user_agent) {
    std::string out(request.method);
    out += " " + request.target + " HTTP/1.1\r\nHost: " + origin.authority + "\r\nUser-Agent: " + user_agent +
           "\r\nCasasync-Client: " + user_agent + "; proto=1" + "\r\nAccept-Encoding: identity\r\n";
    for (const auto& [name, value] : request.fields) out += name + ": " + value + "\r\n";
    if (!request.body.empty() || request.method == "POST")
        out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    return out + "\r\n";
}

}  // namespace

std::string_view http_answer::field(std::string_view lower_name) const noexcept {
    const auto named = [&](const auto& f) { return f.first == lower_name; };
    const auto it = std::find_if(fields.begin(), fields.end(), named);
    if (it == fields.end() || std::find_if(it + 1, fields.end(), named) != fields.end()) return {};
    return it->second;
}

bool http_answer::is(std::string_view media_type) const {
    std::string_view value = field("content-type");
    value = value.substr(0, value.find(';'));
    while (value.ends_with(' ')) value.remove_suffix(1);
    return lower(value) == media_type;
}

class http_connection::impl {
 public:
    impl(const endpoint& at, relay_origin origin, std::optional<proxy> through)
        : origin_(std::move(origin)),
          proxy_(std::move(through)),
          at_(at),
          work_(io_->get_executor()),
          socket_(*io_) {}

    ~impl() { close(); }  // NOLINT(bugprone-exception-escape): what is thrown here is a lack of memory

    result<http_answer> exchange(const http_request& request) {
        if (canceled_) return stopped();
        if (!request.repeatable || switched_ || !still_open()) close();
        const bool reused = socket_.is_open();
        answer_begun_ = false;
        timed_out_ = false;
        if (!reused)
            if (auto connected = connect(); !connected) return close(), connected.failure();
        auto answer = once(request);
        if (answer) return answer;
        close();
        // The relay closed the kept connection at the moment it was used again: it has not seen the request.
        if (!reused || answer_begun_ || answer.code() != errc::offline || timed_out_) return answer;
        if (auto connected = connect(); !connected) return close(), connected.failure();
        answer = once(request);
        if (!answer) close();
        return answer;
    }

    void close() {
        error_code ignored;
        socket_.close(ignored);
        while (reading_ && !reading_->has_value()) io_->run_one();
        reading_.reset();
        switched_ = false;
        tls_.reset();
        buffer_.clear();
    }

    result<bytes> read(std::chrono::milliseconds at_most) {
        if (canceled_) return stopped();
        if (!switched_) return unreachable("has closed the connection");
        const auto deadline = steady::now() + at_most;
        if (buffer_.size() == 0) {
            if (!reading_) begin_reading();
            while (!reading_->has_value()) {
                if (steady::now() >= deadline) return bytes{};  // and goes on reading
                io_->run_one_until(deadline);
                if (canceled_) return stopped();
            }
            const outcome done = **std::exchange(reading_, nullptr);
            if (done.ec) return unreachable("has closed the connection");
            buffer_.commit(done.n);
        }
        const auto* const data = static_cast<const std::uint8_t*>(buffer_.data().data());
        bytes out(data, data + buffer_.size());
        buffer_.clear();
        return out;
    }

    result<void> write(bytes_view data) {
        if (!switched_) return unreachable("has closed the connection");
        const auto done = on_stream(steady::now() + at_.answer_timeout, [&](auto& stream, auto handler) {
            asio::async_write(stream, asio::buffer(data.data(), data.size()), handler);
        });
        if (!done) return done.failure();
        return done->ec ? unreachable("has closed the connection") : result<void>();
    }

    void cancel() {
        canceled_ = true;
        asio::post(*io_, [] {});  // wakes the waiting call
    }

    void resume() noexcept { canceled_ = false; }
    const relay_origin& origin() const noexcept { return origin_; }

 private:
    static error stopped() { return {errc::canceled, "Stopped before the relay answered."}; }

    error unreachable(const std::string& what) const {
        const std::string by = proxy_ ? ", through the proxy " + proxy_->at.text + "," : "";
        return {errc::offline, "The relay " + origin_.text + by + " " + what + "." + std::string(kept)};
    }

    error no_relay(const std::string& what) const {
        return {errc::wrong_relay,
                "At " + origin_.text + " " + what + ". Check the relay's URL. This device's data is safe."};
    }

    /// Runs handlers until `done` is set. Returns the error when that was not in time.
    result<void> wait(const pending& done, steady::time_point deadline) {
        while (!done->has_value()) {
            if (canceled_) return stopped();
            if (steady::now() >= deadline) {
                timed_out_ = true;
                return unreachable("does not answer in time");
            }
            io_->run_one_until(deadline);
        }
        return {};
    }

    /// Starts an operation on the socket and waits for its end. The socket is closed when that does not come
    /// in time, and no handler is left behind.
    template <class Start>
    result<outcome> finish(steady::time_point deadline, Start&& start) {
        const auto done = std::make_shared<std::optional<outcome>>();
        start([done](const error_code& ec, auto... n) { *done = outcome{ec, (std::size_t{0} + ... + n)}; });
        const auto waited = wait(done, deadline);
        if (waited.ok()) return **done;
        error_code ignored;
        socket_.close(ignored);
        while (!done->has_value()) io_->run_one();
        return waited.failure();
    }

    /// Tells whether the kept connection may be used again: open, and nothing came that nobody asked for.
    bool still_open() {
        if (!socket_.is_open()) return false;
        std::array<char, 1> one{};
        error_code ec;
        socket_.non_blocking(true, ec);
        socket_.receive(asio::buffer(one), tcp::socket::message_peek, ec);
        return ec == asio::error::would_block;
    }

    /// Finds the addresses of the relay's host, or of the proxy's. The system's resolver cannot be
    /// interrupted, so it runs in a thread that nobody waits for: all it touches is its own.
    result<std::vector<tcp::endpoint>> look_up(steady::time_point deadline) {
        error_code ec;
        const relay_origin& next = proxy_ ? proxy_->at : origin_;
        const auto address = asio::ip::make_address(next.host, ec);
        if (!ec)
            return std::vector<tcp::endpoint>{{address, static_cast<std::uint16_t>(std::stoi(next.port))}};
        const auto done = std::make_shared<std::optional<outcome>>();
        const auto found = std::make_shared<std::vector<tcp::endpoint>>();
        std::thread([io = io_, host = next.host, port = next.port, done, found] {
            error_code failed;
            tcp::resolver resolver(*io);
            for (const auto& entry : resolver.resolve(host, port, failed)) found->push_back(entry.endpoint());
            asio::post(*io, [done, failed] { *done = outcome{failed}; });
        }).detach();
        if (const auto waited = wait(done, deadline); !waited) return waited.failure();
        if ((*done)->ec || found->empty())
            return unreachable("cannot be reached: no address is known for " + next.host +
                               "; check the URL and the network");
        return *found;
    }

    result<void> connect() {
        const auto deadline = steady::now() + at_.connect_timeout;
        const auto addresses = look_up(deadline);
        if (!addresses) return addresses.failure();
        error last = unreachable("cannot be reached");
        std::size_t left = addresses->size();
        for (const auto& address : *addresses) {
            close();
            const auto now = steady::now();  // an address that is silent leaves time for the others
            const auto part = now + (deadline - now) / static_cast<std::int64_t>(left--);
            const auto done = finish(part, [&](auto handler) { socket_.async_connect(address, handler); });
            if (!done) {
                last = done.failure();
                if (last.code == errc::canceled) return last;
                continue;
            }
            if (done->ec) {
                last = unreachable("cannot be reached: " + done->ec.message());
                continue;
            }
            error_code ignored;
            socket_.set_option(tcp::no_delay(true), ignored);
            if (proxy_)
                if (auto open = tunnel(deadline); !open) return open;
            return origin_.tls ? shake_hands(deadline) : result<void>();
        }
        return last;
    }

    /// Has the proxy pass on what follows to the relay.
    result<void> tunnel(steady::time_point deadline) {
        const bool v6 = origin_.host.find(':') != std::string::npos;
        const std::string relay = (v6 ? "[" + origin_.host + "]:" : origin_.host + ":") + origin_.port;
        std::string head = "CONNECT " + relay + " HTTP/1.1\r\nHost: " + relay + "\r\n";
        if (!proxy_->authorization.empty()) head += "Proxy-Authorization: " + proxy_->authorization + "\r\n";
        head += "\r\n";
        const auto sent =
            finish(deadline, [&](auto handler) { asio::async_write(socket_, asio::buffer(head), handler); });
        if (!sent) return sent.failure();
        http::response_parser<http::empty_body> parser;
        parser.skip(true);
        parser.header_limit(header_bytes_max);
        const auto done = finish(
            deadline, [&](auto handler) { http::async_read_header(socket_, buffer_, parser, handler); });
        if (!done) return done.failure();
        if (done->ec) return unreachable("cannot be reached: the proxy's answer makes no sense");
        const unsigned status = parser.get().result_int();
        if (status == 407)
            return unreachable(
                "cannot be reached: the proxy asks for a name and password, which go into its "
                "URL: http://name:password@" +
                proxy_->at.authority);
        if (status / 100 != 2 || buffer_.size() > 0)
            return unreachable("cannot be reached: the proxy refuses (HTTP " + std::to_string(status) + ")");
        return {};
    }

    result<void> shake_hands(steady::time_point deadline) {
        asio::ssl::context context(asio::ssl::context::tls_client);
        SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_3_VERSION);
        context.set_verify_mode(asio::ssl::verify_peer);
        error_code ec;
        context.set_default_verify_paths(ec);
        if (!at_.ca_file.empty()) {
            context.load_verify_file(at_.ca_file, ec);
            if (ec)
                return error{errc::io_failed, "The file of trusted certificates, " + at_.ca_file +
                                                  ", cannot be read: " + ec.message() + "."};
        }
        tls_.emplace(socket_, context);
        tls_->set_verify_callback(asio::ssl::host_name_verification(origin_.host), ec);
        asio::ip::make_address(origin_.host, ec);
        if (ec) SSL_set_tlsext_host_name(tls_->native_handle(), origin_.host.c_str());
        const auto done = finish(
            deadline, [&](auto handler) { tls_->async_handshake(asio::ssl::stream_base::client, handler); });
        if (!done) return done.failure();
        if (!done->ec) return {};
        if (const long verdict = SSL_get_verify_result(tls_->native_handle()); verdict != X509_V_OK)
            return no_relay("the certificate is not valid for " + origin_.host + " (" +
                            X509_verify_cert_error_string(verdict) + ")");
        if (done->ec.category() == asio::error::get_ssl_category())
            return no_relay("something answers that does not speak TLS 1.3 as it should (" +
                            done->ec.message() + ")");
        return unreachable("broke off while the connection was made secure");
    }

    /// Starts `operation(stream, handler)` on the encrypted or the plain stream.
    template <class Operation>
    result<outcome> on_stream(steady::time_point deadline, Operation operation) {
        return finish(deadline, [&](auto handler) {
            if (tls_)
                operation(*tls_, handler);
            else
                operation(socket_, handler);
        });
    }

    /// One request and its answer on the open connection.
    result<http_answer> once(const http_request& request) {
        const auto sent = send(request);
        if (!sent) return sent.failure();
        auto answer = receive(request);  // a relay may refuse before it has read everything
        if (!*sent) close();
        return answer;
    }

    /// Writes the request. False: the other side no longer takes anything, but may have answered.
    result<bool> send(const http_request& request) {
        const std::string head = head_of(request, origin_, at_.user_agent);
        bytes_view first = as_bytes(head);
        bytes_view rest = request.body;
        while (!first.empty() || !rest.empty()) {
            const bytes_view slice = rest.first(std::min(rest.size(), slice_bytes));
            const std::array<asio::const_buffer, 2> both{asio::buffer(first.data(), first.size()),
                                                         asio::buffer(slice.data(), slice.size())};
            const auto done = on_stream(steady::now() + at_.answer_timeout, [&](auto& stream, auto handler) {
                asio::async_write(stream, both, handler);
            });
            if (!done) return done.failure();
            if (done->ec) return false;
            first = {};
            rest = rest.subspan(slice.size());
        }
        return true;
    }

    /// Reads one answer; sizes are checked by the parser before it makes room for a body.
    result<http_answer> receive(const http_request& request) {
        http::response_parser<http::vector_body<std::uint8_t>> parser;
        parser.header_limit(header_bytes_max);
        parser.body_limit(request.answer_bytes_max);
        parser.eager(true);
        const auto begins_by = steady::now() + at_.answer_timeout + request.wait;
        auto deadline = begins_by;
        std::size_t received = 0;
        while (!parser.is_done()) {
            error_code ec = http::error::need_more;
            if (buffer_.size() > 0) buffer_.consume(parser.put(buffer_.data(), ec));
            if (parser.is_done()) break;
            if (ec && ec != http::error::need_more) return unreadable(ec);
            if (ec) {
                const auto more = read_some(deadline);
                if (!more) return more.failure();
                if (*more == 0) {
                    parser.put_eof(ec);
                    if (ec || !parser.is_done()) return unreachable("broke off its answer");
                }
                if (!answer_begun_ && !may_be_http())
                    return no_relay("something answers that does not speak HTTP; perhaps it wants https://");
                answer_begun_ = true;
                received += *more;
                deadline = std::min(steady::now() + at_.answer_timeout,
                                    begins_by + std::chrono::seconds(received / slowest_bytes_per_s));
            }
        }
        auto message = parser.release();
        http_answer out;
        out.status = message.result_int();
        for (const auto& field : message)
            out.fields.emplace_back(
                lower(std::string_view(field.name_string().data(), field.name_string().size())),
                std::string(field.value()));
        out.body = std::move(message.body());
        switched_ = out.status == 101;
        if (switched_ && !request.upgrade) return no_relay("something goes on in another protocol");
        if (!switched_ && (!message.keep_alive() || buffer_.size() > 0)) close();
        return out;
    }

    void begin_reading() {
        reading_ = std::make_shared<std::optional<outcome>>();
        const auto handler = [done = reading_](const error_code& ec, std::size_t n) {
            *done = outcome{ec, n};
        };
        const auto room = buffer_.prepare(slice_bytes);
        tls_ ? tls_->async_read_some(room, handler) : socket_.async_read_some(room, handler);
    }

    /// Appends what has come to the buffer and returns how much; 0: the other side closed.
    result<std::size_t> read_some(steady::time_point deadline) {
        if (buffer_.size() > header_bytes_max)  // a line that never ends
            return no_relay("something answers that is not a casasync relay");
        const auto room = buffer_.prepare(slice_bytes);
        const auto done =
            on_stream(deadline, [&](auto& stream, auto handler) { stream.async_read_some(room, handler); });
        if (!done) return done.failure();
        buffer_.commit(done->n);
        const bool closed = done->ec == asio::error::eof || done->ec == asio::ssl::error::stream_truncated;
        if (done->ec && !closed) return unreachable("broke off: " + done->ec.message());
        if (closed && !answer_begun_) return unreachable("closed the connection without an answer");
        return done->n;
    }

    /// Tells whether what has come may be the beginning of an HTTP answer.
    bool may_be_http() const {
        constexpr std::string_view start = "HTTP/";
        const auto data = buffer_.data();
        const std::string_view begun(static_cast<const char*>(data.data()), data.size());
        return start.starts_with(begun.substr(0, start.size()));
    }

    error unreadable(const error_code& ec) const {
        if (ec == http::error::body_limit)
            return {errc::malformed_answer,
                    "The relay " + origin_.text +
                        " sends a larger answer than was asked for. Nothing of it was "
                        "used; this device's data is safe."};
        return no_relay("something answers that is not a casasync relay (" + ec.message() + ")");
    }

    const relay_origin origin_;
    const std::optional<proxy> proxy_;
    const endpoint at_;
    const std::shared_ptr<asio::io_context> io_ = std::make_shared<asio::io_context>(1);
    const asio::executor_work_guard<asio::io_context::executor_type> work_;
    tcp::socket socket_;
    std::optional<asio::ssl::stream<tcp::socket&>> tls_;
    boost::beast::flat_buffer buffer_;
    std::atomic<bool> canceled_{false};
    pending reading_{};      ///< of a switched connection: what is under way
    bool switched_ = false;  ///< the connection speaks another protocol
    bool answer_begun_ = false;
    bool timed_out_ = false;
};

namespace {

error cannot_ask(const relay_origin& relay, const std::exception& failure) {
    return {errc::offline,
            "The relay " + relay.text + " cannot be asked: " + failure.what() + "." + std::string(kept)};
}

}  // namespace

result<http_connection> http_connection::make(const endpoint& at, const relay_origin& origin,
                                              std::optional<proxy> through) {
    try {
        return http_connection(std::make_unique<impl>(at, origin, std::move(through)));
    } catch (const std::exception& failure) {
        return cannot_ask(origin, failure);
    }
}
http_connection::http_connection(std::unique_ptr<impl> made) noexcept : impl_(std::move(made)) {}
http_connection::http_connection(http_connection&&) noexcept = default;
http_connection& http_connection::operator=(http_connection&&) noexcept = default;
http_connection::~http_connection() = default;

result<http_answer> http_connection::exchange(const http_request& request) {
    try {
        return impl_->exchange(request);
    } catch (const std::exception& failure) {
        impl_->close();
        return cannot_ask(impl_->origin(), failure);
    }
}

result<bytes> http_connection::read(std::chrono::milliseconds at_most) {
    return impl_->read(at_most);
}
result<void> http_connection::write(bytes_view data) {
    return impl_->write(data);
}
void http_connection::close() {
    impl_->close();
}
const relay_origin& http_connection::origin() const noexcept {
    return impl_->origin();
}
void http_connection::cancel() {
    impl_->cancel();
}
void http_connection::resume() noexcept {
    impl_->resume();
}

}  // namespace casasync::beast
