-- Sessions with an order / sessions, by day and channel, with the sums per visitor that the interval needs.
WITH bought AS (
    SELECT DISTINCT session_key FROM orders WHERE counted AND day >= CAST($first AS DATE)
), clusters AS (
    SELECT s.day, s.channel, s.visitor_key, count(b.session_key) AS x, count(*) AS y
    FROM sessions s LEFT JOIN bought b ON b.session_key = s.session_key
    WHERE s.day BETWEEN CAST($first AS DATE) AND CAST($last AS DATE)
    GROUP BY s.day, s.channel, s.visitor_key
)
SELECT day, channel, CAST(sum(x) AS BIGINT), CAST(sum(y) AS BIGINT), count(*), sum(CAST(x AS DOUBLE) * x), sum(CAST(x AS DOUBLE) * y), sum(CAST(y AS DOUBLE) * y)
FROM clusters GROUP BY day, channel
