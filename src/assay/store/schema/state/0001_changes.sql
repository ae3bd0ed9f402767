-- What changes by clicking, by command or from a build job; the plan in git and the events have places of their own.
CREATE TABLE changes (
    no INTEGER PRIMARY KEY,
    date TEXT NOT NULL,      -- day of the site's zone
    kind TEXT NOT NULL,
    what TEXT NOT NULL,
    link TEXT,
    noted_at INTEGER NOT NULL,  -- microseconds UTC
    UNIQUE (date, kind, what)
);
