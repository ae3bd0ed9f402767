-- Ad costs by day, channel and campaign. texts: day_text, end_text, … as composed in costs.py.

-- name: macros
CREATE OR REPLACE TEMP MACRO blank(x) AS CASE WHEN trim(x) NOT IN ('', '-', '--', '—') THEN trim(x) END;
-- Digits and separators of an amount such as € 1.234,50 or 1,234.50 USD; null where there is anything else.
CREATE OR REPLACE TEMP MACRO digits_of(x) AS CASE WHEN regexp_full_match(trim(x), '[A-Za-z]{0,3}\s*[$€£¥]?\s*[+-]?\d[\d.,''\s\x{00A0}\x{202F}]*\s*[$€£¥%]?\s*[A-Za-z]{0,3}')
    THEN regexp_replace(x, '[^0-9.,+-]', '', 'g') END;
CREATE OR REPLACE TEMP MACRO comma_number(d) AS replace(replace(d, '.', ''), ',', '.');
CREATE OR REPLACE TEMP MACRO point_number(d) AS replace(d, ',', '');
-- One separator with one or two digits after it is the decimal sign; of two kinds the last is; else the file decides.
CREATE OR REPLACE TEMP MACRO clean_number(d, comma) AS TRY_CAST(CASE
    WHEN regexp_full_match(d, '[+-]?[\d.]*,\d{1,2}') OR regexp_full_match(d, '[+-]?[\d.]+\.\d{3},\d+') THEN comma_number(d)
    WHEN regexp_full_match(d, '[+-]?[\d,]*\.\d{1,2}') OR regexp_full_match(d, '[+-]?[\d,]+,\d{3}\.\d+') THEN point_number(d)
    WHEN comma THEN comma_number(d) ELSE point_number(d) END AS DECIMAL(18, 6));
CREATE OR REPLACE TEMP MACRO slash_day(x, slash) AS CASE slash
    WHEN 'day' THEN coalesce(try_strptime(x, '%d/%m/%Y'), try_strptime(x, '%d/%m/%y')) WHEN 'month' THEN coalesce(try_strptime(x, '%m/%d/%Y'), try_strptime(x, '%m/%d/%y')) END;
CREATE OR REPLACE TEMP MACRO day_of(x, format, slash) AS CAST(CASE
    WHEN format <> '' THEN try_strptime(x, coalesce(nullif(format, ''), '%Y'))
    WHEN regexp_full_match(x, '\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T].*)?') THEN TRY_CAST(replace(regexp_extract(x, '^[^ T]+'), '/', '-') AS TIMESTAMP)
    WHEN regexp_full_match(x, '\d{8}') THEN try_strptime(x, '%Y%m%d')
    WHEN regexp_full_match(x, '\d{1,2}\.\d{1,2}\.\d{4}') THEN try_strptime(x, '%d.%m.%Y')
    WHEN regexp_full_match(x, '\d{1,2}/\d{1,2}/\d{2,4}([ ].*)?') THEN slash_day(regexp_extract(x, '^[^ ]+'), slash)
    ELSE coalesce(try_strptime(x, '%b %d, %Y'), try_strptime(x, '%B %d, %Y'), try_strptime(x, '%d %b %Y'), try_strptime(x, '%d %B %Y'), try_strptime(x, '%a, %b %d, %Y'))
END AS DATE);

-- name: evidence
-- Whether amounts are written with a decimal comma, and whether the day stands first in 13/02/2024.
SELECT
    coalesce(bool_or(regexp_full_match(digits_of(amount_text), '[+-]?[\d.]*,\d{1,2}') OR regexp_full_match(digits_of(amount_text), '[+-]?[\d.]+\.\d{3},\d+')), false),
    coalesce(bool_or(TRY_CAST(regexp_extract(day_text, '^(\d{1,2})/\d{1,2}/', 1) AS INTEGER) > 12), false),
    coalesce(bool_or(TRY_CAST(regexp_extract(day_text, '^\d{1,2}/(\d{1,2})/', 1) AS INTEGER) > 12), false)
FROM texts;

-- name: checked
CREATE OR REPLACE TEMP VIEW totals AS
SELECT *, coalesce(regexp_matches(coalesce(first_text, __raw), '^\W*(total|totals|gesamt|summe|insgesamt|totaal|sum|grand total)\b', 'i') AND day_of(blank(day_text), {format}, {slash}) IS NULL, false)
    OR ({summary} AND __problem IS NULL AND blank(campaign_text) IS NULL) AS is_total
