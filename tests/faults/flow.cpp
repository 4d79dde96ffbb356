// SPDX-License-Identifier: MIT
#include "flow.hpp"

#include <set>

namespace casasync_test {

using namespace casasync;

namespace {

std::string nothing(device_pair&) {
    return "";
}

/// The app's write, as a result.
result<void> write(device& d, const std::string& sql) {
    const int rc = d.sql().transact(sql);
    if (rc == SQLITE_OK) return {};
    const errc code = rc == SQLITE_FULL    ? errc::store_full
                      : rc == SQLITE_NOMEM ? errc::io_failed
                                           : errc::store_failed;
    return error{code, d.sql().message()};
}

template <class T>
result<void> only_whether(const result<T>& r) {
    return r ? result<void>{} : result<void>{r.failure()};
}

std::string a_writes(device_pair& p) {
    return problem("write", write(p.a, p.story().a_writes));
}
std::string a_seals(device_pair& p) {
    const auto first = a_writes(p);
    return first.empty() ? problem("seal", p.a.vault().seal()) : first;
}
/// `b` says much: an edit against an edit, a child, a parent, a delete, a second changeset, a taken name.
std::string b_pushes(device_pair& p) {
    p.minutes_pass(1);
    if (auto e = problem("write", write(p.b, p.story().b_writes)); !e.empty()) return e;
    if (auto e = p.sync(p.b); !e.empty()) return e;
    p.minutes_pass(1);
    if (auto e = problem("write", write(p.b, p.story().b_writes_more)); !e.empty()) return e;
    return p.sync(p.b);
}

/// Opens everything of the relay's log after the device's cursor.
result<std::pair<std::vector<inbound_part>, cursor>> pulled(device_pair& p) {
    auto from_relay = p.way(p.a);
    const auto at = p.a.vault().position();
    if (!at) return at.failure();
    const auto page = from_relay.pull({*at});
    if (!page) return page.failure();
    std::vector<inbound_part> parts;
    for (const log_record& r : page->records) {
        if (r.envelope.empty()) continue;
        const auto head = decode_header(r.envelope);
        auto payload = p.a.keys().open(r.envelope);
        if (!head || !payload) return error{errc::malformed_envelope};
        const auto front = take_front(*payload);
        if (!front) return front.failure();
        const auto link = link_of(head->device, head->seq, front->link, *payload,
                                  [&p](bytes_view data) { return p.a.keys().digest(data); });
        parts.push_back({r.pos, head->device, head->seq, head->part, head->parts, std::move(*payload), link});
    }
    return std::pair(std::move(parts), cursor{page->relay.generation, page->last, page->log});
}

result<void> a_accepts(device_pair& p) {
    const auto got = pulled(p);
    return got ? p.a.vault().accept(got->first, got->second) : result<void>{got.failure()};
}

/// Makes the envelopes of what waits in the outbox, and keeps them.
result<void> keep_envelopes(device_pair& p) {
    auto parts = p.a.vault().outbox(limits::request_bytes_max);
    if (!parts) return parts.failure();
    for (const outbound_part& o : *parts) {
        if (!o.envelope.empty()) continue;
        envelope_header head;
        head.kind = o.kind;
        head.vault = p.a.vault().id();
        head.device = p.a.vault().device();
        head.part = o.part;
        head.parts = o.parts;
        head.seq = o.seq;
        head.max_hour = o.max_hour;
        const auto envelope = p.a.keys().seal(head, with_front({}, o.payload));
        if (!envelope) return envelope.failure();
        const auto link = link_of(head.device, o.seq, {}, o.payload,
                                  [&p](bytes_view data) { return p.a.keys().digest(data); });
        if (auto ok = p.a.vault().keep_envelope(o.seq, *envelope, p.a.keys().digest(*envelope), link); !ok)
            return ok;
    }
    return {};
}
result<void> push_kept(device_pair& p) {
    const auto parts = p.a.vault().outbox(limits::request_bytes_max);
    if (!parts) return parts.failure();
    std::vector<bytes> envelopes;
    for (const outbound_part& o : *parts) envelopes.push_back(o.envelope);
    if (envelopes.empty()) return {};
    return only_whether(p.way(p.a).push(envelopes));
}
result<void> settle_pushed(device_pair& p) {
    const auto parts = p.a.vault().outbox(limits::request_bytes_max);
    if (!parts) return parts.failure();
    for (const outbound_part& o : *parts)
        if (auto ok = p.a.vault().settle(o.seq); !ok) return ok;
    return {};
}
result<void> acknowledge(device_pair& p) {
    const auto at = p.a.vault().position();
    return at ? p.way(p.a).acknowledge(at->pos) : result<void>{at.failure()};
}

result<void> merge_newest(device_pair& p) {
    auto from_relay = p.way(p.a);
    return only_whether(merge_latest_snapshot<plain_opener>(p.a.vault(), p.a.keys(), from_relay));
}

/// The id of the conflict about a note: of the coffee, or of a visit.
result<std::string> note_conflict(device_pair& p) {
    auto all = p.a.vault().conflicts();
    if (!all) return all.failure();
    for (const auto& c : *all)
        if (c.column == "note") return c.id;
    return error{errc::not_found};
}
result<void> decide(device_pair& p, bool restore) {
    const auto id = note_conflict(p);
    if (!id && id.code() == errc::not_found) return {};  // it was decided before the interruption
    if (!id) return id.failure();
    return only_whether(restore ? p.a.vault().restore(*id) : p.a.vault().keep(*id));
}

/// `a` keeps every write, decides a conflict, and three days pass.
std::string has_old_history(device_pair& p) {
    if (auto e = problem("history", p.a.vault().set_history({sqlite::history_kept::all, 0})); !e.empty())
        return e;
    if (auto e = a_seals(p); !e.empty()) return e;
    if (auto e = problem("keep", decide(p, false)); !e.empty()) return e;
    const auto kept = p.a.vault().history();
    if (!kept || kept->decided == 0 || kept->writes == 0) return "there is nothing to forget";
    p.minutes_pass(3 * 24 * 60);
    return "";
}

/// A row of `a` is deleted, by a write that is sealed.
std::string has_deleted_row(device_pair& p) {
    const bool numbers = &p.story() == &integer_keys();
    const std::string deletes = numbers ? "DELETE FROM visit WHERE shop = 3; DELETE FROM shop WHERE id = 3"
                                        : "DELETE FROM txn WHERE id = 'coffee'";
    if (auto e = problem("write", write(p.a, deletes)); !e.empty()) return e;
    return problem("seal", p.a.vault().seal());
}
result<void> undelete(device_pair& p) {
    const auto gone = p.a.vault().deleted(&p.story() == &integer_keys() ? "shop" : "txn");
    if (!gone) return gone.failure();
    return gone->empty() ? result<void>{} : only_whether(p.a.vault().undelete(gone->front().id));
}

/// Everything that only tells.
result<void> report(device_pair& p) {
    sqlite::vault& v = p.a.vault();
    const bool numbers = &p.story() == &integer_keys();
    const std::string table = numbers ? "shop" : "txn";
    const std::vector<std::string> key{numbers ? "2" : "coffee"}, tables{table, "nothing"};
    if (auto r = v.status(); !r) return r.failure();
    if (auto r = v.devices(); !r) return r.failure();
    for (const bool open_only : {true, false})
        if (auto r = v.conflicts(open_only); !r) return r.failure();
    if (auto r = v.integrity(); !r) return r.failure();
    if (auto r = v.renumbered(); !r) return r.failure();
    for (const std::string& of : {std::string(), table}) {
        if (auto r = v.deleted(of); !r) return r.failure();
        if (auto r = v.kept_writes(of, 1); !r) return r.failure();
    }
    if (auto r = v.why(table, key); !r) return r.failure();
    if (auto r = v.history(); !r) return r.failure();
    if (auto r = v.tables(); !r) return r.failure();
    if (auto r = v.tracked(); !r) return r.failure();
    if (auto r = v.check(tables); !r) return r.failure();
    if (auto r = v.known_of_relay(); !r) return r.failure();
    if (auto r = v.merged(); !r) return r.failure();
    if (auto r = v.waits(); !r) return r.failure();
    if (auto r = v.asks(); !r) return r.failure();
    return only_whether(v.stream(p.b.who().device));
}

/// `a` keeps every write, and both have said much.
std::string has_history(device_pair& p) {
    if (auto e = problem("history", p.a.vault().set_history({sqlite::history_kept::all, 0})); !e.empty())
        return e;
    if (auto e = a_seals(p); !e.empty()) return e;
    if (auto e = b_pushes(p); !e.empty()) return e;
    return p.sync(p.a);
}

/// `a` finds that its file is a copy.
std::string is_a_copy(device_pair& p) {
    if (auto e = a_seals(p); !e.empty()) return e;
    return problem("note", p.a.vault().note_copied());
}
result<void> succeed(device_pair& p) {
    if (auto done = p.a.vault().succeed(id_of<device_id>(4)); !done) return done;
    p.a.become(4);
    return {};
}

/// `a` has written while its clock was a year ahead.
std::string was_ahead(device_pair& p) {
    constexpr int year = 365 * 24 * 60;
    p.minutes_pass(year);
    auto e = a_seals(p);
    p.minutes_pass(-year);
    return e;
}

/// A third table with rows on both devices, tracked by `b` alone.
std::string with_tags(device_pair& p) {
    const std::string rows =
        "CREATE TABLE tag(id TEXT PRIMARY KEY NOT NULL, name TEXT);"
        "INSERT INTO tag VALUES('both', ";
    if (auto e = problem("write", write(p.a, rows + "'of a'), ('a', 'only a')")); !e.empty()) return e;
    if (auto e = problem("write", write(p.b, rows + "'of b'), ('b', 'only b')")); !e.empty()) return e;
    if (auto e = problem("track", p.b.vault().track("tag")); !e.empty()) return e;
    if (auto e = p.sync(p.b); !e.empty()) return e;
    return p.sync(p.a);
}
std::string track_again(device_pair& p) {
    return problem("track again", p.a.vault().track("txn"));
}

/// `a` becomes an empty machine that is going to join as a new device.
std::string empty_machine(device_pair& p) {
    if (auto e = b_pushes(p); !e.empty()) return e;
    if (auto e = p.settle(); !e.empty()) return e;
    auto to_relay = p.way(p.b);
    if (auto e = problem("offer", offer_snapshot(p.b, to_relay)); !e.empty()) return e;
    p.a.become(3);
    p.a.load({});
    return "";
}
result<void> a_joins(device_pair& p) {
    auto from_relay = p.way(p.a);
    return join(p.a, from_relay);
}

/// The same, where the app has begun with rows of its own: equal ones, other ones and new ones.
std::string machine_with_rows(device_pair& p) {
    if (auto e = empty_machine(p); !e.empty()) return e;
    if (auto e = problem("open the app", p.a.open(false)); !e.empty()) return e;
    if (auto e = problem("schema", p.a.sql().run(p.story().schema) == SQLITE_OK); !e.empty()) return e;
    return a_writes(p);
}

result<void> a_joins_with_same_numbers(device_pair& p) {
    auto from_relay = p.way(p.a);
    return join(p.a, from_relay, sqlite::brought_numbers::same_rows);
}

/// The app rebuilds a table, and casasync is not asked.
std::string rebuilds_table(device_pair& p) {
    if (auto e = a_writes(p); !e.empty()) return e;
    return problem("rebuild", write(p.a, p.story().next_version));
}
std::string b_rebuilds(device_pair& p) {
    if (auto e = problem("rebuild", write(p.b, p.story().next_version)); !e.empty()) return e;
    return problem("seal", p.b.vault().seal());
}

/// The only device of a new vault at an empty relay; `b` joins at the end.
std::string app_before_vault(device_pair& p) {
    p.forget_relay();
    p.b.load({});
    p.a.load({});
    if (auto e = problem("open the app", p.a.open(false)); !e.empty()) return e;
    return problem("schema", p.a.sql().run(p.story().schema) == SQLITE_OK);
}
result<void> create_vault(device_pair& p) {
    auto made = sqlite::vault::create(p.a.path(), p.a.who(), p.a.options());
    if (!made && made.code() == errc::already_exists) return p.a.open_vault();
    if (!made) return made.failure();
    p.a.take(std::move(*made));
    return {};
}
std::string b_joins(device_pair& p) {
    if (auto e = p.sync(p.a); !e.empty()) return e;
    auto to_relay = p.way(p.a);
    if (auto e = problem("offer", offer_snapshot(p.a, to_relay)); !e.empty()) return e;
    auto from_relay = p.way(p.b);
    if (auto e = problem("join", join(p.b, from_relay)); !e.empty()) return e;
    return problem("open the app", p.b.open(false));
}

/// A column more, and a trigger less, behind the vault's back.
std::string schema_changes(device_pair& p) {
    const auto broken =
        p.a.sql().rows("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'txn' LIMIT 1");
    if (auto e = a_writes(p); !e.empty()) return e;
    for (device* d : {&p.a, &p.b})
        if (auto e = problem("alter", write(*d, "ALTER TABLE txn ADD COLUMN place TEXT DEFAULT 'home'"));
            !e.empty())
            return e;
    return problem("drop", write(p.a, "DROP TRIGGER " + broken.substr(2, broken.size() - 4)));
}
std::string reopen_b(device_pair& p) {
    p.b.close();
    return problem("open", p.b.open());
}

/// It can run again.
result<void> migrate(device_pair& p, device& d) {
    return only_whether(
        d.vault().migrate([&p](const sqlite::sql_runner& run) { return run(p.story().next_version); }));
}
std::string both_migrate(device_pair& p) {
    if (auto e = problem("migrate", migrate(p, p.a)); !e.empty()) return e;
    return problem("migrate", migrate(p, p.b));
}

using pair_call = std::function<result<void>(device_pair&)>;
flow_step call(std::string name, pair_call run) {
    return {std::move(name), std::move(run)};
}
flow_step call_that_ends_reading(std::string name, pair_call run) {
    return {std::move(name), std::move(run), true, true};
}
flow_step several(std::string name, pair_call run) {
    return {std::move(name), std::move(run), false};
}

/// What any app's rows go through.
std::vector<flow> flows_of_any_story(const app_story& story) {
    std::vector<flow> out;
    std::vector<flow_step> creates{call("create", create_vault)};
    for (const app_story::table& t : story.tables)
        creates.push_back(call("track", [&t](device_pair& p) { return p.a.vault().track(t.name, t.how); }));
    out.push_back(
        {"seal", a_writes, {call("seal", [](device_pair& p) { return only_whether(p.a.vault().seal()); })}});
    out.push_back(
        {"merge",
         [](device_pair& p) {
             auto e = a_writes(p);
             if (e.empty()) e = b_pushes(p);
             return e.empty() ? problem("accept", a_accepts(p)) : e;
         },
         {call("merge", [](device_pair& p) { return only_whether(p.a.vault().merge_inbox(vfs_time())); })}});
    out.push_back({"snapshot write", a_writes, {call_that_ends_reading("write snapshot", [](device_pair& p) {
                       return only_whether(
                           p.a.vault().write_snapshot([](bytes_view) { return result<void>{}; }));
                   })}});
    out.push_back({"snapshot merge",
                   [](device_pair& p) {
                       auto e = a_writes(p);
                       if (e.empty()) e = b_pushes(p);
                       auto to_relay = p.way(p.b);
                       return e.empty() ? problem("offer", offer_snapshot(p.b, to_relay)) : e;
                   },
                   {call("merge snapshot", merge_newest)}});
    out.push_back({"join", empty_machine, {call("join", a_joins)}, true, false});
    out.push_back({"report", has_history, {call("report", report)}, false, true, {}, false, &story, true});
    out.push_back({"join with rows", machine_with_rows, {call("join", a_joins)}, true, false});
    out.push_back({"create", app_before_vault, std::move(creates), true, false, b_joins});
    out.push_back({"migrate",
                   a_writes,
                   {call("migrate", [](device_pair& p) { return migrate(p, p.a); })},
                   false,
                   true,
                   both_migrate});
    out.push_back({"verify", a_writes, {call("verify", [](device_pair& p) {
                       return only_whether(p.a.vault().verify());
                   })}});
    return out;
}

std::vector<flow> make_flows() {
    std::vector<flow> out;
    out.push_back({"write",
                   nothing,
                   {call("write", [](device_pair& p) { return write(p.a, p.story().a_writes); }),
                    call("write more", [](device_pair& p) {
                        return write(p.a, "UPDATE txn SET amount = -701 WHERE id = 'rent'");
                    })}});
    out.push_back(
        {"push", a_seals, {call("keep", keep_envelopes), call("push", push_kept)}, false, true, {}, true});
    out.push_back({"acknowledge",
                   [](device_pair& p) {
                       auto e = a_seals(p);
                       if (e.empty()) e = problem("keep", keep_envelopes(p));
                       return e.empty() ? problem("push", push_kept(p)) : e;
                   },
                   {call("settle", settle_pushed), call("acknowledge", acknowledge)}});
    out.push_back({"accept", b_pushes, {call("accept", a_accepts)}});
    out.push_back({"sync",
                   [](device_pair& p) {
                       auto e = a_writes(p);
                       return e.empty() ? b_pushes(p) : e;
                   },
                   {several("sync",
                            [](device_pair& p) {
                                auto way = p.way(p.a);
                                return only_whether(sync(p.a, way));
                            })},
                   false,
                   true,
                   {},
                   true});
    out.push_back(
        {"track", with_tags, {call("track", [](device_pair& p) { return p.a.vault().track("tag"); })}});
    out.push_back({"untrack",
                   a_writes,
                   {call("untrack",
                         [](device_pair& p) {
                             auto gone = p.a.vault().untrack("txn");
                             return !gone && gone.code() == errc::not_found ? result<void>{} : gone;
                         })},
                   false,
                   true,
                   track_again});
    out.push_back(
        {"policy",
         a_writes,
         {call("policy",
               [](device_pair& p) {
                   return p.a.vault().track("txn", {delete_policy::delete_wins, {}, {}, false});
               })},
         false,
         true,
         [](device_pair& p) {
             return problem("policy", p.b.vault().track("txn", {delete_policy::delete_wins, {}, {}, false}));
         }});
    out.push_back({"open",
                   schema_changes,
                   {several("open", [](device_pair& p) { return p.a.open_vault(); })},
                   true,
                   true,
                   reopen_b});
    out.push_back({"restore", nothing, {several("restore", [](device_pair& p) { return decide(p, true); })}});
    out.push_back({"keep", nothing, {several("keep", [](device_pair& p) { return decide(p, false); })}});
    out.push_back({"note", nothing, {call("note", [](device_pair& p) {
                       return p.a.vault().note_sync(p.relay().state().head, vfs_time(), "no network");
                   })}});
    out.push_back({"forget", has_old_history, {several("forget", [](device_pair& p) {
                       return only_whether(p.a.vault().set_history({sqlite::history_kept::conflicts, 1}));
                   })}});
    out.push_back({"rebuilt table",
                   rebuilds_table,
                   {call("seal", [](device_pair& p) { return only_whether(p.a.vault().seal()); })},
                   false,
                   true,
                   b_rebuilds});
    out.push_back({"undelete", has_deleted_row, {several("undelete", undelete)}});
    out.push_back({"succeed", is_a_copy, {call("succeed", succeed)}});
    out.push_back({"restamp", was_ahead, {call("restamp", [](device_pair& p) {
                       return only_whether(p.a.vault().restamp(vfs_time()));
                   })}});
    out.push_back({"close",
                   a_writes,
                   {call("write", [](device_pair& p) { return write(p.a, p.story().a_writes); }),
                    call("close", [](device_pair& p) {
                        p.a.close();
                        return result<void>{};
                    })}});
    // In another way than with keys that are text.
    const auto of_numbers = [&out](flow f) {
        f.story = &integer_keys();
        f.calls_alone = true;
        f.name += ", integer keys";
        out.push_back(std::move(f));
    };
    of_numbers({"restore", nothing, {several("restore", [](device_pair& p) { return decide(p, true); })}});
    of_numbers({"keep", nothing, {several("keep", [](device_pair& p) { return decide(p, false); })}});
    of_numbers({"undelete", has_deleted_row, {several("undelete", undelete)}});
    of_numbers({"join with the same numbers",
                machine_with_rows,
                {call("join", a_joins_with_same_numbers)},
                true,
                false});
    const std::set<std::string> decide_numbers{"seal", "merge", "snapshot merge", "migrate"};
    for (const app_story* story : {&text_keys(), &integer_keys()})
        for (flow& f : flows_of_any_story(*story)) {
            f.story = story;
            if (story == &integer_keys()) {
                f.reads = f.reads || !decide_numbers.contains(f.name);
                f.any_journal = false;
            }
            f.name += ", " + story->name;
            out.push_back(std::move(f));
        }
    // They are written as seal, join, restore and track are.
    const std::set<std::string> as_others{"rebuilt table",
                                          "undelete",
                                          "succeed",
                                          "restamp",
                                          "join with rows, text keys",
                                          "join with rows, integer keys"};
    for (flow& f : out) f.reads = f.reads || as_others.contains(f.name);
    return out;
}

}  // namespace

const std::vector<flow>& all_flows() {
    static const std::vector<flow> flows = make_flows();
    return flows;
}

}  // namespace casasync_test
