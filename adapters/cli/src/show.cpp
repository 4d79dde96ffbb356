// SPDX-License-Identifier: MIT
#include "show.hpp"

#include "console.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

namespace casasync::cli {
namespace {

boost::json::object side_of(const value& what, const sqlite::author& by) {
    boost::json::object out{{"value", json_of(what)}};
    for (const auto& [key, member] : json_of(by)) out[key] = member;
    return out;
}

std::string_view name_of(op_kind kind) {
    switch (kind) {
        case op_kind::insert:
            return "insert";
        case op_kind::update:
            return "update";
        case op_kind::erase:
            return "delete";
    }
    return {};
}

/// As SQLite writes it: never like an integer.
std::string text_of(double number) {
    std::array<char, 32> text{};
    std::string out(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
    return std::isfinite(number) && out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
}

std::string cut(std::string text) {
    constexpr std::size_t most = 80;
    if (text.size() <= most) return text;
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // whole characters
    text.resize(end);
    return text + "...";
}

std::string_view explain(conflict_reason why) {
    switch (why) {
        case conflict_reason::older_stamp:
            return "a later write is shown";
        case conflict_reason::tie_replica:
            return "both were written at the same instant";
        case conflict_reason::hidden_by_delete:
            return "the row was deleted by a device that had not seen this write";
        case conflict_reason::delete_undone:
            return "the row stayed, or came back, by a device that had not seen the delete";
        case conflict_reason::duplicate_stamp:
            return "two values under one stamp, as a copied device makes them";
    }
    return "";
}

}  // namespace

boost::json::value json_of_text(std::string_view text) {
    if (is_utf8(text)) return boost::json::value(text);
    return {{"text_hex", to_hex(as_bytes(text))}};
}

boost::json::value json_of(const value& what) {
    switch (what.kind()) {
        case value_kind::integer:
            return what.integer();
        case value_kind::real:
            if (!std::isfinite(what.real())) return {{"real", text_of(what.real())}};
            return what.real();
        case value_kind::text:
            return json_of_text(what.text());
        case value_kind::blob:
            return {{"blob_hex", to_hex(what.blob())}};
        case value_kind::null:
            break;
    }
    return nullptr;
}

boost::json::array json_of(std::span<const value> key) {
    boost::json::array out;
    for (const value& part : key) out.push_back(json_of(part));
    return out;
}

boost::json::object json_of(const sqlite::author& by) {
    if (by.device.is_zero()) return {{"device", nullptr}, {"device_id", nullptr}, {"at", nullptr}};
    return {{"device", json_of_text(name_of_device(by.device_name, by.device))},
            {"device_id", by.device.text()},
            {"at", by.at == 0 ? boost::json::value(nullptr) : boost::json::value(by.at / 1000)}};
}

boost::json::object json_of(const sqlite::conflict_info& c) {
    boost::json::object out{{"id", c.id}, {"table", json_of_text(c.table)}, {"key", json_of(c.key)}};
    out["key_taken"] = c.key_taken;
    out["column"] = c.column ? json_of_text(*c.column) : boost::json::value(nullptr);
    out["loser"] = side_of(c.loser, c.loser_by);
    out["winner"] = side_of(c.winner, c.winner_by);
    out["reason"] = name_of(c.reason);
    out["open"] = c.open;
    out["noticed_at"] = c.noticed_at / 1000;
    out["closed_at"] = c.open ? boost::json::value(nullptr) : boost::json::value(c.closed_at / 1000);
    return out;
}

boost::json::object json_of(const sqlite::kept_write& w) {
    boost::json::object out{{"table", json_of_text(w.table)}, {"key", json_of(w.key)}};
    out["key_taken"] = w.key_taken;
    out["column"] = w.column ? json_of_text(*w.column) : boost::json::value(nullptr);
    out["kind"] = name_of(w.kind);
    for (const auto& [key, member] : side_of(w.what, w.by)) out[key] = member;
    out["merged_at"] = w.merged_at / 1000;
    return out;
}

boost::json::object json_of(const sqlite::device_info& device) {
    return {{"id", device.id.text()},
            {"name", json_of_text(device.name)},
            {"last_seq", device.last_seq},
            {"last_write", device.last_write / 1000},
            {"self", device.self}};
}

std::string text_of(const value& what) {
    switch (what.kind()) {
        case value_kind::integer:
            return std::to_string(what.integer());
        case value_kind::real:
            return text_of(what.real());
        case value_kind::text:
            return "'" + cut(printable(what.text())) + "'";
        case value_kind::blob:
            return "x'" + cut(to_hex(bytes_view(what.blob()).first(std::min<std::size_t>(41, what.size())))) +
                   "'";
        case value_kind::null:
            break;
    }
    return "NULL";
}

std::string text_of(std::span<const value> key) {
    std::string out;
    for (const value& part : key) {
        if (!out.empty()) out += ", ";
        out += part.kind() == value_kind::text ? cut(printable(part.text())) : text_of(part);
    }
    return out;
}

std::string time_text(std::int64_t unix_seconds) {
    if (unix_seconds <= 0) return "never";
    const auto seconds = static_cast<std::time_t>(unix_seconds);
    std::tm parts{};
    char text[40] = "";
    if (::gmtime_r(&seconds, &parts) == nullptr ||
        std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        return std::to_string(unix_seconds);
    return text;
}

std::string name_of_device(const std::string& name, const device_id& id) {
    return name.empty() ? id.text().substr(0, 8) : name;
}

std::string text_of(const sqlite::author& by) {
    if (by.device.is_zero()) return "there when the vault began";
    return printable(name_of_device(by.device_name, by.device)) + ", " +
           (by.at == 0 ? "brought along" : time_text(by.at / 1000));
}

std::string text_of(const sqlite::conflict_info& c) {
    std::string out = c.id + "  " + row_text(c);
    if (c.column) out += "  " + printable(*c.column);
    if (!c.open) out += "  (closed)";
    out += "\n    lost:  " + (c.column ? text_of(c.loser) : std::string("DELETE of the row")) + "  (" +
           text_of(c.loser_by) + ")";
    if (!c.open) return out + "\n    to:    " + text_of(c.winner) + "  (" + text_of(c.winner_by) + ")";
    out += "\n    shown: " + text_of(c.winner) + "  (" + text_of(c.winner_by) + "; " +
           std::string(explain(c.reason)) + ")";
    return out;
}

std::string text_of(const sqlite::kept_write& w) {
    if (!w.column) return w.kind == op_kind::erase ? "DELETE of the row" : "INSERT of the row";
    return std::string(name_of(w.kind)) + " " + text_of(w.what);
}

namespace {

std::string_view name_of(sqlite::schema_verdict verdict) {
    switch (verdict) {
        case sqlite::schema_verdict::compatible:
            return "compatible";
        case sqlite::schema_verdict::pending:
            return "pending";
        case sqlite::schema_verdict::refused:
            return "refused";
    }
    return {};
}

}  // namespace

boost::json::array json_of(const std::vector<sqlite::schema_difference>& differences) {
    boost::json::array out;
    for (const auto& d : differences)
        out.push_back({{"table", json_of_text(d.table)},
                       {"column", d.column.empty() ? boost::json::value() : json_of_text(d.column)},
                       {"verdict", name_of(d.verdict)},
                       {"detail", json_of_text(d.detail)}});
    return out;
}

std::string text_of(const sqlite::schema_difference& d) {
    return printable(d.table) + (d.column.empty() ? "" : " " + printable(d.column)) + ": " +
           std::string(name_of(d.verdict)) + ": " + printable(d.detail);
}

std::string counted(std::uint64_t n, std::string_view noun) {
    return std::to_string(n) + " " + std::string(noun) + (n == 1 ? "" : "s");
}

}  // namespace casasync::cli
