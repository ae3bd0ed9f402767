"""A micro conversion goes up and the macro conversion does not follow."""

from __future__ import annotations

from assay.analyses.situations.base import NotSeen, Share, Site, Situation, apart, sure
from assay.decide.words import percent
from assay.model.finding import Finding

_UP = 1.15


def look(site: Site) -> list[Finding]:
    """Each micro goal against the macro goal of its journey, range against the range before, per visitor."""
    plan = site.asking.plan
    if site.before is None:
        raise NotSeen("no data before the range to compare with")
    micro = [g for g in plan.goals.values() if g.kind == "micro"]
    if not micro:
        raise NotSeen("the plan has no micro goals")
    found, pairs = [], 0
    for goal in micro:
        macro = next((g for g in plan.goals.values() if g.kind == "macro" and g.journey == goal.journey), None)
        if macro is None:
            continue
        pairs += 1
        one, two = (site.shares(site.conversion(goal=goal), before=b).get(()) for b in (True, False))
        low, high = (site.shares(site.conversion(goal=macro), before=b).get(()) for b in (True, False))
        if None in (one, two, low, high):
            continue
        drifts = site.drift(site.conversion(goal=goal)), site.drift(site.conversion(goal=macro))
        case = _case(one, two, low, high, drifts)  # type: ignore[arg-type]
        if case is not None and sure(case, len(micro)):
            found.append((case, goal.name, macro.name, (one, two, low, high)))
    if not pairs:
        raise NotSeen("no micro goal has a macro goal in its journey")
    cases = []
    for z, name, whole, (one, two, low, high) in sorted(found, key=lambda c: -c[0]):
        assert one is not None and two is not None and low is not None and high is not None  # noqa: PT018
        text = (
            f"{name} rose from {percent(one.value)} to {percent(two.value)} of visitors; {whole} went from "
            f"{percent(low.value)} to {percent(high.value)}: the gain does not reach the end"
        )
        evidence = {"micro": name, "macro": whole, "micro_before": one.value, "micro_after": two.value,
                    "macro_before": low.value, "macro_after": high.value, "z": z}  # fmt: skip
        cases.append(Finding("micro_up_macro_flat", "warning", text, evidence, f"assay why {whole}"))
    return cases


def _case(one: Share, two: Share, low: Share, high: Share, drifts: tuple[float, float]) -> float | None:
    """How surely the micro goal rose while the macro goal rose by less than its share; None where it did not."""
    if two.value < _UP * one.value or not sure(apart(two, one, drifts[0]), 1) or not one.value or not low.value:
        return None
    grown = two.value / one.value
    # macro should be ``grown`` times what it was: the same rise all the way
    error = (
        high.variance
        + grown**2 * low.variance
        + (low.value / one.value) ** 2 * (two.variance + grown**2 * one.variance + drifts[0])
        + drifts[1]
    ) ** 0.5
    z = (grown * low.value - high.value) / error if error else 0.0
    return z if z > 0 and apart(high, low, drifts[1]) < 2 else None


SITUATION = Situation(
    "micro_up_macro_flat",
    "Micro conversion up, macro flat",
    (
        "an easier first step that brings in those who do not mean it",
        "the problem lies behind the step",
        "tracking of the micro step changed",
    ),
    "Ask the question that tells the serious apart one step later, and measure to the end",
    look,
)
