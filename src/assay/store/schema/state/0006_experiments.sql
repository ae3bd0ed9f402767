-- What was done to experiments, in order, never changed: starts with their locked plan, stops, readings, decisions, notes.
CREATE TABLE experiment_log (
    no INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    action TEXT NOT NULL,        -- start, stop, decide, reading, note, screenshot
    at INTEGER NOT NULL,         -- microseconds UTC: when it holds from
    noted_at INTEGER NOT NULL,   -- when it was written down
    hash TEXT,                   -- of everything that can be tuned, as it was then
    detail TEXT NOT NULL         -- JSON
);
CREATE INDEX experiment_log_name ON experiment_log (name, no);

-- What people think of an idea: how sure and how hard, both 1 to 10, and what it stands on.
ALTER TABLE backlog ADD COLUMN confidence INTEGER;
ALTER TABLE backlog ADD COLUMN effort INTEGER;
ALTER TABLE backlog ADD COLUMN evidence TEXT;
ALTER TABLE backlog ADD COLUMN experiment TEXT;
