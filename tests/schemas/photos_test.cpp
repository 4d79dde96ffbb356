// SPDX-License-Identifier: MIT
/// A photo catalogue: blobs as keys and values, a table of more columns than one mask of changes holds,
/// unique indexes with a condition or an expression.
#include "history.hpp"

#include <casasync_test/catch.hpp>

namespace {

/// `before` and numbers from 0 to 69, between commas.
std::string seventy(const std::string& before, const std::string& after) {
    std::string out;
    for (int i = 0; i < 70; ++i) out += (i > 0 ? ", " : "") + before + std::to_string(i) + after;
    return out;
}

const casasync_test::app_schema photos{
    .tables = R"sql(
        CREATE TABLE photo(hash BLOB NOT NULL PRIMARY KEY, name TEXT, taken REAL,
            rating INTEGER NOT NULL DEFAULT 0 CHECK(rating BETWEEN 0 AND 5), thumb BLOB, width INT, height INT,
            pixels AS (width * height), big INT AS (width > 100) STORED);
        CREATE UNIQUE INDEX best_name ON photo(name COLLATE NOCASE) WHERE rating = 5;
        CREATE TABLE album(uuid BLOB NOT NULL PRIMARY KEY, title TEXT) WITHOUT ROWID;
        CREATE UNIQUE INDEX album_title ON album(lower(title));
        CREATE TABLE in_album(album BLOB NOT NULL REFERENCES album ON DELETE CASCADE,
            photo BLOB NOT NULL REFERENCES photo(hash) ON DELETE CASCADE ON UPDATE CASCADE,
            position REAL, cover INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(album, photo));
        CREATE UNIQUE INDEX one_cover ON in_album(album) WHERE cover = 1;
        CREATE INDEX albums_of ON in_album(photo);
        CREATE TABLE exif(photo BLOB NOT NULL PRIMARY KEY REFERENCES photo(hash) ON DELETE CASCADE ON UPDATE CASCADE, )sql" +
              seventy("a", "") + ")",
    .rows = R"sql(
        INSERT INTO photo(hash, name, taken, rating, thumb, width, height) VALUES
            (x'00', 'sea', 1.5, 5, zeroblob(3000), 10, 20), (x'01', 'Sea', 2, 3, x'', 200, 2), (x'', NULL, NULL, 0, NULL,
            NULL, NULL), (x'0100', 'hut', 3.25, 5, x'ff00ff', 1, 1);
        INSERT INTO album VALUES(x'aa', 'Trip'), (x'bb', 'Home');
        INSERT INTO in_album VALUES(x'aa', x'00', 1, 1), (x'aa', x'01', 2, 0), (x'bb', x'00', 1, 0);
        INSERT INTO exif(photo, a0, a61, a69) VALUES(x'00', 1, 'x', x'01'), (x'01', NULL, 2.5, 'y'))sql",
    .tracked = {{"photo", {.groups = {{"width", "height"}}}}, {"album"}, {"in_album"}, {"exif"}},
    .writes =
        {
            "INSERT {or}INTO photo(hash, name, rating, thumb) VALUES({hash}, {name}, {rating}, {blob})",
            "INSERT INTO photo(hash, name) VALUES({hash}, {name}) ON CONFLICT DO UPDATE SET name = "
            "excluded.name, "
            "taken = coalesce(taken, 0) + 1",
            "UPDATE {or}photo SET rating = {rating} WHERE hash = {hash}",
            "UPDATE {or}photo SET name = {name} WHERE hash >= {hash}",
            "UPDATE photo SET thumb = {blob} WHERE hash = {hash}",
            "UPDATE photo SET width = {rating} * 40 WHERE hash = {hash}",
            "UPDATE photo SET height = {rating}, taken = {rating} WHERE big = 0",
            "UPDATE {or}photo SET hash = {hash} WHERE hash = {hash}",
            "DELETE FROM photo WHERE hash = {hash}",
            "DELETE FROM photo WHERE pixels > 100",
            "INSERT {or}INTO album VALUES({album}, {title})",
            "UPDATE {or}album SET title = {title} WHERE uuid = {album}",
            "UPDATE {or}album SET uuid = {album} WHERE uuid = {album}",
            "DELETE FROM album WHERE uuid = {album}",
            "INSERT {or}INTO in_album VALUES({album}, {hash}, {rating}, {cover})",
            "INSERT {or}INTO in_album(album, photo, cover) SELECT {album}, hash, {cover} FROM photo",
            "UPDATE {or}in_album SET cover = 1 - cover WHERE album = {album}",
            "UPDATE {or}in_album SET cover = {cover} WHERE photo = {hash}",
            "UPDATE {or}in_album SET album = {album}, position = position + 0.5 WHERE photo = {hash}",
            "DELETE FROM in_album WHERE cover = {cover}",
            "INSERT {or}INTO exif(photo, {exif}) VALUES({hash}, {value})",
            "REPLACE INTO exif SELECT hash, " + seventy("name || '", "'") + " FROM photo WHERE hash = {hash}",
            "UPDATE exif SET {exif} = {value}",
            "UPDATE {or}exif SET {exif} = {value}, {other exif} = {value} WHERE photo = {hash}",
            "UPDATE exif SET " + seventy("a", " = {value}") + " WHERE photo = {hash}",
            "UPDATE {or}exif SET photo = {hash} WHERE photo = {hash}",
            "DELETE FROM exif WHERE photo = {hash}",
        },
    .words =
        {
            {"hash", {"x'00'", "x'01'", "x''", "x'0100'", "x'02'"}},
            {"album", {"x'aa'", "x'bb'", "x'aabb'"}},
            {"name", {"'sea'", "'SEA'", "'hut'", "NULL"}},
            {"title", {"'Trip'", "'trip'", "'Home'", "NULL"}},
            {"rating", {"0", "3", "5", "5", "6"}},
            {"cover", {"0", "1"}},
            {"blob", {"x''", "x'00'", "zeroblob(5000)", "NULL", "'text'"}},
            {"value", {"NULL", "1", "1.0", "'1'", "x'31'"}},
            {"exif", {"a0", "a1", "a30", "a58"}},
            {"other exif", {"a59", "a60", "a61", "a62", "a69"}},
        },
    .holds = {}};

}  // namespace

TEST_CASE("a photo catalogue on three devices", "[schema]") {
    casasync_test::live(photos);
}
