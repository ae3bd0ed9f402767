SELECT device, step, countIf(level >= place) FROM (
    SELECT visitor, argMinIf(device, t, event = 'view_item') AS device,
        windowFunnel(604800000000)(t, event = 'view_item' AND t < 1774310400000000, event = 'add_to_cart', event = 'begin_checkout', event = 'purchase') AS level
    FROM events WHERE event IN ('view_item', 'add_to_cart', 'begin_checkout', 'purchase') GROUP BY visitor HAVING level > 0
) ARRAY JOIN [1, 2, 3, 4] AS place, ['view_item', 'add_to_cart', 'begin_checkout', 'purchase'] AS step GROUP BY device, place, step
