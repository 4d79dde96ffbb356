// SPDX-License-Identifier: MIT
#include <casasync/agent/setup.hpp>
#include <casasync/relay/server.hpp>

#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <iostream>
#include <thread>

using namespace casasync;

/// Plain SQL on the app's own connection: no casasync code.
void write(const std::string& file, const std::string& sql) {
    sqlite3* db = nullptr;
    sqlite3_open(file.c_str(), &db);
    sqlite3_busy_timeout(db, 5000);
    sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
    sqlite3_close(db);
}

int main() {
    const auto dir = std::filesystem::temp_directory_path() / "casasync-quickstart";
    std::filesystem::remove_all(dir);
    std::filesystem::create_directories(dir);
    const std::string desktop_file = dir / "desktop.db", phone_file = dir / "phone.db";
    write(desktop_file,
          "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, note TEXT);"
          "INSERT INTO txn VALUES('t1', 1250, 'lunch')");

    relay::server_options where;
    where.data = dir / "relay";
    auto relay = relay::server::start(where).value();  // usually another machine: casasync-relay

    // The desktop's file becomes a vault; its rows stay as they are.
    const auto track = [](sqlite::vault& v) { return v.track("txn"); };
    auto desktop = agent::init_vault({desktop_file, relay->address(), "desktop", "", track}).value();

    // A code shown on the desktop is typed on the phone, which shows two digits to type on the desktop.
    auto invitation = agent::invitation::make(desktop).value();
    std::promise<std::string> shown;
    std::thread waiting([&] {
        const std::string name = invitation.meet().value().name;
        const bool admitted = invitation.admit(shown.get_future().get()).ok();
        std::cout << name << (admitted ? " has joined\n" : " was not let in\n");
    });
    agent::join_options join{phone_file, relay->address(), invitation.code(), "phone"};
    join.show_check = [&](const std::string& digits) { shown.set_value(digits); };
    auto phone = agent::join_vault(join).value();
    waiting.join();

    // Both write offline; then both sync.
    write(desktop_file, "UPDATE txn SET note = 'lunch with Ann'");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    write(phone_file, "UPDATE txn SET note = 'team lunch', amount = 1300");
    for (agent::link* device : {&desktop, &phone, &desktop})
        std::cout << device->sync().value().rows << " row(s) came in\n";

    // Both show the later note; the other one is not lost.
    const auto lost = desktop.vault().conflicts().value().front();
    std::cout << "shown: " << lost.winner.text() << " (" << lost.winner_by.device_name
              << "), kept: " << lost.loser.text() << '\n';
    const bool equal = desktop.vault().digest().value() == phone.vault().digest().value();
    std::cout << (equal ? "equal\n" : "different\n");
}
