SELECT day, count(), countIf(views = 1 AND others = 0) FROM (
    SELECT session, any(day) AS day, countIf(event = 'page_view') AS views, countIf(event IN ('add_to_cart', 'begin_checkout', 'purchase')) AS others
    FROM events GROUP BY session
) GROUP BY day
