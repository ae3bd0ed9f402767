-- view_item → add_to_cart → begin_checkout → purchase, per visitor, seven days, by the device at step 1, as an ASOF chain.
WITH e AS (
    SELECT name, visitor_key, t, session_key, event_no FROM events
    WHERE name IN ('view_item', 'add_to_cart', 'begin_checkout', 'purchase') AND NOT bot AND environment = 'live' AND visitor_key IS NOT NULL
        AND day >= CAST($first AS DATE) AND day <= CAST($last AS DATE) + 8
), first AS (
    SELECT e.visitor_key, e.t, e.session_key, e.event_no FROM events e
    WHERE name = 'view_item' AND NOT bot AND environment = 'live' AND visitor_key IS NOT NULL AND day BETWEEN CAST($first AS DATE) AND CAST($last AS DATE)
), a1 AS (SELECT visitor_key, t, t AS start FROM first
), a2 AS (
    SELECT b.visitor_key, b.t, a.start FROM (SELECT * FROM e WHERE name = 'add_to_cart') b ASOF JOIN a1 a ON a.visitor_key = b.visitor_key AND b.t >= a.t
    WHERE b.t - a.start <= 604800000000
), a3 AS (
    SELECT b.visitor_key, b.t, a.start FROM (SELECT * FROM e WHERE name = 'begin_checkout') b ASOF JOIN a2 a ON a.visitor_key = b.visitor_key AND b.t >= a.t
    WHERE b.t - a.start <= 604800000000
), a4 AS (
    SELECT b.visitor_key, b.t, a.start FROM (SELECT * FROM e WHERE name = 'purchase') b ASOF JOIN a3 a ON a.visitor_key = b.visitor_key AND b.t >= a.t
    WHERE b.t - a.start <= 604800000000
), best AS (
    SELECT visitor_key, max(k) AS level, arg_max(start, (k, -start)) AS start FROM (
        SELECT visitor_key, 1 AS k, start FROM a1 UNION ALL SELECT visitor_key, 2, start FROM a2
        UNION ALL SELECT visitor_key, 3, start FROM a3 UNION ALL SELECT visitor_key, 4, start FROM a4) GROUP BY visitor_key
)
SELECT s.device, count(*), count(*) FILTER (WHERE level >= 2), count(*) FILTER (WHERE level >= 3), count(*) FILTER (WHERE level >= 4)
FROM best b JOIN (SELECT visitor_key, t, min(session_key) AS session_key FROM first GROUP BY visitor_key, t) f ON f.visitor_key = b.visitor_key AND f.t = b.start
JOIN sessions s ON s.session_key = f.session_key
GROUP BY s.device
