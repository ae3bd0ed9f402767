-- Lines whose id may stand elsewhere: in these segments or in the store.
CREATE OR REPLACE TEMP TABLE twins AS
WITH here AS (SELECT id_hash FROM staged GROUP BY id_hash HAVING count(*) > 1),
     there AS (SELECT s.id_hash FROM staged s SEMI JOIN {keys} e ON e.id_hash = s.id_hash)
SELECT id_hash FROM here UNION SELECT id_hash FROM there;
CREATE OR REPLACE TEMP TABLE claims (id VARCHAR, piece INTEGER, rn BIGINT, event_no BIGINT, received_at BIGINT, content VARCHAR);
