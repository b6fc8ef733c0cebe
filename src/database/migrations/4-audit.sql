-- The audit trail: each line's hash covers the hash of the line before.

CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    name    TEXT,
    outcome TEXT NOT NULL,
    reason  TEXT NOT NULL,
    hash    TEXT NOT NULL
) STRICT;

-- Where the trail ends, so that a missing last line is noticed too.
CREATE TABLE audit_head (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    entries INTEGER NOT NULL,
    hash    TEXT NOT NULL
) STRICT;

INSERT INTO audit_head (one, entries, hash) VALUES (1, 0, '');
