"""The health of an experiment: whether its numbers may be trusted at all, before anybody looks at them.

Severity ``bad`` blocks a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from datetime import date
from typing import Any

from assay.decide.words import percent, significant
from assay.model.finding import Finding

TRUST = 0.001  # p below which a fault of the set-up is taken for one
SOME = 0.01  # share of units that may have seen several variants without a word


def _more(days: Sized) -> str:
    """The days beside the first."""
    return f"{len(days) - 1} more day{'s' if len(days) > 2 else ''}"


def _p(value: float) -> str:
    """A p-value in words, never 0."""
    return f"p = {value:.2g}" if value >= 1e-4 else "p < 0.0001"


def split(
    counts: Mapping[str, int], weights: Mapping[str, float], p: float | None, daily: float | None, final: bool
) -> Finding:
    """The arms' sizes against their weights. ``p``: chi-square of one look; ``daily``: valid at every look."""
    evidence = {"units": dict(counts), "weights": dict(weights), "p": p, "p_sequential": daily}
    judged = p if final else daily
    total = sum(counts[name] for name in weights)
    shares = (
        ", ".join(f"{name} {percent(counts[name] / total)} (planned {percent(w)})" for name, w in weights.items())
        if total
        else ""
    )
    action = "find what lets units of one arm disappear (redirects, crashes, filters, late tags) and run it again"
    if judged is not None and judged < TRUST:
        return Finding("srm", "bad", f"the split is not the planned one: {shares}; {_p(judged)}", evidence, action)
    if p is not None and p < TRUST:  # looked at daily, chance alone comes this far more often than p says
        text = f"the split may not be the planned one: {shares}; {_p(p)} of this look alone"
        return Finding("srm", "warning", text, evidence, "look again tomorrow; look for what loses units of one arm")
    return Finding("split_ok", "good", f"the split is as planned: {shares}", evidence)


def leaked(counts: Mapping[str, int], zero: bool, who: str = "units") -> Finding:
    """Units in an arm that should have none, or that the plan does not know."""
    names = ", ".join(f"{name}: {n:,}" for name, n in counts.items())
    if zero:
        return Finding(
            "leaked_units",
            "bad",
            f"{who} in a variant that should have none: {names}",
            {"units": dict(counts)},
            "the assignment does not follow the plan's weights: find out who assigns",
        )
    return Finding(
        "unknown_variant",
        "warning",
        f"exposures to variants that the plan does not name: {names}",
        {"units": dict(counts)},
        "name them under variants:, or mend what is sent",
    )


def empty_arm(names: Sequence[str]) -> Finding:
    """An arm without a unit."""
    what = " and ".join(names)
    return Finding(
        "empty_arm",
        "bad",
        f"nobody was exposed to {what}",
        {"variants": list(names)},
        "check that the variant is delivered and its exposure sent: assay experiment qa",
    )


def broken_days(days: Mapping[date, tuple[Mapping[str, int], float]]) -> Finding:
    """Days on which the split was broken, each with its units by arm and p, after Bonferroni over all days."""
    first = next(iter(days))
    counts, p = days[first]
    named = ", ".join(f"{name} {n:,}" for name, n in counts.items())
    more = f" (and {_more(days)})" if len(days) > 1 else ""
    return Finding(
        "split_day",
        "warning",
        f"the split was broken on {first}{more}: {named}; {_p(p)}",
        {"days": [str(day) for day in days]},
        "look at what was deployed that day; units of that day are in all figures",
    )


def gaps(days: Sequence[date], usual: float) -> Finding:
    """Days inside the run with (nearly) no exposures."""
    more = f" and {_more(days)}" if len(days) > 1 else ""
    text = f"almost no exposures on {days[0]}{more} (usual: {significant(usual)} a day)"
    return Finding(
        "exposure_gap",
        "warning",
        text,
        {"days": [str(day) for day in days], "usual": usual},
        "was the test switched off, or its tag broken?",
    )


