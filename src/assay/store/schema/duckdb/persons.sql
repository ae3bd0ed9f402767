-- A visitor belongs to the first user identified on it; visitors of one user share the smallest key.
CREATE OR REPLACE TEMP TABLE named AS
SELECT sv.visitor_key, n.user_id, n.account
FROM scope_visitors sv LEFT JOIN (
    SELECT e.visitor_key, arg_min(e.user_id, (e.t, e.seq, e.id)) FILTER (WHERE e.user_id IS NOT NULL) AS user_id,
        arg_max(e.account, (e.t, e.seq, e.id)) FILTER (WHERE e.account IS NOT NULL) AS account
    FROM events e SEMI JOIN scope_visitors s ON s.visitor_key = e.visitor_key
    WHERE e.user_id IS NOT NULL OR e.account IS NOT NULL
    GROUP BY e.visitor_key
) n ON n.visitor_key = sv.visitor_key;
UPDATE visitors SET user_id = n.user_id, account = n.account FROM named n
WHERE n.visitor_key = visitors.visitor_key
    AND (n.user_id IS DISTINCT FROM visitors.user_id OR n.account IS DISTINCT FROM visitors.account);
UPDATE visitors SET person_key = p.person_key
FROM (SELECT user_id, min(visitor_key) AS person_key FROM visitors WHERE user_id IS NOT NULL GROUP BY user_id) p
WHERE visitors.user_id = p.user_id AND visitors.person_key <> p.person_key;
UPDATE visitors SET person_key = visitor_key WHERE user_id IS NULL AND person_key <> visitor_key;
