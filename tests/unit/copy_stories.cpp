// SPDX-License-Identifier: MIT
// A file that was copied, or restored from a backup, while another one went on as its device.
#include "sync_stories.hpp"

namespace sync_stories {

std::vector<story> about_copies() {
    const auto copy = [](device& d) { d.copied = {true}; };
    const auto denied = [](errc why, std::vector<result<page>> pages) {
        return [=](device& d) {
            d.rounds = {why};
            d.pages = pages;
        };
    };
    return {
        {"nothing is to be told",
         [](device&) {},
         {},
         {"sync_rounds"},
         {"become_new_device", "offer", "note_relay_lost"}},
        {"it is a copy, and knows",
         copy,
         {},
         {"catch_up", "become_new_device", "sync_rounds"},
         {"note_relay_lost"},
         copied},
        {"it is a copy, and the relay has lost what it had confirmed",
         [=](device& d) {
             copy(d);
             d.known.last_sent = 3;
             d.at_relay = 2;
             d.on_become = [](device& of) { of.known.last_sent = of.at_relay = 0; };
         },
         {},
         {"note_relay_lost", "become_new_device"},
         {},
         copied},
        {"what came in tells that it is one",
         [](device& d) {
             d.copied = {false, true};
         },
         {},
         {"become_new_device"},
         {},
         copied},
        {"the relay says so, and shows nothing",
         [=](device& d) {
             denied(errc::device_copied, {})(d);
             d.at_relay = 1;
         },
         errc::authentication_failed,
         {"last_seq_at_relay", "merge_newest_snapshot"},
         {"become_new_device"}},
        {"the relay says so, shows nothing, and a snapshot has it, unmerged by its maker",
         [=](device& d) {
             denied(errc::seq_conflict, {})(d);
             d.at_relay = 1;
             d.fails_name = "merge_newest_snapshot";
             d.failure = errc::device_copied;
         },
         {},
         {"become_new_device"},
         {},
         copied},
        {"the relay says so, shows nothing, and a snapshot has what was to be sent, unmerged by its maker",
         [=](device& d) {
             denied(errc::seq_conflict, {})(d);
             d.at_relay = 1;
             d.on_merge = [](device& of) { of.known.last_sent = 1; };
         },
         {},
         {"merge_newest_snapshot", "sync_rounds"},
         {"become_new_device"}},
        {"the relay says so, shows nothing, and its snapshot cannot be read",
         [=](device& d) {
             denied(errc::seq_conflict, {})(d);
             d.at_relay = 1;
             d.fails_name = "merge_newest_snapshot";
             d.failure = errc::malformed_snapshot;
         },
         errc::malformed_snapshot,
         {},
         {"become_new_device"}},
        {"the relay says so again and again, and has no more than was sent",
         [](device& d) {
             d.rounds = {errc::seq_conflict, errc::seq_conflict, errc::seq_conflict};
         },
         errc::authentication_failed,
         {"last_seq_at_relay"},
         {"become_new_device"}},
        {"the relay says so, and shows it",
         denied(errc::seq_conflict, {foreign()}),
         {},
         {"note_copied", "settle_same", "become_new_device"},
         {},
         copied},
        {"the relay has in older envelopes what was sealed again when it had lost it",
         [=](device& d) {
             denied(errc::seq_conflict, {foreign()})(d);
             d.own = {digest_of(3)};
         },
         {},
         {"settle", "sync_rounds"},
         {"settle_same", "note_copied", "become_new_device"}},
        {"the relay says so, and shows what was sent from here, and not what came after",
         [=](device& d) {
             denied(errc::seq_conflict, {foreign()})(d);
             d.own = {digest_of(3)};
             d.at_relay = 1;
         },
         errc::authentication_failed,
         {"settle"},
         {"become_new_device"}},
        {"the relay was restored, and has below the cursor what it was to be sent again",
         [=](device& d) {
             denied(errc::seq_conflict, {page{}, foreign()})(d);
             d.own = {digest_of(3)};
             d.at_relay = 1;
             d.on_settle = [](device& of) { of.known.last_sent = 1; };
         },
         {},
         {"settle", "sync_rounds"},
         {"note_copied", "become_new_device", "merge_newest_snapshot"}},
        {"the relay was restored, and has below the cursor what another copy sent",
         [=](device& d) {
             denied(errc::seq_conflict, {page{}, foreign()})(d);
             d.at_relay = 1;
         },
         {},
         {"note_copied", "become_new_device"},
         {},
         copied},
        {"the new device was made by another copy first",
         [](device& d) {
             d.copied = {true};
             d.rounds = {errc::device_copied};
             d.pages = {page{}, foreign()};
         },
         {},
         {"settle_same"},
         {},
         copied},
        {"the relay says that of the new device, too, and shows nothing",
         [](device& d) {
             d.copied = {true};
             d.rounds = {errc::seq_conflict};
             d.at_relay = 1;
         },
         errc::authentication_failed},
        {"what the log has is told apart",
         [](device& d) {
             d.copied = {true};
             d.own = {digest_of(1)};
             d.pages = {page_with({{1, 0, {}, digest_of(1)},
                                   {2, 0, {}, digest_of(2)},
                                   {3, 0, {1, 2}, digest_of(3)},
                                   {4, 0, envelope_by(2, 1), digest_of(4)},
                                   {5, 0, envelope_by(1, 1, 9), digest_of(5)},
                                   {6, 0, envelope_by(1, 6), digest_of(6)},
                                   {7, 0, envelope_by(1, 7), digest_of(7)},
                                   {9, 0, {}, digest_of(9)}},
                                  true),
                        page_with({}, true)};
             d.whole = {{2, page_with({{2, 0, envelope_by(1, 2), digest_of(2)}})},
                        {9, errc::history_compacted}};
         },
         {},
         {"record", "settle_same"},
         {},
         copied},
        {"the log has two changes of another copy",
         [](device& d) {
             d.copied = {true};
             d.pages = {page_with(
                 {{1, 0, envelope_by(1, 1), digest_of(1)}, {2, 0, envelope_by(1, 2), digest_of(2)}})};
         },
         {},
         {"note_copied"},
         {},
         copied},
        {"the relay answers with another number of records",
         [](device& d) {
             d.copied = {true};
             d.pages = {page_with({{2, 0, {}, digest_of(2)}})};
             d.whole = {{2, page{}}};
         },
         errc::malformed_answer,
         {},
         {"become_new_device"}},
        {"an answer is not the changeset that was asked for",
         [](device& d) {
             d.copied = {true};
             d.pages = {page_with({{2, 0, {}, digest_of(2)}})};
             d.whole = {{2, page_with({{2, 0, envelope_by(1, 2), digest_of(22)}})}};
         },
         errc::malformed_answer,
         {},
         {"note_copied", "settle_same", "become_new_device"}},
        {"the relay lost data as well",
         [](device& d) {
             d.copied = {true};
             d.pages = {errc::log_mismatch, page{}};
         },
         {},
         {"become_new_device"},
         {},
         copied},
        {"its log fits nothing",
         [](device& d) {
             d.copied = {true};
             d.pages = {errc::log_mismatch, errc::log_mismatch};
         },
         errc::log_mismatch,
         {},
         {"become_new_device", "sync_rounds"}},
        {"the log is forgotten, and there is no snapshot",
         [=](device& d) {
             denied(errc::device_copied, {errc::history_compacted})(d);
             d.at_relay = 1;
         },
         errc::authentication_failed,
         {"newest_snapshot"},
         {"become_new_device"}},
        {"the log is forgotten, and a member has more of this device",
         [](device& d) {
             d.rounds = {errc::device_copied};
             d.pages = {errc::history_compacted};
             d.newest = snapshot_by(2, 4);
         },
         {},
         {"become_new_device"},
         {},
         copied},
        {"the log is forgotten as far as the snapshot goes",
         [](device& d) {
             d.rounds = {errc::device_copied};
             d.pages = {errc::history_compacted, errc::history_compacted};
             d.newest = snapshot_by(2, 0, 9);
             d.at_relay = 1;
         },
         errc::authentication_failed,
         {"newest_snapshot"},
         {"become_new_device"}},
        {"the log is forgotten while it is read",
         [](device& d) {
             d.rounds = {errc::device_copied};
             d.pages = {foreign(), errc::history_compacted};
             d.pages[0]->more = true;
         },
         {},
         {"become_new_device"},
         {},
         copied},
    };
}

}  // namespace sync_stories
