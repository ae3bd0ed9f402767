-- name: create_database
CREATE DATABASE {database};

-- name: drop_database
DROP DATABASE IF EXISTS {database};

-- name: drop_table
DROP TABLE IF EXISTS {database}.{table};

-- name: copy_table
CREATE TABLE {database}.{table} ENGINE = MergeTree ORDER BY {order} SETTINGS allow_nullable_key = 1
AS SELECT * FROM file('{path}', 'Parquet');
