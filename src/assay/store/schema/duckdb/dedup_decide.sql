-- The smallest (received_at, content) wins, whatever was loaded first.
CREATE OR REPLACE TEMP TABLE losers AS
SELECT piece, rn, event_no, content = first_value(content) OVER w AS same
FROM claims
WINDOW w AS (PARTITION BY id ORDER BY received_at, content, piece, rn, event_no)
QUALIFY row_number() OVER w > 1;
CREATE OR REPLACE TEMP TABLE displaced AS
SELECT e.event_no, e.visitor_key, e.order_id FROM events e SEMI JOIN losers l ON l.event_no = e.event_no;
DELETE FROM staged USING losers l WHERE staged.piece = l.piece AND staged.rn = l.rn;
DELETE FROM {keys} WHERE event_no IN (SELECT event_no FROM displaced);
