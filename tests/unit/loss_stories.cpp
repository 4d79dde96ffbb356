// SPDX-License-Identifier: MIT
// A relay that lost something: emptied, put back to a backup, or in another life.
#include "sync_stories.hpp"

namespace sync_stories {

std::vector<story> about_losses() {
    const auto another_life = [](device& d) { d.relay.generation = device::generation_of(2); };
    const auto behind = [](device& d) {
        d.known.last_sent = 3;
        d.at_relay = 1;
    };
    const std::vector<std::string> feeds{"note_relay_lost", "send_again", "offer", "tell_merged",
                                         "note_relay_fed"};
    return {
        {"the log has another life", [=](device& d) { another_life(d), behind(d); }, {}, feeds, {}, fed},
        {"the log has another life, and has all of this device",
         another_life,
         {},
         {"offer", "note_relay_fed"},
         {"send_again"},
         fed},
        {"the relay forgot this device, and what it had read back",
         [=](device& d) {
             behind(d);
             d.known.read_back = 3;
             d.rounds = {errc::unauthenticated};
         },
         {},
         feeds,
         {},
         fed},
        {"another device was faster, and its snapshot has more",
         [=](device& d) {
             another_life(d);
             d.newest = snapshot_by(2, 0);
             d.newest->merged.vector.raise(replica_id{}, hlc{1});
         },
         {},
         {"merge_newest_snapshot", "offer", "note_relay_fed"},
         {},
         fed},
        {"the relay has another life, and a snapshot that cannot be read",
         [=](device& d) {
             another_life(d);
             d.fails_name = "newest_snapshot";
             d.failure = errc::malformed_snapshot;
         },
         {},
         {"offer", "note_relay_fed"},
         {},
         fed},
        {"what it lost is not kept any more",
         [=](device& d) {
             another_life(d), behind(d);
             d.kept = false;
         },
         errc::seq_gap,
         {"note_relay_lost"},
         {"note_relay_fed"}},
        {"the log is shorter", [](device& d) { d.known.head = 6; }, {}, {"note_relay_fed"}, {}, fed},
        {"the vault never pulled", [](device& d) { d.at = {}; }, {}, {}, {"offer"}},
        {"the relay does not say which life", [](device& d) { d.relay.generation = {}; }, {}, {}, {"offer"}},
        {"a snapshot came, where the log reached back",
         [](device& d) { d.rounds = {with_snapshot()}; },
         {},
         {"offer"},
         {},
         fed},
        {"a snapshot came, where the log just reached back",
         [](device& d) {
             d.rounds = {with_snapshot()};
             d.relay.floor = 5;
         },
         {},
         {"note_relay_lost", "offer"},
         {},
         fed},
        {"all that it had sent was read",
         [=](device& d) {
             behind(d);
             d.known.read_back = 3;
         },
         {},
         {},
         {"last_seq_at_relay", "offer"}},
        {"some that it had sent was not read, though the log was", behind, {}, feeds, {}, fed},
        {"what it had sent was not read, and is there",
         [](device& d) { d.known.last_sent = d.at_relay = 3; },
         {},
         {"note_read_back"},
         {"offer"}},
        {"a snapshot came, because the log was forgotten",
         [](device& d) {
             d.rounds = {with_snapshot()};
             d.relay.floor = 9;
         },
         {},
         {},
         {"offer", "note_relay_lost"}},
        {"a snapshot came, and the relay has less of this device",
         [=](device& d) {
             d.rounds = {with_snapshot()};
             d.relay.floor = 9;
             behind(d);
         },
         {},
         {"send_again", "offer"},
         {},
         fed},
        {"another relay answers once",
         [](device& d) {
             d.rounds = {errc::wrong_relay, errc::wrong_relay};
         },
         {},
         {"note_relay_fed"},
         {},
         fed},
        {"another relay answers",
         [](device& d) {
             d.rounds = {errc::wrong_relay, errc::wrong_relay, errc::wrong_relay};
         },
         errc::wrong_relay,
         {"note_relay_lost"},
         {"offer"}},
        {"the log is another one",
         [](device& d) { d.rounds = {errc::log_mismatch}; },
         {},
         {"note_relay_fed"},
         {},
         fed},
        {"the relay lacks changesets before the new ones",
         [=](device& d) {
             d.rounds = {errc::seq_gap, errc::seq_gap};
             behind(d);
         },
         {},
         feeds,
         {},
         fed},
        {"it was owed something since the last time",
         [](device& d) { d.known.owed = true; },
         {},
         {"offer"},
         {"note_relay_lost"},
         fed},
        {"the relay does not know the device",
         [=](device& d) {
             d.rounds = {errc::unauthenticated};
             behind(d);
         },
         {},
         {"attach_again", "note_relay_lost", "send_again", "offer"},
         {},
         fed},
        {"the relay does not know the device, and is owed something",
         [=](device& d) {
             d.rounds = {errc::unauthenticated};
             d.known.owed = true;
             behind(d);
         },
         {},
         {"attach_again", "offer"},
         {"note_relay_lost"},
         fed},
        {"the relay does not know the device, and has all of it",
         [](device& d) { d.rounds = {errc::unauthenticated}; },
         {},
         {"attach_again"},
         {"offer"}},
        {"it was cut off before it read what it had sent",
         [=](device& d) {
             d.known.head = 9;
             d.relay.head = 9;
             behind(d);
         },
         {},
         feeds,
         {},
         fed},
        {"it was cut off, and all is there",
         [](device& d) {
             d.known.head = d.relay.head = 9;
             d.known.last_sent = d.at_relay = 3;
         },
         {},
         {"last_seq_at_relay"},
         {"note_read_back", "offer"}},
        {"the relay loses something twice a day",
         [=](device& d) {
             another_life(d);
             d.known.fed_at = today - 1;
         },
         {},
         {"note_relay_lost"},
         {"offer"},
         twice},
        {"the relay loses something a day later",
         [=](device& d) {
             another_life(d);
             d.known.fed_at = today - feed_pause_ms;
         },
         {},
         {"offer"},
         {},
         fed},
        {"a snapshot came on the day",
         [](device& d) {
             d.rounds = {with_snapshot()};
             d.relay.floor = 9;
             d.known.fed_at = today - 1;
         },
         {},
         {},
         {"offer"}},
        {"the relay lacks changesets for the second time in a day",
         [=](device& d) {
             d.rounds = {errc::seq_gap};
             d.known.fed_at = today - 1;
             behind(d);
         },
         {},
         {"send_again"},
         {"offer"},
         twice},
        {"the log is another one for the second time in a day",
         [](device& d) {
             d.rounds = {errc::log_mismatch};
             d.known.fed_at = today - 1;
         },
         errc::log_mismatch,
         {},
         {"offer"}},
        {"the relay lost the newest keys",
         [](device& d) {
             d.rounds = {errc::stale_epoch};
             d.members_given = true;
         },
         {},
         {"give_members"},
         {"offer"}},
        {"the relay has the newest keys, and wants older ones",
         [](device& d) { d.rounds = {errc::stale_epoch}; },
         errc::stale_epoch,
         {"give_members"}},
        {"the relay lost keys, and took what there was", [](device& d) { d.members_given = true; }},
        {"the relay does not take the keys",
         [](device& d) {
             d.fails_name = "give_members";
             d.failure = errc::store_busy;
         },
         {},
         {},
         {},
         "The relay has lost the newest entries"},
        {"the relay does not take the keys, nor anything under them",
         [](device& d) {
             d.rounds = {errc::stale_epoch};
             d.fails_name = "give_members";
         },
         errc::stale_epoch},
    };
}

}  // namespace sync_stories
