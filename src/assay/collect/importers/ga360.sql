-- Google Analytics 360 (Universal Analytics) sessions → the event line.

-- name: schema
-- What is used of the export; every leaf as text, so that JSON exports (numbers as texts) and Parquet read the same.
CREATE OR REPLACE TEMP TABLE schema (
    fullVisitorId VARCHAR, clientId VARCHAR, userId VARCHAR, visitId VARCHAR, visitNumber VARCHAR, visitStartTime VARCHAR,
    channelGrouping VARCHAR,
    totals STRUCT(newVisits VARCHAR, bounces VARCHAR),
    trafficSource STRUCT(source VARCHAR, medium VARCHAR, campaign VARCHAR, keyword VARCHAR, adContent VARCHAR, referralPath VARCHAR, adwordsClickInfo STRUCT(gclId VARCHAR)),
    device STRUCT(deviceCategory VARCHAR, browser VARCHAR, operatingSystem VARCHAR, "language" VARCHAR, screenResolution VARCHAR),
    geoNetwork STRUCT(country VARCHAR),
    hits STRUCT(
        hitNumber VARCHAR, "time" VARCHAR, "type" VARCHAR, isInteraction VARCHAR, isSecure VARCHAR,
        page STRUCT(pagePath VARCHAR, hostname VARCHAR, pageTitle VARCHAR, searchKeyword VARCHAR),
        "transaction" STRUCT(transactionId VARCHAR, transactionRevenue VARCHAR, transactionTax VARCHAR, transactionShipping VARCHAR, affiliation VARCHAR, currencyCode VARCHAR, transactionCoupon VARCHAR),
        item STRUCT(transactionId VARCHAR, productName VARCHAR, productCategory VARCHAR, productSku VARCHAR, itemQuantity VARCHAR, itemRevenue VARCHAR, currencyCode VARCHAR),
        appInfo STRUCT(screenName VARCHAR),
        exceptionInfo STRUCT(description VARCHAR, isFatal VARCHAR),
        eventInfo STRUCT(eventCategory VARCHAR, eventAction VARCHAR, eventLabel VARCHAR, eventValue VARCHAR),
        product STRUCT(productSKU VARCHAR, v2ProductName VARCHAR, v2ProductCategory VARCHAR, productVariant VARCHAR, productBrand VARCHAR, productPrice VARCHAR, productQuantity VARCHAR, productRevenue VARCHAR, productRefundAmount VARCHAR, productCouponCode VARCHAR, productListName VARCHAR, productListPosition VARCHAR, isImpression VARCHAR)[],
        promotion STRUCT(promoId VARCHAR, promoName VARCHAR, promoCreative VARCHAR, promoPosition VARCHAR)[],
        promotionActionInfo STRUCT(promoIsView VARCHAR, promoIsClick VARCHAR),
        refund STRUCT(refundAmount VARCHAR),
        eCommerceAction STRUCT(action_type VARCHAR, step VARCHAR, "option" VARCHAR),
        social STRUCT(socialInteractionNetwork VARCHAR, socialInteractionAction VARCHAR, socialInteractionTarget VARCHAR),
        latencyTracking STRUCT(userTimingCategory VARCHAR, userTimingVariable VARCHAR, userTimingLabel VARCHAR, userTimingValue VARCHAR)
    )[]
);

