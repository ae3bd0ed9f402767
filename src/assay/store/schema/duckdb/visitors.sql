INSERT INTO visitors
SELECT
    coalesce((SELECT max(visitor_key) FROM visitors), 0) + row_number() OVER (ORDER BY first_t, visitor), visitor, NULL, NULL,
    coalesce((SELECT max(visitor_key) FROM visitors), 0) + row_number() OVER (ORDER BY first_t, visitor)
FROM (SELECT visitor, min(t) AS first_t FROM staged WHERE visitor IS NOT NULL GROUP BY visitor) s
WHERE NOT EXISTS (SELECT 1 FROM visitors v WHERE v.visitor = s.visitor);
CREATE OR REPLACE TEMP TABLE scope_visitors AS
SELECT v.visitor_key FROM visitors v SEMI JOIN staged s ON s.visitor = v.visitor
UNION SELECT visitor_key FROM displaced WHERE visitor_key IS NOT NULL;
CREATE OR REPLACE TEMP TABLE touched AS
SELECT NULL::BIGINT AS event_no, s.piece, s.rn, v.visitor_key, s.t, s.seq, s.id_hash, s.source, s.session, s.campaign,
    CAST({day_staged} AS DATE) AS day, s.live, s.bot, s.interactive, NULL::BIGINT AS old_key
FROM staged s LEFT JOIN visitors v ON v.visitor = s.visitor
UNION ALL
SELECT e.event_no, NULL, NULL, e.visitor_key, e.t, e.seq, e.id_hash, e.source, e.session,
    coalesce(e.utm_campaign, e.utm_source, e.click_id), e.day,
    e.environment = 'live', e.bot, e.interactive, e.session_key
FROM events e SEMI JOIN scope_visitors sv ON sv.visitor_key = e.visitor_key;
DROP TABLE staged;
