-- Mapped rows → the event line. texts: what mapping.py composed; every field as text.

-- name: macros
CREATE OR REPLACE TEMP MACRO whole_text(x) AS regexp_replace(CAST(x AS VARCHAR), '\.0$', '');
CREATE OR REPLACE TEMP MACRO number_of(x) AS TRY_CAST(regexp_replace(x, '^\s*([+-]?\d{1,3}),(\d{3})(?:,(\d{3}))?(?:,(\d{3}))?(\.\d+)?\s*$', '\1\2\3\4\5') AS DECIMAL(19, 6));
CREATE OR REPLACE TEMP MACRO number_of_comma(x) AS TRY_CAST(replace(replace(x, '.', ''), ',', '.') AS DECIMAL(19, 6));
-- Exact where the quotient ends within 15 digits, else rounded to the store's six places.
CREATE OR REPLACE TEMP MACRO divided(a, b) AS CAST(CAST(a AS DOUBLE) / CAST(b AS DOUBLE) AS DECIMAL(19, 6));
CREATE OR REPLACE TEMP MACRO json_number(x) AS coalesce(CAST(decimal_text(x) AS JSON), to_json(x));
CREATE OR REPLACE TEMP MACRO local_us(x, zone) AS CASE WHEN zone = 'UTC' THEN epoch_us(x) ELSE epoch_us(timezone(zone, x)) END;
-- Seconds, milliseconds, microseconds or nanoseconds since 1970, told by size; 20240131 and 20240131101500 are dates.
CREATE OR REPLACE TEMP MACRO instant_number(x, d, zone) AS CASE
    WHEN regexp_full_match(x, '(19|20)\d{6}') THEN local_us(try_strptime(x, '%Y%m%d'), zone)
    WHEN regexp_full_match(x, '(19|20)\d{12}') THEN local_us(try_strptime(x, '%Y%m%d%H%M%S'), zone)
    WHEN abs(d) < 100000000000 THEN TRY_CAST(floor(d * 1000000) AS BIGINT)
    WHEN abs(d) < 100000000000000 THEN TRY_CAST(floor(d * 1000) AS BIGINT)
    WHEN abs(d) < 100000000000000000 THEN TRY_CAST(floor(d) AS BIGINT)
    ELSE TRY_CAST(floor(d * 0.001) AS BIGINT)
END;
-- Text → microseconds UTC; without a zone of its own it is a time of the given zone. Null where it is no time.
CREATE OR REPLACE TEMP MACRO instant(t, zone) AS CASE
    WHEN t IS NULL THEN NULL
    WHEN regexp_full_match(trim(t), '[+-]?\d+(\.\d+)?([eE][+]?\d+)?') THEN instant_number(trim(t), TRY_CAST(trim(t) AS DECIMAL(28, 6)), zone)
    WHEN regexp_full_match(trim(t), '\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T]\d{1,2}:.*\d ?([zZ]|UTC|GMT|[+-]\d{2}(:?\d{2})?)')
        THEN epoch_us(TRY_CAST(regexp_replace(regexp_replace(replace(trim(t), '/', '-'), ' ?(UTC|GMT|z)$', 'Z'), ' ([+-])', '\1') AS TIMESTAMPTZ))
    WHEN regexp_full_match(trim(t), '\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)?')
        THEN local_us(TRY_CAST(replace(replace(trim(t), '/', '-'), ',', '.') AS TIMESTAMP), zone)
