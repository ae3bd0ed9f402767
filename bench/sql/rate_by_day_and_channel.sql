-- Sessions with an order / sessions, by day and channel.
WITH bought AS (
    SELECT DISTINCT e.session_key FROM events e SEMI JOIN (SELECT event_no FROM orders WHERE counted) o ON o.event_no = e.event_no
    WHERE e.name = 'purchase' AND e.day >= CAST($first AS DATE)
)
SELECT s.day, s.channel, CAST(count(b.session_key) AS BIGINT), count(*)
FROM sessions s LEFT JOIN bought b ON b.session_key = s.session_key
WHERE s.day BETWEEN CAST($first AS DATE) AND CAST($last AS DATE)
GROUP BY s.day, s.channel
