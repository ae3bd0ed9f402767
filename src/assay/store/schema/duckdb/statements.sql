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
SELECT coalesce(max(event_no), -1) + 1 FROM events;
-- name: describe_parquet
DESCRIBE SELECT * FROM read_parquet({path});
-- name: unusable
INSERT INTO quarantine
SELECT $name, $file, rn + 1,
    CASE WHEN "time" IS NULL OR name IS NULL OR id IS NULL THEN 'no id, name or time' ELSE 'the amount is no number' END,
    to_json(p)::VARCHAR
FROM piece_rows p WHERE NOT usable;
-- name: count_rows
SELECT count(*), count(*) FILTER (WHERE NOT usable) FROM piece_rows;
-- name: any_twins
SELECT EXISTS (SELECT 1 FROM twins);
-- name: losers
SELECT piece, count(*) FILTER (WHERE same), count(*) FILTER (WHERE NOT same) FROM losers GROUP BY piece;
-- name: no_losers
CREATE OR REPLACE TEMP TABLE displaced (event_no BIGINT, visitor_key BIGINT, order_id VARCHAR);
-- name: record
INSERT INTO segments VALUES ($name, $kind, $load_no, $now, $rows, $stored, $duplicates, $clashes, $quarantined);
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
UPDATE events SET day = CAST({day} AS DATE) WHERE day <> CAST({day} AS DATE);
-- name: rekey
UPDATE events SET session_key = k.session_key FROM keyed k
WHERE k.event_no = events.event_no AND k.session_key IS DISTINCT FROM k.old_key;
-- name: get_fact
SELECT value FROM facts WHERE key = $key;
-- name: set_fact
INSERT OR REPLACE INTO facts VALUES ($key, $value);
-- name: columns_of_events
SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'events' AND column_name LIKE 'p\_%' ESCAPE '\'
ORDER BY ordinal_position;
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
DROP VIEW IF EXISTS piece_all;
DROP TABLE IF EXISTS piece_lines;

-- name: table_names
SELECT table_name FROM (SELECT DISTINCT table_name FROM duckdb_tables() WHERE NOT internal) ORDER BY table_name;

-- name: save_table
COPY (SELECT * FROM {table}) TO {path} (FORMAT parquet);
