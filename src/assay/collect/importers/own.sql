-- Own tables as rows, each with its number: see own.py. {files} and {firsts} are lists, one entry per file.

-- name: parquet
SELECT * EXCLUDE (file_row_number), ({firsts})[CAST(file_index AS BIGINT) + 1] + file_row_number AS __n, file_row_number + 1 AS __line,
    CAST(NULL AS VARCHAR) AS __raw, CAST(NULL AS VARCHAR) AS __problem
FROM read_parquet({files}, union_by_name = true, file_row_number = true);

-- name: table
SELECT *, ({firsts})[1] + rowid AS __n, rowid + 1 AS __line, CAST(NULL AS VARCHAR) AS __raw, CAST(NULL AS VARCHAR) AS __problem
FROM {table};

-- name: csv
SELECT *, ({firsts})[1] + row_number() OVER () - 1 AS __n, row_number() OVER () + 1 AS __line, CAST(NULL AS VARCHAR) AS __raw, CAST(NULL AS VARCHAR) AS __problem
FROM read_csv({files}, columns = {types}, auto_detect = false, header = true, delim = {delimiter}, quote = '"', escape = '"', strict_mode = true, max_line_size = 16777216, buffer_size = 33554432);

-- name: ndjson
SELECT ({firsts})[1] + line - 1 AS __n, line AS __line, raw AS __raw, CASE
    WHEN NOT json_valid(raw) THEN 'the line is not valid JSON'
    WHEN json_type(raw) <> 'OBJECT' THEN 'the line is no JSON object'
END AS __problem
FROM (
    SELECT raw, row_number() OVER () AS line
    FROM read_csv({files}, columns = {'raw': 'VARCHAR'}, auto_detect = false, header = false, delim = chr(1), quote = '', escape = '', strict_mode = false, max_line_size = 16777216, buffer_size = 33554432)
) WHERE trim(raw) <> '';

-- name: objects
SELECT unnest(fields), __n, __line, __raw, __problem FROM (
    SELECT CASE WHEN __problem IS NULL THEN TRY_CAST(CAST(__raw AS JSON) AS {type}) END AS fields, __n, __line, __raw, __problem FROM lines
);

-- name: keys
SELECT DISTINCT unnest(json_keys(__raw)) AS key FROM ({lines}) WHERE __problem IS NULL ORDER BY lower(key), key;

-- name: repeats
SELECT n, row_text_hash, occurrence FROM {repeats};

-- name: none_alike
(SELECT CAST(NULL AS BIGINT) AS n, CAST(NULL AS VARCHAR) AS row_text_hash, CAST(NULL AS BIGINT) AS occurrence WHERE false);

-- name: all_alike
SELECT n, row_text_hash, occurrence FROM repeats;

-- name: attach
ATTACH {path} AS {alias} (READ_ONLY);

-- name: tables
SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal AND database_name = {alias} ORDER BY 1, 2;

-- name: views
SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal AND database_name = {alias} ORDER BY 1, 2;