def several(
    count: int, total: int, by: Mapping[str, int], p: float | None, verdicts: Mapping[str, str], who: str = "units"
) -> Finding:
    """Units that saw several variants: how many, first seen where, whether that is balanced.

    ``verdicts``: way of counting them → the verdict; empty where none may be shown.
    """
    share = count / total
    text = f"{count:,} of {total:,} {who} ({percent(share)}) saw several variants"
    ways = ", ".join(f"{way}: {verdict}" for way, verdict in verdicts.items())
    same = len(set(verdicts.values())) <= 1
    if verdicts:
        text += f"; the verdict {'is the same whatever is done with them' if same else 'depends on them: ' + ways}"
    evidence = {"units": count, "of": total, "first_seen": dict(by), "p": p, "verdicts": dict(verdicts)}
    if p is not None and p < TRUST:
        return Finding(
            "multi_arm_imbalance",
            "bad",
            f"{text}; they come from one arm more than from the other ({_p(p)})",
            evidence,
            "find out why units of that arm are assigned again",
        )
    severity = "info" if share <= SOME and same else "warning"
    return Finding(
        "multi_arm",
        severity,
        text,
        evidence,
        "check that the assignment keeps to a unit: cookies, log-in, several devices",
    )


def biased(metric: str, variant: str, difference: str, p: float) -> Finding:
    """Arms that differed before anybody was exposed."""
    return Finding(
        "pre_exposure_bias",
        "bad",
        f"{variant} differed in {metric} before the exposure already: {difference}, {_p(p)}",
        {"metric": metric, "variant": variant, "p": p},
        "the arms are no random halves: find out who assigns and how",
    )


def after_outcome(metric: str, share: float) -> Finding:
    """Outcomes that happened just before the exposure: the exposure is sent too late."""
    return Finding(
        "exposed_after",
        "bad" if share > 0.5 else "warning",
        f"{percent(share)} of {metric} happened in the half hour before the exposure",
        {"metric": metric, "share": share},
        "send the exposure when the variant is shown, not when the page is left or the order made",
    )


def bots(count: int, of: int) -> Finding:
    """Bots among the exposed; they are in no figure."""
    return Finding(
        "exposed_bots",
        "info",
        f"{count:,} bots were exposed and left out ({of:,} people were)",
        {"bots": count, "units": of},
    )


def weeks(days: int) -> Finding:
    """A run that does not hold whole weeks."""
    text = f"the run holds {days} days: weekdays are not all in it equally often"
    return Finding("partial_weeks", "warning" if days < 7 else "info", text, {"days": days}, "decide after whole weeks")


def sample(units: int, matured: int, planned: int | None, who: str = "units") -> Finding:
    """How far the sample is; ``who``: what the units are, in the plural."""
    of = f" of {planned:,} planned" if planned else ""
    some = "all of them" if matured == units else f"{matured:,}"
    text = f"{units:,} {who} saw the test, {some}{of} with their time over"
    return Finding("sample", "info", text, {"units": units, "matured": matured, "planned": planned})


def unlocked(name: str) -> Finding:
    """Nothing was locked before the start."""
    return Finding(
        "not_locked",
        "warning",
        f"{name} was never locked: what is judged may have been chosen after seeing the data",
        {},
        f"lock the next one before it starts: assay experiment start {name}",
    )


def changed(differences: Sequence[tuple[str, str, str]], unreadable: str = "") -> Finding:
    """The plan was edited after the start. ``unreadable``: why there is no reading by the plan as it is now."""
    listed = "; ".join(f"{key}: {before} → {after}" for key, before, after in differences[:4])
    return Finding(
        "changed_after_start",
        "warning",
        f"the plan was changed after the start: {listed}"
        + (f"; by it nothing can be read: {unreadable}" if unreadable else ""),
        {"changes": [list(one) for one in differences]},
        "the reading as planned stands" + ("" if unreadable else "; the one as changed is beside it"),
    )


