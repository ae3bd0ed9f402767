INSERT INTO staged
SELECT
    $piece, rn, hash(id), "time", coalesce(seq, 0), coalesce(received_at, "time"),
    coalesce(visitor, 'user:' || "user"), "user", account, coalesce(source, 'unknown'), session,
    coalesce(utm_campaign, utm_source, click_id), order_id IS NOT NULL,
    coalesce(environment, 'live') = 'live', coalesce(bot, false), coalesce(interactive, true)
FROM piece_rows
WHERE usable;
