"""The units behind a funnel's step, and how long they take between two steps."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from statistics import mean, median
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from assay.decide.words import duration, group_name
from assay.model.answer import Answer, Cell, Column, Labelled
from assay.model.estimate import Estimate
from assay.plan.measures import PLURALS

if TYPE_CHECKING:
    from assay.analyses.funnel import Look
    from assay.query.funnels import Unit

_NO_SPREAD = 60  # width of a bin, in seconds, where all units take equally long


def listed(look: Look) -> Answer:
    """The units that did a step, or that did the one before it and not the step."""
    from assay.query.funnels import details, previous

    params, funnel = look.params, look.funnel
    step = params.reached or params.lost or 1
    mandatory = [k for k, one in enumerate(funnel.steps) if not one.optional]
    units = look.query.units()
    if params.reached:
        found = [u for u in units if u.times[step - 1] is not None]
        said = f"did {look.labels[step - 1]}"
    else:
        before = previous(mandatory, step - 1)
        found = [u for u in units if u.times[before] is not None and u.times[step - 1] is None]
        said = f"did {look.labels[before]} and not {look.labels[step - 1]}"
    names = details.unit_names(funnel.per, found, look.asking.ask)
    zone = ZoneInfo(look.asking.plan.site.timezone)
    found.sort(key=lambda u: (u.start, names.get(u.unit, "")))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            names.get(u.unit, str(u.unit)),
            *(group_name(v) for v in u.group),
            _local(u.start, zone),
            _local(u.end, zone),
            look.labels[u.depth - 1],
        )
        for u in found
    )
    columns = (
        Column(funnel.per),
        *(Column(name) for name in params.by),
        Column("started", "moment"),
        Column("last_step_at", "moment", "last step at"),
        Column("last_step", label="last step"),
    )
    plural = PLURALS[funnel.per]
    return look.asking.answer(
        "funnel",
        params,
        columns=columns,
        rows=rows,
        definitions=(look.definition,),
        sentence=f"{len(rows):,} {plural} {said}, {look.period}.",
        notes=(look.definition.text,),
        next=(f"assay funnel {funnel.name}",),
        chart={"kind": "list"},
        empty=None if rows else f"no {plural} {said}",
    )


def _local(t: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(t / 1e6, zone).isoformat(" ", "seconds")


def histogram(look: Look) -> Answer:
    """Units by how long they take between two steps; the last row is the closing edge with its own count."""

    params, funnel = look.params, look.funnel
    first, last = (int(n) - 1 for n in str(params.histogram).split(":"))
    groups: dict[tuple[Cell, ...], list[float]] = {}
    for unit in look.query.units():
        seconds = _seconds(unit, first, last)
        if seconds is not None:
            groups.setdefault(unit.group, []).append(seconds)
    rows: list[tuple[Cell, ...]] = []
    estimates = []
    for group in sorted(groups, key=lambda g: (-len(groups[g]), tuple(str(v) for v in g))):
        taken = groups[group]
        names = [group_name(v) for v in group]
        rows += [(*names, left, right, n) for left, right, n in bins(taken, params.bins)]
        for what, value in (("mean", mean(taken)), ("median", median(taken))):
            one = Estimate(value, n=len(taken), reason="the times of these units, no sample")
            estimates.append(Labelled(f"{funnel.name}.{what}_seconds", dict(zip(params.by, names, strict=True)), one))
    way = f"from {look.labels[first]} to {look.labels[last]}"
    total = [s for taken in groups.values() for s in taken]
    made = look.asking.answer(
        "funnel",
        params,
        columns=(
            *(Column(name) for name in params.by),
            Column("from_seconds", "duration", "from"),
            Column("to_seconds", "duration", "to"),
            Column("units", "count", PLURALS[funnel.per], look.definition.id),
        ),
        rows=tuple(rows),
        estimates=tuple(estimates),
        definitions=(look.definition,),
        notes=(look.definition.text,),
        next=(f"assay funnel {funnel.name}",),
    )
    if not total:
        reason = f"no {PLURALS[funnel.per]} get {way}"
        return replace(made, empty=reason, sentence=f"{reason[0].upper()}{reason[1:]}, {look.period}.")
    sentence = (
        f"{len(total):,} {PLURALS[funnel.per]} take {duration(mean(total))} on average {way} "
        f"(median {duration(median(total))}), {look.period}."
    )
    return replace(made, sentence=sentence)


def _seconds(unit: Unit, first: int, last: int) -> float | None:
    begun, done = unit.times[first], unit.times[last]
    return None if begun is None or done is None else (done - begun) / 1e6


def bins(seconds: list[float], count: int | None = None) -> list[tuple[int, int, int]]:
    """(left edge, right edge, how many) of equal bins in whole seconds; a closing edge holds what lies on or behind it.

    The width is ceil((max − min) / n), n = ceil of the cube root of how many there are (PostHog's time to convert).
    """
    low, high = math.floor(min(seconds)), math.ceil(max(seconds))
    n = count or next(k for k in range(1, len(seconds) + 1) if k**3 >= len(seconds))
    width = -(-(high - low) // n) or _NO_SPREAD
    held = [0] * (n + 1)
    for one in seconds:
        held[min(n, int((one - low) // width))] += 1
    return [(low + width * k, low + width * (k + 1), held[k]) for k in range(n + 1)]