-- name: macros
CREATE OR REPLACE TEMP MACRO product_items(products) AS [lean(json_object(
    'item_id', told(p.productSKU), 'item_name', told(p.v2ProductName), 'item_category', told(p.v2ProductCategory), 'item_brand', told(p.productBrand),
    'item_variant', told(p.productVariant), 'price', micros(p.productPrice), 'quantity', TRY_CAST(p.productQuantity AS BIGINT), 'coupon', told(p.productCouponCode),
    'item_list_name', told(p.productListName), 'index', TRY_CAST(p.productListPosition AS BIGINT), 'item_revenue', micros(p.productRevenue), 'item_refund', micros(p.productRefundAmount)
)) FOR p IN products];
-- Items of the older e-commerce tracking are hits of their own.
CREATE OR REPLACE TEMP MACRO sold_items(sold) AS [lean(json_object(
    'item_id', told(h.item.productSku), 'item_name', told(h.item.productName), 'item_category', told(h.item.productCategory),
    'quantity', TRY_CAST(h.item.itemQuantity AS BIGINT), 'item_revenue', micros(h.item.itemRevenue)
)) FOR h IN sold];
CREATE OR REPLACE TEMP MACRO item_array(texts) AS CASE WHEN len(list_filter(texts, lambda x: x IS NOT NULL)) > 0
    THEN '[' || array_to_string(list_filter(texts, lambda x: x IS NOT NULL), ',') || ']' END;

