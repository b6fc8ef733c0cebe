-- Rotations. They outlive their credential: what was done stays on record.

CREATE TABLE rotations (
    id         TEXT PRIMARY KEY,
    credential TEXT NOT NULL,
    plan       TEXT NOT NULL, -- JSON
    state      TEXT NOT NULL,
    opened     INTEGER NOT NULL,
    closed     INTEGER,
    owner      TEXT,          -- who drives it now,
    held_until INTEGER        -- and for how long at most
) STRICT, WITHOUT ROWID;

-- One open rotation for each credential, whatever two processes do at once.
CREATE UNIQUE INDEX rotations_open ON rotations (credential) WHERE closed IS NULL;

CREATE TABLE rotation_entries (
    rotation TEXT NOT NULL REFERENCES rotations (id),
    seq      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    entry    TEXT NOT NULL, -- JSON
    PRIMARY KEY (rotation, seq)
) STRICT, WITHOUT ROWID;
