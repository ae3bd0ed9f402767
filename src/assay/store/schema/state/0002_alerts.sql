-- Alerts that were raised, and what people decided about them. Days are of the site's zone, moments microseconds UTC.
CREATE TABLE alerts (
    no INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,    -- first day, subject and part
    subject TEXT NOT NULL,
    part TEXT,                   -- dimension=value
    cause TEXT NOT NULL,         -- tracking, mix, rate, volume, bots
    first TEXT NOT NULL,
    last TEXT NOT NULL,          -- last day on which it was seen
    recovered TEXT,              -- first day as expected again
    weekly INTEGER NOT NULL,     -- found by weeks
    text TEXT NOT NULL,
    incident TEXT NOT NULL,      -- JSON: the numbers behind it
    raised_at INTEGER NOT NULL,
    acknowledged_at INTEGER
);

-- A muted subject raises nothing until the day (null: until it is heard again).
CREATE TABLE alert_mutes (
    subject TEXT PRIMARY KEY,
    until TEXT,
    muted_at INTEGER NOT NULL
);

-- Days that were judged, and how: nothing is judged twice, and a quiet day can be told from one not looked at.
CREATE TABLE alert_days (
    day TEXT PRIMARY KEY,
    series INTEGER NOT NULL,     -- that had enough sample
    p REAL,                      -- the limit of one series
    judged_at INTEGER NOT NULL
);
