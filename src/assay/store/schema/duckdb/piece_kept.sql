-- The lines without what must not come in. A person is erased up to a moment: what happened or was received until then.
CREATE OR REPLACE TEMP VIEW piece_judged AS
SELECT *,
    CASE
        WHEN EXISTS (
            SELECT 1 FROM tombstones x WHERE x.kind = 'visitor' AND x.hash = sha256('{salt}' || 'visitor:' || p.visitor)
            AND p."time" >= x.since_t AND (p."time" <= x.until_t OR (x.since_t < 0 AND p.received_at <= x.until_t))
        ) OR EXISTS (
            SELECT 1 FROM tombstones x WHERE x.kind = 'user' AND x.hash = sha256('{salt}' || 'user:' || p."user")
            AND p."time" >= x.since_t AND (p."time" <= x.until_t OR (x.since_t < 0 AND p.received_at <= x.until_t))
        ) THEN 'erased'
        WHEN p."time" < coalesce((SELECT c.cut FROM cuts c WHERE c.name = p.name), {default_cut}) THEN 'expired'
    END AS gone
FROM piece_all p;
CREATE OR REPLACE TEMP VIEW piece_kept AS SELECT * EXCLUDE (gone) FROM piece_judged WHERE gone IS NULL;
