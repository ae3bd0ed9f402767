"""Retention in one pass: the periods of a unit's starts and returns as the bits of two integers.

Units with the same two masks are one row, so a table of any shape, and the moments of its averages, come from a few thousand
rows. Where units differ too much for that (many periods), or more than 62 periods are reached, the general form answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.model.moments import Moments
from assay.query.cut import VARIABLES
from assay.query.periods import number_of, number_sql, rows_of, start_of
from assay.query.unit_events import unit_events

if TYPE_CHECKING:
    from assay.query.retention import Asked, Cohort, RetentionQuery
    from assay.store.engine import Result, Statement

BITS = 62
MOST = 200_000  # different pairs of masks that are worked through in memory


@dataclass(frozen=True)
class Masked:
    """Cohorts, and per column the moments of the average; see ``RetentionQuery``."""

    cohorts: dict[int, Cohort]
    moments: list[Moments]


def fits(query: RetentionQuery) -> bool:
    """Calendar periods of recurring cohorts without groups, few enough for the bits of an integer."""
    return not (query.asked.rolling or query.asked.first or query.cut.by) and _reach(query) <= BITS


def statement(query: RetentionQuery) -> Statement:
    """Rows: mask of starts, mask of returns, units; one more row than can be worked through says that it is too many."""
    asked, cut = query.asked, query.cut
    lowest = number_of(cut.period.first, asked.grain, query.plan)
    starts = number_of(cut.period.last, asked.grain, query.plan) - lowest
    number = f"({number_sql(query, asked.grain)} - {query.bind(lowest)})"
    begins, returns = rows_of(query, asked.start), rows_of(query, asked.back)
    last = start_of(lowest + _reach(query) + 1, asked.grain, query.plan) if not asked.unbounded else None
    same = begins == returns
    columns = [f"{number} AS p"] if same else [f"{number} AS p", f"({begins}) AS begun", f"({returns}) AS back"]
    condition = begins if same else f"(({begins}) OR ({returns}))"
    events = unit_events(
        query, asked.per, columns, condition, first=cut.period.first, last=last, segment=cut.where
    )  # fmt: skip
    started = f"p <= {starts}" + ("" if same else " AND begun")
    bit = f"CAST(1 AS BIGINT) << CAST(CASE WHEN p > {_reach(query)} THEN {_reach(query)} ELSE p END AS BIGINT)"
    masks = (
        f"SELECT unit, bit_or(CASE WHEN {started} THEN {bit} ELSE 0 END) AS starts, "
        f"bit_or({bit if same else f'CASE WHEN back THEN {bit} ELSE 0 END'}) AS returns FROM ({events}) GROUP BY unit"
    )
    sql = f"SELECT starts, returns, count(*) AS units FROM ({masks}) WHERE starts > 0 GROUP BY starts, returns LIMIT {MOST + 1}"
    return query.bind.statement(sql, f"retention by {asked.grain}")


def read(query: RetentionQuery, result: Result, last: Sequence[int | None]) -> Masked | None:
    """The table from the masks; None where there were too many. ``last``: see ``RetentionQuery.clusters``."""
    import numpy as np

    from assay.query.retention import Cohort

    if len(result.rows) > MOST:
        return None
    asked = query.asked
    lowest = number_of(query.cut.period.first, asked.grain, query.plan)
    count = number_of(query.cut.period.last, asked.grain, query.plan) - lowest + 1
    table = np.array(result.rows, dtype=np.int64).reshape(-1, 3)
    starts, returns, units = table[:, 0], table[:, 1], table[:, 2]
    columns = len(asked.columns)
    sizes: dict[int, list[int]] = {}
    x = np.zeros((columns, len(units)), dtype=np.int64)
    y = np.zeros((columns, len(units)), dtype=np.int64)
    for i in range(count):
        begun = (starts >> i) & 1
        size = int((begun * units).sum())
        if not size:
            continue
        sizes[i] = [size]
        for j, (low, high) in enumerate(asked.columns):
            back = begun * _came(returns, i, low, high, asked)
            sizes[i].append(int((back * units).sum()))
            limit = last[j]
            if limit is not None and lowest + i <= limit:
                x[j] += back
                y[j] += begun
    moments = [_moments(x[j], y[j], units) for j in range(columns)]
    return Masked({lowest + i: Cohort(found[0], tuple(found)) for i, found in sizes.items()}, moments)


def _reach(query: RetentionQuery) -> int:
    """The highest bit that matters: the last column of the last cohort."""
    period, grain = query.cut.period, query.asked.grain
    starts = number_of(period.last, grain, query.plan) - number_of(period.first, grain, query.plan)
    return starts + max(low if query.asked.unbounded else high for low, high in query.asked.columns)


def _came(returns: Any, i: int, low: int, high: int, asked: Asked) -> Any:
    """1 where a unit of cohort ``i`` returned in the column."""
    import numpy as np

    later = returns >> (i + low)
    if not asked.unbounded:
        later = later & ((1 << (high - low + 1)) - 1)
    return (later != 0).astype(np.int64)


def _moments(x: Any, y: Any, units: Any) -> Moments:
    n = int(units[y > 0].sum())
    sums = (int((x * units).sum()), int((y * units).sum()))
    products = tuple(float((a * b * units).sum()) for a, b in ((x, x), (x, y), (y, y)))
    return Moments(VARIABLES, n, sums, products)
