CREATE INDEX credentials_by_fingerprint ON credentials (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX history_by_credential ON history (credential, id);
CREATE UNIQUE INDEX rotations_open ON rotations (credential) WHERE closed IS NULL;
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
CREATE TABLE audit_head (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    entries INTEGER NOT NULL,
    hash    TEXT NOT NULL
) STRICT;
CREATE TABLE bindings (
    store   TEXT NOT NULL, -- ID of the key in the store
    kind    TEXT NOT NULL, -- 'region', 'credential' or 'consumer'
    owner   TEXT NOT NULL, -- the provider's ID, or the credential's
    name    TEXT NOT NULL, -- of the region or consumer; empty for a credential
    content TEXT NOT NULL, -- JSON
    mac     TEXT NOT NULL,
    PRIMARY KEY (store, kind, owner, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE checks (
    credential TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    region     TEXT NOT NULL,
    verdict    TEXT NOT NULL,
    status     INTEGER,
    reason     TEXT NOT NULL,
    at         INTEGER NOT NULL,
    latency_ms INTEGER,
    PRIMARY KEY (credential, region)
) STRICT, WITHOUT ROWID;
CREATE TABLE consumers (
    credential  TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    target      TEXT NOT NULL, -- JSON; a target cannot hold a secret
    fingerprint TEXT,          -- of the secret that was delivered last
    delivered   INTEGER, part TEXT,
    PRIMARY KEY (credential, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE credentials (
    name             TEXT PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    provider         TEXT NOT NULL,
    kind             TEXT NOT NULL,
    region           TEXT NOT NULL,
    fields           TEXT NOT NULL, -- a JSON object
    labels           TEXT NOT NULL, -- a JSON array
    created          INTEGER NOT NULL,
    expires          INTEGER,
    fingerprint      TEXT,
    principal_id     TEXT,
    principal_name   TEXT,
    principal_type   TEXT,
    scheme           TEXT,
    check_verdict    TEXT, -- the last check in the credential's own region
    check_status     INTEGER,
    check_reason     TEXT,
    check_at         INTEGER,
    check_latency_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE fingerprints (
    credential  TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    part        TEXT NOT NULL,    -- the part's id, or 'secret' for the secret itself
    fingerprint TEXT NOT NULL,
    slot        TEXT,             -- where it lies; NULL where something else has taken its place
    noted       INTEGER NOT NULL, -- when it came there
    PRIMARY KEY (credential, part, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE TABLE history (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    credential TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    region     TEXT NOT NULL,
    draft      TEXT NOT NULL, -- JSON; a draft cannot hold a secret
    status     INTEGER,
    verdict    TEXT NOT NULL,
    latency_ms INTEGER,
    size       INTEGER
) STRICT;
CREATE TABLE rotation_entries (
    rotation TEXT NOT NULL REFERENCES rotations (id),
    seq      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    entry    TEXT NOT NULL, -- JSON
    PRIMARY KEY (rotation, seq)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE sqlite_sequence(name,seq);
CREATE TRIGGER consumer_binding_removed AFTER DELETE ON consumers BEGIN
    DELETE FROM bindings WHERE owner = OLD.credential AND name = OLD.name AND kind = 'consumer';
END;
CREATE TRIGGER credential_bindings_removed AFTER DELETE ON credentials BEGIN
    DELETE FROM bindings WHERE owner = OLD.id AND kind IN ('credential', 'consumer');
END;