END;
CREATE OR REPLACE TEMP MACRO summed_amount(amount, n) AS plain(sum(TRY_CAST(amount AS DECIMAL(18, 6))));
CREATE OR REPLACE TEMP MACRO first_amount(amount, n) AS arg_min(amount, n);
-- A tag of an address, as utm_source.
CREATE OR REPLACE TEMP MACRO tag_of(url, pattern) AS nullif(url_decode(replace(regexp_extract(url, pattern, 1), '+', ' ')), '');
CREATE OR REPLACE TEMP MACRO no_integer(what, x) AS CASE WHEN x IS NOT NULL AND TRY_CAST(x AS BIGINT) IS NULL THEN what || ' ''' || left(x, 60) || ''' is not a whole number' END;
CREATE OR REPLACE TEMP MACRO no_truth(what, x) AS CASE WHEN x IS NOT NULL AND truth(x) IS NULL THEN what || ' ''' || left(x, 60) || ''' is neither true nor false' END;
CREATE OR REPLACE TEMP MACRO no_time(what, x, zone) AS CASE WHEN x IS NOT NULL AND instant(x, zone) IS NULL THEN what || ' ''' || left(x, 60) || ''' cannot be read as a time' END;

-- name: stage_texts
COPY ({select}) TO {path} (FORMAT parquet, COMPRESSION snappy);
CREATE OR REPLACE TEMP VIEW texts AS
SELECT * FROM read_parquet({path}) WHERE __n >= getvariable('first_row') AND __n < getvariable('last_row');

-- name: no_repeats
CREATE OR REPLACE TEMP TABLE repeats (n BIGINT, row_text_hash VARCHAR, occurrence BIGINT);

-- name: mapped
CREATE OR REPLACE TEMP VIEW mapped AS
SELECT
    t.__n AS n, t.__line AS line, t.__raw AS raw, group_text, item, time_text,
    coalesce(__problem,
        CASE WHEN items_text IS NOT NULL AND NOT json_valid(items_text) THEN 'items are not valid JSON'
            WHEN json_type(TRY_CAST(items_text AS JSON)) <> 'ARRAY' THEN 'items are no JSON array' END,
        CASE WHEN props_text IS NOT NULL AND NOT json_valid(props_text) THEN 'props are not valid JSON'
            WHEN json_type(TRY_CAST(props_text AS JSON)) <> 'OBJECT' THEN 'props are no JSON object' END,
        no_integer('seq', seq_text), no_integer('hit', hit_text), no_time('sent_at', sent_at_text, {zone}), no_time('received_at', received_at_text, {zone}),
        no_truth('bot', bot_text), no_truth('interactive', interactive_text), no_truth('session_new', session_new_text), no_truth('session_bounce', session_bounce_text),
        CASE WHEN {grouped} AND group_text IS NULL THEN 'the row has none of the columns that it is grouped by' END
    ) AS note,
    coalesce(id_text, CASE WHEN r.n IS NULL THEN md5(row_text) ELSE md5(r.row_text_hash || ':' || r.occurrence) END) AS id,
    given(name_text) AS name, instant AS "time", TRY_CAST(seq_text AS BIGINT) AS seq, instant(sent_at_text, {zone}) AS sent_at,
    instant(received_at_text, {zone}) AS received_at, coalesce(source_text, {source}) AS source, coalesce(environment_text, {environment}) AS environment,
    visitor_text AS visitor, user_text AS "user", account_text AS account, session_text AS session, TRY_CAST(hit_text AS BIGINT) AS hit,
    url_text AS url, coalesce(host_text, host_of(url_text)) AS host, coalesce(path_text, path_of(url_text)) AS path, title_text AS title, referrer_text AS referrer,
    coalesce(utm_source_text, CASE WHEN contains(url_text, 'utm_source=') THEN tag_of(url_text, '[?&]utm_source=([^&#]*)') END) AS utm_source, coalesce(utm_medium_text, CASE WHEN contains(url_text, 'utm_medium=') THEN tag_of(url_text, '[?&]utm_medium=([^&#]*)') END) AS utm_medium, coalesce(utm_campaign_text, CASE WHEN contains(url_text, 'utm_campaign=') THEN tag_of(url_text, '[?&]utm_campaign=([^&#]*)') END) AS utm_campaign, coalesce(utm_content_text, CASE WHEN contains(url_text, 'utm_content=') THEN tag_of(url_text, '[?&]utm_content=([^&#]*)') END) AS utm_content, coalesce(utm_term_text, CASE WHEN contains(url_text, 'utm_term=') THEN tag_of(url_text, '[?&]utm_term=([^&#]*)') END) AS utm_term,
    coalesce(click_id_text, CASE WHEN contains(url_text, 'clid=') THEN nullif(regexp_extract(url_text, '[?&]((?:gclid|dclid|fbclid|msclkid|ttclid|twclid|yclid)=[^&#]+)', 1), '') END) AS click_id, device_text AS device, browser_text AS browser, os_text AS os, country_text AS country, language_text AS "language", screen_text AS screen,
    truth(bot_text) AS bot, truth(interactive_text) AS interactive, session_channel_text AS session_channel, truth(session_new_text) AS session_new,
    truth(session_bounce_text) AS session_bounce, order_id_text AS order_id, amount_text AS amount,
    coalesce(trim(currency_text), CASE WHEN amount_text IS NOT NULL THEN {currency} END) AS currency,
    coalesce(items_text, '[' || item || ']') AS items, consent_text AS consent,
    CASE WHEN props_text IS NULL THEN CAST(more_props AS VARCHAR) WHEN more_props IS NULL THEN props_text
        WHEN json_valid(props_text) THEN CAST(json_merge_patch(CAST(props_text AS JSON), CAST(more_props AS JSON)) AS VARCHAR) END AS props
FROM texts t LEFT JOIN repeats r ON r.n = t.__n;

-- name: lines
-- An event made of several rows is taken whole or not at all: half an order is a wrong amount.
CREATE OR REPLACE TEMP TABLE broken AS
SELECT DISTINCT group_text, name FROM checked WHERE reason IS NOT NULL AND group_text IS NOT NULL;
CREATE OR REPLACE TEMP VIEW grouped_lines AS
SELECT c.* REPLACE (coalesce(c.reason, CASE WHEN b.group_text IS NOT NULL THEN 'another row of the same event cannot be used' END) AS reason)
FROM checked c LEFT JOIN broken b ON b.group_text = c.group_text AND b.name IS NOT DISTINCT FROM c.name;

-- name: grouped
-- The earliest row speaks for the group, money is summed, items are collected. fields: composed, the others are null.
CREATE OR REPLACE TEMP VIEW grouped AS
SELECT min(n) AS n, CAST(NULL AS VARCHAR) AS reason, md5(concat_ws(chr(31), group_text, name)) AS id, name, min("time") AS "time", {amount}(amount, n) AS amount,
    '[' || string_agg(item, ',' ORDER BY n) || ']' AS items, {fields}
FROM grouped_lines WHERE reason IS NULL GROUP BY group_text, name ORDER BY min(n), name;

-- name: as_it_is
SELECT count(*), count(*) FILTER (WHERE
    id IS NULL OR name IS NULL OR trim(name) = '' OR "time" IS NULL OR "time" < 631152000000000 OR "time" > {latest}
    OR (amount IS NOT NULL AND TRY_CAST(amount AS DECIMAL(18, 6)) IS NULL)
    OR (currency IS NOT NULL AND NOT regexp_full_match(currency, '[A-Z]{3}'))
    OR (items IS NOT NULL AND NOT json_valid(items)) OR (props IS NOT NULL AND NOT json_valid(props))
) FROM line;
