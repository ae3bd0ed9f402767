-- The lines of one Parquet segment, every column of the event line present, rn = place in the file.
CREATE OR REPLACE TEMP VIEW piece_all AS
SELECT {columns}, CAST(NULL AS VARCHAR) AS held, CAST(NULL AS BIGINT) AS line, file_row_number AS rn
FROM read_parquet({path}, file_row_number = true);
