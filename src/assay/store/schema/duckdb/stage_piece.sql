INSERT INTO staged
SELECT
    $piece, rn, id_hash, "time", coalesce(seq, 0),
    coalesce(visitor, 'user:' || "user"), coalesce(source, 'unknown'), session, coalesce(utm_campaign, utm_source, click_id),
    coalesce(environment, 'live') = 'live', coalesce(bot, false), coalesce(interactive, true)
FROM piece_rows
WHERE usable;
