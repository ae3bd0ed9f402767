"""scroll_depth: page views that reach a depth / page views; or the mean of the largest depth."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from assay.plan.draft import Place
from assay.plan.expressions import both
from assay.plan.forms import Texts
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.measures import Made, Measure, Quantity, Select


class Keys(MetricKeys):
    """``reach``: per cent of the page, such as 75; without it the mean of the largest depth seen, in per cent."""

    page: Texts | None = None
    reach: Annotated[int | None, Field(ge=1, le=100)] = None


def describe(keys: Keys, place: Place) -> Described:
    """Without any ``scroll`` event in the range there is no value; then a view without one counts as 0."""
    made = Made("view", within=keys.reach)
    where = place.expression(keys.where, "where")
    rows = Select("event", None, place.globs(keys.page, "page"), both(None, where), made)
    views = f"page views of {', '.join(keys.page)}" if keys.page else "page views"
    below = Measure("count", rows, "made.depth")
    if keys.reach is None:
        quantity = Quantity("ratio", Measure("sum", rows, "made.depth"), below, unit="visitor")
        return Described(quantity, (f"largest depth of scrolling of {views}, in per cent", views), "number")
    quantity = Quantity("ratio", Measure("sum", rows, "made.reached"), below, unit="visitor")
    return Described(quantity, (f"{views} scrolled to {keys.reach} % or more", views), "percent")


TYPE = MetricType("scroll_depth", Keys, describe, "page views that reach a depth / page views")
