"""Whether an experiment's numbers may be trusted: looked at before, and apart from, who won."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from datetime import date, timedelta
from typing import TYPE_CHECKING

from assay.analyses.experimenting.comparing import plus, whole
from assay.decide.checks import experiment as check
from assay.model.finding import Finding
from assay.model.period import day_of

if TYPE_CHECKING:
    from assay.analyses.experimenting.comparing import Parts
    from assay.analyses.experimenting.reading import Reading
    from assay.plan.values import Metric
    from assay.stats.contrast import Contrast, NoContrast

CONCENTRATIONS = (100.0, 1_000.0, 10_000.0)
LEAST_A_DAY = 10  # units below which a day's split says nothing
GIANT = 0.25  # share of the sum of squares


def health(reading: Reading) -> list[Finding]:
    """All findings that say nothing of an effect, the blocking ones first."""
    return _sorted([one for part in CHECKS for one in part(reading)])


def with_effects(reading: Reading, findings: Sequence[Finding], hidden: Set[str]) -> list[Finding]:
    """The same with what only may be said where an effect is shown: ``hidden`` are treatments without one."""
    found = list(findings)
    if reading.arms[1] not in hidden:
        found = [one for part in found for one in (_several(reading, True) if part.code == "multi_arm" else [part])]
        found += _stratified(reading)
    found += [one for variant in reading.arms[1:] if variant not in hidden for one in _fading(reading, variant)]
    return _sorted(found)


def _sorted(findings: Sequence[Finding]) -> list[Finding]:
    order = {"bad": 0, "warning": 1, "info": 2, "good": 3}
    return sorted(findings, key=lambda one: order[one.severity])


def _units(reading: Reading) -> Iterator[Finding]:
    """Arms without units, units where there should be none, the size of the sample."""
    from assay.query.experiments import seen

    experiment, table = reading.experiment, reading.table
    empty = [arm for arm in reading.arms if table.units(reading.counted(arm)) == 0]
    if empty:
        yield check.empty_arm(empty)
    weights = {v.name: v.weight for v in experiment.variants}
    stray = {name: table.units(seen(name)) for name in table.variants}
    unknown = {name: n for name, n in stray.items() if name not in weights}
    leaked = {name: n for name, n in stray.items() if weights.get(name) == 0}
    if unknown:
        yield check.leaked(unknown, zero=False)
    if leaked:
        yield check.leaked(leaked, zero=True, who=experiment.who)
    primary = experiment.primary.metric
    matured = sum(table.units(reading.counted(arm, primary)) for arm in reading.arms)
    whole = sum(table.units(reading.counted(arm)) for arm in reading.arms)
    yield check.sample(whole, matured, reading.run.planned, experiment.who)


def _split(reading: Reading) -> Iterator[Finding]:
    """The sample ratio: over the whole run (valid at every daily look), and day by day."""
    from assay.query.experiments import seen
    from assay.stats import srm

    arms, table = reading.arms, reading.table
    weights = {arm: reading.experiment.weights[arm] for arm in arms}
    days = table.days
    several = None if reading.experiment.multi_arm != "drop" else False
    daily = [[table.units(seen(arm, day, several)) for arm in arms] for day in days]
    counts = {arm: sum(row[i] for row in daily) for i, arm in enumerate(arms)}
    if not all(counts.values()) or len(arms) < 2:
        return
    shares = list(weights.values())
    p = srm.fixed(list(counts.values()), shares).p
    # One concentration finds large deviations early, another small ones late: the smallest p, times their number.
    at_any_time = min(float(srm.sequential(daily, shares, c)[-1]) for c in CONCENTRATIONS) * len(CONCENTRATIONS)
    yield check.split(counts, weights, p, min(1.0, at_any_time), reading.over)
    judged = [(day, row) for day, row in zip(days, daily, strict=True) if sum(row) >= LEAST_A_DAY]
    broken = {}
    for day, row in judged:
        p_day = srm.fixed(row, shares).p
        if p_day is not None and p_day * len(judged) < check.TRUST:
            broken[day] = (dict(zip(arms, row, strict=True)), p_day * len(judged))
    if broken:
        yield check.broken_days(broken)


def _gaps(reading: Reading) -> Iterator[Finding]:
    """Days inside the run without exposures; runs that are no whole weeks."""
    from assay.query.experiments import seen

    zone = reading.plan.site.timezone
    first, last = day_of(reading.start, zone), min(day_of(reading.end - 1, zone), reading.asking.complete_day())
    if last < first:
        return
    days = [first + timedelta(n) for n in range((last - first).days + 1)]
    counts = [reading.table.units(seen(day=day)) for day in days]
    usual = sorted(counts)[len(counts) // 2]
    missing: list[date] = [day for day, n in zip(days, counts, strict=True) if n < usual / 10]
    if usual >= LEAST_A_DAY and missing:
        yield check.gaps(missing, usual)
    if reading.over and len(days) % 7 and (reading.experiment.window or len(days) > 1):
        yield check.weeks(len(days))


def _several(reading: Reading, shown: bool = False) -> Iterator[Finding]:
    """Units of several arms: how many, where first seen; ``shown``: the verdict whatever is done with them."""
    from assay.query.experiments import seen
    from assay.stats import srm

    table, arms = reading.table, reading.arms
    by = {arm: table.units(seen(arm, several=True)) for arm in arms}
    count = sum(by.values())
    if not count:
        return
    units = table.units(lambda key: key.variant in arms)
    p = srm.imbalance(list(by.values()), [reading.experiment.weights[a] for a in arms]).p
    yield check.several(count, units, by, p, ways(reading) if shown else {}, reading.experiment.who)


def ways(reading: Reading) -> dict[str, str]:
    """The primary's state with units of several arms dropped, kept where first seen, and at worst; first treatment."""
    from assay.stats.contrast import NoContrast

    name, variant = reading.experiment.primary.metric, reading.arms[1]

    def of(arm: str, arms: str) -> Parts:
        return reading.parts(name, reading.counted(arm, name, arms))

    both = reading.parts(name, lambda key: key.several and reading.counted(key.variant, name, "first")(key))
    dropped = of(reading.control, "drop"), of(variant, "drop")
    sides = {
        "dropped": dropped,
        "first": (of(reading.control, "first"), of(variant, "first")),
        "all in control": (plus(dropped[0], both), dropped[1]),
        f"all in {variant}": (dropped[0], plus(dropped[1], both)),
    }
    found = {}
    for way, (control, treatment) in sides.items():
        made = reading.contrast(name, control, treatment)
        if isinstance(made, NoContrast):
            found[way] = "none"
            continue
        alpha = reading.alphas[variant]
        absolute = made.interval(1 - alpha, critical=reading.critical(made, alpha))
        if not absolute.excludes():
            found[way] = "open"
        else:
            found[way] = "better" if (made.difference > 0) == (reading.direction(name) == "up") else "worse"
    return found


