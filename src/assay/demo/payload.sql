-- What the events of a cart carry: one row per cart and event, the code as in payload.py. Money is cents in the carts.
SET enable_progress_bar = false;

CREATE MACRO money(cents) AS (cents // 100)::VARCHAR || '.' || lpad((cents % 100)::VARCHAR, 2, '0');

CREATE TABLE payload AS
WITH lines AS (
    SELECT
        k.*,
        '[' || concat_ws(', ', i1.text, i2.text, i3.text) || ']' AS items,
        money(k.goods - k.discount) AS value,
        o.text AS coupon_text,
        w.text AS payment_text,
        CASE WHEN k."order" >= 0 THEN 'K' || (100001 + k."order")::VARCHAR END AS order_id
    FROM carts AS k
    LEFT JOIN items AS i1 ON i1.code = k.item1
    LEFT JOIN items AS i2 ON i2.code = k.item2
    LEFT JOIN items AS i3 ON i3.code = k.item3
    LEFT JOIN coupons AS o ON o.code = k.coupon
    LEFT JOIN payments AS w ON w.code = k.payment
),
basics AS (
    SELECT *, '{"value": "' || value || '"' || coalesce(', "coupon": "' || coupon_text || '"', '') AS head FROM lines
)
SELECT f.code::BIGINT AS code, f.items, f.props, NULL::VARCHAR AS amount, NULL::VARCHAR AS currency,
       NULL::VARCHAR AS order_id
FROM fixed AS f
UNION ALL
SELECT $base + $kinds * row + 0, items, head || '}', NULL, NULL, NULL FROM basics
UNION ALL
SELECT $base + $kinds * row + 1, items, head || ', "shipping_tier": "standard"}', NULL, NULL, NULL FROM basics
UNION ALL
SELECT $base + $kinds * row + 2, items, head || ', "payment_type": "' || payment_text || '"}', NULL, NULL, NULL
FROM basics
UNION ALL
SELECT $base + $kinds * row + 3, items,
       '{"tax": "' || money(tax) || '", "shipping": "' || money(shipping) || '", "discount": "' || money(discount)
       || '", "cost": "' || money(cost) || '", "shipping_cost": "' || money(shipping_cost) || '"'
       || coalesce(', "coupon": "' || coupon_text || '"', '') || '}',
       value, $currency, order_id
FROM basics
WHERE "order" >= 0
UNION ALL
SELECT $base + $kinds * row + 4, NULL, NULL, money(refund), $currency, order_id FROM basics WHERE refund > 0
