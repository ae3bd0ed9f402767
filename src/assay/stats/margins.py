"""Non-inferiority and equivalence: what a guardrail needs to be shown safe, not just "not significantly worse"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assay.stats.contrast import NO_BASE, Contrast, NoContrast, Scale, Side, p_of
from assay.stats.tails import critical_value

Direction = Literal["increase", "decrease"]  # the one that is wanted
State = Literal["shown safe", "not shown safe", "harmed"]
_ABSOLUTE: Scale = "absolute"


@dataclass(frozen=True)
class NonInferiority:
    """``state`` of a guardrail. ``p`` of "worse by the margin or more"; ``p_harm`` of "not worse at all".

    ``bound``: the worst effect not rejected at 1 − ``alpha`` (one-sided), in units of ``scale``, None with the
    ``reason`` where there is none; ``null``: the effect at the margin. "shown safe" when p < alpha, also where a loss
    smaller than the margin is certain (p_harm < alpha says that); "harmed" when only p_harm < alpha.
    """

    state: State
    p: float
    p_harm: float
    bound: float | None
    null: float
    scale: Scale
    alpha: float
    method: str
    reason: str | None = None


@dataclass(frozen=True)
class Equivalence:
    """``shown``: the effect lies between the limits. ``p`` is the larger of both one-sided p-values.

    ``low`` and ``high`` are the ends of the interval at 1 − 2·``alpha``, in units of ``scale``.
    """

    shown: bool
    p: float
    low: float | None
    high: float | None
    scale: Scale
    alpha: float
    reason: str | None = None


def non_inferior(
    contrast: Contrast,
    margin: float,
    scale: Scale = "relative",
    direction: Direction = "increase",
    alpha: float = 0.05,
    fixed_margin: bool = False,
) -> NonInferiority | NoContrast:
    """Whether treatment is worse than control by less than ``margin`` ≥ 0 (a fraction, or units of the metric).

    One-sided test of effect ≤ −margin (``direction`` "decrease", where lower is better: effect ≥ margin) by the
    contrast's own statistic at that null; a relative margin takes the control's uncertainty into account.
    ``fixed_margin``: margin × observed base taken as a constant and the normal distribution, as some tools do; then
    ``null`` and ``bound`` are absolute. Errors: ValueError for a negative margin or alpha outside (0, 0.5].
    ``NoContrast`` ``no_base``: a relative margin where the base is not above zero.
    Source: FDA, Non-Inferiority Clinical Trials (2016); M. Schultzberg, S. Ankargren, M. Frånberg, arXiv 2402.11609
    (alpha of a guardrail is not divided by their number, their power is).
    """
    if margin < 0 or not 0 < alpha <= 0.5:
        raise ValueError(f"a margin of {margin} at an error of {alpha} is none")
    if scale == "relative" and contrast.lift is None:
        return NoContrast(NO_BASE, "no_base")
    sign = 1 if direction == "increase" else -1
    safe: Side = "greater" if direction == "increase" else "less"
    harm: Side = "less" if direction == "increase" else "greater"
    null = -sign * margin
    if fixed_margin:
        null = null * contrast.base if scale == "relative" else null
        error = contrast.standard_error
        p = p_of((contrast.difference - null) / error, safe)
        p_harm = p_of(contrast.difference / error, harm)
        bound: float | None = contrast.difference - sign * critical_value(1 - alpha, safe) * error
        reason, shown, method = None, _ABSOLUTE, "normal, margin taken as fixed"
    else:
        p, p_harm = contrast.p(null, scale, safe), contrast.p(0.0, scale, harm)
        interval = contrast.interval(1 - alpha, scale, safe)
        bound = interval.low if direction == "increase" else interval.high
        reason, shown, method = interval.reason, scale, contrast.method
    state: State = "shown safe" if p < alpha else "harmed" if p_harm < alpha else "not shown safe"
    return NonInferiority(state, p, p_harm, bound, null, shown, alpha, method, reason)


def equivalent(
    contrast: Contrast, low: float, high: float, scale: Scale = "relative", alpha: float = 0.05
) -> Equivalence | NoContrast:
    """Two one-sided tests: whether the effect lies between ``low`` < 0 and ``high`` > 0 (fractions, or metric units).

    Source: D. J. Schuirmann, J. Pharmacokin. Biopharm. 15 (1987) 657–680. ValueError unless low < 0 < high and
    0 < alpha < 0.5. ``NoContrast`` ``no_base``: relative limits where the base is not above zero.
    """
    if not low < 0 < high or not 0 < alpha < 0.5:
        raise ValueError(f"{low} to {high} at an error of {alpha} is no range of equivalence")
    if scale == "relative" and contrast.lift is None:
        return NoContrast(NO_BASE, "no_base")
    p = max(contrast.p(low, scale, "greater"), contrast.p(high, scale, "less"))
    interval = contrast.interval(1 - 2 * alpha, scale)
    return Equivalence(p < alpha, p, interval.low, interval.high, scale, alpha, interval.reason)
