-- name: begin
BEGIN TRANSACTION;
-- name: commit
COMMIT;
-- name: rollback
ROLLBACK;
-- name: loaded_names
SELECT name FROM segments;
-- name: next_load
SELECT coalesce(max(load_no), 0) + 1 FROM segments;
-- name: next_event
-- Lines that were lost at the end of a load have numbers too.
SELECT greatest((SELECT coalesce(max(event_no), -1) + 1 FROM {keys}), (SELECT coalesce(max(next_no), 0) FROM spans));
-- name: describe_parquet
DESCRIBE SELECT * FROM read_parquet({path});
-- name: unusable
INSERT INTO quarantine
SELECT $name, $file, coalesce(line, rn + 1),
    CASE WHEN held IS NOT NULL THEN held WHEN "time" IS NULL OR name IS NULL OR id IS NULL THEN 'no id, name or time' ELSE 'the amount is no number' END,
    to_json(p)::VARCHAR
FROM (SELECT * EXCLUDE (id_hash) FROM piece_rows) p WHERE NOT usable;
-- name: count_rows
SELECT count(*), count(*) FILTER (WHERE NOT usable) FROM piece_rows;
-- name: count_gone
SELECT count(*) FILTER (WHERE gone = 'erased'), count(*) FILTER (WHERE gone = 'expired') FROM piece_judged;
-- name: span_of_piece
SELECT coalesce(max(rn) + 1, 0) FROM piece_all;
-- name: add_span
INSERT INTO spans VALUES ($segment, $first_no, $next_no);
-- name: unquarantine
DELETE FROM quarantine WHERE segment = $name AND line IN (SELECT line FROM piece_lines);
-- name: replayed
UPDATE segments SET stored = stored + $stored, duplicates = duplicates + $duplicates, clashes = clashes + $clashes,
    quarantined = quarantined - $rows + $quarantined, erased = erased + $erased, expired = expired + $expired
WHERE name = $name;
-- name: pieces_with_twins
SELECT DISTINCT s.piece FROM staged s SEMI JOIN twins t ON t.id_hash = s.id_hash;
-- name: count_new
SELECT count(*) FROM {keys} WHERE event_no >= $first_no;
-- name: losers
SELECT piece, count(*) FILTER (WHERE same), count(*) FILTER (WHERE NOT same) FROM losers GROUP BY piece;
-- name: no_losers
CREATE OR REPLACE TEMP TABLE displaced (event_no BIGINT, visitor_key BIGINT, order_id VARCHAR);
-- name: record
INSERT INTO segments VALUES ($name, $kind, $load_no, $now, $rows, $stored, $duplicates, $clashes, $quarantined, $erased, $expired);
-- name: refused_before
INSERT INTO refusals VALUES ($name, $reason, $lines);
-- name: refused
INSERT INTO refusals SELECT $name, refused, count(*) FROM piece_lines WHERE refused IS NOT NULL GROUP BY refused;
-- name: quarantine_file
INSERT INTO quarantine SELECT $name, file, line, reason, raw FROM read_parquet({path});
-- name: count_quarantine
SELECT count(*) FROM read_parquet({path});
-- name: load_costs
DELETE FROM costs WHERE id IN (SELECT id FROM read_parquet({path}));
INSERT INTO costs
SELECT id, $load_no, day, source, medium, channel, campaign, CAST(amount AS DECIMAL(18, 6)), currency, impressions, clicks,
    claimed_conversions, CAST(claimed_value AS DECIMAL(18, 6))
