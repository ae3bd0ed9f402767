-- One part of the demo's lines, in the columns of the event line. Codes become texts here.
SELECT
    $prefix || to_base(e.number, 36)                                        AS id,
    n.text                                                                  AS name,
    e.time * 1000                                                           AS time,
    e.seq::BIGINT                                                           AS seq,
    NULL::BIGINT                                                            AS sent_at,
    e.received * 1000                                                       AS received_at,
    r.text                                                                  AS source,
    'live'                                                                  AS environment,
    CASE WHEN e.visitor >= 0 THEN 'v' || to_base(e.visitor + 1, 36) END     AS visitor,
    CASE WHEN e.person >= 0 THEN 'u' || to_base(e.person + 1, 36) END       AS "user",
    CASE WHEN e.account >= 0 THEN 'a' || to_base(e.account + 1, 36) END     AS account,
    NULL::VARCHAR                                                           AS session,
    NULL::BIGINT                                                            AS hit,
    p.url || CASE WHEN e.entry >= 0 THEN coalesce(s.query, '') ELSE '' END  AS url,
    p.host                                                                  AS host,
    p.path                                                                  AS path,
    p.title                                                                 AS title,
    s.referrer                                                              AS referrer,
    s.source                                                                AS utm_source,
    s.medium                                                                AS utm_medium,
    s.campaign                                                              AS utm_campaign,
    s.content                                                               AS utm_content,
    s.term                                                                  AS utm_term,
    s.click || '=' || to_base(e.session + 1000000, 36)                      AS click_id,
    m.device                                                                AS device,
    m.browser                                                               AS browser,
    m.os                                                                    AS os,
    c.country                                                               AS country,
    c.language                                                              AS language,
    m.screen                                                                AS screen,
    e.bot                                                                   AS bot,
    e.interactive                                                           AS interactive,
    NULL::VARCHAR                                                           AS session_channel,
    NULL::BOOLEAN                                                           AS session_new,
    NULL::BOOLEAN                                                           AS session_bounce,
    l.order_id::VARCHAR                                                     AS order_id,
    l.amount::VARCHAR                                                       AS amount,
    l.currency::VARCHAR                                                     AS currency,
    l.items::VARCHAR                                                        AS items,
    CASE WHEN e.consent THEN 'granted' ELSE 'unknown' END                   AS consent,
    l.props::VARCHAR                                                        AS props
FROM part AS e
JOIN names AS n ON n.code = e.name
JOIN sources AS r ON r.code = e.source
LEFT JOIN pages AS p ON p.code = e.page
LEFT JOIN entries AS s ON s.code = e.entry
LEFT JOIN machines AS m ON m.code = e.profile
LEFT JOIN countries AS c ON c.code = e.country
LEFT JOIN payload AS l ON l.code = e.payload
ORDER BY e.row
