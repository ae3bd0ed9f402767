-- Google Analytics 4, BigQuery export (events_*, events_intraday_*) → the event line.

-- name: schema
CREATE OR REPLACE TEMP TABLE schema (
    event_timestamp VARCHAR, event_name VARCHAR,
    event_params STRUCT("key" VARCHAR, "value" STRUCT(string_value VARCHAR, int_value VARCHAR, float_value VARCHAR, double_value VARCHAR))[],
    event_bundle_sequence_id VARCHAR, batch_event_index VARCHAR, batch_page_id VARCHAR, batch_ordering_id VARCHAR, user_id VARCHAR, user_pseudo_id VARCHAR,
    user_properties STRUCT("key" VARCHAR, "value" STRUCT(string_value VARCHAR, int_value VARCHAR, float_value VARCHAR, double_value VARCHAR))[],
    privacy_info STRUCT(analytics_storage VARCHAR),
    device STRUCT(category VARCHAR, operating_system VARCHAR, "language" VARCHAR, browser VARCHAR, web_info STRUCT(browser VARCHAR, hostname VARCHAR)),
    geo STRUCT(country VARCHAR),
    traffic_source STRUCT(source VARCHAR, medium VARCHAR, "name" VARCHAR),
    collected_traffic_source STRUCT(manual_source VARCHAR, manual_medium VARCHAR, manual_campaign_name VARCHAR, manual_content VARCHAR, manual_term VARCHAR, gclid VARCHAR, dclid VARCHAR, srsltid VARCHAR),
    session_traffic_source_last_click STRUCT(
        manual_campaign STRUCT(source VARCHAR, medium VARCHAR, campaign_name VARCHAR, "content" VARCHAR, term VARCHAR),
        cross_channel_campaign STRUCT(source VARCHAR, medium VARCHAR, campaign_name VARCHAR, default_channel_group VARCHAR, primary_channel_group VARCHAR)),
    event_dimensions STRUCT(hostname VARCHAR), platform VARCHAR, stream_id VARCHAR,
    ecommerce STRUCT(transaction_id VARCHAR, purchase_revenue VARCHAR, purchase_revenue_in_usd VARCHAR, refund_value VARCHAR, refund_value_in_usd VARCHAR, shipping_value VARCHAR, tax_value VARCHAR),
    items STRUCT(item_id VARCHAR, item_name VARCHAR, item_brand VARCHAR, item_variant VARCHAR, item_category VARCHAR, item_category2 VARCHAR, item_category3 VARCHAR, item_category4 VARCHAR, item_category5 VARCHAR,
        price VARCHAR, price_in_usd VARCHAR, quantity VARCHAR, item_revenue VARCHAR, item_refund VARCHAR, coupon VARCHAR, affiliation VARCHAR, item_list_id VARCHAR, item_list_name VARCHAR, item_list_index VARCHAR,
        promotion_id VARCHAR, promotion_name VARCHAR, creative_name VARCHAR, creative_slot VARCHAR)[]
);

-- name: macros
CREATE OR REPLACE TEMP MACRO number_json(x) AS CASE WHEN decimal_text(x) IS NOT NULL THEN CAST(decimal_text(x) AS JSON) END;
CREATE OR REPLACE TEMP MACRO value_of(v) AS coalesce(v.string_value, v.int_value, v.double_value, v.float_value);
-- Numbers stay numbers: "key":value as text.
CREATE OR REPLACE TEMP MACRO member(p) AS CAST(to_json(p."key") AS VARCHAR) || ':' || CASE
    WHEN p."value".string_value IS NOT NULL THEN CAST(to_json(p."value".string_value) AS VARCHAR)
    ELSE coalesce(CAST(TRY_CAST(p."value".int_value AS BIGINT) AS VARCHAR), decimal_text(coalesce(p."value".double_value, p."value".float_value)), CAST(to_json(value_of(p."value")) AS VARCHAR))
