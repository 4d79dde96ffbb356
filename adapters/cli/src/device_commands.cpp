// SPDX-License-Identifier: MIT
// Which devices the vault has and who added them; taking one out, naming this one, and one on paper.
#include "ask_relay.hpp"
#include "commands.hpp"
#include "show.hpp"
#include "show_qr.hpp"

#include <casasync/agent/recovery_link.hpp>
#include <casasync/agent/setup.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

namespace casasync::cli {
namespace {

constexpr const char* kit_name = "recovery kit";

/// A device as the list of members, the vault and the relay know it.
struct known_device {
    sqlite::device_info info{};
    const member_device* member = nullptr;  ///< null: the list is not there, or does not have it
    const beast::device_info* at_relay = nullptr;

    [[nodiscard]] std::string name() const {
        return member != nullptr && member->kit ? kit_name : name_of_device(info.name, info.id);
    }
};

/// Everything that is known of the vault's devices.
struct device_list {
    std::vector<sqlite::device_info> heard{};
    std::optional<agent::credentials> keys{};
    std::optional<beast::vault_info> relay{};

    [[nodiscard]] std::string name_of(device_id id) const {
        for (const auto& d : heard)
            if (d.id == id) return name_of_device(d.name, id);
        const member_device* const member = keys ? keys->members.find(id) : nullptr;
        if (member != nullptr && member->kit) return kit_name;
        return name_of_device({}, id);
    }
    /// Returns those that wrote something here, then those that the list has besides.
    [[nodiscard]] std::vector<known_device> all() const {
        std::vector<known_device> out;
        for (const auto& d : heard) out.push_back(complete({d, nullptr, nullptr}));
        if (!keys) return out;
        for (const auto& [id, member] : keys->members.devices()) {
            const auto same = [&id = id](const known_device& d) { return d.info.id == id; };
            if (std::none_of(out.begin(), out.end(), same)) {
                known_device silent;
                silent.info.id = id;
                out.push_back(complete(silent));
            }
        }
        return out;
    }

    /// Returns from when on a recovery kit is void because another one was made; 0: it is not.
    [[nodiscard]] std::uint64_t void_at(const member_device* m) const {
        const member_device* const newest = keys ? keys->members.newest_kit() : nullptr;
        const bool old =
            m != nullptr && newest != nullptr && m->kit && m->active() && m->keys != newest->keys;
        return old ? newest->added_at + kit_wait_s : 0;
    }

