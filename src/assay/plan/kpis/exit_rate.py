"""exit_rate: sessions that ended on a page / sessions that saw it; or exits / views."""

from __future__ import annotations

from typing import Literal

from assay.plan.draft import Place
from assay.plan.expressions import both
from assay.plan.forms import Texts
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.measures import Made, Measure, Quantity, Select


class Keys(MetricKeys):
    """``of: view`` = exits / views (Plausible). ``not_after``: events after which leaving is no loss (a purchase)."""

    page: Texts | None = None
    of: Literal["session", "view"] = "session"
    bounces: bool = True
    not_after: Texts | None = None


def describe(keys: Keys, place: Place) -> Described:
    """A session leaves on its last page view; one excused by ``not_after`` saw the page and left nowhere."""
    where = place.expression(keys.where, "where")
    if not keys.bounces:
        where = both(where, place.expression("not is_bounce"))
    excused = (Select("event", tuple(keys.not_after)),) if keys.not_after else ()
    rows = Select("event", None, place.globs(keys.page, "page"), where, Made("view", rows=excused))
    pages = ", ".join(keys.page) if keys.page else "a page"
    units = f"views of {pages}" if keys.of == "view" else f"sessions that saw {pages}"
    units += "" if keys.bounces else ", without bounces"
    if keys.of == "view":
        top, below = Measure("sum", rows, "made.exit"), Measure("count", rows)
    else:
        top = Measure("count_distinct", rows, "made.exit_session")
        below = Measure("count_distinct", rows, "made.session_key")
    unless = f", unless {' or '.join(keys.not_after)} happened in it" if keys.not_after else ""
    words = f"{units} on which the session ended{unless}" if keys.of == "view" else f"{units} and ended there{unless}"
    return Described(Quantity("ratio", top, below, unit="visitor"), (words, units), "percent", direction="down")


TYPE = MetricType("exit_rate", Keys, describe, "sessions that ended on a page / sessions that saw it")