-- name: flatten
-- One row per hit; a session that cannot be used is one row without a hit. Everything after this reads short rows.
COPY (
    SELECT * EXCLUDE (hits, problem, __raw, __problem), problem, CASE WHEN problem IS NOT NULL THEN __raw END AS session_raw,
        list_filter(hits, lambda x: x."type" = 'ITEM') AS item_hits, unnest(CASE WHEN problem IS NULL THEN hits ELSE [NULL] END) AS h
    FROM (
        SELECT *, coalesce(told(fullVisitorId), told(clientId)) AS who, TRY_CAST(visitStartTime AS BIGINT) AS started,
            coalesce(__problem, CASE
                WHEN coalesce(told(fullVisitorId), told(clientId)) IS NULL THEN 'the session has neither fullVisitorId nor clientId'
                WHEN given(coalesce(visitId, visitStartTime)) IS NULL THEN 'the session has no visitId'
                WHEN given(visitStartTime) IS NULL THEN 'the session has no visitStartTime'
                WHEN TRY_CAST(visitStartTime AS BIGINT) IS NULL OR TRY_CAST(visitStartTime AS BIGINT) NOT BETWEEN 0 AND 100000000000
                    THEN 'visitStartTime ''' || left(visitStartTime, 60) || ''' is not a time in seconds'
                WHEN coalesce(len(hits), 0) = 0 THEN 'the session has no hits'
            END) AS problem
        FROM export
    )
) TO {path} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 8192);

-- name: mapped
CREATE OR REPLACE TEMP VIEW hits AS
SELECT *,
    coalesce(upper(given(h."type")), CASE
        WHEN h.eventInfo.eventCategory IS NOT NULL THEN 'EVENT'
        WHEN h.page.pagePath IS NOT NULL THEN 'PAGE'
        WHEN h.appInfo.screenName IS NOT NULL THEN 'APPVIEW'
    END) AS hit_type,
    TRY_CAST(h.hitNumber AS BIGINT) AS hit_number,
    TRY_CAST(coalesce(h."time", '0') AS BIGINT) AS after_ms,
    told(h."transaction".transactionId) AS transaction_id
FROM read_parquet({hits}) WHERE __n >= getvariable('first_row') AND __n < getvariable('last_row');

-- base: what kind of hit it was; commerce: the e-commerce action that it carried.
CREATE OR REPLACE TEMP VIEW named AS
SELECT *, CASE h.eCommerceAction.action_type
    WHEN '1' THEN 'select_item' WHEN '2' THEN 'view_item' WHEN '3' THEN 'add_to_cart' WHEN '4' THEN 'remove_from_cart'
    WHEN '5' THEN 'begin_checkout' WHEN '6' THEN 'purchase' WHEN '7' THEN 'refund' WHEN '8' THEN 'checkout_option'
    ELSE CASE WHEN hit_type = 'TRANSACTION' THEN 'purchase' END
END AS commerce
FROM hits;

CREATE OR REPLACE TEMP VIEW told_events AS
SELECT *, unnest(list_filter([
    {'k': 0, 'name': CASE hit_type
        WHEN 'PAGE' THEN 'page_view' WHEN 'APPVIEW' THEN 'screen_view' WHEN 'SCREENVIEW' THEN 'screen_view'
        WHEN 'TRANSACTION' THEN NULL
        ELSE CASE WHEN commerce IS NULL THEN CASE hit_type
            WHEN 'EVENT' THEN 'ga_event' WHEN 'SOCIAL' THEN 'ga_social' WHEN 'EXCEPTION' THEN 'exception'
            WHEN 'TIMING' THEN 'timing_complete' ELSE 'ga_' || lower(hit_type) END END
    END},
    {'k': 1, 'name': commerce},
    {'k': 2, 'name': CASE WHEN {impressions} AND len(list_filter(h.product, lambda p: p.isImpression = 'true')) > 0 THEN 'view_item_list' END},
    {'k': 9, 'name': CASE WHEN problem IS NOT NULL OR hit_type IS NULL OR hit_number IS NULL OR after_ms IS NULL THEN '' END}
], lambda e: e.name IS NOT NULL)) AS e
FROM named;

-- The items of an event are few: choosing them first keeps the long product lists of pages out of what follows.
CREATE OR REPLACE TEMP VIEW with_items AS
SELECT *,
    list_filter(CASE WHEN e.k IN (1, 2) THEN coalesce(h.product, []) ELSE [] END, lambda p: coalesce(p.isImpression, 'false') = CASE e.k WHEN 1 THEN 'false' ELSE 'true' END) AS products,
    CASE WHEN hit_type = 'ITEM' THEN [h] WHEN hit_type = 'TRANSACTION' THEN list_filter(item_hits, lambda x: x.item.transactionId = transaction_id) ELSE [] END AS sold
FROM told_events;

CREATE OR REPLACE TEMP VIEW mapped AS
SELECT
    __n AS n, __line AS line, coalesce(session_raw, CAST(to_json(h) AS VARCHAR)) AS raw,
    CASE
        WHEN problem IS NOT NULL THEN problem
        WHEN hit_type IS NULL THEN 'hit ' || coalesce(h.hitNumber, '?') || ' has no type'
        WHEN hit_number IS NULL THEN 'a hit has no hitNumber'
        WHEN after_ms IS NULL THEN 'hit ' || h.hitNumber || ': time ''' || left(h."time", 60) || ''' is not a number of milliseconds'
    END AS note,
    CAST(NULL AS VARCHAR) AS time_text,
    md5(concat_ws(chr(31), {source}, who, coalesce(visitId, visitStartTime), visitStartTime, h.hitNumber, e.name)) AS id,
    e.name AS name, started * 1000000 + after_ms * 1000 AS "time", hit_number * 10 + e.k AS seq,
    CAST(NULL AS BIGINT) AS sent_at, CAST(NULL AS BIGINT) AS received_at, {source} AS source, {environment} AS environment,
    who AS visitor, told(userId) AS "user", CAST(NULL AS VARCHAR) AS account, coalesce(visitId, visitStartTime) AS session, hit_number AS hit,
    CASE WHEN told(h.page.hostname) IS NOT NULL THEN CASE WHEN h.isSecure = 'false' THEN 'http://' ELSE 'https://' END || told(h.page.hostname) || coalesce(h.page.pagePath, '') END AS url,
    lower(told(h.page.hostname)) AS host, coalesce(given(regexp_extract(h.page.pagePath, '^[^?#]*')), CASE WHEN given(h.page.pagePath) IS NOT NULL THEN '/' END) AS path,
    coalesce(told(h.page.pageTitle), CASE WHEN hit_type IN ('APPVIEW', 'SCREENVIEW') THEN told(h.appInfo.screenName) END) AS title,
    CASE WHEN lower(trafficSource.medium) = 'referral' AND told(trafficSource.source) IS NOT NULL THEN 'https://' || told(trafficSource.source) || coalesce(told(trafficSource.referralPath), '/') END AS referrer,
    told(trafficSource.source) AS utm_source, told(trafficSource.medium) AS utm_medium, told(trafficSource.campaign) AS utm_campaign,
    told(trafficSource.adContent) AS utm_content, told(trafficSource.keyword) AS utm_term, 'gclid=' || told(trafficSource.adwordsClickInfo.gclId) AS click_id,
    lower(told(device.deviceCategory)) AS device, told(device.browser) AS browser, told(device.operatingSystem) AS os, told(geoNetwork.country) AS country,
    told(device."language") AS "language", told(device.screenResolution) AS screen, CAST(NULL AS BOOLEAN) AS bot,
    coalesce(truth(h.isInteraction), hit_type NOT IN ('TIMING', 'ITEM')) AND e.name <> 'refund' AND e.k <> 2 AS interactive,
    told(channelGrouping) AS session_channel, CASE WHEN totals.newVisits IS NOT NULL OR visitNumber IS NOT NULL THEN coalesce(totals.newVisits = '1', false) OR coalesce(visitNumber = '1', false) END AS session_new,
    CASE WHEN totals IS NOT NULL THEN coalesce(totals.bounces = '1', false) END AS session_bounce,
    CASE WHEN e.name IN ('purchase', 'refund') THEN transaction_id END AS order_id,
    CASE e.name WHEN 'purchase' THEN micros_text(h."transaction".transactionRevenue)
        WHEN 'refund' THEN coalesce(micros_text(h.refund.refundAmount), micros_text(h."transaction".transactionRevenue)) END AS amount,
    CASE WHEN e.name IN ('purchase', 'refund') THEN coalesce(told(h."transaction".currencyCode), {currency}) END AS currency,
    item_array(list_concat(product_items(products), sold_items(sold))) AS items,
    CAST(NULL AS VARCHAR) AS consent,
    lean(json_object(
        'event_category', told(h.eventInfo.eventCategory), 'event_action', told(h.eventInfo.eventAction), 'event_label', told(h.eventInfo.eventLabel),
        'event_value', TRY_CAST(h.eventInfo.eventValue AS BIGINT), 'search_term', told(h.page.searchKeyword),
        'tax', CASE WHEN e.name = 'purchase' THEN micros(h."transaction".transactionTax) END, 'shipping', CASE WHEN e.name = 'purchase' THEN micros(h."transaction".transactionShipping) END,
        'coupon', CASE WHEN e.name = 'purchase' THEN told(h."transaction".transactionCoupon) END, 'affiliation', CASE WHEN e.name = 'purchase' THEN told(h."transaction".affiliation) END,
        'checkout_step', CASE WHEN commerce IN ('begin_checkout', 'checkout_option') THEN TRY_CAST(h.eCommerceAction.step AS BIGINT) END, 'checkout_option', told(h.eCommerceAction."option"),
        'transaction_id', CASE WHEN hit_type = 'ITEM' THEN told(h.item.transactionId) END,
        'promotion_name', told(h.promotion[1].promoName), 'promotion_id', told(h.promotion[1].promoId), 'promotion_clicked', truth(h.promotionActionInfo.promoIsClick),
        'description', told(h.exceptionInfo.description), 'fatal', CASE WHEN hit_type = 'EXCEPTION' THEN truth(h.exceptionInfo.isFatal) END,
        'social_network', CASE WHEN hit_type = 'SOCIAL' THEN told(h.social.socialInteractionNetwork) END, 'social_action', CASE WHEN hit_type = 'SOCIAL' THEN told(h.social.socialInteractionAction) END,
        'social_target', CASE WHEN hit_type = 'SOCIAL' THEN told(h.social.socialInteractionTarget) END,
        'timing_category', CASE WHEN hit_type = 'TIMING' THEN told(h.latencyTracking.userTimingCategory) END, 'timing_name', CASE WHEN hit_type = 'TIMING' THEN told(h.latencyTracking.userTimingVariable) END,
        'timing_label', CASE WHEN hit_type = 'TIMING' THEN told(h.latencyTracking.userTimingLabel) END, 'timing_value', CASE WHEN hit_type = 'TIMING' THEN TRY_CAST(h.latencyTracking.userTimingValue AS BIGINT) END
    )) AS props
FROM with_items;
