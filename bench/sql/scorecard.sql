-- Five KPIs of one period with what their intervals need, as an analyst would write it on the same tables.
WITH v AS (
    SELECT DISTINCT visitor_key FROM sessions WHERE day BETWEEN CAST($first AS DATE) AND CAST($last AS DATE)
), money AS (
    SELECT visitor_key, sum(net) AS net, sum(contribution) AS contribution, count(*) AS orders
    FROM orders WHERE counted AND day BETWEEN CAST($first AS DATE) AND CAST($last AS DATE) GROUP BY visitor_key
), per_visitor AS (
    SELECT coalesce(net, 0) AS net, coalesce(contribution, 0) AS contribution, CASE WHEN orders > 0 THEN 1 ELSE 0 END AS bought
    FROM v LEFT JOIN money USING (visitor_key)
), carts AS (
    SELECT visitor_key, min(t) AS t0 FROM events
    WHERE name = 'add_to_cart' AND NOT bot AND environment = 'live' AND visitor_key IS NOT NULL
        AND day BETWEEN CAST($first AS DATE) AND CAST($last AS DATE) GROUP BY visitor_key
), saved AS (
    SELECT c.visitor_key FROM carts c JOIN orders o ON o.visitor_key = c.visitor_key AND o.counted AND o.t BETWEEN c.t0 AND c.t0 + 604800000000 GROUP BY 1
), sold AS (
    SELECT order_id, t, visitor_key FROM orders WHERE counted AND day BETWEEN CAST($first AS DATE) AND CAST($last AS DATE)
), back AS (
    SELECT s.order_id FROM sold s JOIN events e ON e.name = 'refund' AND NOT e.bot AND e.environment = 'live' AND e.order_id = s.order_id
        AND e.t BETWEEN s.t AND s.t + 2592000000000 GROUP BY 1
)
SELECT
    (SELECT count(*) FROM per_visitor), (SELECT sum(bought) FROM per_visitor), (SELECT sum(net) FROM per_visitor), (SELECT sum(contribution) FROM per_visitor),
    (SELECT count(*) FROM carts), (SELECT count(*) FROM carts) - (SELECT count(*) FROM saved),
    (SELECT count(*) FROM sold), (SELECT count(*) FROM back),
    (SELECT sum(CAST(net AS DOUBLE) * CAST(net AS DOUBLE)) FROM per_visitor), (SELECT sum(CAST(contribution AS DOUBLE) * CAST(contribution AS DOUBLE)) FROM per_visitor)