FROM read_parquet({path});
-- name: count_costs
SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT 1 FROM costs c WHERE c.id = p.id)) FROM read_parquet({path}) p;
-- name: redate
UPDATE {keys} SET day = CAST({day} AS DATE) WHERE day <> CAST({day} AS DATE);
-- name: rekey
UPDATE {keys} SET session_key = k.session_key FROM keyed k
WHERE k.event_no = {keys}.event_no AND k.session_key IS DISTINCT FROM k.old_key;
-- name: attach_beside
ATTACH {path} AS {name} (READ_WRITE);
-- name: detach_beside
DETACH {name};
-- name: beside_events
CREATE OR REPLACE TEMP TABLE events AS SELECT * FROM {store}.events WHERE received_at <= $moment;
-- name: beside_events_shown
CREATE VIEW events AS SELECT e.* REPLACE (CAST({day} AS DATE) AS day) FROM {store}.events e WHERE e.received_at <= {moment};
-- name: beside_keyed
CREATE TABLE keyed_events AS
SELECT e.* REPLACE (CASE WHEN k.event_no IS NULL THEN e.session_key ELSE k.session_key END AS session_key)
FROM events e LEFT JOIN keyed k ON k.event_no = e.event_no;
DROP VIEW events;
ALTER TABLE keyed_events RENAME TO events;
-- name: event_days
SELECT {groups}, count(*) AS {counted}, min(t) AS first_t, max(t) AS last_t FROM events GROUP BY {groups};
-- name: key_events
SELECT * FROM events WHERE name IN ({names});
-- name: get_fact
SELECT value FROM facts WHERE key = $key;
-- name: set_fact
INSERT OR REPLACE INTO facts VALUES ($key, $value);
-- name: columns_of_events
SELECT name, type FROM pragma_table_info('events') WHERE name LIKE 'p\_%' ESCAPE '\' ORDER BY cid;
-- name: drop_property
ALTER TABLE events DROP COLUMN {column};
-- name: add_property
ALTER TABLE events ADD COLUMN {column} {type};
UPDATE events SET {column} = {expression} WHERE props IS NOT NULL;
-- name: drop_touched
DROP TABLE touched;
-- name: drop_work
DROP TABLE IF EXISTS staged;
DROP TABLE IF EXISTS twins;
DROP TABLE IF EXISTS claims;
DROP TABLE IF EXISTS losers;
DROP TABLE IF EXISTS displaced;
DROP TABLE IF EXISTS touched;
DROP TABLE IF EXISTS keyed;
DROP TABLE IF EXISTS named;
DROP TABLE IF EXISTS scope_visitors;
DROP VIEW IF EXISTS piece_rows;
DROP VIEW IF EXISTS piece_kept;
DROP VIEW IF EXISTS piece_judged;
DROP TABLE IF EXISTS tombstones;
DROP TABLE IF EXISTS cuts;
DROP VIEW IF EXISTS piece_all;
DROP TABLE IF EXISTS piece_lines;
DROP TABLE IF EXISTS own_alike;

-- name: table_names
SELECT table_name FROM (SELECT DISTINCT table_name FROM duckdb_tables() WHERE NOT internal AND database_name IN (current_database(), 'temp')) ORDER BY table_name;

-- name: save_query
COPY (SELECT * FROM ({query})) TO {path} (FORMAT parquet, COMPRESSION zstd);

-- name: save_table
COPY (SELECT * FROM {table}) TO {path} (FORMAT parquet);

