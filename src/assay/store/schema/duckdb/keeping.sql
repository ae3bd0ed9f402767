-- What must not come in: erased people (by salted hash, in a span of time) and what is older than it may be kept.
CREATE OR REPLACE TEMP TABLE tombstones AS
SELECT kind, hash, CAST(since_t AS BIGINT) AS since_t, CAST(until_t AS BIGINT) AS until_t
FROM (VALUES {tombstones}) v(kind, hash, since_t, until_t) WHERE kind IS NOT NULL;
CREATE OR REPLACE TEMP TABLE cuts AS
SELECT name, CAST(cut AS BIGINT) AS cut FROM (VALUES {cuts}) v(name, cut) WHERE name IS NOT NULL;
