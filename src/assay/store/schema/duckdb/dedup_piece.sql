INSERT INTO claims
SELECT p.id, $piece, p.rn, NULL, coalesce(p.received_at, p."time"), {content_line}
FROM piece_rows p
WHERE p.id_hash IN (SELECT id_hash FROM twins) AND p.usable;
