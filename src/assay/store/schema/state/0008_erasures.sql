-- Who was erased, by salted hash: neither a replay nor an import brings them back. No id stands here.
CREATE TABLE tombstones (
    kind TEXT NOT NULL,          -- visitor or user
    hash TEXT NOT NULL,          -- SHA-256 of salt, kind and id
    since_t INTEGER NOT NULL,    -- microseconds UTC; below 0: from the beginning
    until_t INTEGER NOT NULL,
    PRIMARY KEY (kind, hash, since_t)
);
-- What was erased when, without who it was.
CREATE TABLE erasures (
    no INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,         -- microseconds UTC
    kind TEXT NOT NULL,          -- visitor, user
    events INTEGER NOT NULL,
    lines INTEGER NOT NULL,      -- of segments
    quarantined INTEGER NOT NULL
);
-- Small facts of the workspace by name.
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);
