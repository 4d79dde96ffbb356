// SPDX-License-Identifier: MIT
/// Notes: a full-text index over the table that triggers keep, tags in a table of links, generated columns, a
/// counter of edits kept by a trigger, a view one can write to.
#include "history.hpp"

#include <casasync_test/catch.hpp>

namespace {

const casasync_test::app_schema notes{
    .tables = R"sql(
        CREATE TABLE notebook(id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'Inbox');
        CREATE TABLE note(id INTEGER PRIMARY KEY, notebook INTEGER REFERENCES notebook(id) ON DELETE CASCADE,
            title TEXT NOT NULL DEFAULT '', body TEXT NOT NULL DEFAULT '', pinned INTEGER UNIQUE,
            edits INTEGER NOT NULL DEFAULT 0,
            words INTEGER GENERATED ALWAYS AS (length(body) - length(replace(body, ' ', '')) + 1) VIRTUAL,
            slug TEXT GENERATED ALWAYS AS (lower(title)) STORED);
        CREATE INDEX note_by_slug ON note(slug);
        CREATE VIRTUAL TABLE note_text USING fts5(title, body, content='note', content_rowid='id');
        CREATE TRIGGER note_added AFTER INSERT ON note BEGIN
            INSERT INTO note_text(rowid, title, body) VALUES(NEW.id, NEW.title, NEW.body);
        END;
        CREATE TRIGGER note_gone AFTER DELETE ON note BEGIN
            INSERT INTO note_text(note_text, rowid, title, body) VALUES('delete', OLD.id, OLD.title, OLD.body);
        END;
        CREATE TRIGGER note_changed AFTER UPDATE OF id, title, body ON note BEGIN
            INSERT INTO note_text(note_text, rowid, title, body) VALUES('delete', OLD.id, OLD.title, OLD.body);
            INSERT INTO note_text(rowid, title, body) VALUES(NEW.id, NEW.title, NEW.body);
        END;
        CREATE TRIGGER note_edited AFTER UPDATE OF title, body ON note WHEN NEW.edits = OLD.edits BEGIN
            UPDATE note SET edits = OLD.edits + 1 WHERE id = NEW.id;
        END;
        CREATE TABLE tag(name TEXT NOT NULL PRIMARY KEY, color TEXT);
        CREATE TABLE note_tag(note INTEGER NOT NULL REFERENCES note(id) ON DELETE CASCADE ON UPDATE CASCADE,
            tag TEXT NOT NULL REFERENCES tag(name) ON DELETE CASCADE ON UPDATE CASCADE,
            PRIMARY KEY(note, tag)) WITHOUT ROWID;
        CREATE TABLE link(source INTEGER NOT NULL, target INTEGER NOT NULL, label TEXT, PRIMARY KEY(source, target));
        CREATE VIEW tagged AS SELECT note.id, note.title, note_tag.tag FROM note JOIN note_tag ON note = id;
        CREATE TRIGGER tagged_added INSTEAD OF INSERT ON tagged BEGIN
            INSERT OR IGNORE INTO tag(name) VALUES(NEW.tag);
            INSERT INTO note(title, notebook) VALUES(NEW.title, (SELECT min(id) FROM notebook));
            INSERT OR IGNORE INTO note_tag SELECT max(id), NEW.tag FROM note;
        END)sql",
    .rows = R"sql(
        INSERT INTO notebook(name) VALUES('Home'), ('Work');
        INSERT INTO note(notebook, title, body, pinned) VALUES(1, 'Milk', 'buy milk and eggs', 1),
            (1, 'Plan', 'milk the plan', NULL), (2, 'Work', 'eggs', 2), (NULL, '', '', NULL);
        INSERT INTO tag VALUES('food', 'red'), ('travel', NULL);
        INSERT INTO note_tag VALUES(1, 'food'), (1, 'travel'), (3, 'food');
        INSERT INTO link VALUES(1, 2, 'see'), (2, 1, NULL))sql",
    .tracked = {{"notebook"},
                {"note"},
                {"tag"},
                {"note_tag"},
                {"link", {.references = {{"source", "note"}, {"target", "note"}}}}},
    .writes =
        {
            "INSERT {or}INTO notebook(name) VALUES({title})",
            "DELETE FROM notebook WHERE id = {notebook}",
            "UPDATE notebook SET name = name || '!' WHERE id = {notebook}",
            "INSERT INTO note(notebook, title, body) VALUES({notebook}, {title}, {body})",
            "INSERT OR IGNORE INTO note(title, pinned) VALUES({title}, {number}), ({title}, {number})",
            "INSERT INTO note(id, title, body) VALUES({number}, {title}, {body}) ON CONFLICT(id) DO UPDATE "
            "SET body = "
            "excluded.body",
            "UPDATE note SET body = {body} WHERE id = {note}",
            "UPDATE note SET title = {title} WHERE id = {note}",
            "UPDATE note SET title = {title}, body = {body} WHERE slug = lower({title})",
            "UPDATE note SET body = body || ' ' || {title} WHERE words < {number}",
            "UPDATE OR IGNORE note SET pinned = {number} WHERE id = {note}",
            "UPDATE note SET pinned = NULL",
            "UPDATE note SET notebook = {notebook} WHERE id = {note}",
            "UPDATE OR IGNORE note SET id = {number} WHERE id = {note}",
            "DELETE FROM note WHERE id = {note}",
            "DELETE FROM note WHERE title = {title}",
            "INSERT {or}INTO tag VALUES({tag}, {color})",
            "UPDATE {or}tag SET name = {tag} WHERE name = {tag}",
            "UPDATE tag SET color = {color}",
            "DELETE FROM tag WHERE name = {tag}",
            "INSERT {or}INTO note_tag VALUES({note}, {tag})",
            "INSERT {or}INTO note_tag SELECT id, {tag} FROM note WHERE title = {title}",
            "UPDATE {or}note_tag SET tag = {tag} WHERE note = {note}",
            "UPDATE {or}note_tag SET note = {note} WHERE tag = {tag}",
            "DELETE FROM note_tag WHERE tag = {tag}",
            "INSERT {or}INTO link SELECT a.id, b.id, {title} FROM note AS a, note AS b WHERE a.title = "
            "{title} AND b.title = {title}",
            "UPDATE {or}link SET target = (SELECT max(id) FROM note), label = {title} WHERE source = {note}",
            "DELETE FROM link WHERE target = {note}",
            "INSERT INTO tagged(title, tag) VALUES({title}, {tag})",
        },
    .words =
        {
            {"number", {"1", "2", "3", "4", "5"}},
            {"offset", {"0", "1", "2", "3"}},
            {"note", {"(SELECT id FROM note ORDER BY id LIMIT 1 OFFSET {offset})", "{number}"}},
            {"notebook", {"(SELECT id FROM notebook ORDER BY id LIMIT 1 OFFSET {offset})", "NULL"}},
            {"title", {"'Milk'", "'Plan'", "'Work'", "''"}},
            {"body", {"'milk'", "'buy eggs'", "'milk and eggs'", "'the plan'", "''"}},
            {"tag", {"'food'", "'travel'", "'Food'"}},
            {"color", {"'red'", "'blue'", "NULL"}},
        },
    .lends = false,
    .holds = {
        "INSERT INTO note_text(note_text, rank) VALUES('integrity-check', 1)",
        "SELECT id FROM note WHERE body LIKE '%eggs%' OR title LIKE '%eggs%' EXCEPT SELECT rowid FROM "
        "note_text "
        "WHERE note_text MATCH 'eggs'",
        "SELECT rowid FROM note_text WHERE note_text MATCH 'milk' EXCEPT SELECT id FROM note WHERE body LIKE "
        "'%milk%' OR title LIKE '%milk%'",
    }};

}  // namespace

TEST_CASE("notes on three devices", "[schema]") {
    casasync_test::live(notes);
}
