// SPDX-License-Identifier: MIT
#include "check_entry.hpp"
#include "commands.hpp"
#include "show.hpp"
#include "show_qr.hpp"
#include "words.hpp"

#include <casasync/agent/pairing_link.hpp>
#include <casasync/agent/recovery_link.hpp>
#include <casasync/agent/setup.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <iostream>
#include <memory>

namespace casasync::cli {
namespace {

constexpr std::int64_t talk_s = 300;  // two devices that met have so long after the code has expired

struct pair_options {
    std::string db{}, check{}, qr{};  ///< qr: a file, - for the terminal, or empty: where it is one
};

void show_code(const console& out, const agent::invitation& invited, const std::string& relay) {
    if (invited.unfinished() > 0)
        out.note(
            counted(invited.unfinished(), "pairing") +
            " within the last 24 hours did not finish: somebody may have tried to join. No code was good "
            "for more than one try.");
    if (out.json()) {
        out.print({{"code", invited.code()},
                   {"link", invited.link_text()},
                   {"expires_at", invited.expires_at()},
                   {"relay", relay}});
        return;
    }
    const bool typed = !invited.code().empty();
    if (typed) out.line("Code: " + invited.code());
    out.line("Link: " + invited.link_text());
    out.line("It is good for one device and five minutes, until " + time_text(invited.expires_at()) +
             ". Show it to nobody else. On the new device run:");
    out.line(typed ? "    casasync join FILE " + invited.code() + " --relay " + relay
                   : "    casasync join FILE 'LINK'      (typed codes are off for a day: too many failed)");
    out.line("Waiting for the new device.");
}

result<int> pair(const console& out, const pair_options& o) {
    if (auto ok = require_file(o.db); !ok) return ok.failure();
    if (!o.check.empty()) {
        const auto sent = send_check(o.db, o.check);
        return sent ? result<int>(exit_ok) : sent.failure();
    }
    progress bar;
    auto device = agent::link::open(o.db, bar.sink());
    if (!device) return device.failure();
    const auto entry = check_entry::make(o.db);
    if (!entry) return entry.failure();
    auto invited = agent::invitation::make(*device);
    if (!invited) return invited.failure();
    if (auto ok = show_qr(out, invited->link_text(), o.qr); !ok) return ok.failure();
    show_code(out, *invited, device->keys().relay);
    const auto who = invited->meet();
    if (!who) return who.failure();
    if (out.json())
        out.print({{"asks", json_of_text(who->name)}, {"platform", json_of_text(who->platform)}});
    else
        out.line(printable(who->name) + " (" + printable(who->platform) +
                 ") asks to join. If that is your device, type the two digits that it shows:");
    const auto digits = entry->wait(invited->expires_at() + talk_s);
    if (!digits) return digits.failure();
    const auto admitted = invited->admit(*digits);
    bar.clear();
    if (!admitted) return admitted.failure();
    if (out.json())
        out.print({{"joined", json_of_text(who->name)}});
    else
        out.line(printable(who->name) + " has the keys now and is loading the vault.");
    return exit_ok;
}

/// A link would say where the relay is.
error relay_missing() {
    return {errc::invalid_argument,
            "--relay is missing: the URL of the vault's relay, which casasync status shows on its other "
            "devices. Nothing was changed."};
}

struct join_options {
    std::string db{}, relay{}, code{}, vault{}, name = host_name();
    bool yes = false, same_numbers = false, recovery = false;
};

void show_check(const console& out, const std::string& digits) {
    if (out.json())
        out.print({{"check", digits}});
    else
        out.line("Type these two digits on the other device: " + digits);
}

/// Shows what the device would become part of, and asks.
bool confirm(const console& out, const join_options& o, const agent::vault_offer& offer) {
    if (out.json()) {
        boost::json::array devices;
        for (const auto& name : offer.devices) devices.push_back(json_of_text(name));
        out.print({{"vault_name", json_of_text(offer.name)},
                   {"from", json_of_text(offer.from)},
                   {"devices", std::move(devices)},
                   {"relay", offer.relay},
                   {"local_rows", offer.rows}});
    } else {
        std::string names;
        for (const auto& name : offer.devices) names += (names.empty() ? "" : ", ") + printable(name);
        out.line(printable(o.db) + " becomes a device of the vault " + printable(offer.name) + " of " +
                 printable(offer.from) + ".");
        out.line("Its devices: " + names + ". Its relay: " + offer.relay + ".");
        if (offer.rows > 0)
            out.line("The file has " + counted(offer.rows, "row") +
                     " of its own. In the vault's tables, equal rows stay as they are, others are added, and "
                     "where fields differ the vault's are shown and yours are kept as open conflicts.");
    }
    if (o.yes) return true;
    out.note("Join? Type yes, or anything else to leave everything as it is:");
    std::string said;
    return std::getline(std::cin, said) && (said == "yes" || said == "y");
}

result<int> tell_joined(const console& out, const join_options& o, agent::link& device) {
    const auto status = device.vault().status();
    if (!status) return status.failure();
    if (out.json()) {
        out.print({{"vault", status->vault.text()},
                   {"device", status->device.text()},
                   {"name", json_of_text(o.name)},
                   {"relay", device.keys().relay},
                   {"digest", status->digest}});
        return exit_ok;
    }
    out.line("Made " + printable(o.db) + ", a device of the vault " + status->vault.text() + ", as " +
             printable(o.name) + ".");
    out.line("It is in sync; digest " + status->digest + ".");
    return exit_ok;
}

result<int> join(const console& out, const join_options& o) {
    if (o.code.empty())
        return error{errc::invalid_argument,
                     "CODE is missing: what casasync pair shows on the other device. Nothing was changed."};
    if (o.relay.empty() && !agent::looks_like_link(o.code)) return relay_missing();
    progress bar;
    agent::join_options options{o.db, o.relay, o.code, o.name, {}, {}, {}};
    if (o.same_numbers) options.numbers = sqlite::brought_numbers::same_rows;
    options.show_check = [&](const std::string& digits) { show_check(out, digits); };
    options.confirm = [&](const agent::vault_offer& offer) { return confirm(out, o, offer); };
    auto device = agent::join_vault(options, bar.sink());
    bar.clear();
    if (!device) return device.failure();
    return tell_joined(out, o, *device);
}

/// What --recovery goes by: the kit as one text brings vault and relay along.
result<agent::recover_options> read_kit(const console& out, const join_options& o) {
    agent::recover_options kit{o.db, o.relay, {}, {}, o.name};
    if (!o.vault.empty()) {
        const auto vault = vault_id::parse(o.vault);
        if (!vault)
            return error{
                errc::invalid_argument,
                "--vault has to be the vault's id, which was shown with the kit's words. Nothing was "
                "changed."};
        if (o.relay.empty()) return relay_missing();
        kit.vault = *vault;
    }
    out.note("Type the twelve words of the recovery kit, or what its QR code holds:");
    std::getline(std::cin, kit.words);
    if (!agent::looks_like_link(kit.words)) {
        if (!o.vault.empty()) return kit;
        return error{errc::invalid_argument,
                     "--vault is missing: the vault's id, which was shown with the kit's words. Nothing was "
                     "changed. What the kit's QR code holds needs none."};
    }
    const auto link = agent::recovery_link::parse(kit.words);
    if (!link) return link.failure();
    if (!o.vault.empty() && kit.vault != link->vault)
        return error{errc::invalid_argument,
                     "--vault names another vault than the kit. Nothing was changed."};
    if (kit.relay.empty()) kit.relay = link->relay;
    kit.vault = link->vault;
    kit.words = openssl::to_words(link->secret);
    return kit;
}

/// Makes the file by the recovery kit. Its words come from stdin: a command line is for all to see.
result<int> recover(const console& out, const join_options& o) {
    if (!o.code.empty())
        return error{errc::invalid_argument,
                     "A code and a recovery kit do not go together. Nothing was changed. The kit's words are "
                     "typed when they are asked for, not given with the command."};
    const auto kit = read_kit(out, o);
    if (!kit) return kit.failure();
    progress bar;
    auto device = agent::recover_vault(*kit, bar.sink());
    bar.clear();
    if (!device) return device.failure();
    out.note("The recovery kit is used up. Make a new one: casasync recovery " + printable(o.db));
    if (device->keys().members.active_count() > 1)
        out.note(
            "Devices that are lost are still in the vault, and whoever has one reads on: casasync devices " +
            printable(o.db) + " lists them, casasync devices remove takes them out.");
    return tell_joined(out, o, *device);
}

}  // namespace

void add_pairing_commands(CLI::App& app, program& run) {
    const auto p = std::make_shared<pair_options>();
    CLI::App* invite = add_command(app, run, "pair", "Show a code for a new device and wait for it",
                                   [&run, p] { return pair(run.out, *p); });
    invite->add_option("DB", p->db, "the vault file")->required();
    invite->add_option("--check", p->check,
                       "hand the two digits that the new device shows to the casasync pair that waits");
    invite->add_option("--qr", p->qr, "a .png or .svg file for the QR code, or - for the terminal");

    const auto o = std::make_shared<join_options>();
    CLI::App* enter =
        add_command(app, run, "join", "Make a new file that is a device of an existing vault",
                    [&run, o] { return o->recovery ? recover(run.out, *o) : join(run.out, *o); });
    enter->add_option("DB", o->db, "the file to make")->required();
    enter->add_option("CODE", o->code, "the code or link that casasync pair shows on the other device");
    enter->add_flag("--recovery", o->recovery,
                    "no other device is left: ask for the recovery kit's words, or what its QR code holds");
    enter->add_option("--vault", o->vault, "the vault's id, with --recovery and words");
    enter->add_option("--relay", o->relay, "URL of the relay; a link brings it along");
    enter->add_option("--name", o->name, "what this device is called; this machine's name if not given");
    enter->add_flag("--same-numbers", o->same_numbers,
                    "DB is a copy of the vault's file: rows with one INTEGER PRIMARY KEY are one row");
    enter->add_flag("--yes", o->yes, "do not ask before joining");
}

}  // namespace casasync::cli
