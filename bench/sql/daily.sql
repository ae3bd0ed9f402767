-- The same five by day: what the day-to-day noise is judged by.
WITH v AS (
    SELECT DISTINCT day, visitor_key FROM sessions WHERE day BETWEEN CAST($first AS DATE) AND CAST($last AS DATE)
), money AS (
    SELECT day, visitor_key, sum(net) AS net, sum(contribution) AS contribution
    FROM orders WHERE counted AND day BETWEEN CAST($first AS DATE) AND CAST($last AS DATE) GROUP BY day, visitor_key
), by_visitor AS (
    SELECT v.day, count(*) AS visitors, sum(net) AS net, sum(contribution) AS contribution, count(m.visitor_key) AS buyers,
        sum(CAST(net AS DOUBLE) * CAST(net AS DOUBLE)) AS net2, sum(CAST(contribution AS DOUBLE) * CAST(contribution AS DOUBLE)) AS contribution2
    FROM v LEFT JOIN money m ON m.day = v.day AND m.visitor_key = v.visitor_key GROUP BY v.day
), carts AS (
    SELECT day, visitor_key, min(t) AS t0 FROM events
    WHERE name = 'add_to_cart' AND NOT bot AND environment = 'live' AND visitor_key IS NOT NULL
        AND day BETWEEN CAST($first AS DATE) AND CAST($last AS DATE) GROUP BY day, visitor_key
), saved AS (
    SELECT c.day, c.visitor_key FROM carts c JOIN orders o ON o.visitor_key = c.visitor_key AND o.counted AND o.t BETWEEN c.t0 AND c.t0 + 604800000000 GROUP BY 1, 2
), by_cart AS (
    SELECT c.day, count(*) AS carts, count(s.visitor_key) AS saved FROM carts c LEFT JOIN saved s ON s.day = c.day AND s.visitor_key = c.visitor_key GROUP BY c.day
), sold AS (
    SELECT order_id, t, day FROM orders WHERE counted AND day BETWEEN CAST($first AS DATE) AND CAST($last AS DATE)
), back AS (
    SELECT s.order_id FROM sold s JOIN events e ON e.name = 'refund' AND NOT e.bot AND e.environment = 'live' AND e.order_id = s.order_id
        AND e.t BETWEEN s.t AND s.t + 2592000000000 GROUP BY 1
), by_order AS (
    SELECT s.day, count(*) AS orders, count(b.order_id) AS refunded FROM sold s LEFT JOIN back b ON b.order_id = s.order_id GROUP BY s.day
)
SELECT * FROM by_visitor FULL JOIN by_cart USING (day) FULL JOIN by_order USING (day) ORDER BY day
