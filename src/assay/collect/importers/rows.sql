-- Files as rows: see rows.py. first_row and last_row restrict what every view shows.

-- name: parquet_view
-- Texts of bad rows are fetched when there are any: see bad_parquet in common.sql.
CREATE OR REPLACE TEMP VIEW rows AS
SELECT * EXCLUDE (file_row_number), file_row_number AS __n, file_row_number + 1 AS __line, CAST(NULL AS VARCHAR) AS __raw, CAST(NULL AS VARCHAR) AS __problem
FROM read_parquet({path}, file_row_number = true)
WHERE file_row_number >= getvariable('first_row') AND file_row_number < getvariable('last_row');

-- name: staged_view
CREATE OR REPLACE TEMP VIEW rows AS
SELECT * EXCLUDE (file_row_number), file_row_number AS __n
FROM read_parquet({path}, file_row_number = true)
WHERE file_row_number >= getvariable('first_row') AND file_row_number < getvariable('last_row');

-- name: stage_csv
COPY (
    SELECT *, CAST(NULL AS BIGINT) AS __line, CAST(NULL AS VARCHAR) AS __raw, CAST(NULL AS VARCHAR) AS __problem
    FROM read_csv({text}, columns = {types}, auto_detect = false, header = true, delim = {delimiter}, quote = '"', escape = '"', skip = {skip}, strict_mode = true, max_line_size = 16777216, buffer_size = 33554432)
) TO {path} (FORMAT parquet, COMPRESSION snappy);

-- name: stage_careful_csv
COPY (
    SELECT * EXCLUDE (__line, __problem), CAST(__line AS BIGINT) AS __line, nullif(__problem, '') AS __problem
    FROM read_csv({text}, columns = {types}, auto_detect = false, header = false, delim = ',', quote = '"', escape = '"', new_line = '\n', strict_mode = true, max_line_size = 16777216, buffer_size = 33554432)
) TO {path} (FORMAT parquet, COMPRESSION snappy);

-- name: stage_lines
COPY (
    SELECT row_number() OVER () AS __line, raw AS __raw, CAST(NULL AS VARCHAR) AS __problem
    FROM read_csv({text}, columns = {'raw': 'VARCHAR'}, auto_detect = false, header = false, delim = chr(1), quote = '', escape = '', strict_mode = false, max_line_size = 16777216, buffer_size = 33554432)
    WHERE trim(raw) <> ''
) TO {path} (FORMAT parquet, COMPRESSION snappy);

-- name: stage_careful_lines
COPY (
    SELECT CAST(line AS BIGINT) AS __line, raw AS __raw, nullif(problem, '') AS __problem
    FROM read_csv({text}, columns = {'line': 'VARCHAR', 'raw': 'VARCHAR', 'problem': 'VARCHAR'}, auto_detect = false, header = false, delim = ',', quote = '"', escape = '"', new_line = '\n', strict_mode = true, max_line_size = 16777216, buffer_size = 33554432)
) TO {path} (FORMAT parquet, COMPRESSION snappy);

-- name: lines_view
CREATE OR REPLACE TEMP VIEW lines AS
SELECT __line, __raw, coalesce(__problem, CASE
    WHEN NOT json_valid(__raw) THEN 'the line is not valid JSON'
    WHEN json_type(__raw) <> 'OBJECT' THEN 'the line is no JSON object'
END) AS __problem, file_row_number AS __n
FROM read_parquet({path}, file_row_number = true)
WHERE file_row_number >= getvariable('first_row') AND file_row_number < getvariable('last_row');

-- name: keys
SELECT key FROM (
    SELECT unnest(json_keys(__raw)) AS key, min(__n) AS place FROM lines WHERE __problem IS NULL GROUP BY key
) ORDER BY lower(key), place;

-- name: stage_objects
-- A member that is an object or array stays as JSON text, null as null.
COPY (
    SELECT unnest(fields), __line, __raw, __problem FROM (
        SELECT CASE WHEN __problem IS NULL THEN TRY_CAST(CAST(__raw AS JSON) AS {type}) END AS fields, __line, __raw, __problem FROM lines
    )
) TO {path} (FORMAT parquet, COMPRESSION snappy);
