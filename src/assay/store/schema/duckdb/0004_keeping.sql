-- Lines that came and are not kept: of erased people, and older than their period.
ALTER TABLE segments ADD COLUMN erased BIGINT DEFAULT 0;
ALTER TABLE segments ADD COLUMN expired BIGINT DEFAULT 0;
-- Which numbers the events of a segment have, from first_no to before next_no; a replay adds another span.
CREATE TABLE spans (segment VARCHAR NOT NULL, first_no BIGINT NOT NULL, next_no BIGINT NOT NULL);
