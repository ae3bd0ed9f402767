-- What a line must have. The rest is quarantined: one bad line does not hold up its segment.
CREATE OR REPLACE TEMP VIEW piece_rows AS
SELECT *, hash(id) AS id_hash, id IS NOT NULL AND name IS NOT NULL AND "time" IS NOT NULL AND held IS NULL
    AND (amount IS NULL OR TRY_CAST(amount AS DECIMAL(18, 6)) IS NOT NULL) AS usable
FROM {lines};
