-- How much of the till the tracking sees, by day of the reconciliation: a figure of trust.
CREATE TABLE coverage (
    no INTEGER PRIMARY KEY,
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    orders INTEGER NOT NULL,        -- that the tracking should have seen
    tracked INTEGER NOT NULL,
    amount TEXT NOT NULL,           -- decimal text
    tracked_amount TEXT NOT NULL,
    file TEXT NOT NULL,
    noted_at INTEGER NOT NULL
);
