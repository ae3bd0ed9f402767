"""Shops: the names and fields of other tools as GA4's, whose words the event line and the plan use.

Sources: Segment's ecommerce specification (v2), GA4's recommended events and item fields, PostHog's and Plausible's
revenue. Money of a line is decimal text; prices of items are numbers of JSON as in GA4's export, exact to six places.
"""

from __future__ import annotations

from typing import Any

from assay.collect.enrich.values import Refused, currency, ident, kind, money

SALES = frozenset({"purchase", "refund"})
MOST_ITEMS = 200

# Key: the name in lower case with _ for blanks and hyphens.
NAMES: dict[str, str] = {
    "order_completed": "purchase", "completed_order": "purchase", "in_app_purchase": "purchase",
    "ecommerce_purchase": "purchase", "order_refunded": "refund", "app_store_refund": "refund",
    "purchase_refund": "refund", "product_viewed": "view_item", "viewed_product": "view_item",
    "product_list_viewed": "view_item_list", "viewed_product_category": "view_item_list",
    "product_clicked": "select_item", "product_added": "add_to_cart", "added_product": "add_to_cart",
    "product_removed": "remove_from_cart", "removed_product": "remove_from_cart",
    "product_added_to_wishlist": "add_to_wishlist", "cart_viewed": "view_cart", "checkout_started": "begin_checkout",
    "payment_info_entered": "add_payment_info", "products_searched": "search", "promotion_viewed": "view_promotion",
    "promotion_clicked": "select_promotion", "product_shared": "share", "signed_up": "sign_up", "signed_in": "login",
    **{name: name for name in (
        "purchase", "refund", "view_item", "view_item_list", "select_item", "add_to_cart", "remove_from_cart",
        "add_to_wishlist", "view_cart", "begin_checkout", "add_shipping_info", "add_payment_info", "view_promotion",
        "select_promotion", "generate_lead", "sign_up", "login",
    )},
}  # fmt: skip

# Exposures of other tools: name of the event → properties with the experiment's id and the variant, the first given.
EXPOSURES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "experiment viewed": (  # Segment's specification of A/B tests; GrowthBook's and Optimizely's callbacks send it
        ("experiment_id", "experimentId", "experiment_name", "experimentName"),
        ("variant", "variation_id", "variationId", "variation_name", "variationName"),
    ),
    "experiment_viewed": (
        ("experiment_id", "experimentId", "experiment_name"),
        ("variant", "variation_id", "variationId", "variation_name"),
    ),
    "viewed experiment": (("experimentId", "experiment_id"), ("variationId", "variation_id")),
    "$experiment_started": (
        ("Experiment name", "experiment_name"),
        ("Variant name", "variant"),
    ),  # Mixpanel, GrowthBook
    "$feature_flag_called": (("$feature_flag",), ("$feature_flag_response",)),
}

# No action of a visitor: ids that become known, money that comes back, beats, flags that are looked up.
NOT_INTERACTIVE = frozenset(
    "refund session_start first_visit first_open user_engagement identify alias group experiment_viewed "
    "web_vitals page_leave $feature_flag_called".split()
)

_ITEM = {
    "product_id": "item_id", "productId": "item_id", "sku": "item_sku", "name": "item_name",
    "product_name": "item_name", "category": "item_category", "brand": "item_brand", "variant": "item_variant",
    "position": "index",
}  # fmt: skip
_OF_ONE_ITEM = ("product_id", "sku", "name", "category", "brand", "variant", "price", "quantity", "position")
_ONE_ITEM = frozenset("view_item select_item add_to_cart remove_from_cart add_to_wishlist".split())
_ITEM_MONEY = ("price", "discount", "cost")
_ORDER = ("order_id", "orderId", "transaction_id", "transactionId")
_REVENUE = ("revenue", "$revenue", "value", "transactionRevenue", "total", "amount")


def standard_name(name: str) -> str:
    """GA4's name of an event that others call otherwise, ``purchase`` for ``Order Completed``; else the name."""
    return NAMES.get(name.lower().replace(" ", "_").replace("-", "_"), name)


