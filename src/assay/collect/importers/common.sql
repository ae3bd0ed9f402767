-- What all importers share: settings, macros, checks, writing.

-- name: settings
SET TimeZone = 'UTC';
SET enable_progress_bar = false;
SET preserve_insertion_order = true;
SET VARIABLE first_row = 0;
SET VARIABLE last_row = 4611686018427387904;

-- name: range
SET VARIABLE first_row = {first};
SET VARIABLE last_row = {last};

-- name: view
CREATE OR REPLACE TEMP VIEW {view} AS {select};

-- name: describe
DESCRIBE SELECT * FROM {relation};

-- name: count
SELECT count(*) FROM {relation};

-- name: mean_length
SELECT CAST(avg(length(__raw)) AS BIGINT) FROM {relation};

-- name: parquet_rows
SELECT coalesce(sum(num_rows), 0) FROM parquet_file_metadata({path});

-- name: macros
-- Texts that mean nothing.
CREATE OR REPLACE TEMP MACRO given(x) AS nullif(trim(CAST(x AS VARCHAR)), '');
-- (CASE, not IN: DuckDB makes a join of a long IN.)
CREATE OR REPLACE TEMP MACRO told(x) AS CASE trim(x)
    WHEN '' THEN NULL WHEN '(none)' THEN NULL WHEN '(not set)' THEN NULL WHEN '(direct)' THEN NULL WHEN '(not provided)' THEN NULL
    WHEN '(data deleted)' THEN NULL WHEN '<Other>' THEN NULL WHEN '<obfuscated>' THEN NULL WHEN 'not available in demo dataset' THEN NULL
    ELSE trim(x) END;
-- A number without useless zeros. (Macros are copied where they stand: each names its argument as seldom as it can.)
CREATE OR REPLACE TEMP MACRO plain(d) AS rtrim(rtrim(CAST(CAST(d AS DECIMAL(38, 6)) AS VARCHAR), '0'), '.');
-- Exact decimal text of a text that may be a decimal number; null where it is none or has more than 12 digits before the point.
CREATE OR REPLACE TEMP MACRO decimal_text(x) AS plain(TRY_CAST(x AS DECIMAL(18, 6)));
-- The same, but a text that is no number stays as it is, so that the check names it.
CREATE OR REPLACE TEMP MACRO money_text(x) AS coalesce(decimal_text(x), x);
-- Millionths, as Google exports money: 30430000 → 30.43.
CREATE OR REPLACE TEMP MACRO micros_text(x) AS CASE WHEN x IS NOT NULL THEN coalesce(plain(CAST(CAST(TRY_CAST(x AS BIGINT) AS DECIMAL(22, 0)) * 0.000001 AS DECIMAL(18, 6))), x) END;
-- The same as a number in JSON.
CREATE OR REPLACE TEMP MACRO micros(x) AS CAST(micros_text(x) AS JSON);
CREATE OR REPLACE TEMP MACRO truth(x) AS TRY_CAST(CASE lower(trim(CAST(x AS VARCHAR))) WHEN 'yes' THEN 'true' WHEN 'no' THEN 'false' ELSE lower(trim(CAST(x AS VARCHAR))) END AS BOOLEAN);
-- A JSON object without its empty members; null where nothing is left.
CREATE OR REPLACE TEMP MACRO lean(x) AS nullif(CAST(json_merge_patch('{}', x) AS VARCHAR), '{}');
CREATE OR REPLACE TEMP MACRO host_of(url) AS nullif(lower(regexp_extract(url, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/@?#]*@)?([^/:?#]+)', 1)), '');
CREATE OR REPLACE TEMP MACRO path_of(url) AS CASE WHEN host_of(url) IS NOT NULL THEN coalesce(nullif(regexp_extract(url, '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*([^?#]*)', 1), ''), '/') END;

-- name: repeats
-- Rows that are alike have numbers, so that each has an id of its own and a repeated file has the same ids.
CREATE OR REPLACE TEMP TABLE twins AS
SELECT h FROM (SELECT hash(row_text) AS h FROM texts WHERE id_text IS NULL AND __problem IS NULL) GROUP BY h HAVING count(*) > 1;
CREATE OR REPLACE TEMP TABLE repeats AS
SELECT n, row_text_hash, occurrence FROM (
    SELECT __n AS n, md5(row_text) AS row_text_hash, row_number() OVER (PARTITION BY row_text ORDER BY __n) AS occurrence
    FROM texts SEMI JOIN twins ON twins.h = hash(row_text) WHERE id_text IS NULL AND __problem IS NULL
) WHERE occurrence > 1;

-- name: checked
-- mapped: n, line, raw, note, time_text and the columns of the event line. reason says why a row cannot be used.
CREATE OR REPLACE TEMP VIEW checked AS
SELECT *, coalesce(note, CASE
    WHEN name IS NULL THEN 'the event has no name'
    WHEN "time" IS NULL AND time_text IS NULL THEN 'the event has no time'
    WHEN "time" IS NULL THEN 'time ''' || left(time_text, 60) || ''' cannot be read as a time'
    WHEN "time" < 631152000000000 OR "time" > {latest} THEN 'time ''' || left(coalesce(time_text, CAST("time" AS VARCHAR)), 60) || ''' lies outside 1990 to tomorrow'
    WHEN amount IS NOT NULL AND TRY_CAST(amount AS DECIMAL(18, 6)) IS NULL THEN 'amount ''' || left(amount, 60) || ''' is not a decimal number'
    WHEN currency IS NOT NULL AND NOT regexp_full_match(currency, '[A-Za-z]{3}') THEN 'currency ''' || left(currency, 60) || ''' is not a code of three letters'
END) AS reason
FROM mapped;

-- name: bad
COPY (SELECT DISTINCT {file} AS file, CAST(line AS BIGINT) AS line, CAST(reason AS VARCHAR) AS reason, CAST(raw AS VARCHAR) AS raw FROM {relation} WHERE reason IS NOT NULL ORDER BY line)
TO {path} (FORMAT parquet);

-- name: bad_parquet
CREATE OR REPLACE TEMP TABLE bad AS
SELECT DISTINCT CAST(line AS BIGINT) AS line, CAST(reason AS VARCHAR) AS reason, CAST(raw AS VARCHAR) AS raw FROM {relation} WHERE reason IS NOT NULL;
COPY (
    SELECT {file} AS file, b.line, b.reason, coalesce(b.raw, CAST(to_json(p) AS VARCHAR)) AS raw
    FROM (SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS line_in_file FROM read_parquet({source}, file_row_number = true)) p
    JOIN bad b ON b.line = p.line_in_file ORDER BY b.line
) TO {path} (FORMAT parquet);

-- name: any_bad
SELECT count(*) FROM (SELECT 1 FROM {relation} WHERE reason IS NOT NULL LIMIT 1);

-- name: first_bad
SELECT line, reason FROM read_parquet({path}) ORDER BY line LIMIT 1;

-- name: line
-- The event line of checked rows. more: further columns before it.
SELECT
    {more} id, name, "time", seq, sent_at, coalesce(received_at, "time") AS received_at, source, environment, visitor, "user", account,
    session, hit, url, host, path, title, referrer, utm_source, utm_medium, utm_campaign, utm_content, utm_term, click_id,
    device, browser, os, country, language, screen, bot, coalesce(interactive, true) AS interactive, session_channel,
    session_new, session_bounce, order_id, decimal_text(amount) AS amount, upper(currency) AS currency,
    CAST(items AS VARCHAR) AS items, consent, CAST(props AS VARCHAR) AS props
FROM {relation};

-- name: write_events
COPY ({line}) TO {path} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 122880);
