-- What people keep of the pages: views by their address, and cards on boards.
CREATE TABLE views (
    no INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    view TEXT NOT NULL,          -- path and query below the workspace
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL     -- microseconds UTC
);

CREATE TABLE board_cards (
    no INTEGER PRIMARY KEY,
    board TEXT NOT NULL,
    title TEXT NOT NULL,
    question TEXT NOT NULL,
    params TEXT NOT NULL,        -- JSON
    shown TEXT NOT NULL,         -- answer, table, tiles, funnel …
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL
);
