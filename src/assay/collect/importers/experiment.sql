-- Rows of a test run elsewhere, one a unit → its exposures. cells: what experiment.py composed, every column as text.

-- name: macros
-- A number as it is written, thousands separated or not; null where it is none. (1.0 and 1 are the same number.)
CREATE OR REPLACE TEMP MACRO finite(d) AS CASE WHEN isfinite(d) THEN d END;
CREATE OR REPLACE TEMP MACRO figure(x) AS coalesce(finite(TRY_CAST(x AS DOUBLE)), CAST(number_of(x) AS DOUBLE));
CREATE OR REPLACE TEMP MACRO figure_of_comma(x) AS finite(TRY_CAST(replace(replace(x, '.', ''), ',', '.') AS DOUBLE));
CREATE OR REPLACE TEMP MACRO zero_one(x, d) AS CASE WHEN d = 1 THEN 1 WHEN d = 0 THEN 0 WHEN d IS NULL THEN CAST(truth(x) AS INTEGER) END;
CREATE OR REPLACE TEMP MACRO numeral(d) AS CASE
    WHEN d = floor(d) AND abs(d) < 1000000000000000 THEN CAST(CAST(CAST(d AS BIGINT) AS VARCHAR) AS JSON) ELSE to_json(d) END;
CREATE OR REPLACE TEMP MACRO missing(what) AS what || ' is empty';
CREATE OR REPLACE TEMP MACRO shown(what, x) AS what || ' ''' || left(x, 60) || '''';

-- name: mapped
CREATE OR REPLACE TEMP VIEW mapped AS
SELECT n, line, raw, variant, time_text, coalesce(problem, {checks}) AS note, md5(concat_ws(chr(31), 'experiment', {value}, unit)) AS id,
    {event} AS name, {time} AS "time", CAST({now} AS BIGINT) AS received_at, {source} AS source, {environment} AS environment,
    unit AS visitor, {user} AS "user", {account} AS account, false AS interactive, {props} AS props, {empty}
FROM cells;

-- name: units
-- The first usable row of a unit stands; further ones would count it twice.
CREATE OR REPLACE TEMP TABLE twins AS
SELECT h FROM (SELECT hash(visitor) AS h FROM checked WHERE reason IS NULL) GROUP BY h HAVING count(*) > 1;
CREATE OR REPLACE TEMP TABLE again AS
SELECT n, variant <> stands AS other FROM (
    SELECT n, variant, first_value(variant) OVER w AS stands, row_number() OVER w AS place
    FROM checked SEMI JOIN twins ON twins.h = hash(visitor) WHERE reason IS NULL
    WINDOW w AS (PARTITION BY visitor ORDER BY n)
) WHERE place > 1;
CREATE OR REPLACE TEMP VIEW units AS
SELECT c.* REPLACE (coalesce(c.reason, CASE
    WHEN a.other THEN 'the unit is in an earlier row, with another variant; the first row stands'
    WHEN NOT a.other THEN 'the unit is in an earlier row; the first row stands'
END) AS reason)
FROM checked c LEFT JOIN again a ON a.n = c.n;

-- name: variants
SELECT variant, count(*) FROM cells WHERE variant IS NOT NULL GROUP BY variant ORDER BY count(*) DESC, variant;

-- name: numeric
SELECT {counts} FROM rows;