 private:
    [[nodiscard]] known_device complete(known_device d) const {
        if (keys) d.member = keys->members.find(d.info.id);
        if (relay)
            for (const auto& r : relay->devices)
                if (r.id == d.info.id) d.at_relay = &r;
        return d;
    }
};

boost::json::object json_of_device(const device_list& list, const known_device& d) {
    boost::json::object out = json_of(d.info);
    if (d.member != nullptr && d.member->kit) out["name"] = kit_name;
    out["active"] = out["added_by"] = out["copy_of"] = out["last_seen"] = out["dormant"] = nullptr;
    out["void_at"] = nullptr;
    if (const std::uint64_t at = list.void_at(d.member); at > 0) out["void_at"] = at;
    if (d.member != nullptr) {
        out["active"] = d.member->active();
        if (d.member->added_by != d.info.id) out["added_by"] = json_of_text(list.name_of(d.member->added_by));
        if (d.member->copy) out["copy_of"] = d.member->added_by.text();
    }
    if (d.at_relay != nullptr) {
        out["last_seen"] = d.at_relay->last_seen;
        out["dormant"] = d.at_relay->dormant;
    }
    return out;
}

std::string text_of_device(const device_list& list, const known_device& d) {
    std::string out = d.info.id.text() + "  " + printable(d.name());
    if (d.info.self) out += " (this device)";
    if (d.member != nullptr && d.member->copy)
        out += ", a copy of " + d.member->added_by.text();
    else if (d.member != nullptr && d.member->added_by != d.info.id)
        out += ", added by " + printable(list.name_of(d.member->added_by));
    if (d.info.last_write > 0) out += ", last write " + time_text(d.info.last_write / 1000);
    if (d.member != nullptr && !d.member->active()) out += ", removed";
    if (const std::uint64_t at = list.void_at(d.member); at > 0)
        out += ", void from " + time_text(static_cast<std::int64_t>(at)) + " on: there is a newer one";
    if (d.at_relay != nullptr && d.at_relay->dormant && (d.member == nullptr || !d.member->kit))
        out += ", dormant: not at the relay since " + time_text(d.at_relay->last_seen) +
               ", which keeps for it what all others have; remove it if it is gone";
    return out;
}

result<int> list_devices(const console& out, const std::string& db, bool local) {
    auto vault = open_vault(db);
    if (!vault) return vault.failure();
    auto heard = vault->devices();
    if (!heard) return heard.failure();
    device_list list{std::move(*heard), {}, {}};
    if (auto keys = agent::read_credentials(db)) list.keys = std::move(*keys);
    if (!local)
        if (auto answer = ask_relay(db)) list.relay = std::move(*answer);
    if (out.json()) {
        boost::json::array all;
        for (const auto& d : list.all()) all.push_back(json_of_device(list, d));
        out.print(all);
    } else {
        for (const auto& d : list.all()) out.line(text_of_device(list, d));
    }
    return exit_ok;
}

/// Returns the member that has this name, or this id.
result<known_device> find_device(const device_list& list, const std::string& wanted) {
    std::vector<known_device> found;
    std::string ids;
    for (const auto& d : list.all()) {
        if (d.name() != wanted && d.info.id.text() != wanted) continue;
        if (d.member == nullptr || !d.member->active()) continue;
        ids += (ids.empty() ? "" : ", ") + d.info.id.text();
        found.push_back(d);
    }
    if (found.size() == 1) return found.front();
    if (found.empty())
        return error{errc::not_found, "The vault has no device " + printable(wanted) +
                                          " now. Nothing was changed. casasync devices lists them."};
    return error{errc::invalid_argument, "Several devices are called " + printable(wanted) +
                                             ". Nothing was changed. Give the id of the one: " + ids + "."};
}

result<int> remove_device(const console& out, const std::string& db, const std::string& wanted,
                          bool with_copies) {
    if (auto ok = require_file(db); !ok) return ok.failure();
    progress bar;
    auto link = agent::link::open(db, bar.sink());
    if (!link) return link.failure();
    static_cast<void>(link->sync());  // for the names; what fails here is told by what comes next
    auto heard = link->vault().devices();
    if (!heard) return heard.failure();
    const device_list list{std::move(*heard), link->keys(), {}};
    const auto gone = find_device(list, wanted);
    if (!gone) return gone.failure();
    const auto removed = link->remove_device(gone->info.id, with_copies);
    bar.clear();
    if (!removed) return removed.failure();
    boost::json::array copies, kits;
    for (const device_id id : *removed)
        if (id != gone->info.id) (link->keys().members.find(id)->kit ? kits : copies).emplace_back(id.text());
    if (out.json())
        out.print({{"removed", json_of_text(gone->name())},
                   {"id", gone->info.id.text()},
                   {"copies", copies},
                   {"kits", kits}});
    else
        out.line(
            printable(gone->name()) +
            " was removed, and the vault has a new key. What it wrote so far stays in the vault; what it "
            "holds stays there, and it gets nothing that is new.");
    if (!out.json() && !copies.empty())
        out.line("With it went " + counted(copies.size(), "device") + " that began as a copy of it.");
    if (!out.json() && !kits.empty())
        out.line("The recovery kit that it made is void; the one before is good.");
    return exit_ok;
}

result<int> rename_device(const console& out, const std::string& db, const std::string& name) {
    auto vault = open_vault(db);
    if (!vault) return vault.failure();
    if (name.empty()) return error{errc::invalid_argument, "The name is empty. Nothing was changed."};
    if (auto ok = vault->rename(name); !ok) return ok.failure();
    if (out.json())
        out.print({{"name", json_of_text(name)}});
    else
        out.line("This device is called " + printable(name) +
                 " now; the others hear of it by the next sync.");
    return exit_ok;
}

/// \param qr  as for show_qr
result<int> make_kit(const console& out, const std::string& db, const std::string& qr) {
    if (auto ok = require_file(db); !ok) return ok.failure();
    progress bar;
    auto link = agent::link::open(db, bar.sink());
    if (!link) return link.failure();
    const auto words = agent::make_recovery_kit(*link);
    bar.clear();
    if (!words) return words.failure();
    const agent::credentials& keys = link->keys();
    const std::string whole =
        agent::recovery_link{keys.relay, keys.vault, openssl::parse_words(*words).value()}.text();
    const auto drawn = show_qr(out, whole, qr);  // the kit is good all the same, and its words are shown
    if (!drawn) out.note("The QR code could not be written: " + drawn.failure().text());
    if (out.json()) {
        out.print({{"words", *words}, {"vault", keys.vault.text()}, {"relay", keys.relay}, {"link", whole}});
        return exit_ok;
    }
    out.line("Words: " + *words);
    out.line("Vault: " + keys.vault.text());
    out.line("Relay: " + keys.relay);
    out.line(
        "Write them on paper, and keep it where you would keep a key: whoever has it has the vault. The "
        "words are shown this once. A kit that was made before is good for 72 hours more, and void by the "
        "first sync after that. When no device is left, run on a new one:");
    out.line("    casasync join FILE --recovery --vault " + keys.vault.text() + " --relay " + keys.relay);
    if (!qr.empty() && drawn)
        out.line("or, with what the QR code holds instead of the words: casasync join FILE --recovery");
    return exit_ok;
}

}  // namespace

void add_device_commands(CLI::App& app, program& run) {
    struct options {
        std::string db{}, name{}, qr{};
        bool local = false, only = false;
    };
    const auto o = std::make_shared<options>();
    const auto chosen = std::make_shared<bool>(false);  // a command below, not the list itself
    CLI::App* const list = add_command(
        app, run, "devices", "List the vault's devices, remove one, or name this one",
        [&run, o, chosen]() -> result<int> {
            if (*chosen) return run.exit;
            if (o->db.empty())
                return error{errc::invalid_argument, "The vault file is missing: casasync devices DB."};
            return list_devices(run.out, o->db, o->local);
        });
    list->add_option("DB", o->db, "the vault file");
    list->add_flag("--local", o->local, "do not ask the relay");
    CLI::App* const remove =
        add_command(*list, run, "remove", "Take a device out of the vault, and give the others a new key",
                    [&run, o, chosen] {
                        *chosen = true;
                        return remove_device(run.out, o->db, o->name, !o->only);
                    });
    remove->add_option("DB", o->db, "the vault file")->required();
    remove->add_option("DEVICE", o->name, "its name, or its id")->required();
    remove->add_flag("--only", o->only, "leave devices that began as a copy of it");
    CLI::App* const rename =
        add_command(*list, run, "rename", "Give this device another name", [&run, o, chosen] {
            *chosen = true;
            return rename_device(run.out, o->db, o->name);
        });
    rename->add_option("DB", o->db, "the vault file")->required();
    rename->add_option("NAME", o->name, "the new name")->required();
    CLI::App* const kit = add_command(app, run, "recovery", "Make a recovery kit: twelve words to write down",
                                      [&run, o] { return make_kit(run.out, o->db, o->qr); });
    kit->add_option("DB", o->db, "the vault file")->required();
    kit->add_option("--qr", o->qr, "a .png or .svg file for the kit as a QR code, or - for the terminal");
}

}  // namespace casasync::cli
