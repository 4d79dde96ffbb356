// SPDX-License-Identifier: MIT
#include "answer.hpp"

#include <casasync/ids.hpp>
#include <casasync/openssl/random.hpp>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace casasync::relay {
namespace {

constexpr std::string_view problem_type = "application/problem+json";

answer written(unsigned status, std::string_view content_type, const boost::json::object& body) {
    const std::string text = boost::json::serialize(body);
    answer out;
    out.status = status;
    out.content_type = content_type;
    out.body.assign(text.begin(), text.end());
    return out;
}

answer problem_of(unsigned status, const std::string& type, const std::string& title, std::string_view detail,
                  boost::json::object more) {
    openssl::random random;
    const std::string occurrence = id128<struct occurrence_tag>::make(random).text();
    more["type"] = type;
    more["title"] = title;
    more["status"] = status;
    if (!detail.empty()) more["detail"] = detail;
    more["instance"] = "urn:casasync:occurrence:" + occurrence;
    answer out = written(status, problem_type, more);
    out.occurrence = occurrence;
    return out;
}

}  // namespace

answer json_answer(unsigned status, const boost::json::object& body) {
    return written(status, json_type, body);
}

answer problem(unsigned status, std::string_view type, std::string_view detail, boost::json::object more) {
    std::string title(type);
    std::replace(title.begin(), title.end(), '-', ' ');
    return problem_of(status, "urn:casasync:problem:" + std::string(type), title, detail, std::move(more));
}

answer plain_problem(unsigned status, std::string_view title) {
    return problem_of(status, "about:blank", std::string(title), {}, {});
}

answer too_many(std::string_view policy, unsigned wait_s) {
    answer out = problem_of(429, "https://iana.org/assignments/http-problem-types#quota-exceeded",
                            "Too Many Requests", "There were too many such requests; wait.",
                            {{"violated-policies", boost::json::array{policy}}});
    out.fields = "Retry-After: " + std::to_string(wait_s) + "\r\n";
    return out;
}

answer not_found() {
    return problem(404, "not-found", "There is no such thing here.");
}

answer not_modified(const std::string& tag) {
    answer out;
    out.status = 304;
    out.fields = "ETag: " + tag + "\r\n";
    return out;
}

answer unavailable() {
    answer out =
        problem(503, "unavailable", "The relay cannot store anything at the moment; try again later.");
    out.fields = "Retry-After: 5\r\n";
    return out;
}

}  // namespace casasync::relay
