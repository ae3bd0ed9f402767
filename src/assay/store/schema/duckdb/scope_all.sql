CREATE OR REPLACE TEMP TABLE scope_visitors AS SELECT visitor_key FROM visitors;
CREATE OR REPLACE TEMP TABLE touched AS
SELECT e.event_no, NULL::INTEGER AS piece, NULL::BIGINT AS rn, e.visitor_key, e.t, e.seq, e.id_hash, e.source, e.session,
    coalesce(e.utm_campaign, e.utm_source, e.click_id) AS campaign, e.day,
    e.environment = 'live' AS live, e.bot, e.interactive, e.session_key AS old_key
FROM events e WHERE e.visitor_key IS NOT NULL;
