"""Exposures → units: the first exposure of each unit, its variant, and whether it saw several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from assay.model.errors import Refused
from assay.model.period import Period, day_of
from assay.plan.experiments import Experiment
from assay.plan.measures import Measure
from assay.plan.values import Plan
from assay.query.cut import Cut, Frame
from assay.query.dimensions import session_filter, visitor_joins
from assay.query.rows import RowBuilder, joins
from assay.query.selecting import live, own_names, unit_join, unit_key
from assay.store.engine import Statement


def unit_ctes(
    frame: Frame,
    experiment: Experiment,
    start: int,
    end: int,
    by: Sequence[str] = (),
    bots: bool = False,
    everybody: bool = False,
) -> list[str]:
    """CTEs that end in ``units``: unit, t0 and day (of the first exposure, or of the trigger after it), variant, several, g0 …,
    covariate (where the plan takes it from the first exposure).

    ``start`` and ``end`` (µs UTC, end excluded) bound the exposures, and the triggers after them. ``by``: dimensions of the exposure's visit.
    ``bots``: the bots alone, whom nothing else counts. ``everybody``: whoever came, from the first visit in the time on,
    as variant "all": those who would be exposed, where nobody was yet.
    """
    if everybody:
        return _visits(frame, experiment, start, end)
    exposure = experiment.exposure
    texts = [frame.dims.get(name).sql for name in by]
    for name in by:
        if frame.dims.get(name).scope in ("order", "item"):
            raise Refused(f"{name} belongs to an {frame.dims.get(name).scope}, not to the visit of an exposure")
    named = frozenset({exposure.name_property or "", exposure.variant_property or ""})
    own = named | own_names(frame.plan, (exposure.event,))
    where = [
        "e.environment = 'live' AND e.bot" if bots else live(frame.plan),
        f"e.name = {frame.bind(exposure.event)}",
        f"e.t >= {frame.bind(start)}",
        f"e.t < {frame.bind(end)}",
        frame.in_range("e"),
    ]
    if exposure.name_property:
        where.append(f"{_text(frame, exposure.name_property)} = {frame.bind(exposure.value)}")
    if exposure.where is not None:
        if {"order", "item"} & frame.dims.scopes(n for n in exposure.where.names if n not in own):
            raise Refused(f"exposure where {exposure.where.text}: an exposure has no order and no item")
        where.append(f"({frame.dims.expression(exposure.where, own)})")
    if experiment.audience is not None:
        where.append(session_filter(frame.dims, experiment.audience))
    keys = [f"{text} AS g{i}" for i, text in enumerate(texts)]
    carried = experiment.cuped.property if experiment.cuped else None
    keys += [f"{frame.dims.property(carried)} AS covariate"] if carried else []
    variant = _text(frame, str(exposure.variant_property))
    unit = unit_key(experiment.unit, "e")
    known = [f"{unit} AS unit", f"{variant} AS variant", "e.t", "e.day"]
    place = "(e.t, e.seq, e.id) AS place"
    source = "events e" + unit_join(experiment.unit, "e")
    said = " ".join([*where, *texts])
    if "s." in said or visitor_joins(said):
        source += " LEFT JOIN sessions s ON s.session_key = e.session_key" + visitor_joins(said, "e.visitor_key")
    kept = [*(f"g{i}" for i in range(len(by))), *(["covariate"] if carried else [])]
    there = f"{source} WHERE {' AND '.join(where)}"
    fold = "SELECT unit, min(t) AS t0, min(day) AS day, {variant} AS variant, min(variant) <> max(variant) AS several{groups} FROM exposed"
    of_units = " WHERE unit IS NOT NULL AND variant IS NOT NULL GROUP BY unit"
    if kept:
        groups = "".join(f", arg_min({{'v': {name}}}, place).v AS {name}" for name in kept)
        ctes = [f"exposed AS (SELECT {', '.join([*known, place, *keys])} FROM {there})"]
        firsts = fold.format(variant="arg_min(variant, place)", groups=groups) + of_units
    else:  # the order within an instant only matters for the few units that saw several variants
        first_seen = (
            f"SELECT unit, arg_min(variant, place) AS variant FROM (SELECT {', '.join([*known, place])} FROM {there} "
            f"AND {unit} IN (SELECT unit FROM once WHERE several)){of_units}"
        )
        ctes = [
            f"exposed AS (SELECT {', '.join(known)} FROM {there})",
            f"once AS ({fold.format(variant='min(variant)', groups='')}{of_units})",
            f"mixed AS ({first_seen})",
        ]
        firsts = (
            "SELECT o.unit, o.t0, o.day, coalesce(m.variant, o.variant) AS variant, o.several "
            "FROM once o LEFT JOIN mixed m ON m.unit = o.unit"
        )
    if exposure.trigger is None:
        return [*ctes, f"units AS ({firsts})"]
    return [*ctes, f"firsts AS ({firsts})", f"units AS ({_triggered(frame, experiment, end)})"]


def _text(frame: Frame, name: str) -> str:
    """A property as the plan writes its values: a flag or a number is sent as one, and named as text."""
    declared = frame.dims.properties.get(name)
    sql = frame.dims.property(name)
    return sql if declared is None or declared.type == "string" else f"CAST({sql} AS VARCHAR)"


def _visits(frame: Frame, experiment: Experiment, start: int, end: int) -> list[str]:
    """Units with a visit in the time, of the audience; with a trigger those who did it."""
    where = [f"s.start_t >= {frame.bind(start)}", f"s.start_t < {frame.bind(end)}", frame.in_range("s")]
    if experiment.audience is not None:
        where.append(session_filter(frame.dims, experiment.audience))
    key = unit_key(experiment.unit, "s")
    source = "sessions s" + unit_join(experiment.unit, "s") + visitor_joins(" ".join(where))
    firsts = (
        f"SELECT {key} AS unit, min(s.start_t) AS t0, min(s.day) AS day, 'all' AS variant, false AS several FROM {source} "
        f"WHERE {' AND '.join(where)} AND {key} IS NOT NULL GROUP BY {key}"
    )
    if experiment.exposure.trigger is None:
        return [f"units AS ({firsts})"]
    return [f"firsts AS ({firsts})", f"units AS ({_triggered(frame, experiment, end)})"]


def _triggered(frame: Frame, experiment: Experiment, end: int) -> str:
    """Units that did the trigger at or after their exposure and before the end, from that moment on."""
    trigger = experiment.exposure.trigger
    assert trigger is not None
    rows = RowBuilder(frame.plan, frame.dims, frame.cut).rows(Measure("exists", trigger))
    key = rows.key(experiment.unit)
    source = rows.source + joins(rows, [key], experiment.unit)
    return (
        f"SELECT w.* REPLACE (t.t AS t0, t.day AS day) FROM firsts w JOIN (SELECT w.unit, min({rows.t}) AS t, min({rows.alias}.day) AS day "
        f"FROM {source} JOIN firsts w ON w.unit = {key} WHERE {rows.where} AND {frame.in_range(rows.alias)} AND {rows.t} >= w.t0 "
        f"AND {rows.t} < {frame.bind(end)} GROUP BY w.unit) t ON t.unit = w.unit"
    )


def exposed_bots(plan: Plan, experiment: Experiment, start: int, end: int) -> Statement:
    """How many bots were exposed."""
    period = Period(day_of(start, plan.site.timezone), day_of(end, plan.site.timezone))
    frame = Frame(plan, Cut(period))
    plain = replace(experiment, exposure=replace(experiment.exposure, trigger=None))
    ctes = unit_ctes(frame, plain, start, end, bots=True)
    return frame.bind.statement(f"WITH {', '.join(ctes)} SELECT count(*) FROM units", "exposed bots")


def joint_ctes(frame: Frame, tests: Sequence[tuple[Experiment, int, int]]) -> list[str]:
    """CTEs that end in ``units``: who was exposed to all of several tests, from the last of their first exposures on.

    ``variant`` is that of the first test, g0 … those of the others. Units that saw several variants of one are left out.
    """
    made: list[str] = []
    for i, (experiment, start, end) in enumerate(tests):
        own = unit_ctes(frame, experiment, start, end)
        made += [re.sub(r"\b(exposed|once|mixed|firsts|units)\b", rf"\1_of_{i}", cte) for cte in own]
    joined = "units_of_0 a0" + "".join(f" JOIN units_of_{i} a{i} ON a{i}.unit = a0.unit" for i in range(1, len(tests)))
    latest = [f"{fold} AS {name}" for name, fold in (
        ("t0", f"greatest({', '.join(f'a{i}.t0' for i in range(len(tests)))})"),
        ("day", f"greatest({', '.join(f'a{i}.day' for i in range(len(tests)))})"),
    )]  # fmt: skip
    groups = [f"a{i + 1}.variant AS g{i}" for i in range(len(tests) - 1)]
    alone = " AND ".join(f"NOT a{i}.several" for i in range(len(tests)))
    columns = ", ".join(["a0.unit", *latest, "a0.variant", "a0.several", *groups])
    return [*made, f"units AS (SELECT {columns} FROM {joined} WHERE {alone})"]
