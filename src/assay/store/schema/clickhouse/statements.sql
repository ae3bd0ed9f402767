-- name: create_database
CREATE DATABASE IF NOT EXISTS {database};
-- name: drop_database
DROP DATABASE IF EXISTS {database};
-- name: list_tables
SELECT name FROM system.tables WHERE database = '{name}';
-- name: has_manifest
SELECT 1 FROM system.tables WHERE database = '{name}' AND name = '{table}';
-- name: make_manifest
CREATE TABLE IF NOT EXISTS {table} (written DateTime64(6) DEFAULT now64(6), text String) ENGINE = MergeTree ORDER BY written;
-- name: read_manifest
SELECT text FROM {table} ORDER BY JSONExtractUInt(text, 'generation') DESC, written DESC LIMIT 1;
-- name: write_manifest
INSERT INTO {table} (text) SELECT {text:String};
-- name: trim_manifest
DELETE FROM {table} WHERE written < now64(6) - INTERVAL 1 DAY
    AND JSONExtractUInt(text, 'generation') < (SELECT max(JSONExtractUInt(text, 'generation')) FROM {table});
-- name: drop_table
DROP TABLE IF EXISTS {table} SYNC;
-- name: create_table
CREATE TABLE {table} ({columns}) ENGINE = MergeTree {part} ORDER BY {order} SETTINGS allow_nullable_key = 1;
-- name: clone
CREATE TABLE {table} CLONE AS {origin};
-- name: drop_partition
ALTER TABLE {table} DROP PARTITION {key};
-- name: drop_column
ALTER TABLE {table} DROP COLUMN {column};
-- name: add_column
ALTER TABLE {table} ADD COLUMN {column} {type};
-- name: describe
DESCRIBE TABLE {table};
-- name: of_partitions
INSERT INTO {table} ({columns}) SELECT {columns} FROM ({query}) WHERE {part} IN ({keys});
-- name: make_table
CREATE TABLE {table} ENGINE = MergeTree ORDER BY tuple() AS {query};
-- name: append
INSERT INTO {table} ({columns}) {query};
-- name: take_in
INSERT INTO {table} SELECT * FROM file({path}, 'Parquet');
-- name: break_off
KILL QUERY WHERE user = currentUser() AND position(query, '/* {tag} */') > 0 AND query NOT LIKE 'KILL QUERY%' ASYNC;
-- name: set
SET {name} = {value};

-- name: create_database_everywhere
CREATE DATABASE IF NOT EXISTS {database} ON CLUSTER {cluster};
-- name: make_manifest_everywhere
CREATE TABLE IF NOT EXISTS {here} ON CLUSTER {cluster} (written DateTime64(6) DEFAULT now64(6), text String)
    ENGINE = {engine} ORDER BY written;
CREATE TABLE IF NOT EXISTS {table} ON CLUSTER {cluster} AS {here} ENGINE = {spread};
-- name: trim_manifest_everywhere
DELETE FROM {here} ON CLUSTER {cluster} WHERE JSONExtractUInt(text, 'generation') + 100 < {generation};
-- name: drop_table_everywhere
DROP TABLE IF EXISTS {table} ON CLUSTER {cluster} SYNC;
DROP TABLE IF EXISTS {here} ON CLUSTER {cluster} SYNC;
-- name: create_table_everywhere
CREATE TABLE {here} ON CLUSTER {cluster} ({columns})
    ENGINE = {engine} {part} ORDER BY {order} SETTINGS allow_nullable_key = 1;
CREATE TABLE {table} ON CLUSTER {cluster} AS {here} ENGINE = {spread};
-- name: complete_everywhere
CREATE TABLE IF NOT EXISTS {here} ON CLUSTER {cluster} ({columns})
    ENGINE = {engine} {part} ORDER BY {order} SETTINGS allow_nullable_key = 1;
CREATE TABLE IF NOT EXISTS {table} ON CLUSTER {cluster} AS {here} ENGINE = {spread};
-- name: servers_of_tables
SELECT name, count(), (SELECT count() FROM clusterAllReplicas({all}, system.one))
FROM clusterAllReplicas({all}, system.tables) WHERE database = {name} GROUP BY name;
-- name: clone_everywhere
CREATE TABLE {here} ON CLUSTER {cluster} AS {origin}
    ENGINE = {engine} {part} ORDER BY {order} SETTINGS allow_nullable_key = 1;
CREATE TABLE {table} ON CLUSTER {cluster} AS {here} ENGINE = {spread};
ALTER TABLE {here} ON CLUSTER {cluster} ATTACH PARTITION ALL FROM {origin};
-- name: drop_partition_everywhere
ALTER TABLE {here} ON CLUSTER {cluster} DROP PARTITION {key};
-- name: drop_column_everywhere
ALTER TABLE {here} ON CLUSTER {cluster} DROP COLUMN {column};
ALTER TABLE {table} ON CLUSTER {cluster} DROP COLUMN {column};
-- name: add_column_everywhere
ALTER TABLE {here} ON CLUSTER {cluster} ADD COLUMN {column} {type};
ALTER TABLE {table} ON CLUSTER {cluster} ADD COLUMN {column} {type};
-- name: sync_everywhere
SYSTEM SYNC REPLICA ON CLUSTER {cluster} {here} LIGHTWEIGHT;
-- name: counts
SELECT (SELECT count() FROM {table}), (SELECT count() FROM {origin});
-- name: shards
SELECT uniqExact(shard_num), countIf(replica_num > 1 AND NOT internal_replication) FROM system.clusters WHERE cluster = {name};
-- name: all_shards
(SELECT * FROM {table});
