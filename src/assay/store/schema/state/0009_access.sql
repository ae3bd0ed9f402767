-- Who may do what. Tokens and keys stand here as SHA-256 only, passwords as argon2id.
CREATE TABLE users (
    no INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,  -- small letters
    name TEXT NOT NULL,
    role TEXT NOT NULL,          -- viewer, analyst, admin
    password TEXT,               -- NULL: invited, not yet set
    made_at INTEGER NOT NULL,    -- microseconds UTC, as all moments here
    password_at INTEGER,
    seen_at INTEGER
);
-- Links that work once: the first admin's, invitations, new passwords.
CREATE TABLE entry_links (
    hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL,          -- first, invite, reset
    user INTEGER REFERENCES users (no) ON DELETE CASCADE,  -- NULL: the first admin's
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
);
CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES users (no) ON DELETE CASCADE,
    made_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX sessions_user ON sessions (user, made_at);
CREATE TABLE api_keys (
    no INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    start TEXT NOT NULL,         -- its first letters, to tell keys apart
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,        -- read, write, admin; parted by spaces
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    revoked_at INTEGER
);
CREATE TABLE share_links (
    no INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,          -- of one view, from the workspace's root
    query TEXT NOT NULL,
    title TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    revoked_at INTEGER
);
CREATE TABLE audit_log (
    no INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,           -- e-mail, name of a key, command line; "" = nobody known
    via TEXT NOT NULL,           -- which session, key or share link
    what TEXT NOT NULL,          -- login, login_failed, role, …
    about TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_log_what ON audit_log (what, no);
