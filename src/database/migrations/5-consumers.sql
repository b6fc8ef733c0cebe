-- Where the secret of a credential must be delivered, and what was delivered last.

CREATE TABLE consumers (
    credential  TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    target      TEXT NOT NULL, -- JSON; a target cannot hold a secret
    fingerprint TEXT,          -- of the secret that was delivered last
    delivered   INTEGER,
    PRIMARY KEY (credential, name)
) STRICT, WITHOUT ROWID;
