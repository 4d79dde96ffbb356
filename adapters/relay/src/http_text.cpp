// SPDX-License-Identifier: MIT
#include "http_text.hpp"

#include "routes.hpp"

#include <algorithm>
#include <cstdio>

namespace casasync::relay {
namespace {

std::string_view reason_of(unsigned status) noexcept {
    switch (status) {
        case 101:
            return "Switching Protocols";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 416:
            return "Range Not Satisfiable";
        case 417:
            return "Expectation Failed";
        case 421:
            return "Misdirected Request";
        case 426:
            return "Upgrade Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 503:
            return "Service Unavailable";
        case 507:
            return "Insufficient Storage";
        default:
            return "Unknown";
    }
}

}  // namespace

std::string_view method_of(verb method) noexcept {
    switch (method) {
        case verb::get:
            return "GET";
        case verb::put:
            return "PUT";
        case verb::post:
            return "POST";
        case verb::del:
            return "DELETE";
        case verb::other:
            break;
    }
    return "other";
}

std::string head_of(const answer& a, bool close) {
    std::string out;
    out.reserve(512);
    out += "HTTP/1.1 " + std::to_string(a.status) + " ";
    out += reason_of(a.status);
    out += "\r\n";
    if (!a.content_type.empty()) {
        out += "Content-Type: ";
        out += a.content_type;
        out += "\r\n";
    }
    if (a.status != 204 && a.status != 101 && a.status != 304)
        out += "Content-Length: " + std::to_string(a.body.size()) + "\r\n";
    out += "Cache-Control: ";
    out += a.cache_control;
    out += "\r\n";
    out += a.fields;
    if (a.status == 401) out += "WWW-Authenticate: Casasync\r\n";
    if (close) out += "Connection: close\r\n";
    out += "\r\n";
    return out;
}

bool lists(std::string_view field, std::string_view word) noexcept {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    while (!field.empty()) {
        std::string_view one = field.substr(0, field.find(','));
        field.remove_prefix(std::min(field.size(), one.size() + 1));
        while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
        while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
        if (std::equal(one.begin(), one.end(), word.begin(), word.end(),
                       [&](char a, char b) { return lower(a) == b; }))
            return true;
    }
    return false;
}

void log_request(const request_record& r) {
    const exchange& x = *r.what;
    const std::string vault = x.who ? x.who->vault.text().substr(0, 6) : "";
    const std::string device = x.who ? x.who->device.text().substr(0, 6) : "";
    const std::string path(x.to != nullptr ? x.to->path : "");
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    std::fprintf(
        stderr,
        "{\"time\":%lld,\"method\":\"%s\",\"route\":\"%s\",\"status\":%u,\"us\":%lld,\"bytes_in\":%zu,"
        "\"bytes_out\":%zu,\"vault\":\"%s\",\"device\":\"%s\",\"occurrence\":\"%.*s\"}\n",
        static_cast<long long>(now.count()), std::string(method_of(x.in.method)).c_str(), path.c_str(),
        r.status, static_cast<long long>(r.took.count()), x.in.body.size(), r.bytes_out, vault.c_str(),
        device.c_str(), static_cast<int>(r.occurrence.size()), r.occurrence.data());
}

}  // namespace casasync::relay