END;
CREATE OR REPLACE TEMP MACRO object_of(members) AS CASE WHEN len(members) > 0 THEN '{' || array_to_string(members, ',') || '}' END;
CREATE OR REPLACE TEMP MACRO param(names, texts, which) AS told(texts[list_position(names, which)]);
-- A campaign that GA4 made up itself, as (referral) or (organic), is none.
CREATE OR REPLACE TEMP MACRO campaign_told(x) AS CASE WHEN NOT (starts_with(x, '(') AND ends_with(x, ')')) THEN told(x) END;
CREATE OR REPLACE TEMP MACRO items_of(list) AS [lean(json_object(
    'item_id', told(i.item_id), 'item_name', told(i.item_name), 'item_brand', told(i.item_brand), 'item_variant', told(i.item_variant), 'item_category', told(i.item_category),
    'item_category2', told(i.item_category2), 'item_category3', told(i.item_category3), 'item_category4', told(i.item_category4), 'item_category5', told(i.item_category5),
    'price', number_json(coalesce(i.price, i.price_in_usd)), 'quantity', TRY_CAST(i.quantity AS BIGINT), 'item_revenue', number_json(i.item_revenue), 'item_refund', number_json(i.item_refund),
    'coupon', told(i.coupon), 'affiliation', told(i.affiliation), 'item_list_id', told(i.item_list_id), 'item_list_name', told(i.item_list_name), 'index', TRY_CAST(i.item_list_index AS BIGINT),
    'promotion_id', told(i.promotion_id), 'promotion_name', told(i.promotion_name), 'creative_name', told(i.creative_name), 'creative_slot', told(i.creative_slot)
)) FOR i IN list];
CREATE OR REPLACE TEMP MACRO item_array(texts) AS CASE WHEN len(list_filter(texts, lambda x: x IS NOT NULL)) > 0
    THEN '[' || array_to_string(list_filter(texts, lambda x: x IS NOT NULL), ',') || ']' END;

-- name: flat
-- Parameters as two lists, names and texts, which are looked up by place. row_text: what makes the event itself; what
-- Google adds to a row later (session and first-user source) is no part of it, so that the
-- daily table does not double the intraday one. A sum of hashes: parameters have no order.
SELECT * EXCLUDE (event_params, items, user_properties),
    [p."key" FOR p IN used] AS names, [value_of(p."value") FOR p IN used] AS texts,
    [member(p) FOR p IN used IF NOT list_contains({columns}, p."key")] AS members,
    object_of([member(p) FOR p IN user_properties IF value_of(p."value") IS NOT NULL]) AS user_members,
    item_array(items_of(items)) AS item_text, CAST(NULL AS VARCHAR) AS id_text,
    concat_ws(chr(31), {source}, coalesce(user_pseudo_id, ''), coalesce(user_id, ''), event_timestamp, event_name, coalesce(event_bundle_sequence_id, ''),
        coalesce(batch_page_id, ''), coalesce(batch_ordering_id, ''), coalesce(batch_event_index, ''),
        CAST(list_sum([md5_number_lower(p."key" || '=' || value_of(p."value")) FOR p IN used]) AS VARCHAR), coalesce(ecommerce.transaction_id, ''), coalesce(CAST(to_json(items) AS VARCHAR), '')
    ) AS row_text
FROM (SELECT *, list_filter(coalesce(event_params, []), lambda p: value_of(p."value") IS NOT NULL) AS used FROM export);

-- name: flatten
COPY ({flat}) TO {path} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 32768);

-- name: texts
CREATE OR REPLACE TEMP VIEW texts AS
SELECT * FROM read_parquet({flat}) WHERE __n >= getvariable('first_row') AND __n < getvariable('last_row');

-- name: mapped
-- An order has the id that GA4 reports for it; '(not set)' there is none, whatever the parameters say.
CREATE OR REPLACE TEMP VIEW parts AS
SELECT *, param(names, texts, 'page_location') AS page,
    CASE WHEN event_name IN ('purchase', 'in_app_purchase', 'ecommerce_purchase') THEN 'purchase' WHEN event_name IN ('refund', 'app_store_refund', 'purchase_refund') THEN 'refund' END AS sale
FROM texts;

