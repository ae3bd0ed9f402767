"""What the exposures of one experiment hold: arms, days, and of which units a figure is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from assay.plan.experiments import Exposure
from assay.plan.values import Plan
from assay.query.dimensions import Dimensions
from assay.query.selecting import live
from assay.query.sql import Binder
from assay.store.engine import Result, Statement


@dataclass(frozen=True)
class Held:
    """A figure of the exposures: how many have it, and whether it is nothing but noughts and ones."""

    count: int
    zero_one: bool


@dataclass(frozen=True)
class Exposed:
    """Exposures by variant, first and last day, and what is known of each figure."""

    variants: Mapping[str, int]
    first: date | None
    last: date | None
    figures: Mapping[str, Held]

    @property
    def units(self) -> int:
        """All of them."""
        return sum(self.variants.values())


def exposed(plan: Plan, exposure: Exposure, figures: Sequence[str], ask: Callable[[Statement], Result]) -> Exposed:
    """Read them in one statement; ``figures``: properties of the exposure, declared or not."""
    bind = Binder()
    dims = Dimensions(plan, bind)

    def path(name: str) -> str:
        return bind('$."' + name.replace('"', '\\"') + '"')

    numbers = [f"TRY_CAST(json_extract_string(e.props, {path(name)}) AS DOUBLE)" for name in figures]
    places = range(len(figures))
    inner = [
        f"count({one}) > 0 AS n{i}, count(CASE WHEN {one} IN (0, 1) THEN 1 END) = count({one}) AS z{i}"
        for i, one in enumerate(numbers)
    ]
    outer = [f"count(CASE WHEN n{i} THEN 1 END), count(CASE WHEN n{i} AND z{i} THEN 1 END)" for i in places]
    where = [live(plan), f"e.name = {bind(exposure.event)}", "e.visitor_key IS NOT NULL"]
    if exposure.name_property:
        where.append(f"CAST({dims.property(exposure.name_property)} AS VARCHAR) = {bind(exposure.value)}")
    variant = f"CAST({dims.property(str(exposure.variant_property))} AS VARCHAR) AS variant"
    units = (
        f"SELECT {', '.join(['e.visitor_key', variant, 'min(e.day) AS day', *inner])} FROM events e "
        f"WHERE {' AND '.join(where)} GROUP BY 1, 2"
    )
    heads = ["variant", "count(*)", "min(day)", "max(day)", *outer]
    sql = f"SELECT {', '.join(heads)} FROM ({units}) GROUP BY variant ORDER BY variant"
    rows = [row for row in ask(bind.statement(sql, "exposures of an experiment")).rows if row[0] is not None]
    held = {
        name: Held(sum(int(row[4 + 2 * i]) for row in rows), all(row[4 + 2 * i] == row[5 + 2 * i] for row in rows))
        for i, name in enumerate(figures)
    }
    days = [day for row in rows for day in (row[2], row[3])]
    return Exposed({row[0]: int(row[1]) for row in rows}, min(days, default=None), max(days, default=None), held)
