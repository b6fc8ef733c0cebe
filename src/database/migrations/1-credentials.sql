-- Credentials and their verdicts. Moments are microseconds since 1970, UTC.

-- Clustered by name, because every first frame reads all of them in that order.
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

CREATE INDEX credentials_by_fingerprint ON credentials (fingerprint) WHERE fingerprint IS NOT NULL;

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
