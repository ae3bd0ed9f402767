"""funnel_entry_rate: conversions / entries; a unit enters again only after it converted, left or ran out of time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from assay.plan import literals
from assay.plan.draft import Place
from assay.plan.forms import Duration, Text, Texts
from assay.plan.kpis.base import Described, MetricType
from assay.plan.kpis.conversion import Ends, two_ends
from assay.plan.measures import Made, Measure, Quantity, Select


class Keys(Ends):
    """``from`` enters, ``event`` or ``goal`` converts, ``exclude`` ends an entry without a conversion."""

    from_: Annotated[Text, Field(alias="from", description="an event or a goal")]
    exclude: Texts | None = None
    per: Literal["visitor", "user", "account"] = "visitor"
    within: Duration = 7 * 86_400


def describe(keys: Keys, place: Place) -> Described:
    """Mixpanel's "totals", of two steps. Only entries whose window has closed; their interval clusters by unit."""
    start, outcome, what = two_ends(keys, place, "an entry")
    leaving = Select("event", tuple(keys.exclude)) if keys.exclude else None
    rows = Select("event", made=Made("entry", keys.per, rows=(start, outcome, leaving), within=keys.within))
    quantity = Quantity("ratio", Measure("sum", rows, "made.converted"), Measure("count", rows), unit=keys.per)
    entries = f"entries by {keys.from_}, windows that have closed"
    unless = f" and without {' or '.join(keys.exclude)} before" if keys.exclude else ""
    words = f"{entries}, with {what} within {literals.words(keys.within)}{unless}"
    return Described(quantity, (words, entries), "percent")


TYPE = MetricType("funnel_entry_rate", Keys, describe, "conversions / funnel entries, with re-entry")
