// SPDX-License-Identifier: MIT
/// A music shop: integer keys everywhere, join tables whose keys are two references, prices with NUMERIC
/// affinity, a name that is unique within a parent.
#include "history.hpp"

#include <casasync_test/catch.hpp>

namespace {

const casasync_test::app_schema music{
    .tables = R"sql(
        CREATE TABLE artist(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        CREATE TABLE album(id INTEGER PRIMARY KEY, title TEXT NOT NULL,
            artist INTEGER NOT NULL REFERENCES artist(id), year NUMERIC, UNIQUE(artist, title));
        CREATE TABLE genre(id INTEGER PRIMARY KEY, name TEXT UNIQUE);
        CREATE TABLE track(id INTEGER PRIMARY KEY, title TEXT NOT NULL,
            album INTEGER REFERENCES album(id) ON DELETE CASCADE ON UPDATE CASCADE,
            genre INTEGER REFERENCES genre(id) ON DELETE SET NULL,
            ms INTEGER NOT NULL DEFAULT 1000 CHECK(ms > 0), price NUMERIC(10, 2) NOT NULL DEFAULT 0.99);
        CREATE INDEX track_of_album ON track(album);
        CREATE TABLE playlist(id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE playlist_track(playlist INTEGER NOT NULL REFERENCES playlist(id) ON DELETE CASCADE,
            track INTEGER NOT NULL REFERENCES track(id) ON DELETE CASCADE ON UPDATE CASCADE,
            position NUMERIC, PRIMARY KEY(playlist, track));
        CREATE TABLE likes(track INTEGER NOT NULL REFERENCES track ON DELETE CASCADE,
            artist INTEGER NOT NULL REFERENCES artist ON DELETE CASCADE, PRIMARY KEY(track, artist)) WITHOUT ROWID;
        CREATE TABLE invoice(id INTEGER PRIMARY KEY, customer TEXT, total NUMERIC);
        CREATE TABLE invoice_line(invoice INTEGER NOT NULL REFERENCES invoice ON DELETE CASCADE,
            line INTEGER NOT NULL, track INTEGER NOT NULL REFERENCES track(id), price NUMERIC, quantity INTEGER,
            PRIMARY KEY(invoice, line)) WITHOUT ROWID;
        CREATE VIEW catalogue AS SELECT track.id, track.title, album.title AS album, artist.name AS artist
            FROM track JOIN album ON album.id = track.album JOIN artist ON artist.id = album.artist)sql",
    .rows = R"sql(
        INSERT INTO artist VALUES(1, 'Ada'), (2, 'Bo'), (3, 'Cy');
        INSERT INTO album VALUES(1, 'First', 1, 1999), (2, 'First', 2, '2001'), (3, 'Live', 1, 2010.5);
        INSERT INTO genre VALUES(1, 'Rock'), (2, 'Jazz');
        INSERT INTO track VALUES(1, 'One', 1, 1, 60000, 0.99), (2, 'Two', 1, 2, 61000, 1), (3, 'Three', 3, NULL, 5,
            '1.50'), (4, 'Loose', NULL, 1, 1, 'free');
        INSERT INTO playlist VALUES(1, 'Run'), (2, 'Sleep');
        INSERT INTO playlist_track VALUES(1, 1, 1), (1, 2, 2.5), (2, 1, 1);
        INSERT INTO likes VALUES(1, 1), (3, 2);
        INSERT INTO invoice VALUES(1, 'Eve', 1.99); INSERT INTO invoice_line VALUES(1, 1, 1, 0.99, 1), (1, 2, 2, 1, 1)
        )sql",
    .tracked = {{"artist"},
                {"album"},
                {"genre"},
                {"track"},
                {"playlist"},
                {"playlist_track"},
                {"likes"},
                {"invoice"},
                {"invoice_line"}},
    .writes =
        {
            "INSERT {or}INTO artist(name) VALUES({name})",
            "INSERT {or}INTO artist VALUES({number}, {name})",
            "DELETE FROM artist WHERE id = {artist}",
            "INSERT {or}INTO album(title, artist, year) VALUES({title}, {artist}, {price})",
            "UPDATE {or}album SET artist = {artist} WHERE id = {album}",
            "UPDATE {or}album SET title = {title}, year = {price} WHERE id = {album}",
            "UPDATE {or}album SET id = {number} WHERE id = {album}",
            "DELETE FROM album WHERE id = {album}",
            "INSERT {or}INTO genre(name) VALUES({name}), ({title})",
            "DELETE FROM genre WHERE name = {name}",
            "INSERT {or}INTO track(title, album, genre, price) VALUES({title}, {album}, {genre}, {price})",
            "INSERT INTO track(title, album) SELECT title, {album} FROM track LIMIT {number}",
            "REPLACE INTO track(id, title, album, ms) VALUES({number}, {title}, {album}, {number} - 1)",
            "UPDATE {or}track SET album = {album}, price = {price} WHERE id = {track}",
            "UPDATE track SET genre = {genre}, ms = ms + 1 WHERE album = {album}",
            "UPDATE {or}track SET id = {number} WHERE id = {track}",
            "DELETE FROM track WHERE id = {track}",
            "DELETE FROM track WHERE genre IS {genre}",
            "INSERT {or}INTO playlist(name) VALUES({name})",
            "DELETE FROM playlist WHERE id = {playlist}",
            "INSERT {or}INTO playlist_track VALUES({playlist}, {track}, {price})",
            "INSERT {or}INTO playlist_track SELECT {playlist}, id, ms FROM track",
            "INSERT INTO playlist_track VALUES({playlist}, {track}, 1) ON CONFLICT DO UPDATE SET position = "
            "{price}",
            "UPDATE {or}playlist_track SET track = {track} WHERE playlist = {playlist} AND track = {track}",
            "UPDATE {or}playlist_track SET playlist = {playlist}",
            "DELETE FROM playlist_track WHERE track = {track}",
            "INSERT {or}INTO likes VALUES({track}, {artist})",
            "DELETE FROM likes WHERE artist = {artist}",
            "INSERT {or}INTO invoice(customer, total) VALUES({name}, {price})",
            "DELETE FROM invoice WHERE id = {number}",
            "INSERT {or}INTO invoice_line VALUES((SELECT max(id) FROM invoice), {number}, {track}, {price}, "
            "{number})",
            "UPDATE {or}invoice_line SET line = line + 1, track = {track} WHERE invoice = {number}",
            "DELETE FROM invoice_line WHERE line = {number}",
        },
    .words =
        {
            {"number", {"1", "2", "3", "4", "5", "6"}},
            {"offset", {"0", "1", "2", "3"}},
            {"artist", {"(SELECT id FROM artist ORDER BY id LIMIT 1 OFFSET {offset})", "{number}"}},
            {"album", {"(SELECT id FROM album ORDER BY id LIMIT 1 OFFSET {offset})", "{number}", "NULL"}},
            {"genre", {"(SELECT id FROM genre ORDER BY id LIMIT 1 OFFSET {offset})", "NULL"}},
            {"track", {"(SELECT id FROM track ORDER BY id LIMIT 1 OFFSET {offset})", "{number}"}},
            {"playlist", {"(SELECT id FROM playlist ORDER BY id DESC LIMIT 1 OFFSET {offset})", "1"}},
            {"name", {"'Ada'", "'Rock'", "'Jazz'", "'Run'"}},
            {"title", {"'First'", "'Live'", "'One'"}},
            {"price", {"0.99", "1", "1.0", "'1.50'", "'free'", "NULL", "1e300", "12345678901234567890"}},
        },
    .holds = {}};

}  // namespace

TEST_CASE("a music shop on three devices", "[schema]") {
    casasync_test::live(music);
}
