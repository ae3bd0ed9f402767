-- The same of an NDJSON segment; read once, since its rows have no numbers of their own.
CREATE OR REPLACE TEMP TABLE piece_lines AS
SELECT *, row_number() OVER () - 1 AS rn
FROM read_json({path}, format = 'newline_delimited', columns = {types}, auto_detect = false);
-- A line that says what was refused is no event.
CREATE OR REPLACE TEMP VIEW piece_all AS SELECT {columns}, held, line, rn FROM piece_lines WHERE refused IS NULL;