FROM texts;

CREATE OR REPLACE TEMP VIEW checked AS
SELECT *, md5(concat_ws(chr(31), CAST(day AS VARCHAR), coalesce(source, ''), coalesce(medium, ''), coalesce(channel, ''), coalesce(campaign, ''), currency)) AS id,
    coalesce(problem, CASE
        WHEN day_given IS NULL THEN 'the row has no day'
        WHEN day IS NULL AND regexp_full_match(day_given, '\d{1,2}/\d{1,2}/\d{2,4}.*') AND {slash} = '' THEN 'day ''' || day_given || ''' has two meanings; give --day-format %d/%m/%Y or %m/%d/%Y'
        WHEN day IS NULL THEN 'day ''' || left(day_given, 60) || ''' cannot be read as a day (give --day-format)'
        WHEN day < DATE '1990-01-01' OR epoch_us(day) > {latest} THEN 'day ''' || left(day_given, 60) || ''' lies outside 1990 to tomorrow'
        WHEN end_given IS NOT NULL AND coalesce(day_of(end_given, {format}, {slash}), day) <> day THEN 'the row covers ' || day_given || ' to ' || end_given || '; export it by day'
        WHEN amount_given IS NULL THEN 'the row has no cost'
        WHEN amount IS NULL THEN 'cost ''' || left(amount_given, 60) || ''' is not a number'
        WHEN NOT regexp_full_match(currency, '[A-Z]{3}') THEN 'currency ''' || left(currency, 60) || ''' is not a code of three letters'
        WHEN impressions_given IS NOT NULL AND impressions IS NULL THEN 'impressions ''' || left(impressions_given, 60) || ''' are not a whole number'
        WHEN clicks_given IS NOT NULL AND clicks IS NULL THEN 'clicks ''' || left(clicks_given, 60) || ''' are not a whole number'
    END) AS reason
FROM (
    SELECT __n AS n, __line AS line, __raw AS raw, __problem AS problem, blank(day_text) AS day_given, day_of(blank(day_text), {format}, {slash}) AS day, blank(end_text) AS end_given,
        given(source_text) AS source, given(medium_text) AS medium, given(channel_text) AS channel, given(campaign_text) AS campaign,
        blank(amount_text) AS amount_given, CAST(clean_number(digits_of(blank(amount_text)), {comma}) * {unit} AS DECIMAL(18, 6)) AS amount,
        upper(coalesce(blank(currency_text), {currency})) AS currency,
        blank(impressions_text) AS impressions_given, CAST(clean_number(digits_of(blank(impressions_text)), {comma}) AS BIGINT) AS impressions,
        blank(clicks_text) AS clicks_given, CAST(clean_number(digits_of(blank(clicks_text)), {comma}) AS BIGINT) AS clicks,
        clean_number(digits_of(blank(conversions_text)), {comma}) AS claimed_conversions, clean_number(digits_of(blank(value_text)), {comma}) AS claimed_value
    FROM totals WHERE NOT is_total
);

-- name: count_totals
SELECT count(*) FROM totals WHERE is_total;

-- name: result
-- Rows below the campaign (ad groups, networks, devices) add up; if one of them is broken, its campaign's day waits for the corrected file.
CREATE OR REPLACE TEMP TABLE broken AS SELECT DISTINCT id FROM checked WHERE reason IS NOT NULL AND day IS NOT NULL;
CREATE OR REPLACE TEMP VIEW cost_lines AS
SELECT c.* REPLACE (coalesce(c.reason, CASE WHEN b.id IS NOT NULL THEN 'another row of the same day and campaign cannot be used' END) AS reason)
FROM checked c LEFT JOIN broken b ON b.id = c.id;

-- name: write
COPY (
    SELECT id, day, source, medium, channel, campaign, plain(sum(amount)) AS amount, currency, CAST(sum(impressions) AS BIGINT) AS impressions,
        CAST(sum(clicks) AS BIGINT) AS clicks, CAST(sum(claimed_conversions) AS DOUBLE) AS claimed_conversions, plain(sum(claimed_value)) AS claimed_value
    FROM {relation} WHERE reason IS NULL GROUP BY id, day, source, medium, channel, campaign, currency ORDER BY day, id
) TO {path} (FORMAT parquet);
