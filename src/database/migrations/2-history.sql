-- Requests that were sent. AUTOINCREMENT, so that an id is never given twice, even after a purge.

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

CREATE INDEX history_by_credential ON history (credential, id);
