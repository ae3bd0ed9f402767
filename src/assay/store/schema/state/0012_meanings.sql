-- A metric's definitions in the order in which they held, also one that came back, with what each said.
ALTER TABLE definitions RENAME TO definitions_before;
CREATE TABLE definitions (
    no INTEGER PRIMARY KEY,
    metric TEXT NOT NULL,
    id TEXT NOT NULL,
    first_seen INTEGER NOT NULL,  -- microseconds UTC
    text TEXT,                    -- in words; null: noted before texts were kept
    meaning TEXT                  -- JSON: dotted key → value in words
);
INSERT INTO definitions (metric, id, first_seen) SELECT metric, id, first_seen FROM definitions_before ORDER BY first_seen, metric;
DROP TABLE definitions_before;