CREATE OR REPLACE TEMP VIEW mapped AS
SELECT
    p.__n AS n, p.__line AS line, p.__raw AS raw, p.__problem AS note, event_timestamp AS time_text,
    CASE WHEN r.n IS NULL THEN md5(row_text) ELSE md5(r.row_text_hash || ':' || r.occurrence) END AS id,
    told(event_name) AS name, TRY_CAST(event_timestamp AS BIGINT) AS "time", TRY_CAST(batch_event_index AS BIGINT) AS seq,
    CAST(NULL AS BIGINT) AS sent_at, CAST(NULL AS BIGINT) AS received_at, {source} AS source, {environment} AS environment,
    told(user_pseudo_id) AS visitor, told(user_id) AS "user", CAST(NULL AS VARCHAR) AS account, param(names, texts, 'ga_session_id') AS session, CAST(NULL AS BIGINT) AS hit,
    page AS url, coalesce(host_of(page), lower(told(device.web_info.hostname)), lower(told(event_dimensions.hostname))) AS host, path_of(page) AS path,
    coalesce(param(names, texts, 'page_title'), param(names, texts, 'firebase_screen')) AS title, param(names, texts, 'page_referrer') AS referrer,
    coalesce(param(names, texts, 'source'), told(collected_traffic_source.manual_source), told(session_traffic_source_last_click.manual_campaign.source), told(session_traffic_source_last_click.cross_channel_campaign.source)) AS utm_source,
    coalesce(param(names, texts, 'medium'), told(collected_traffic_source.manual_medium), told(session_traffic_source_last_click.manual_campaign.medium), told(session_traffic_source_last_click.cross_channel_campaign.medium)) AS utm_medium,
    campaign_told(coalesce(param(names, texts, 'campaign'), told(collected_traffic_source.manual_campaign_name), told(session_traffic_source_last_click.manual_campaign.campaign_name), told(session_traffic_source_last_click.cross_channel_campaign.campaign_name))) AS utm_campaign,
    coalesce(param(names, texts, 'content'), told(collected_traffic_source.manual_content), told(session_traffic_source_last_click.manual_campaign."content")) AS utm_content,
    coalesce(param(names, texts, 'term'), told(collected_traffic_source.manual_term), told(session_traffic_source_last_click.manual_campaign.term)) AS utm_term,
    coalesce('gclid=' || coalesce(param(names, texts, 'gclid'), told(collected_traffic_source.gclid)), 'dclid=' || coalesce(param(names, texts, 'dclid'), told(collected_traffic_source.dclid))) AS click_id,
    lower(told(device.category)) AS device, coalesce(told(device.web_info.browser), told(device.browser)) AS browser, told(device.operating_system) AS os, told(geo.country) AS country,
    told(device."language") AS "language", CAST(NULL AS VARCHAR) AS screen, CAST(NULL AS BOOLEAN) AS bot,
    event_name NOT IN ('session_start', 'first_visit', 'first_open', 'user_engagement') AND coalesce(sale, '') <> 'refund' AS interactive,
    told(coalesce(session_traffic_source_last_click.cross_channel_campaign.primary_channel_group, session_traffic_source_last_click.cross_channel_campaign.default_channel_group)) AS session_channel,
    param(names, texts, 'ga_session_number') = '1' AS session_new, CAST(NULL AS BOOLEAN) AS session_bounce,
    CASE WHEN sale IS NOT NULL THEN told(coalesce(ecommerce.transaction_id, param(names, texts, 'transaction_id'))) END AS order_id,
    CASE sale WHEN 'purchase' THEN coalesce(money_text(ecommerce.purchase_revenue), money_text(param(names, texts, 'value')), nullif(money_text(ecommerce.purchase_revenue_in_usd), '0'))
        WHEN 'refund' THEN coalesce(money_text(ecommerce.refund_value), money_text(param(names, texts, 'value')), nullif(money_text(ecommerce.refund_value_in_usd), '0')) END AS amount,
    CASE WHEN sale IS NOT NULL THEN coalesce(param(names, texts, 'currency'), CASE
        WHEN param(names, texts, 'value') IS NULL AND coalesce(ecommerce.purchase_revenue, ecommerce.refund_value) IS NULL AND coalesce(ecommerce.purchase_revenue_in_usd, ecommerce.refund_value_in_usd) IS NOT NULL THEN 'USD'
    END, {currency}) END AS currency,
    item_text AS items,
    CASE lower(told(privacy_info.analytics_storage)) WHEN 'yes' THEN 'granted' WHEN '1' THEN 'granted' WHEN 'true' THEN 'granted' WHEN 'no' THEN 'denied' WHEN '0' THEN 'denied' WHEN 'false' THEN 'denied' END AS consent,
    object_of(list_concat(members, list_filter([
        CASE WHEN sale = 'purchase' AND list_position(names, 'tax') IS NULL THEN '"tax":' || decimal_text(ecommerce.tax_value) END,
        CASE WHEN sale = 'purchase' AND list_position(names, 'shipping') IS NULL THEN '"shipping":' || decimal_text(ecommerce.shipping_value) END,
        CASE WHEN sale IS NULL THEN '"value":' || decimal_text(param(names, texts, 'value')) END,
        CASE WHEN sale IS NULL THEN '"currency":' || CAST(to_json(param(names, texts, 'currency')) AS VARCHAR) END,
        '"first_user_source":' || CAST(to_json(told(traffic_source.source)) AS VARCHAR), '"first_user_medium":' || CAST(to_json(told(traffic_source.medium)) AS VARCHAR),
        '"first_user_campaign":' || CAST(to_json(campaign_told(traffic_source."name")) AS VARCHAR), '"user_properties":' || user_members
    ], lambda x: x IS NOT NULL))) AS props
FROM parts p LEFT JOIN repeats r ON r.n = p.__n;
