"""Post-stratification: arms compared within strata, the differences weighted by how common the strata are."""

from __future__ import annotations

from collections.abc import Sequence

from assay.model.moments import Moments
from assay.stats.contrast import MeanContrast, NoContrast, welch_freedom
from assay.stats.linear import linearised, mean, variance
from assay.stats.means import unfit

Stratum = tuple[Moments, Moments]  # control, treatment


def compare_strata(strata: Sequence[Stratum], x: str = "x", y: str | None = None) -> MeanContrast | NoContrast:
    """Σ wₛ·(treatmentₛ − controlₛ) of the mean of ``x`` (with ``y``: of Σx/Σy, linearised over the whole arm).

    wₛ is the share of stratum s among the units of both arms; the variance is Σ wₛ²·(s²₁ₛ/n₁ₛ + s²₀ₛ/n₀ₛ), given how
    many units of each arm fell into each stratum. Base is the unadjusted control value with its whole variance; its
    covariance with the difference is −Σ wₛ·s²₀ₛ/n₀, so Fieller's interval holds. Strata must be known before
    assignment. Those with fewer than two units in an arm are joined, with the smallest other one if need be.
    Source: L. W. Miratrix, J. S. Sekhon, B. Yu, J. R. Stat. Soc. B 75 (2013) 369–396.
    ``NoContrast``: as for means and ratios, ``empty_arm`` also without any stratum.
    """
    if not strata:
        return NoContrast("no units in any stratum", "empty_arm")
    joined = _joined(strata)
    control, treatment = _sum([c for c, _ in strata]), _sum([t for _, t in strata])
    bad = unfit(control, treatment, x, y)
    if bad is not None:
        return bad
    (value0, part0), (value1, part1) = linearised(control, x, y), linearised(treatment, x, y)
    units = control.n + treatment.n
    # Linearised values of a whole arm have mean 0 where the metric is a ratio, and the value itself where it is not.
    shift = (value0, value1) if y is not None else (0.0, 0.0)
    adjusted, parts, shared = [shift[0], shift[1]], [], 0.0
    for c, t in joined:
        weight = (c.n + t.n) / units
        v0, v1 = variance(c, part0), variance(t, part1)
        adjusted[0] += weight * mean(c, part0)
        adjusted[1] += weight * mean(t, part1)
        parts += [(weight * weight * v0 / c.n, c.n), (weight * weight * v1 / t.n, t.n)]
        shared -= weight * v0 / control.n
    total = sum(v for v, _ in parts)
    if total == 0:
        return NoContrast("all units of a stratum are alike", "no_variance")
    return MeanContrast(
        ("delta method, " if y is not None else "") + "post-stratified, Welch t, Fieller",
        adjusted[0],
        adjusted[1],
        value0,
        control.n,
        treatment.n,
        adjusted[1] - adjusted[0],
        total,
        variance(control, part0) / control.n,
        shared,
        welch_freedom(parts),
    )


def _sum(moments: Sequence[Moments]) -> Moments:
    return sum(moments, Moments.zero(moments[0].names))


def _joined(strata: Sequence[Stratum]) -> list[Stratum]:
    """Strata with at least two units in each arm, as far as there are that many at all."""
    whole = sorted((s for s in strata if min(s[0].n, s[1].n) >= 2), key=lambda s: s[0].n + s[1].n)
    thin = [s for s in strata if min(s[0].n, s[1].n) < 2]
    if not thin:
        return list(strata)
    rest = (_sum([c for c, _ in thin]), _sum([t for _, t in thin]))
    while min(rest[0].n, rest[1].n) < 2 and whole:
        smallest = whole.pop(0)
        rest = (rest[0] + smallest[0], rest[1] + smallest[1])
    return [*whole, rest]
