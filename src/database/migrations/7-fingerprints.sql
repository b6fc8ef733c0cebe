-- The fingerprints of all that the store holds or held, so that a copy of it is known wherever it lies.

CREATE TABLE fingerprints (
    credential  TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    part        TEXT NOT NULL,    -- the part's id, or 'secret' for the secret itself
    fingerprint TEXT NOT NULL,
    slot        TEXT,             -- where it lies; NULL where something else has taken its place
    noted       INTEGER NOT NULL, -- when it came there
    PRIMARY KEY (credential, part, fingerprint)
) STRICT, WITHOUT ROWID;

INSERT INTO fingerprints (credential, part, fingerprint, slot, noted)
    SELECT id, 'secret', fingerprint, 'current', created FROM credentials WHERE fingerprint IS NOT NULL;
