-- Ideas to test, each once, with what the data say of their worth when they were last asked.
CREATE TABLE backlog (
    no INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    source TEXT NOT NULL,
    metric TEXT NOT NULL,
    segment TEXT NOT NULL,          -- JSON: dimension → value
    step TEXT,
    worth TEXT,                     -- a year, decimal text
    worth_low TEXT,
    worth_high TEXT,
    sample INTEGER,                 -- units per arm
    weeks REAL,
    status TEXT NOT NULL DEFAULT 'idea',
    noted_at INTEGER NOT NULL,      -- microseconds UTC
    updated_at INTEGER NOT NULL
);
