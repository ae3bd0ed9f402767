-- The lines of one segment as piece_rows, every column of the event line present, rn = place in the file.
CREATE OR REPLACE TEMP VIEW piece_rows AS
SELECT {columns}, file_row_number AS rn FROM read_parquet({path}, file_row_number = true);
