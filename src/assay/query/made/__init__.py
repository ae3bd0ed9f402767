"""Rows made from several events before they are measured. One more kind is a file and a line in ``RELATIONS``.

Each gives SQL for rows of events (or orders) with further columns, so that every filter, dimension and unit that holds for
an event holds for them too.
"""

from __future__ import annotations

from collections.abc import Callable

from assay.plan.measures import Made
from assay.query.made import activity, baskets, entries, lapses, purchases, spells, subscriptions, views
from assay.query.rows import RowBuilder

RELATIONS: dict[str, Callable[[RowBuilder, Made], str]] = {
    "view": views.views,
    "order_gap": purchases.gaps,
    "first_order": purchases.firsts,
    "spell": spells.spells,
    "subscription": subscriptions.subscriptions,
    "basket": baskets.baskets,
    "activity": activity.activity,
    "entry": entries.entries,
    "lapse": lapses.lapses,
}
