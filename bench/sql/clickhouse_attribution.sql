SELECT channel, sum(1 / touches) FROM (
    SELECT c.session AS session, s.channel AS channel, count() OVER (PARTITION BY c.visitor, c.t) AS touches
    FROM (SELECT visitor, session, t FROM events WHERE event = 'purchase' AND toDate32(fromUnixTimestamp64Micro(t)) BETWEEN '2026-03-02' AND '2026-03-31') c
    JOIN (SELECT visitor, session, min(t) AS start, any(channel) AS channel FROM events GROUP BY visitor, session) s ON s.visitor = c.visitor
    WHERE s.start <= c.t AND s.start >= c.t - 2592000000000
) GROUP BY channel
