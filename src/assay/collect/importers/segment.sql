-- Segment's warehouse tables → the event line, beside the macros of events.sql.

-- name: macros
-- GA4's name of an event that Segment calls otherwise, as ecommerce.py has it; else the name.
CREATE OR REPLACE TEMP MACRO standard_name(x) AS CASE replace(replace(lower(x), ' ', '_'), '-', '_') {names} ELSE x END;
-- The words of a product as those of an item of GA4; words that GA4 does not know stay.
CREATE OR REPLACE TEMP MACRO item_of(i) AS lean(json_merge_patch(i, json_object(
    'product_id', NULL, 'productId', NULL, 'sku', NULL, 'name', NULL, 'product_name', NULL, 'category', NULL, 'brand', NULL, 'variant', NULL, 'position', NULL,
    'item_id', coalesce(i->>'item_id', i->>'product_id', i->>'productId', i->>'sku'), 'item_name', coalesce(i->>'item_name', i->>'name', i->>'product_name'),
    'item_category', coalesce(i->>'item_category', i->>'category'), 'item_brand', coalesce(i->>'item_brand', i->>'brand'),
    'item_variant', coalesce(i->>'item_variant', i->>'variant'), 'index', coalesce(i->'index', i->'position'),
    'price', json_number(i->>'price'), 'quantity', json_number(i->>'quantity')
)));
CREATE OR REPLACE TEMP MACRO items_of_products(x) AS CASE WHEN json_type(TRY_CAST(x AS JSON)) = 'ARRAY'
    THEN '[' || array_to_string([item_of(i) FOR i IN json_extract(x, '$[*]')], ',') || ']' ELSE x END;
