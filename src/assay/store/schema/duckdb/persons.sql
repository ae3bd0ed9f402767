-- A visitor's events belong to the user identified last; those before the first identification to that first user.
CREATE OR REPLACE TEMP TABLE named AS
SELECT e.visitor_key, arg_max(e.account, (e.t, e.seq, e.id)) AS account
FROM events e SEMI JOIN scope_visitors s ON s.visitor_key = e.visitor_key
WHERE e.account IS NOT NULL GROUP BY e.visitor_key;
CREATE OR REPLACE TEMP TABLE identified AS
WITH marks AS (
    -- Within one instant the last identification counts: a half-open span has no place for two.
    SELECT e.visitor_key, e.t, arg_max(e.user_id, (e.seq, e.id)) AS user_id
    FROM events e SEMI JOIN scope_visitors s ON s.visitor_key = e.visitor_key
    WHERE e.user_id IS NOT NULL GROUP BY e.visitor_key, e.t
), changes AS (
    SELECT visitor_key, t, user_id FROM marks
    QUALIFY user_id IS DISTINCT FROM lag(user_id) OVER (PARTITION BY visitor_key ORDER BY t)
)
SELECT visitor_key, user_id,
    CASE WHEN row_number() OVER w = 1 THEN -9000000000000000000 ELSE t END AS since_t,
    coalesce(lead(t) OVER w, 9000000000000000000) AS until_t
FROM changes WINDOW w AS (PARTITION BY visitor_key ORDER BY t);
DELETE FROM persons WHERE visitor_key IN (SELECT visitor_key FROM scope_visitors);
INSERT INTO persons
SELECT sv.visitor_key, v.visitor, coalesce(i.since_t, -9000000000000000000), coalesce(i.until_t, 9000000000000000000), i.user_id, n.account,
    CASE WHEN i.user_id IS NULL THEN sv.visitor_key ELSE -4611686018427387904 - CAST(md5_number_lower(i.user_id) >> 2 AS BIGINT) END
FROM scope_visitors sv JOIN visitors v ON v.visitor_key = sv.visitor_key LEFT JOIN identified i ON i.visitor_key = sv.visitor_key LEFT JOIN named n ON n.visitor_key = sv.visitor_key;
-- The visitor's own row says who was there last.
UPDATE visitors SET user_id = p.user_id, account = p.account, person_key = p.person_key
FROM persons p SEMI JOIN scope_visitors s ON s.visitor_key = p.visitor_key
WHERE p.visitor_key = visitors.visitor_key AND p.until_t = 9000000000000000000
    AND (p.user_id IS DISTINCT FROM visitors.user_id OR p.account IS DISTINCT FROM visitors.account OR p.person_key <> visitors.person_key);
DROP TABLE identified;