def _bias(reading: Reading) -> Iterator[Finding]:
    """The primary before the exposure: random arms are alike there."""
    from assay.stats.contrast import NoContrast
    from assay.stats.means import compare_means
    from assay.stats.ratios import compare_ratios

    name = reading.experiment.primary.metric
    if "c" not in reading.table.names[name]:
        return
    control = reading.moments(name, reading.control, reading.counted(reading.control))
    for variant in reading.arms[1:]:
        treatment = reading.moments(name, variant, reading.counted(variant))
        made = (
            compare_ratios(control, treatment, "c", "d") if "d" in control.names
            else compare_means(control, treatment, "c")
        )  # fmt: skip
        if not isinstance(made, NoContrast) and made.p() < check.TRUST:
            cuped = reading.experiment.cuped
            what = (cuped.property if cuped else None) or name
            yield check.biased(what, variant, f"{made.control:.4g} against {made.treatment:.4g}", made.p())


def _late(reading: Reading) -> Iterator[Finding]:
    """Outcomes in the half hour before the exposure."""
    from assay.query.experiments import seen

    name = reading.experiment.primary.metric
    if "h" not in reading.table.names[name] or not _converts(reading, reading.metric(name)):
        return
    moments = reading.table.moments(name, seen())
    before, after = float(moments.sum("h")), float(moments.sum("x"))
    share = before / (before + after) if before > 0 and after >= 0 else 0.0
    if share > 0.2 and moments.n >= LEAST_A_DAY:
        yield check.after_outcome(name, share)


def _converts(reading: Reading, metric: Metric) -> bool:
    """Orders, money and goals; visits and page views lie on both sides of any exposure."""
    quantity, plan = metric.quantity, reading.plan
    if quantity.negate or quantity.start is not None or quantity.numerator is None:
        return False
    select = quantity.numerator.select
    goals = {plan.orders.event, *(goal.event for goal in plan.goals.values() if goal.event)}
    return metric.format == "money" or select.of == "order" or bool(select.events and goals.issuperset(select.events))


