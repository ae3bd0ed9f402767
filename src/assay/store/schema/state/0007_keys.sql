-- Write keys of the collector. A revoked one is kept: its lines stay explained.
CREATE TABLE keys (
    key TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    environment TEXT NOT NULL,   -- live or staging
    origins TEXT NOT NULL,       -- JSON: allowed origins, [] = any
    made_at INTEGER NOT NULL,    -- microseconds UTC
    revoked_at INTEGER
);
