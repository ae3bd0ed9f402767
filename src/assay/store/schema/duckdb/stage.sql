-- Narrow columns of every line of the segments at hand. piece_rows holds the lines themselves (a view or a table).
CREATE OR REPLACE TEMP TABLE staged (
    piece INTEGER, rn BIGINT, id_hash UBIGINT, t BIGINT, seq BIGINT, visitor VARCHAR, source VARCHAR, session VARCHAR,
    campaign VARCHAR, live BOOLEAN, bot BOOLEAN, interactive BOOLEAN
);
