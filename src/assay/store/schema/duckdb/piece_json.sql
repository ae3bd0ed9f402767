CREATE OR REPLACE TEMP TABLE piece_lines AS
SELECT *, row_number() OVER () - 1 AS rn
FROM read_json({path}, format = 'newline_delimited', columns = {types}, auto_detect = false);
CREATE OR REPLACE TEMP VIEW piece_rows AS SELECT {columns}, rn FROM piece_lines;
