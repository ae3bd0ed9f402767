-- ASOF JOIN of {left} and {right}: rows of both in one line of time, and the last right one at each left one.
SELECT {left}, {right} FROM (
    SELECT {left}, last_value({right}) IGNORE NULLS OVER (PARTITION BY {keys} ORDER BY at_, side_ ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS {right}
    FROM (
        SELECT struct({left}.*) AS {left}, NULL AS {right}, {left_keys}, {left_at} AS at_, {left_side} AS side_ FROM {left_table} AS {left}
        UNION ALL
        SELECT NULL AS {left}, struct({right}.*) AS {right}, {right_keys}, {right_at} AS at_, {right_side} AS side_ FROM {right_table} AS {right}
        WHERE {right_at} IS NOT NULL{right_there}
    ) AS both_
) AS near_ WHERE {left} IS NOT NULL{inner}
