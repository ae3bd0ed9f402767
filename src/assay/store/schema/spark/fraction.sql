-- A value as DuckDB writes it. ``typeof`` is known before anything runs, so other types cost nothing.
CASE
    WHEN typeof(value_) <> 'double' OR CAST(value_ AS STRING) NOT LIKE '%E%' THEN CAST(value_ AS STRING)
    WHEN abs(TRY_CAST(CAST(value_ AS STRING) AS DOUBLE)) >= 0.0001
        AND abs(TRY_CAST(CAST(value_ AS STRING) AS DOUBLE)) < 10000000000000000
    THEN regexp_replace(CAST(TRY_CAST(CAST(value_ AS STRING) AS DECIMAL(38, 20)) AS STRING), '(\\.[0-9]+?)0+$', '$1')
    ELSE lower(regexp_replace(
        regexp_replace(replace(CAST(value_ AS STRING), '.0E', 'E'), 'E([0-9])', 'E+$1'), '([+-])([0-9])$', '$10$2'))
END
