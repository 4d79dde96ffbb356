// SPDX-License-Identifier: MIT
#include "metrics.hpp"

#include <cstdio>

namespace casasync::relay {
namespace {

std::string text_of(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", value);
    return text;
}

void append_head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
    out += "# HELP casasync_relay_";
    out.append(name).append(" ").append(help).append("\n# TYPE casasync_relay_").append(name).append(" ");
    out.append(type).append("\n");
}

}  // namespace

void append_metric(std::string& out, std::string_view name, std::string_view type, std::string_view help,
                   double value) {
    append_head(out, name, type, help);
    out.append("casasync_relay_").append(name).append(" ").append(text_of(value)).append("\n");
}

void metrics::count(std::string_view method, std::string_view route, unsigned status, std::size_t bytes_in,
                    std::size_t bytes_out, std::chrono::microseconds took) {
    const std::lock_guard lock(mutex_);
    series& s = all_[{method, route, status}];
    ++s.requests;
    s.bytes_in += bytes_in;
    s.bytes_out += bytes_out;
    s.took += took;
}

void metrics::append_to(std::string& out) const {
    const std::lock_guard lock(mutex_);
    const auto append = [&](std::string_view name, std::string_view help, auto value_of) {
        append_head(out, name, "counter", help);
        for (const auto& [key, s] : all_) {
            const auto& [method, route, status] = key;
            out.append("casasync_relay_").append(name).append("{method=\"").append(method);
            out.append("\",route=\"").append(route).append("\",status=\"").append(std::to_string(status));
            out.append("\"} ").append(text_of(value_of(s))).append("\n");
        }
    };
    append("requests_total", "Requests that were answered.",
           [](const series& s) { return static_cast<double>(s.requests); });
    append("request_seconds_total",
           "Time from a request's first byte to its answer, waits for news included.",
           [](const series& s) { return static_cast<double>(s.took.count()) / 1e6; });
    append("request_bytes_total", "Bytes of requests' bodies.",
           [](const series& s) { return static_cast<double>(s.bytes_in); });
    append("answer_bytes_total", "Bytes of answers' bodies.",
           [](const series& s) { return static_cast<double>(s.bytes_out); });
}

service::admission metrics_page::admit(exchange& x) {
    if (x.in.target != "/metrics") return {not_found(), 0};
    if (x.in.method != verb::get) return {plain_problem(405, "Method Not Allowed"), 0};
    return {};
}

void metrics_page::handle(const exchange_ptr& x) {
    const std::string text = text_();
    answer out;
    out.status = 200;
    out.content_type = "text/plain; version=0.0.4; charset=utf-8";
    out.body.assign(text.begin(), text.end());
    x->send(std::move(out));
}

}  // namespace casasync::relay
