-- Reports to be sent: one row per slot of a schedule and receiver, so that a slot goes to nobody twice.
CREATE TABLE outbox (
    no INTEGER PRIMARY KEY,
    slot TEXT NOT NULL,          -- the moment that the schedule names, ISO with its offset
    schedule TEXT NOT NULL,      -- as the plan says it: monday 08:00
    receiver TEXT NOT NULL,      -- a mail address or a hook's name
    format TEXT NOT NULL,
    file TEXT NOT NULL,          -- below the workspace's data
    text TEXT NOT NULL,          -- the sentence that goes with it
    state TEXT NOT NULL,         -- waiting, sending, sent, unclear, given_up
    tries INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,    -- microseconds UTC
    why TEXT NOT NULL DEFAULT '',
    changed_at INTEGER NOT NULL,
    UNIQUE (slot, schedule, receiver, format)
);
