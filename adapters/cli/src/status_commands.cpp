// SPDX-License-Identifier: MIT
#include "ask_relay.hpp"
#include "commands.hpp"
#include "show.hpp"

#include <casasync/agent/link.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

namespace casasync::cli {
namespace {

/// What the vault says, and what its relay says now.
struct standing {
    sqlite::vault_status vault{};
    std::optional<beast::vault_info> relay{};  ///< none when it cannot be asked
    std::optional<error> trouble{};            ///< now, or at the last sync
    std::vector<sqlite::parked_info> parked{};
};

bool is_absence(errc code) {
    return code == errc::offline || code == errc::relay_unavailable || code == errc::too_many_requests;
}

result<standing> look(const std::string& db, bool local) {
    auto vault = open_vault(db);
    if (!vault) return vault.failure();
    auto status = vault->status();
    if (!status) return status.failure();
    auto parked = vault->integrity();
    if (!parked) return parked.failure();
    standing out{std::move(*status), {}, {}, std::move(*parked)};
    sqlite::vault_status& v = out.vault;
    if (!v.last_error.empty()) out.trouble = agent::parse_failure(v.last_error);
    if (v.captured > 0) ++v.pending_out;  // what was written since the last sync becomes a changeset
    if (!local) {
        auto answer = ask_relay(db);
        if (answer) {
            if (answer->relay.head > v.head) v.pending_in += answer->relay.head - v.head;
            v.head = std::max(v.head, answer->relay.head);
            out.relay = std::move(*answer);
            if (out.trouble && is_absence(out.trouble->code)) out.trouble.reset();
        } else {
            out.trouble = error{answer.code(), sentence_of(answer.failure())};
        }
    }
    v.in_sync = v.in_sync && v.pending_out == 0 && v.pending_in == 0;
    return out;
}

std::string_view state_of(const standing& s) {
    if (s.trouble) return is_absence(s.trouble->code) ? "offline" : "error";
    return s.vault.in_sync ? "in_sync" : "pending";
}

boost::json::object device_json(const standing& s, const sqlite::device_info& device) {
    boost::json::object out = json_of(device);
    out["active"] = out["last_seen"] = nullptr;
    if (s.relay)
        for (const beast::device_info& known : s.relay->devices)
            if (known.id == device.id) {
                out["active"] = known.active;
                out["last_seen"] = known.last_seen;
            }
    return out;
}

boost::json::array devices_json(const standing& s) {
    boost::json::array out;
    for (const auto& device : s.vault.devices) out.push_back(device_json(s, device));
    return out;
}

boost::json::array parked_json(const standing& s) {
    boost::json::array out;
    for (const auto& row : s.parked)
        out.push_back({{"table", json_of_text(row.table)},
                       {"key", json_of(row.key)},
                       {"key_taken", row.key_taken},
                       {"reason", row.reason},
                       {"detail", json_of_text(row.detail)}});
    return out;
}

boost::json::array waiting_json(const sqlite::vault_status& v) {
    boost::json::array out;
    for (const auto& held : v.waiting)
        out.push_back({{"device", json_of_text(name_of_device(held.device_name, held.device))},
                       {"device_id", held.device.text()},
                       {"changesets", held.changesets},
                       {"reason", json_of_text(held.reason)}});
    return out;
}

boost::json::object ops_json(const sqlite::write_counts& ops) {
    return {{"applied", ops.applied},   {"superseded", ops.superseded},
            {"absorbed", ops.absorbed}, {"conflicts", ops.conflicts},
            {"held", ops.held},         {"rejected", ops.rejected},
            {"parked", ops.parked},     {"total", ops.total}};
}

std::string name_in(const std::vector<sqlite::device_info>& devices, const device_id& id) {
    for (const sqlite::device_info& device : devices)
        if (device.id == id) return name_of_device(device.name, id);
    return id.text();
}

/// Tells that this file was restored from a backup, or copied, and what was done; empty when there is nothing
/// to tell or, with the other one removed, nothing left to do.
std::string identity_text(const standing& s) {
    const sqlite::vault_status& v = s.vault;
    if (v.copied)
        return "this file was restored from a backup, or copied, and another one went on as this device; the "
               "next sync makes it a device of its own, and nothing is lost";
    if (!v.succeeded) return {};
    if (s.relay)
        for (const beast::device_info& known : s.relay->devices)
            if (known.id == v.succeeded->from && !known.active) return {};
    const std::string old = v.succeeded->from.text();
    return "this file was restored from a backup, or copied; since " + time_text(v.succeeded->at / 1000) +
           " it is a device of its own. Nothing was lost; " + counted(v.succeeded->sent_again, "changeset") +
           " that nobody had got went out again. If the other one, " + old +
           ", is gone: casasync devices remove DB " + old + " --only";
}

boost::json::object identity_json(const standing& s) {
    boost::json::object out{{"copied", s.vault.copied}, {"continues", nullptr}, {"text", nullptr}};
    if (const auto& was = s.vault.succeeded)
        out["continues"] = {
            {"device", was->from.text()}, {"at", was->at / 1000}, {"sent_again", was->sent_again}};
    if (const std::string text = identity_text(s); !text.empty()) out["text"] = text;
    return out;
}

void print_json(const console& out, const standing& s) {
    const sqlite::vault_status& v = s.vault;
    boost::json::object all{{"vault", v.vault.text()},
                            {"device", v.device.text()},
                            {"name", json_of_text(v.device_name)},
                            {"relay", json_of_text(v.relay)},
                            {"state", state_of(s)},
                            {"captured", v.captured},
                            {"pending_out", v.pending_out},
                            {"pending_in", v.pending_in},
                            {"held", v.held},
                            {"parked", v.parked},
                            {"open_conflicts", v.open_conflicts},
                            {"ops", ops_json(v.ops)},
                            {"too_large", v.too_large},
                            {"digest", v.digest},
                            {"cursor", v.cursor},
                            {"head", v.head},
                            {"in_sync", v.in_sync},
                            {"hydrated", v.hydrated},
                            {"last_synced_at", v.last_synced_at},
                            {"last_error", nullptr},
                            {"last_error_code", nullptr},
                            {"clock_disagrees", v.clock_disagrees}};
    if (s.trouble) {
        all["last_error"] = json_of_text(s.trouble->text());
        all["last_error_code"] = name_of(s.trouble->code);
    }
    all["identity"] = identity_json(s);
    all["snapshot_suspect"] = nullptr;
    if (const auto& other = v.suspect)
        all["snapshot_suspect"] = {{"device", other->device.text()}, {"at", other->at / 1000}};
    all["devices"] = devices_json(s);
    all["parked_rows"] = parked_json(s);
    all["schema"] = json_of(v.schema);
    all["waiting"] = waiting_json(v);
    out.print(all);
}

void print_text(const console& out, const standing& s) {
    const sqlite::vault_status& v = s.vault;
    const auto row = [&](std::string_view label, const std::string& text) {
        std::string line(label);
        line.resize(std::max<std::size_t>(line.size(), 16), ' ');
        out.line(line + text);
    };
    row("state", std::string(state_of(s)));
    if (s.trouble) row("", printable(s.trouble->text()));
    row("vault", v.vault.text() + " at " + printable(v.relay));
    row("this device", printable(name_of_device(v.device_name, v.device)));
    if (const std::string text = identity_text(s); !text.empty()) row("identity", text);
    if (v.suspect)
        row("suspect", "since " + time_text(v.suspect->at / 1000) + " this device and " +
                           printable(name_in(v.devices, v.suspect->device)) +
                           " differ, though they have merged the same changes. A snapshot of another device "
                           "adds what is missing here: sync all of them");
    row("to send", counted(v.pending_out, "changeset"));
    row("to receive", counted(v.pending_in, "changeset") +
                          (v.held > 0 ? ", " + std::to_string(v.held) + " held back" : ""));
    for (const auto& held : v.waiting)
        row("", counted(held.changesets, "changeset") + " of " +
                    printable(name_of_device(held.device_name, held.device)) + ": " + printable(held.reason));
    row("last synced", time_text(v.last_synced_at));
    row("open conflicts", std::to_string(v.open_conflicts));
    row("digest", v.digest);
    if (v.too_large > 0)
        row("too large",
            std::to_string(v.too_large) +
                " (cells over 16 MiB, rows with a key over 4 KiB); kept on this device, sent once smaller");
    if (v.clock_disagrees) row("clock", "differs from the relay's by more than a day: please set it");
    for (const auto& difference : v.schema) row("schema", text_of(difference));
    constexpr std::size_t listed = 10;
    for (std::size_t i = 0; i < std::min(listed, s.parked.size()); ++i)
        row("waits", row_text(s.parked[i]) + ": " + printable(s.parked[i].detail));
    if (s.parked.size() > listed)
        row("",
            "and " + counted(s.parked.size() - listed, "row") + " more: casasync status --json lists all");
}

}  // namespace

void add_status_commands(CLI::App& app, program& run) {
    struct options {
        std::string db{};
        bool local = false;
    };
    const auto o = std::make_shared<options>();
    const auto take = [&](CLI::App* command) {
        command->add_option("DB", o->db, "the vault file")->required();
        return command;
    };
    const auto take_local = [&](CLI::App* command) {
        command->add_flag("--local", o->local, "do not ask the relay");
    };
    take_local(take(add_command(app, run, "status", "Tell how the vault stands", [&run, o]() -> result<int> {
        const auto s = look(o->db, o->local);
        if (!s) return s.failure();
        run.out.json() ? print_json(run.out, *s) : print_text(run.out, *s);
        return exit_ok;
    })));
    take(add_command(app, run, "digest", "Print the digest: equal on devices that are in sync",
                     [&run, o]() -> result<int> {
                         auto vault = open_vault(o->db);
                         if (!vault) return vault.failure();
                         const auto digest = vault->digest();
                         if (!digest) return digest.failure();
                         run.out.json() ? run.out.print({{"digest", *digest}}) : run.out.line(*digest);
                         return exit_ok;
                     }));
}

}  // namespace casasync::cli
