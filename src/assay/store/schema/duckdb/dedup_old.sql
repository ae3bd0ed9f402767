INSERT INTO claims
SELECT e.id, -1, NULL, e.event_no, e.received_at, {content_stored}
FROM events e SEMI JOIN twins USING (id_hash);
