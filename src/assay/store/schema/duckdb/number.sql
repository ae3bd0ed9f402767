CREATE OR REPLACE TEMP TABLE numbered AS
SELECT piece, rn, visitor_key, session_key,
    coalesce((SELECT max(event_no) FROM events), 0) + row_number() OVER (ORDER BY piece, rn) AS new_no
FROM keyed WHERE event_no IS NULL;
UPDATE events SET session_key = k.session_key FROM keyed k
WHERE k.event_no = events.event_no AND k.session_key IS DISTINCT FROM k.old_key;
