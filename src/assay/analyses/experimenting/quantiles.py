"""A quantile metric of a test: each arm's quantile with order statistics around it, clustered by unit."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.analyses.experimenting.reading import Reading
    from assay.stats.contrast import NoContrast
    from assay.stats.quantile import QuantileArm


def quantile_arms(reading: Reading, name: str, last: date) -> dict[str, QuantileArm | NoContrast]:
    """Arm → its quantile over the values of units exposed up to ``last``, as ``stats.quantile_arm`` makes it of values.

    Three statements: the quantile, the spread per unit of the share at or below it, the order statistics that far out.
    """
    from assay.query.experiments.quantiles import Counted, UnitQuantiles
    from assay.stats.contrast import NoContrast
    from assay.stats.quantile import QuantileArm
    from assay.stats.tails import critical_value

    metric = reading.metric(name)
    q, ask, z = metric.quantity.q or 0.5, reading.asking.ask, critical_value(0.95)
    counted = Counted(reading.arms, last, reading.experiment.multi_arm != "drop")
    query = UnitQuantiles(reading.plan, reading.experiment, metric, counted, reading.start, reading.end)
    middle = {arm: (count, value) for arm, count, value in ask(query.at([q])).rows}
    if not middle:
        return {}
    spread = {row[0]: row[1:] for row in ask(query.at_or_below({arm: v for arm, (_, v) in middle.items()})).rows}
    found: dict[str, QuantileArm | NoContrast] = {}
    ranks: dict[str, tuple[int, int, float]] = {}
    for arm, (count, _) in middle.items():
        units = spread[arm][0]
        if units < 2:
            found[arm] = NoContrast("an arm has one unit, which has no variance", "one_unit")
            continue
        error = _error(count, *spread[arm])
        first, end = math.floor(count * (q - z * error)), math.ceil(count * (q + z * error)) + 1
        if first < 1 or end > count:
            found[arm] = NoContrast(f"too few values for bounds of the {q:g}-quantile", "too_few")
        else:
            ranks[arm] = (first, end, (end - first) / (2 * count * error) if error > 0 else z)
    places = sorted(
        {(rank - 1) / (middle[arm][0] - 1) for arm, (low, high, _) in ranks.items() for rank in (low, high)}
    )
    bounds = {row[0]: dict(zip(places, row[2:], strict=True)) for row in ask(query.at(places)).rows} if places else {}
    for arm, (low, high, taken) in ranks.items():
        count, value = middle[arm]
        ends = [bounds[arm][(rank - 1) / (count - 1)] for rank in (low, high)]
        found[arm] = QuantileArm(spread[arm][0], float(value), float(ends[0]), float(ends[1]), taken)
    return found


def _error(count: int, units: int, below: Any, size: Any, xx: Any, xy: Any, yy: Any) -> float:
    """Standard error of the share of values at or below the quantile, units being independent."""
    share = float(below) / float(size)
    squares = float(xx) - 2 * share * float(xy) + share * share * float(yy)
    return math.sqrt(max(squares, 0.0) / (units - 1) * units) / count