def giant(metric: str, variant: str, largest: float, share: float) -> Finding:
    """One unit that decides a mean."""
    return Finding(
        "one_giant",
        "warning",
        f"one unit of {variant} bears {percent(share)} of all variation in {metric} ({significant(largest)})",
        {"metric": metric, "variant": variant, "largest": largest, "share": share},
        f"lock a cap for the next test, such as cap: {{{metric}: 99.9%}}",
    )


def adjustment(metric: str, health: Mapping[str, Any]) -> Finding:
    """How a covariate did: what it saved, and whether it turned anything round."""
    odd = health.get("sign_flip") or not health.get("same_verdict", True)
    text = f"the covariate takes {percent(max(0.0, health['variance_reduction']))} off the variance of {metric}"
    if odd:
        text += "; without it the " + ("sign" if health.get("sign_flip") else "verdict") + " would be another"
    return Finding("covariate", "warning" if odd else "info", text, dict(health))


def uncapped(metrics: Sequence[str], started: bool) -> Finding:
    """Caps that could not be made numbers: nothing was there to take a quantile from."""
    names = " and ".join(metrics)
    when = "before the start" if started else "as the test was never started"
    return Finding(
        "cap_missing",
        "warning",
        f"{names} is not capped: there was nothing to take its quantile from {when}",
        {"metrics": list(metrics)},
        "write a number as the cap of the next test, or start it when there are data",
    )


def no_covariate(metrics: Sequence[str]) -> Finding:
    """A covariate that says nothing; the comparison is the plain one."""
    text = f"{' and '.join(metrics)}: compared without the covariate, which is alike for all units"
    return Finding("no_covariate", "info", text, {"metrics": list(metrics)}, "name another metric under cuped:")


def stratified(
    strata: str, count: int, used: Sequence[str], other: Mapping[str, str], primary: str, saved: float | None
) -> Finding:
    """What was compared within strata, what it saved, and what was not."""
    plural = "a" if count != 1 else "um"
    text = f"compared within {strata} ({count} strat{plural}): {', '.join(used) or 'nothing'}"
    text += f"; it takes {percent(max(0.0, saved))} off the variance of {primary}" if saved is not None else ""
    text += f"; not: {', '.join(f'{name} ({why})' for name, why in other.items())}" if other else ""
    evidence = {"strata": strata, "count": count, "used": list(used), "not_used": dict(other), "saved": saved}
    return Finding("stratified", "info", text, evidence)


def novelty(metric: str, variant: str, first: str, later: str, p: float) -> Finding:
    """An effect that differs between the first and the second half of the run."""
    return Finding(
        "novelty",
        "warning",
        f"{variant} in {metric}: {first} among those exposed in the first half, {later} in the second ({_p(p)})",
        {"metric": metric, "variant": variant, "p": p},
        "run longer before it is called lasting",
    )


def shifted(metric: str, parts: Sequence[str], variant: str) -> Finding:
    """Something moved, and the outcome that counts did not."""
    listed = " and ".join(parts)
    return Finding(
        "shifted_not_gained",
        "info",
        f"shifted, not gained: {listed} moved under {variant}, {metric} did not",
        {"metric": metric, "moved": list(parts), "variant": variant},
        f"judge by {metric}: what moved may only have changed places",
    )


def guardrail(metric: str, variant: str, harmed: bool, effect: str, margin: str) -> Finding:
    """A guardrail that is worse, or that is not shown to be no worse than its margin."""
    evidence = {"metric": metric, "variant": variant, "margin": margin, "effect": effect}
    if harmed:
        text = f"{variant} harms {metric}: {effect}, where {margin} may be lost"
        return Finding(
            "guardrail_harmed", "bad", text, evidence, "do not ship it as it is; find out what causes the harm"
        )
    text = f"{metric} is not shown safe under {variant}: {effect}, where {margin} may be lost"
    action = "collect more, widen the margin before the next start, or take the risk knowingly"
    return Finding("guardrail_unshown", "warning", text, evidence, action)