def _bots(reading: Reading) -> Iterator[Finding]:
    from assay.query.experiments import seen
    from assay.query.experiments.exposures import exposed_bots

    if reading.plan.rules.bots != "exclude":
        return
    statement = exposed_bots(reading.plan, reading.experiment, reading.start, reading.end)
    (count,) = reading.asking.ask(statement).one()
    if count:
        yield check.bots(count, reading.table.units(seen()))


def _giants(reading: Reading) -> Iterator[Finding]:
    """One unit that bears most of a mean's variation."""
    for metric in reading.table.metrics:
        if "y" in reading.table.names[metric.name] or metric.quantity.kind == "share":
            continue
        for arm in reading.arms:
            keep = reading.counted(arm)
            moments = reading.table.moments(metric.name, keep)
            squares, largest = moments.product("x", "x"), reading.table.largest(metric.name, keep)
            if moments.n > 50 and squares > 0 and largest**2 > GIANT * squares:
                yield check.giant(metric.name, arm, largest, largest**2 / squares)


def _caps(reading: Reading) -> Iterator[Finding]:
    """Caps of the plan that no number stands for."""
    from assay.analyses.experimenting.planning import caps_asked

    missing = [name for name in caps_asked(reading.plan, reading.experiment) if name not in reading.caps]
    if missing:
        yield check.uncapped(missing, reading.run.start is not None)


def _silent(reading: Reading) -> Iterator[Finding]:
    """Metrics whose covariate is alike for all units, and which are compared without it."""
    if reading.experiment.cuped is None:
        return
    names = []
    for metric in reading.table.metrics:
        if "c" in reading.table.names[metric.name]:
            both = whole(reading.parts(metric.name, lambda key: key.variant in reading.arms))
            names += [] if both.n < 2 or both.variance("c") > 0 else [metric.name]
    if names:
        yield check.no_covariate(names)


def _stratified(reading: Reading) -> Iterator[Finding]:
    """What was compared within strata, and what could not be."""
    from assay.stats.contrast import NoContrast

    strata = reading.experiment.strata
    if strata is None or not reading.stratified:
        return
    variant, used, other = reading.arms[1], [], {}
    for metric in reading.metrics:
        made = reading.compared(metric.name, variant)
        if isinstance(made, NoContrast):
            continue
        if "post-stratified" in made.method:
            used.append(metric.name)
        elif metric.quantity.kind == "quantile":
            other[metric.name] = "a quantile"
        else:
            other[metric.name] = "its covariate is used" if "CUPED" in made.method else "too few events"
    count = len({key.groups for key in reading.table.rows})
    saved = None
    name = reading.experiment.primary.metric
    if name in used:
        pair = [reading.compared(name, variant, strata=within) for within in (True, False)]
        errors = [one.standard_error for one in pair if not isinstance(one, NoContrast)]
        saved = 1 - (errors[0] / errors[1]) ** 2 if len(errors) == 2 and errors[1] > 0 else None
    yield check.stratified(strata, count, used, other, name, saved)


def _fading(reading: Reading, variant: str) -> Iterator[Finding]:
    """The effect of those exposed in the first half of the days against the second."""
    from assay.analyses.base import column_kind
    from assay.analyses.experimenting.laying import signed
    from assay.stats.contrast import NoContrast
    from assay.stats.normal import p_two_sided

    name = reading.experiment.primary.metric
    last = reading.last_day(name)
    days = [day for day in reading.table.days if last is not None and day <= last]
    if len(days) < 14:
        return
    middle = days[len(days) // 2]
    kind, currency = column_kind(reading.metric(name)), reading.plan.site.currency
    one, two = (_half(reading, name, variant, middle, late) for late in (False, True))
    if isinstance(one, NoContrast) or isinstance(two, NoContrast):
        return
    error = (one.standard_error**2 + two.standard_error**2) ** 0.5
    p = p_two_sided((one.difference - two.difference) / error) if error > 0 else 1.0
    if p < 0.01:
        words = [signed(half.difference, kind, currency) for half in (one, two)]
        yield check.novelty(name, variant, words[0], words[1], p)


def _half(reading: Reading, name: str, variant: str, middle: date, late: bool) -> Contrast | NoContrast:
    """The contrast among those exposed before ``middle``, or from it on."""

    return reading.compared(name, variant, lambda key: (key.day >= middle) == late)


CHECKS: tuple[Callable[[Reading], Iterator[Finding]], ...] = (
    _units,
    _split,
    _gaps,
    _several,
    _bias,
    _late,
    _bots,
    _giants,
    _caps,
    _silent,
)


def blocking(findings: Sequence[Finding]) -> list[str]:
    """Reasons for which no number may be trusted."""
    return [one.text for one in findings if one.severity == "bad"]