-- name: person_spans
-- The devices of a user: visitor, from when to when it was this user, whether it was ever another's.
SELECT p.visitor, p.since_t, p.until_t, o.others = 0 AS alone
FROM persons p JOIN (
    SELECT visitor_key, count(*) FILTER (WHERE user_id IS DISTINCT FROM $id) AS others FROM persons GROUP BY visitor_key
) o ON o.visitor_key = p.visitor_key
WHERE p.user_id = $id AND p.visitor NOT LIKE 'user:%' ORDER BY 1, 2;
-- name: gone_of_user
CREATE OR REPLACE TEMP TABLE gone AS
SELECT e.event_no, e.load_no FROM events e
WHERE e.user_id = $id OR e.event_no IN (
    SELECT x.event_no FROM events x JOIN persons p ON p.visitor_key = x.visitor_key
    WHERE p.user_id = $id AND x.t >= p.since_t AND x.t < p.until_t
);
-- name: gone_of_visitor
CREATE OR REPLACE TEMP TABLE gone AS SELECT e.event_no, e.load_no FROM events e WHERE e.visitor = $id;
-- name: gone_by_age
CREATE OR REPLACE TEMP TABLE cuts AS
SELECT name, CAST(cut AS BIGINT) AS cut FROM (VALUES {cuts}) v(name, cut) WHERE name IS NOT NULL;
CREATE OR REPLACE TEMP TABLE gone AS
SELECT e.event_no, e.load_no FROM events e LEFT JOIN cuts c ON c.name = e.name WHERE e.t < coalesce(c.cut, {default_cut});
DROP TABLE cuts;
-- name: gone_of_segments
CREATE OR REPLACE TEMP TABLE gone AS
SELECT e.event_no, e.load_no FROM events e JOIN spans s ON e.event_no >= s.first_no AND e.event_no < s.next_no
WHERE s.segment IN ({names});
-- name: count_gone_events
SELECT count(*) FROM gone;
-- name: remove_gone
-- Each event counts with the segment that its number belongs to; of an older store, with one of its load.
CREATE OR REPLACE TEMP TABLE gone_by_segment AS
WITH largest AS (SELECT load_no, max_by(name, stored) AS name FROM segments WHERE kind = 'events' GROUP BY load_no)
SELECT coalesce(s.segment, x.name) AS name, count(*) AS n
FROM gone g LEFT JOIN spans s ON g.event_no >= s.first_no AND g.event_no < s.next_no LEFT JOIN largest x ON x.load_no = g.load_no
GROUP BY 1;
UPDATE segments SET stored = stored - g.n, {term} = {term} + g.n FROM gone_by_segment g WHERE g.name = segments.name;
DELETE FROM {keys} WHERE event_no IN (SELECT event_no FROM gone);
DROP TABLE gone_by_segment;
DROP TABLE gone;
DELETE FROM visitors WHERE NOT EXISTS (SELECT 1 FROM {keys} e WHERE e.visitor_key = visitors.visitor_key);
UPDATE visitors SET user_id = NULL, account = NULL, person_key = visitor_key;
DELETE FROM persons;
DELETE FROM sessions;
-- name: remove_mentions
-- Rows in quarantine that name the person, as a word of their own.
CREATE OR REPLACE TEMP TABLE mentions AS
SELECT segment, rowid AS row_no FROM quarantine WHERE regexp_matches(raw, $pattern);
UPDATE segments SET quarantined = quarantined - m.n, erased = erased + m.n
FROM (SELECT segment, count(*) AS n FROM mentions GROUP BY segment) m WHERE m.segment = segments.name;
DELETE FROM quarantine WHERE rowid IN (SELECT row_no FROM mentions);
SELECT count(*) FROM mentions;
-- name: forget_segments
DELETE FROM costs WHERE load_no IN (SELECT load_no FROM segments WHERE kind = 'costs' AND name IN ({names}));
DELETE FROM quarantine WHERE segment IN ({names});
DELETE FROM refusals WHERE segment IN ({names});
DELETE FROM spans WHERE segment IN ({names});
DELETE FROM segments WHERE name IN ({names});
-- name: drop_mentions
DROP TABLE IF EXISTS mentions;
DROP TABLE IF EXISTS gone;
-- name: text_columns
SELECT table_name, column_name FROM duckdb_columns()
WHERE NOT internal AND data_type = 'VARCHAR' AND database_name = current_database() AND schema_name = 'main' ORDER BY 1, 2;
-- name: count_naming
SELECT count(*) FROM {table} WHERE regexp_matches({column}, $pattern);
-- name: copy_store
CHECKPOINT;
ATTACH {path} AS fresh;
COPY FROM DATABASE {store} TO fresh;
DETACH fresh;
-- name: own_tables
SELECT table_name FROM duckdb_tables()
WHERE NOT internal AND NOT temporary AND database_name = current_database() ORDER BY 1;
-- name: count_table
SELECT count(*) FROM {table};
-- name: theirs_events
SELECT * EXCLUDE (event_no, load_no, id_hash) FROM events WHERE event_no IN (SELECT event_no FROM gone) ORDER BY t, seq, id;
-- name: theirs_sessions
SELECT * FROM sessions WHERE session_key IN (SELECT session_key FROM events WHERE event_no IN (SELECT event_no FROM gone)) ORDER BY start_t;
-- name: theirs_orders
SELECT * EXCLUDE (event_no, money_event_no) FROM orders
WHERE event_no IN (SELECT event_no FROM gone) OR money_event_no IN (SELECT event_no FROM gone) ORDER BY t;
-- name: theirs_refunds
SELECT r.* EXCLUDE (event_no) FROM refunds r WHERE r.event_no IN (SELECT event_no FROM gone)
    OR r.order_id IN (SELECT order_id FROM orders WHERE event_no IN (SELECT event_no FROM gone)) ORDER BY t;
