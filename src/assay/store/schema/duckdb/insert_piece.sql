INSERT INTO events
SELECT
    $first_no + p.rn, $load_no, p.id, p.id_hash, p.name, p."time", CAST({day_piece} AS DATE), k.visitor_key, k.session_key,
    coalesce(p.seq, 0), p.sent_at, coalesce(p.received_at, p."time"), coalesce(p.source, 'unknown'),
    coalesce(p.environment, 'live'), p.visitor, p."user", p.account, p.session, p.hit, p.url, p.host, p.path, p.title,
    p.referrer, p.utm_source, p.utm_medium, p.utm_campaign, p.utm_content, p.utm_term, p.click_id, p.device, p.browser,
    p.os, p.country, p.language, p.screen, coalesce(p.bot, false), coalesce(p.interactive, true), p.session_channel,
    p.session_new, p.session_bounce, p.order_id, TRY_CAST(p.amount AS DECIMAL(18, 6)), p.currency, p.items, p.consent, p.props{extra}
FROM (SELECT *{extracted} FROM piece_rows) p JOIN keyed k ON k.rn = p.rn AND k.piece = $piece;
