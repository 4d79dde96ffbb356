// SPDX-License-Identifier: MIT
/// Histories that failed once, cut down to what it took.
#include "history.hpp"

#include <casasync_test/catch.hpp>

namespace {

using namespace casasync_test;

const app_schema links{
    .tables =
        "CREATE TABLE track(id INTEGER PRIMARY KEY, title TEXT);"
        "CREATE TABLE artist(id INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TABLE likes(track INTEGER NOT NULL REFERENCES track ON DELETE CASCADE, artist INTEGER NOT "
        "NULL "
        "REFERENCES artist, PRIMARY KEY(track, artist)) WITHOUT ROWID",
    .rows =
        "INSERT INTO track VALUES(1, 'one'), (2, 'two'); INSERT INTO artist VALUES(1, 'Ada'); "
        "INSERT INTO likes VALUES(1, 1)",
    .tracked = {{"track"}, {"artist"}, {"likes"}}};

const app_schema links_between{
    .tables =
        "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT);"
        "CREATE TABLE link(source INTEGER NOT NULL, target INTEGER NOT NULL, label TEXT, PRIMARY KEY(source, "
        "target))",
    .rows = "INSERT INTO note VALUES(1, 'one'), (2, 'two'); INSERT INTO link VALUES(1, 2, 'see')",
    .tracked = {{"note"}, {"link", {.references = {{"source", "note"}, {"target", "note"}}}}}};

const app_schema tags{
    .tables =
        "CREATE TABLE tag(name TEXT NOT NULL PRIMARY KEY, color TEXT);"
        "CREATE TABLE tagged(note TEXT NOT NULL, tag TEXT NOT NULL REFERENCES tag ON DELETE CASCADE, PRIMARY "
        "KEY(note, tag))",
    .rows = "INSERT INTO tag VALUES('food', 'red')",
    .tracked = {{"tag"}, {"tagged"}}};

const app_schema seats{
    .tables = "CREATE TABLE seat(id TEXT NOT NULL PRIMARY KEY, number INTEGER UNIQUE, note TEXT)",
    .rows = "INSERT INTO seat VALUES('a', 1, 'x'), ('b', 2, 'y')",
    .tracked = {{"seat"}}};

}  // namespace