-- name: theirs_quarantine
SELECT * FROM quarantine WHERE regexp_matches(raw, $pattern) ORDER BY segment, line;
-- name: lake_columns
SELECT column_name, column_type FROM (DESCRIBE {table});
-- name: lake_marks
-- What a part of a table says, whatever the order of its rows.
SELECT {part} AS part, count(*), CAST(sum(CAST(hash(whole) AS HUGEINT)) AS VARCHAR) FROM {table} whole GROUP BY part ORDER BY part;
-- name: lake_save
COPY (SELECT {columns} FROM {table} ORDER BY {order}) TO {path} (FORMAT parquet);
-- name: lake_save_days
COPY (SELECT {columns} FROM {table} WHERE day IN ({days}) ORDER BY {order})
TO {path} (FORMAT parquet, PARTITION_BY (day), WRITE_PARTITION_COLUMNS true, FILENAME_PATTERN {files}, OVERWRITE_OR_IGNORE true);
-- name: all_rows
SELECT * FROM {table};
-- name: usable_rows
SELECT * EXCLUDE (held, line) REPLACE (TRY_CAST(amount AS DECIMAL(18, 6)) AS amount){typed} FROM piece_rows WHERE usable;
-- name: export
COPY (SELECT {columns} FROM ({query})) TO {path} (FORMAT parquet);
-- name: pull
CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM read_parquet($files, hive_partitioning = false);
-- name: take_in
INSERT INTO {table} BY NAME SELECT * FROM read_parquet($files, hive_partitioning = false);
-- name: lake_view
CREATE OR REPLACE VIEW {table} AS
SELECT {columns} FROM read_parquet({files}, hive_partitioning = true, union_by_name = true);
-- name: empty_view
CREATE OR REPLACE VIEW {table} AS SELECT {columns} LIMIT 0;
-- name: version_of
SELECT value FROM read_parquet($files, hive_partitioning = false) WHERE key = 'version';

-- name: own_attach
ATTACH IF NOT EXISTS {path} AS {alias} (READ_ONLY);
-- name: own_attached
SELECT database_name FROM duckdb_databases() WHERE NOT internal AND database_name LIKE 'own\_%' ESCAPE '\';
-- name: own_detach
DETACH {alias};
-- name: own_create
-- In place of the events themselves: their numbers and keys. The rest is read where it lies, by the number of the row.
DROP TABLE events;
CREATE TABLE own_keys (
    event_no BIGINT NOT NULL,
    load_no INTEGER NOT NULL,
    id_hash UBIGINT NOT NULL,
    t BIGINT NOT NULL,
    day DATE NOT NULL,
    visitor_key BIGINT,
    session_key BIGINT
);
-- Rows that are alike within their file, from the second on: their ids say which one they are.
CREATE TABLE own_repeats (event_no BIGINT NOT NULL, row_text_hash VARCHAR NOT NULL, occurrence BIGINT NOT NULL);
-- name: own_view
CREATE OR REPLACE VIEW {view} AS SELECT * FROM ({lines});
-- name: own_events
CREATE OR REPLACE VIEW events AS
SELECT
    k.event_no, k.load_no, p.id, k.id_hash, p.name, k.t, k.day, k.visitor_key, k.session_key, coalesce(p.seq, 0) AS seq, p.sent_at,
    coalesce(p.received_at, k.t) AS received_at, coalesce(p.source, 'unknown') AS source, coalesce(p.environment, 'live') AS environment,
    p.visitor, p."user" AS user_id, p.account, p.session, p.hit, p.url, p.host, p.path, p.title, p.referrer, p.utm_source,
    p.utm_medium, p.utm_campaign, p.utm_content, p.utm_term, p.click_id, p.device, p.browser, p.os, p.country, p.language, p.screen,
    coalesce(p.bot, false) AS bot, coalesce(p.interactive, true) AS interactive, p.session_channel, p.session_new, p.session_bounce,
    p.order_id, TRY_CAST(p.amount AS DECIMAL(18, 6)) AS amount, p.currency, p.items, p.consent, p.props{extra}