def put_shop(line: dict[str, Any], props: dict[str, Any], *, products: bool = False) -> None:
    """Move order, money and items from the properties to their fields. ``products``: Segment's and PostHog's words.

    ``revenue`` and ``order_id`` are fields of the line on any event; other words (``value``, ``total``) only of
    purchases and refunds, as in GA4's import. Raises Refused for a sale whose money cannot be read: an order without
    its amount would be a wrong number.
    """
    name = line["name"]
    sale = name in SALES
    for key in _ORDER if sale else _ORDER[:2]:
        if key in props and (sale or type(props[key]) in (str, int)) and "order_id" not in line:
            found = ident(props.pop(key), key)
            if found is not None:
                line["order_id"] = found
    if "amount" not in line:
        for key in _REVENUE if sale else _REVENUE[:2]:
            if props.get(key) is not None and props[key] != "":
                _put_amount(line, props, key, sale)
                break
    if "currency" in props and "currency" not in line:
        try:
            line["currency"] = currency(props["currency"])
            del props["currency"]
        except Refused:
            if sale and "amount" in line:
                raise
    if products and "products" in props and "items" not in props:
        props["items"] = props.pop("products")
    if products and "items" not in props and name in _ONE_ITEM and ("product_id" in props or "sku" in props):
        props["items"] = [{key: props.pop(key) for key in _OF_ONE_ITEM if key in props}]
    if "items" in props:
        put_items(line, props, sale)


def _put_amount(line: dict[str, Any], props: dict[str, Any], key: str, needed: bool) -> None:
    try:
        line["amount"] = money(props[key], key)
    except Refused:
        if needed:
            raise
        return
    del props[key]


def put_items(line: dict[str, Any], props: dict[str, Any], needed: bool) -> None:
    """The property ``items`` as the line's items. What is no list stays a property, unless a sale needs it."""
    value = props["items"]
    if value is None:
        del props["items"]
        return
    if type(value) is not list:
        if needed:
            raise Refused("bad_items", f"items is {kind(value)}, not an array of objects")
        return
    if len(value) > MOST_ITEMS:
        raise Refused("bad_items", f"an event has at most {MOST_ITEMS} items")
    line["items"] = [_item(one) for one in value]
    del props["items"]


def _item(value: Any) -> dict[str, Any]:
    """One item with GA4's fields; fields that GA4 does not know keep their names."""
    if type(value) is not dict:
        raise Refused("bad_items", f"an item is {kind(value)}, not an object")
    item: dict[str, Any] = {}
    for key, one in value.items():
        if one is not None:
            item.setdefault(str(_ITEM.get(key, key)), one)
    if "item_id" not in item and "item_sku" in item:
        item["item_id"] = item.pop("item_sku")
    for key in ("item_id", "item_name"):
        if type(item.get(key)) is int:
            item[key] = str(item[key])
    for key in _ITEM_MONEY:
        if type(item.get(key)) is str:
            item[key] = _number(item[key])
    return item


def _number(written: str) -> Any:
    """A price written as text as the number of JSON; what is no number stays."""
    try:
        plain = money(written, "price")
    except Refused:
        return written
    return None if plain is None else float(plain) if "." in plain else int(plain)


def put_exposure(line: dict[str, Any], props: dict[str, Any]) -> bool:
    """An exposure of another tool as ``experiment_viewed`` with experiment_id and variant; False where it is none."""
    keys = EXPOSURES.get(line["name"].lower())
    if keys is None:
        return False
    found = [next((props.get(key) for key in names if props.get(key) not in (None, "")), None) for names in keys]
    if any(isinstance(one, dict | list) for one in found):
        raise Refused("bad_type", "the experiment or its variant is no text")
    if found[0] is None:
        return bool(line["name"] == "experiment_viewed")
    if found[1] is None and line["name"] == "$feature_flag_called":
        return False  # a flag that is asked for and does not exist: nobody saw anything
    line["name"] = "experiment_viewed"
    for key in (*keys[0], *keys[1]):
        if key in props and props[key] in found:
            del props[key]
    props["experiment_id"] = _word(found[0])
    if found[1] is not None:
        props["variant"] = _word(found[1])
    return True


def _word(value: Any) -> str:
    """The name of a variant: PostHog says true for a flag that has no variants."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)[:200]
