-- Every definition that a metric has had, since when: numbers told before then followed another.
CREATE TABLE definitions (
    metric TEXT NOT NULL,
    id TEXT NOT NULL,
    first_seen INTEGER NOT NULL,  -- microseconds UTC
    PRIMARY KEY (metric, id)
);
