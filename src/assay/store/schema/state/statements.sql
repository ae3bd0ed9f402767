-- name: add_change
INSERT INTO changes (date, kind, what, link, noted_at) VALUES (:date, :kind, :what, :link, :noted_at)
ON CONFLICT (date, kind, what) DO UPDATE SET link = coalesce(excluded.link, link);

-- name: changes
SELECT no, date, kind, what, link, noted_at FROM changes ORDER BY date, no;

-- name: remove_change
DELETE FROM changes WHERE no = :no;

-- name: add_definition
INSERT INTO definitions (metric, id, first_seen) VALUES (:metric, :id, :first_seen) ON CONFLICT (metric, id) DO NOTHING;

-- name: definitions
SELECT metric, id, first_seen FROM definitions ORDER BY first_seen, metric;
