"""Two means compared: Welch's t for the difference, Fieller for the lift."""

from __future__ import annotations

from assay.model.moments import Moments, Number
from assay.stats.contrast import MeanContrast, NoContrast, welch_freedom
from assay.stats.linear import linearised, variance


def moments_from(n: int, total: Number, sum_squares: float, name: str = "x") -> Moments:
    """Moments of one variable from sufficient statistics: units, Σx, Σx²."""
    return Moments((name,), n, (total,), (float(sum_squares),))


def compare_means(
    control: Moments, treatment: Moments, x: str = "x", equal_var: bool = False
) -> MeanContrast | NoContrast:
    """Treatment mean − control mean of ``x`` per unit, independent arms.

    t = (x̄₁ − x̄₀) / √(s₁²/n₁ + s₀²/n₀), degrees of freedom by Welch and Satterthwaite; ``equal_var``: Student's t with
    the pooled variance and n₁ + n₀ − 2. Relative intervals are Fieller's (see ``MeanContrast``).
    Source: B. L. Welch, Biometrika 34 (1947) 28–35; E. C. Fieller, J. R. Stat. Soc. B 16 (1954) 175–185.
    ``NoContrast``: ``empty_arm``, ``one_unit``, ``no_events`` (zero everywhere), ``no_variance``.
    """
    return contrast_of(control, treatment, x, None, equal_var)


def contrast_of(
    control: Moments, treatment: Moments, x: str, y: str | None, equal_var: bool
) -> MeanContrast | NoContrast:
    """A mean (``y`` None) or a ratio of sums; shared by ``compare_means`` and ``compare_ratios``."""
    bad = unfit(control, treatment, x, y)
    if bad is not None:
        return bad
    (value0, part0), (value1, part1) = linearised(control, x, y), linearised(treatment, x, y)
    n0, n1 = control.n, treatment.n
    v0, v1 = variance(control, part0), variance(treatment, part1)
    if v0 + v1 == 0:
        return NoContrast("all units are alike", "no_variance")
    words = "delta method, " if y is not None else ""
    if equal_var:
        v0 = v1 = ((n0 - 1) * v0 + (n1 - 1) * v1) / (n0 + n1 - 2)
        freedom, method = float(n0 + n1 - 2), f"{words}pooled-variance t, Fieller"
    else:
        freedom, method = welch_freedom([(v0 / n0, n0), (v1 / n1, n1)]), f"{words}Welch t, Fieller"
    total, own = v0 / n0 + v1 / n1, v0 / n0
    return MeanContrast(method, value0, value1, value0, n0, n1, value1 - value0, total, own, -own, freedom)


def unfit(control: Moments, treatment: Moments, x: str, y: str | None = None) -> NoContrast | None:
    """What stands against comparing two arms at all: no units, one unit, nothing to divide by, nothing but zeros."""
    arms = (control, treatment)
    if min(arm.n for arm in arms) == 0:
        return NoContrast("an arm has no units", "empty_arm")
    if min(arm.n for arm in arms) == 1:
        return NoContrast("an arm has one unit, which has no variance", "one_unit")
    if y is not None and any(arm.sum(y) == 0 for arm in arms):
        return NoContrast("an arm has nothing to divide by", "no_denominator")
    if all(arm.product(x, x) == 0 for arm in arms):
        return NoContrast("nothing has happened in either arm", "no_events")
    return None
