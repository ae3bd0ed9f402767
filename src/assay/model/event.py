"""The event line: one row per event, the same from every source. The first of the four waists.

A segment (NDJSON or Parquet) holds exactly these columns; a missing column reads as NULL.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One column of the event line: ``kind`` is text, integer, boolean or json."""

    name: str
    kind: str
    meaning: str


FIELDS: tuple[Field, ...] = (
    Field("id", "text", "deduplication key, for ever; imports: hash of the row and its occurrence"),
    Field("name", "text", "event name"),
    Field("time", "integer", "when it happened, microseconds since 1970-01-01 UTC"),
    Field("seq", "integer", "order within one instant, as the source gives it"),
    Field("sent_at", "integer", "sender's clock when it was sent, microseconds UTC"),
    Field("received_at", "integer", "when assay received it, microseconds UTC; imports: when it happened"),
    Field("source", "text", "sender or import it came from"),
    Field("environment", "text", "live (default); staging, internal and test stand apart and in no number"),
    Field("visitor", "text", "anonymous device"),
    Field("user", "text", "known person"),
    Field("account", "text", "company"),
    Field("session", "text", "session id, only where the source brings its own; key: source, visitor, session"),
    Field("hit", "integer", "number of the hit, where several events stand for one (GA360)"),
    Field("url", "text", "full address of the page"),
    Field("host", "text", "host of the page"),
    Field("path", "text", "path of the page"),
    Field("title", "text", "title of the page"),
    Field("referrer", "text", "full address of the referring page"),
    Field("utm_source", "text", "source, tagged or given by the source"),
    Field("utm_medium", "text", "medium, tagged or given by the source"),
    Field("utm_campaign", "text", "campaign, tagged or given by the source"),
    Field("utm_content", "text", "ad or link content"),
    Field("utm_term", "text", "keyword"),
    Field("click_id", "text", "click id of an ad network, as name=value (gclid=…)"),
    Field("device", "text", "desktop, mobile, tablet or other"),
    Field("browser", "text", "browser"),
    Field("os", "text", "operating system"),
    Field("country", "text", "country, as the source names it"),
    Field("language", "text", "language"),
    Field("screen", "text", "screen size"),
    Field("bot", "boolean", "known or suspected bot"),
    Field("interactive", "boolean", "false: no action of a visitor (refund, CRM stage, webhook, beat)"),
    Field("session_channel", "text", "channel, where the source grouped the session itself"),
    Field("session_new", "boolean", "first session of the visitor, by the source's own flag"),
    Field("session_bounce", "boolean", "bounce, by the source's own flag"),
    Field("order_id", "text", "order that a purchase or refund belongs to"),
    Field("amount", "text", "money as decimal text, in currency; null = the line brings no amount"),
    Field("currency", "text", "ISO 4217"),
    Field("items", "json", "array of items with GA4's item fields"),
    Field("consent", "text", "granted, denied or unknown"),
    Field("props", "json", "object with everything else"),
)

NAMES: tuple[str, ...] = tuple(f.name for f in FIELDS)
REQUIRED: tuple[str, ...] = ("name", "time")

_ORDER = {
    "order_id": "string",
    "revenue": "money",
    "tax": "money",
    "shipping": "money",
    "discount": "money",
    "coupon": "string",
    "currency": "string",
    "items": "items",
}
_LIST = {"item_list_id": "string", "item_list_name": "string", "items": "items"}
_VALUE = {"currency": "string", "value": "money", "items": "items"}

# GA4's recommended events with one set of property names, and the few that clients send beside them.
# revenue, order_id, currency and items are columns of the line.
STANDARD_EVENTS: dict[str, dict[str, str]] = {
    "page_view": {},
    "screen_view": {},
    "session_start": {},
    "first_visit": {},
    "user_engagement": {"engagement_time_msec": "integer"},
    "scroll": {"percent_scrolled": "integer"},
    "click": {"link_url": "string", "outbound": "boolean"},
    "file_download": {"file_name": "string", "file_extension": "string"},
    "form_start": {"form_id": "string", "form_name": "string"},
    "form_submit": {"form_id": "string", "form_name": "string"},
    "search": {"search_term": "string"},
    "view_search_results": {"search_term": "string"},
    "view_promotion": {"promotion_id": "string", "promotion_name": "string", "items": "items"},
    "select_promotion": {"promotion_id": "string", "promotion_name": "string", "items": "items"},
    "view_item_list": dict(_LIST),
    "select_item": dict(_LIST),
    "view_item": dict(_VALUE),
    "add_to_cart": dict(_VALUE),
    "add_to_wishlist": dict(_VALUE),
    "remove_from_cart": dict(_VALUE),
    "view_cart": dict(_VALUE),
    "begin_checkout": {**_VALUE, "coupon": "string"},
    "add_shipping_info": {**_VALUE, "coupon": "string", "shipping_tier": "string"},
    "add_payment_info": {**_VALUE, "coupon": "string", "payment_type": "string"},
    "purchase": dict(_ORDER),
    "refund": dict(_ORDER),
    "generate_lead": {"currency": "string", "value": "money"},
    "qualify_lead": {"currency": "string", "value": "money"},
    "disqualify_lead": {"currency": "string", "value": "money", "disqualified_lead_reason": "string"},
    "working_lead": {"currency": "string", "value": "money", "lead_status": "string"},
    "close_convert_lead": {"currency": "string", "value": "money"},
    "close_unconvert_lead": {"currency": "string", "value": "money", "unconvert_lead_reason": "string"},
    "sign_up": {"method": "string"},
    "login": {"method": "string"},
    "share": {"method": "string", "content_type": "string", "item_id": "string"},
    "select_content": {"content_type": "string", "content_id": "string"},
    "join_group": {"group_id": "string"},
    "tutorial_begin": {},
    "tutorial_complete": {},
    # What the snippet and other tools' clients send by themselves.
    "identify": {},
    "alias": {},
    "group": {},
    "page_leave": {},
    "form_abandon": {"form_id": "string", "form_name": "string"},
    "web_vitals": {},
}

# Events that a page sends by itself when it is shown: none of them is an interaction of the visitor with the page.
PASSIVE_EVENTS: frozenset[str] = frozenset(
    "page_view screen_view session_start first_visit user_engagement view_item view_item_list view_cart "
    "view_search_results view_promotion experiment_viewed".split()
)