FROM own_keys k JOIN (SELECT *{extracted} FROM own_lines) p ON p.rn = k.event_no;
-- name: own_narrow
CREATE OR REPLACE TEMP VIEW events AS SELECT * FROM ({select});
-- name: own_widen
DROP VIEW IF EXISTS temp.events;
-- name: own_drop_views
DROP VIEW IF EXISTS events;
DROP VIEW IF EXISTS own_lines;
-- name: own_drop_view
DROP VIEW IF EXISTS {view};
-- name: own_drop
DROP TABLE own_keys;
DROP TABLE own_repeats;
-- name: own_reset
DELETE FROM own_keys;
DELETE FROM own_repeats;
-- name: own_forget
-- Everything that was derived from events; costs stay.
DELETE FROM quarantine WHERE segment IN (SELECT name FROM segments WHERE kind = 'events');
DELETE FROM refusals WHERE segment IN (SELECT name FROM segments WHERE kind = 'events');
DELETE FROM segments WHERE kind = 'events';
DELETE FROM spans;
DELETE FROM visitors;
DELETE FROM persons;
DELETE FROM sessions;
DELETE FROM orders;
DELETE FROM refunds;
DELETE FROM facts WHERE key IN ('own', 'own_columns', 'own_shown', 'derivation');
-- name: own_names
SELECT name FROM segments WHERE kind = 'events';
-- name: own_spans
SELECT segment, first_no FROM spans;
-- name: own_next
SELECT coalesce(max(next_no), 0) FROM spans;
-- name: own_alike
CREATE OR REPLACE TEMP TABLE own_alike (piece INTEGER, n BIGINT, row_text_hash VARCHAR, occurrence BIGINT);
INSERT INTO own_alike (piece) VALUES (-1);
-- name: own_find_alike
INSERT INTO own_alike SELECT $piece, n, row_text_hash, occurrence FROM ({alike});
-- name: own_alike_of
SELECT n, row_text_hash, occurrence FROM own_alike WHERE piece = {piece};
-- name: own_repeats_of
SELECT event_no AS n, row_text_hash, occurrence FROM own_repeats;
-- name: own_nothing
SELECT * FROM ({lines}) LIMIT 0;
-- name: own_all
SELECT * FROM {view};
-- name: own_piece
CREATE OR REPLACE TEMP VIEW piece_all AS SELECT * FROM ({lines});
-- name: own_insert
INSERT INTO own_keys
SELECT $first_no + t.rn, $load_no, t.id_hash, t.t, t.day, k.visitor_key, k.session_key
FROM touched t JOIN keyed k ON k.rn = t.rn AND k.piece = t.piece WHERE t.piece = $piece;
-- name: own_count_alike
SELECT count(*) FROM own_alike WHERE piece = $piece;
-- name: own_insert_repeats
INSERT INTO own_repeats SELECT $first_no + n, row_text_hash, occurrence FROM own_alike WHERE piece = $piece;
-- name: drop_table
DROP TABLE {table};
