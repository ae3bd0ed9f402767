"""time_on_page: visible time from engagement beats, else the time until the next event; of the last page unknown."""

from __future__ import annotations

from typing import Literal

from assay.plan.draft import Place
from assay.plan.forms import Texts
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.kpis.parts import statistic
from assay.plan.measures import Made, Measure, Select


class Keys(MetricKeys):
    """``page``: groups or globs. ``until``: without beats, the session's next event or next page ends it."""

    page: Texts | None = None
    statistic: Literal["mean", "median"] = "mean"
    until: Literal["event", "page"] = "event"


def describe(keys: Keys, place: Place) -> Described:
    """Σ seconds / page views whose time is known; unknown is not 0."""
    made = Made("view", until=keys.until)
    rows = Select("event", None, place.globs(keys.page, "page"), place.expression(keys.where, "where"), made)
    quantity = statistic(keys.statistic, Measure("sum", rows, "made.seconds"), "visitor")
    of = f" of {', '.join(keys.page)}" if keys.page else ""
    words = f"time on page{of}", f"page views{of} whose time is known"
    return Described(quantity, words if keys.statistic == "mean" else (f"median of {words[0]}", ""), "duration")


TYPE = MetricType("time_on_page", Keys, describe, "seconds on a page, of page views where they are known")
