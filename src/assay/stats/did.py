"""Before and after with a comparison group: difference in differences, errors that know which rows belong together.

For changes that could not be randomised. It rests on what no test shows: that without the change both groups would have
moved alike. ``placebo`` asks whether they did before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.model.estimate import Estimate
from assay.stats.contrast import p_of
from assay.stats.tails import critical_value

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[Any]

FEW = 5
STAGGERED = "units start at different times: the estimate holds if the effect stays the same"


@dataclass(frozen=True)
class Did:
    """The effect with its interval (or why there is none), its standard error and p-value, and what they rest on.

    ``clusters``: independent groups of rows; ``degrees`` = clusters − 1. ``notes``: what to mind when reading it.
    """

    estimate: Estimate
    standard_error: float | None = None
    p: float | None = None
    clusters: int = 0
    degrees: int = 0
    notes: tuple[str, ...] = ()


def two_by_two(
    y: ArrayLike, treated: ArrayLike, after: ArrayLike, cluster: ArrayLike | None = None, level: float = 0.95
) -> Did:
    """(treated after − before) − (control after − before): d of y = a + b·treated + c·after + d·treated·after.

    One row per observation, 1-d arrays of one length; ``treated`` and ``after`` are 0 or 1; ``cluster``: the unit that
    was treated or not as a whole (shop, region, user), each row its own where not given. Errors CR1, t with clusters −
    1 degrees of freedom. No value where one of the four cells is empty; no interval with fewer than two clusters on a
    side. Source: J. D. Angrist, J.-S. Pischke, Mostly Harmless Econometrics (2009) §5.2; errors: A. C. Cameron, D. L.
    Miller, Journal of Human Resources 50 (2015) 317–372.
    """
    import numpy as np

    y_, g, t = (np.asarray(v, dtype=float) for v in (y, treated, after))
    if not (y_.ndim == 1 and y_.shape == g.shape == t.shape and np.isin(g, (0, 1)).all() and np.isin(t, (0, 1)).all()):
        raise ValueError("one row per observation, treated and after are 0 or 1")
    groups = np.arange(len(y_)) if cluster is None else _codes(cluster, len(y_))
    if any(not ((g == a) & (t == b)).any() for a in (0, 1) for b in (0, 1)):
        return Did(Estimate.none("one of the four cells has no rows"))
    design = np.column_stack((g * t, np.ones(len(y_)), g, t))
    return _judged(design, y_, groups, g == 1, level, "difference in differences, 2×2")


def panel(
    y: ArrayLike,
    unit: ArrayLike,
    time: ArrayLike,
    active: ArrayLike,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Did:
    """Effect of ``active`` (1 while the change is on for that unit) with a level of each unit and of each time.

    y = unit + time + d·active by ordinary least squares; one row per unit and time, gaps allowed. Units' levels are
    taken out by their means, times' are estimated; CR1 errors by ``cluster`` (the units unless given; units' levels lie
    inside clusters and take no degrees of freedom), t with clusters − 1. No value where active never varies within
    units beside the times. A note says when units start at different times: then later-treated units are compared with
    earlier ones, which is right only if the effect stays the same (A. Goodman-Bacon, Journal of Econometrics 225
    (2021)). Raises ValueError for a unit twice at one time, or one that lies in two clusters. Source: as
    ``two_by_two``.
    """
    import numpy as np

    y_, d = np.asarray(y, dtype=float), np.asarray(active, dtype=float)
    if y_.ndim != 1 or y_.shape != d.shape or not np.isin(d, (0, 1)).all():
        raise ValueError("one row per unit and time, active is 0 or 1")
    units, times = _codes(unit, len(y_)), _codes(time, len(y_))
    groups = units if cluster is None else _codes(cluster, len(y_))
    if len(np.unique(np.stack((units, times)), axis=1).T) != len(y_):
        raise ValueError("a unit has two rows at one time")
    if len(np.unique(np.stack((units, groups)), axis=1).T) != units.max() + 1:
        raise ValueError("a unit lies in two clusters")
    dummies = (times[:, None] == np.arange(1, times.max() + 1)).astype(float)
    columns = np.column_stack((d, dummies))
    # Keeping the overall mean keeps the intercept, so its degree of freedom counts as it does elsewhere.
    inner = _within(columns, units) + columns.mean(axis=0)
    if _explained(inner[:, 0] - inner[:, 0].mean(), inner[:, 1:] - inner[:, 1:].mean(axis=0)):
        return Did(Estimate.none("the change is on or off for all units at the same times: nothing to compare with"))
    design = np.column_stack((inner[:, :1], np.ones(len(y_)), inner[:, 1:]))
    inside = _within(y_[:, None], units)[:, 0] + y_.mean()
    first = np.full(units.max() + 1, times.max() + 1)
    np.minimum.at(first, units[d == 1], times[d == 1])
    ever = first <= times.max()
    notes = (STAGGERED,) if len(np.unique(first[ever])) > 1 else ()
    return _judged(design, inside, groups, ever[units], level, "difference in differences, panel", notes)


def placebo(
    y: ArrayLike,
    unit: ArrayLike,
    time: ArrayLike,
    treated: ArrayLike,
    start: Any,
    fake: Any = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Did:
    """The same before the change: what ``panel`` would have found had it started at ``fake``; it should find nothing.

    Only rows with ``time`` < ``start`` are used; ``fake`` is the middle of those times unless given; ``treated``: 1 for
    rows of units that are to be treated. A clear effect says that the groups were already drifting apart; none does not
    prove that they would have gone on alike. No value with fewer than two times before the start.
    """
    import numpy as np

    times, y_ = np.asarray(time), np.asarray(y, dtype=float)
    early = times < start
    moments = np.unique(times[early])
    if len(moments) < 2:
        return Did(Estimate.none("fewer than two times before the start"))
    fake = moments[len(moments) // 2] if fake is None else fake
    on = (np.asarray(treated)[early] == 1) & (times[early] >= fake)
    groups = None if cluster is None else np.asarray(cluster)[early]
    return panel(y_[early], np.asarray(unit)[early], times[early], on.astype(float), groups, level)


def _judged(
    design: Floats, y: Floats, groups: Floats, treated: Floats, level: float, method: str, notes: tuple[str, ...] = ()
) -> Did:
    """OLS of the first column with CR1 errors: G/(G−1)·(N−1)/(N−K)·(X'X)⁻¹ Σ X_g'u_g u_g'X_g (X'X)⁻¹."""
    import numpy as np

    n, k = design.shape
    clusters = int(groups.max()) + 1
    inverse = np.linalg.pinv(design.T @ design)
    beta = inverse @ design.T @ y
    value = float(beta[0])
    sides = [len(np.unique(groups[treated == side])) for side in (True, False)]
    if min(sides) < 2 or n <= k:
        why = "fewer than two clusters on one side: nothing to judge the error by"
        return Did(Estimate(value, None, None, level, method, n, reason=why), None, None, clusters, clusters - 1, notes)
    scores = np.zeros((clusters, k))
    np.add.at(scores, groups, design * (y - design @ beta)[:, None])
    factor = clusters / (clusters - 1) * (n - 1) / (n - k)
    variance = float(factor * (inverse @ (scores.T @ scores) @ inverse)[0, 0])
    if variance <= 1e-24 * max(value * value, float(np.mean(y * y)) / n):
        why = "the rows follow the model without error: nothing to judge by"
        return Did(Estimate(value, None, None, level, method, n, reason=why), None, None, clusters, clusters - 1, notes)
    error, degrees = math.sqrt(variance), clusters - 1
    half = critical_value(level, "two", degrees) * error
    p = p_of(value / error, "two", degrees)
    if min(sides) < FEW:
        notes = (*notes, f"{min(sides)} clusters on one side: the error is uncertain and tends to come out too small")
    estimate = Estimate(value, value - half, value + half, level, method, n, variance=variance)
    return Did(estimate, error, p, clusters, degrees, notes)


def _codes(values: ArrayLike, n: int) -> Any:
    import numpy as np

    found = np.asarray(values)
    if found.shape != (n,):
        raise ValueError("units, times and clusters have one entry per row")
    return np.unique(found, return_inverse=True)[1]


def _within(columns: Floats, units: Floats) -> Floats:
    """Less each unit's mean."""
    import numpy as np

    count = np.bincount(units)
    means = np.stack([np.bincount(units, column) / count for column in columns.T], axis=1)
    return np.asarray(columns - means[units])


def _explained(column: Floats, others: Floats) -> bool:
    """Whether the column is a combination of the others, to rounding."""
    import numpy as np

    fitted = others @ np.linalg.lstsq(others, column, rcond=None)[0]
    return float(((column - fitted) ** 2).sum()) <= 1e-18 * max(1.0, float(len(column)))
