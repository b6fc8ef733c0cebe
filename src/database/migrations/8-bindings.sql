-- What each secret is bound to: the hosts of a region, the region and key file of a credential, the target of a consumer.
-- The MAC is made with a key in the secret store, so a row that another program writes is not valid.

CREATE TABLE bindings (
    store   TEXT NOT NULL, -- ID of the key in the store
    kind    TEXT NOT NULL, -- 'region', 'credential' or 'consumer'
    owner   TEXT NOT NULL, -- the provider's ID, or the credential's
    name    TEXT NOT NULL, -- of the region or consumer; empty for a credential
    content TEXT NOT NULL, -- JSON
    mac     TEXT NOT NULL,
    PRIMARY KEY (store, kind, owner, name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER credential_bindings_removed AFTER DELETE ON credentials BEGIN
    DELETE FROM bindings WHERE owner = OLD.id AND kind IN ('credential', 'consumer');
END;

CREATE TRIGGER consumer_binding_removed AFTER DELETE ON consumers BEGIN
    DELETE FROM bindings WHERE owner = OLD.credential AND name = OLD.name AND kind = 'consumer';
END;
