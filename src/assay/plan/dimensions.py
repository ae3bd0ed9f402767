"""The built-in dimensions: their scope and kind. Declared properties join them, with event scope by default."""

from __future__ import annotations

# name → (scope, kind); kind is text, number or boolean
DIMENSIONS: dict[str, tuple[str, str]] = {
    "event": ("event", "text"),
    "page": ("event", "text"),
    "page_group": ("event", "text"),
    "host": ("event", "text"),
    "channel": ("session", "text"),
    "source": ("session", "text"),
    "medium": ("session", "text"),
    "campaign": ("session", "text"),
    "entry_page": ("session", "text"),
    "exit_page": ("session", "text"),
    "entry_page_group": ("session", "text"),
    "device": ("session", "text"),
    "browser": ("session", "text"),
    "os": ("session", "text"),
    "country": ("session", "text"),
    "language": ("session", "text"),
    "is_new": ("session", "boolean"),
    "is_bounce": ("session", "boolean"),
    "duration": ("session", "number"),
    "page_views": ("session", "number"),
    "first_channel": ("visitor", "text"),
    "first_source": ("visitor", "text"),
    "first_campaign": ("visitor", "text"),
    "customer": ("visitor", "text"),
    "order_type": ("order", "text"),
    "coupon": ("order", "text"),
    "item_id": ("item", "text"),
    "item_name": ("item", "text"),
    "item_category": ("item", "text"),
    "item_brand": ("item", "text"),
}