TEST_CASE("a link to a row whose number was a deleted row's stays", "[schema][regression]") {
    play(links, history_from(R"(
        desktop: .settings PRAGMA foreign_keys = ON
        laptop: .settings PRAGMA foreign_keys = ON
        desktop: .joins desktop
        laptop: .joins desktop
        laptop: DELETE FROM track WHERE id = 1; INSERT INTO track VALUES(1, 'other'); INSERT INTO likes VALUES(1, 1)
        laptop: DELETE FROM track WHERE id = 2; INSERT INTO track VALUES(2, 'new'); INSERT INTO likes VALUES(2, 1)
        all: .meet 0)"));
}

TEST_CASE("a link between two rows that are deleted at once keeps its label until they come back",
          "[schema][regression]") {
    play(links_between, history_from(R"(
        desktop: .settings PRAGMA foreign_keys = ON
        laptop: .settings PRAGMA foreign_keys = ON
        desktop: .joins desktop
        laptop: .joins desktop
        laptop: DELETE FROM note
        laptop: .seal
        all: .wait 10
        desktop: UPDATE note SET title = 'edited'
        all: .meet 0)"));
}

TEST_CASE("a link to the number of a deleted row waits for that row on the device that wrote it, too",
          "[schema][regression]") {
    play(links_between, history_from(R"(
        desktop: .joins desktop
        laptop: .joins desktop
        desktop: DELETE FROM note WHERE id = 1
        all: .meet 0
        laptop: INSERT INTO link VALUES(2, 1, 'late')
        all: .meet 0)"));
}

TEST_CASE("a deletion that is restored cascades like the app's", "[schema][regression]") {
    play(tags, history_from(R"(
        desktop: .settings PRAGMA foreign_keys = ON
        desktop: .joins desktop
        laptop: .joins desktop
        laptop: DELETE FROM tag
        laptop: .seal
        all: .wait 10
        desktop: UPDATE tag SET color = 'blue'; INSERT INTO tagged VALUES('n', 'food')
        all: .meet 0
        desktop: .restore 0
        all: .meet 0)"));
}

TEST_CASE("a row that came and went within a seal leaves no link to its number", "[schema][regression]") {
    play(links_between, history_from(R"(
        desktop: .joins desktop
        laptop: .joins desktop
        laptop: INSERT INTO note VALUES(7, 'short'); INSERT INTO link VALUES(2, 7, 'x'); DELETE FROM note WHERE id = 7
        all: .meet 0)"));
}

TEST_CASE("a device that joins learns of a conflict with what was there when the vault began",
          "[schema][regression]") {
    play(seats, history_from(R"(
        desktop: .joins desktop
        laptop: .joins desktop
        desktop: UPDATE seat SET number = 3 WHERE id = 'a'
        laptop: UPDATE seat SET number = 3 WHERE id = 'b'
        all: .meet 0
        laptop: INSERT OR IGNORE INTO seat VALUES('b', 4, 'z')
        phone: .joins laptop
        all: .meet 0)"));
}

TEST_CASE("a link that came and went with its row is no deletion of a link to that number",
          "[schema][regression]") {
    play(links_between, history_from(R"(
        desktop: .joins desktop
        laptop: .joins desktop
        laptop: INSERT INTO note VALUES(7, 'mine'); INSERT INTO link VALUES(2, 7, 'x')
        desktop: INSERT INTO note VALUES(7, 'short'); INSERT INTO link VALUES(2, 7, 'x'); DELETE FROM link WHERE target = 7; DELETE FROM note WHERE id = 7
        all: .meet 0)"));
}

TEST_CASE("a link to a row that came and went is no link to another device's row of that number",
          "[schema][regression]") {
    play(links_between, history_from(R"(
        desktop: .joins desktop
        laptop: .joins desktop
        desktop: INSERT INTO note VALUES(5, 'short'); INSERT INTO link VALUES(2, 5, 'x'); DELETE FROM note WHERE id = 5
        laptop: UPDATE note SET id = 5 WHERE id = 1
        all: .meet 0)"));
}

TEST_CASE("a link from a row that came and went to one that gets another number", "[schema][regression]") {
    play(links_between, history_from(R"(
        desktop: .joins desktop
        laptop: .joins desktop
        laptop: UPDATE note SET id = 5 WHERE id = 1
        laptop: .seal
        all: .wait 10
        desktop: INSERT INTO note VALUES(5, 'five'), (6, 'short'); INSERT INTO link VALUES(6, 5, 'x'); DELETE FROM note WHERE id = 6
        laptop: INSERT INTO note VALUES(6, 'six')
        all: .meet 0)"));
}

TEST_CASE("a link from a deleted row to one that was deleted and made again", "[schema][regression]") {
    play(links_between, history_from(R"(
        desktop: .joins desktop
        laptop: .joins desktop
        desktop: INSERT INTO note VALUES(5, 'five')
        desktop: .seal
        desktop: INSERT INTO link VALUES(5, 2, 'x'); DELETE FROM note WHERE id = 2; UPDATE note SET id = 2 WHERE id = 5
        all: .meet 0)"));
}

TEST_CASE("a link to a number that a row gets later goes on meaning the number", "[schema][regression]") {
    play(links_between, history_from(R"(
        desktop: .joins desktop
        laptop: .joins desktop
        desktop: INSERT INTO link VALUES(2, 9, 'x')
        all: .meet 0
        laptop: INSERT INTO note(id, title) VALUES(9, 'late')
        all: .meet 0
        desktop: UPDATE link SET label = 'y' WHERE target = 9
        all: .meet 0
        phone: .joins laptop
        all: .meet 0
        laptop: DELETE FROM link WHERE target = 9; INSERT INTO link VALUES(2, 9, 'of the note')
        phone: UPDATE link SET label = 'of the number' WHERE target = 9
        all: .meet 0
        desktop: DELETE FROM note WHERE id = 9
        all: .meet 0)"));
}

TEST_CASE("a link that was there when the vault began, to a number that a row gets later",
          "[schema][regression]") {
    app_schema loose = links_between;
    loose.rows += "; INSERT INTO link VALUES(2, 9, 'nobody'), (1, 8, 'nobody')";
    play(loose, history_from(R"(
        desktop: .joins desktop
        laptop: .joins desktop
        desktop: INSERT INTO note(id, title) VALUES(9, 'late'), (8, 'later')
        all: .meet 0
        desktop: UPDATE link SET label = 'y' WHERE target = 9
        laptop: UPDATE link SET label = 'z' WHERE target = 8
        all: .meet 0
        phone: .joins desktop
        desktop: DELETE FROM link WHERE target = 8
        desktop: INSERT INTO link VALUES(1, 9, 'of the note')
        all: .meet 0)"));
}

TEST_CASE("a link to a number and one to the row that has it", "[schema][regression]") {
    play(links_between, history_from(R"(
        desktop: .joins desktop
        laptop: .joins desktop
        desktop: INSERT INTO link VALUES(2, 9, 'number')
        all: .wait 10
        laptop: INSERT INTO note(id, title) VALUES(9, 'nine'); INSERT INTO link VALUES(2, 9, 'row')
        all: .meet 0
        laptop: UPDATE link SET label = 'edited' WHERE target = 9
        phone: .joins laptop
        all: .meet 0
        phone: DELETE FROM link WHERE target = 9
        all: .meet 0
        desktop: DELETE FROM note WHERE id = 9
        all: .meet 0
        tablet: .joins desktop
        all: .meet 0)"));
}
