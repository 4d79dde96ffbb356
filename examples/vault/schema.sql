-- A household's finances. Made for several devices that write offline:
--   * every key is a UUID as text, so two devices never hand out the same one;
--   * money is a whole number of minor units (cents) with its currency beside it, never a float;
--   * days are text, YYYY-MM-DD, without a time zone.

CREATE TABLE account (
    id         TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL CHECK (name <> ''),
    kind       TEXT NOT NULL CHECK (kind IN ('current', 'savings', 'card', 'cash', 'investment')),
    currency   TEXT NOT NULL CHECK (length(currency) = 3),
    opened     TEXT NOT NULL CHECK (opened GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    closed     TEXT CHECK (closed GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    reconciled TEXT CHECK (reconciled GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),  -- only moves forward
    position   INTEGER NOT NULL DEFAULT 0,
    notes      TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE category (
    id       TEXT NOT NULL PRIMARY KEY,
    parent   TEXT REFERENCES category (id) ON DELETE SET NULL,
    name     TEXT NOT NULL CHECK (name <> ''),
    kind     TEXT NOT NULL CHECK (kind IN ('income', 'expense')),
    position INTEGER NOT NULL DEFAULT 0,
    hidden   INTEGER NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1))
) STRICT;

CREATE TABLE payee (
    id       TEXT NOT NULL PRIMARY KEY,
    name     TEXT NOT NULL CHECK (name <> ''),
    category TEXT REFERENCES category (id) ON DELETE SET NULL,  -- proposed for the next transaction
    notes    TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE txn (
    id       TEXT NOT NULL PRIMARY KEY,
    account  TEXT NOT NULL REFERENCES account (id),
    payee    TEXT REFERENCES payee (id) ON DELETE SET NULL,
    category TEXT REFERENCES category (id) ON DELETE SET NULL,  -- NULL while split
    amount   INTEGER NOT NULL,                                  -- minor units; negative: spent
    currency TEXT NOT NULL CHECK (length(currency) = 3),        -- of the amount; not always the account's
    date     TEXT NOT NULL CHECK (date GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    notes    TEXT NOT NULL DEFAULT '',
    cleared  INTEGER NOT NULL DEFAULT 0 CHECK (cleared IN (0, 1))
) STRICT;

CREATE TABLE split (
    id       TEXT NOT NULL PRIMARY KEY,
    txn      TEXT NOT NULL REFERENCES txn (id) ON DELETE CASCADE,
    category TEXT REFERENCES category (id) ON DELETE SET NULL,
    amount   INTEGER NOT NULL,  -- in the currency of the transaction
    notes    TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE rule (
    id       TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL DEFAULT 0,
    field    TEXT NOT NULL CHECK (field IN ('payee', 'notes')),
    test     TEXT NOT NULL CHECK (test IN ('is', 'contains', 'starts_with')),
    pattern  TEXT NOT NULL CHECK (pattern <> ''),
    category TEXT NOT NULL REFERENCES category (id) ON DELETE CASCADE,
    enabled  INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1))
) STRICT;

CREATE TABLE tag (
    id    TEXT NOT NULL PRIMARY KEY,
    name  TEXT NOT NULL UNIQUE CHECK (name <> ''),
    color TEXT NOT NULL DEFAULT '#808080' CHECK (length(color) = 7)
) STRICT;

CREATE TABLE txn_tag (
    txn TEXT NOT NULL REFERENCES txn (id) ON DELETE CASCADE,
    tag TEXT NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
    PRIMARY KEY (txn, tag)
) STRICT, WITHOUT ROWID;

CREATE INDEX txn_by_account_and_date ON txn (account, date);
CREATE INDEX txn_by_payee ON txn (payee);
CREATE INDEX txn_by_category ON txn (category);
CREATE INDEX split_by_txn ON split (txn);
CREATE INDEX txn_tag_by_tag ON txn_tag (tag);
