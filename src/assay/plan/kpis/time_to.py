"""time_to: how long from a start to a conversion, mean or median, of those whose window has closed."""

from __future__ import annotations

from typing import Literal

from assay.plan import literals
from assay.plan.draft import Place
from assay.plan.forms import Duration
from assay.plan.kpis.base import Described, MetricType
from assay.plan.kpis.conversion import Ends, two_ends
from assay.plan.kpis.parts import statistic
from assay.plan.measures import Made, Measure, Select


class Keys(Ends):
    """Without ``from`` the time runs from the unit's first visit ever."""

    per: Literal["visitor", "user", "account"] = "user"
    within: Duration = 30 * 86_400
    statistic: Literal["mean", "median"] = "median"


def describe(keys: Keys, place: Place) -> Described:
    """Who has not converted in the window has no time; who is still in the window is left out altogether."""
    start, outcome, what = two_ends(keys, place, "a time")
    made = Made("spell", keys.per, rows=(start, outcome), within=keys.within)
    quantity = statistic(keys.statistic, Measure("sum", Select("event", made=made), "made.seconds"), keys.per)
    window = f"within {literals.words(keys.within)}, windows that have closed"
    text = f"time from {keys.from_ or 'the first visit'} to {what} {window}"
    if keys.statistic == "median":
        return Described(quantity, (f"median of {text}", ""), "duration", direction="down")
    return Described(quantity, (text, f"{keys.per}s that got there"), "duration", direction="down")


TYPE = MetricType("time_to", Keys, describe, "time from a start to a conversion, of closed windows")
