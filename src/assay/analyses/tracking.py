"""tracking: which planned events come, which never came, and which come that the plan does not know."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import Field

from assay.analyses.base import Asking, Params, Question
from assay.model.answer import Answer, Cell, Column
from assay.model.errors import suggestion
from assay.model.finding import Finding
from assay.model.period import DAY_US

if TYPE_CHECKING:
    from assay.plan.values import Plan

QUIET = 7  # days before the latest event of all in which an event did not come
SAMPLE = 200  # events whose properties are looked at
_LEAST = 0.02  # share of the sample that has a property that is suggested


class TrackingParams(Params):
    """What to list."""

    all: bool = Field(False, description="with GA4's events that the plan does not use and that never came")


@dataclass
class _Seen:
    """What came of one event."""

    live: int = 0
    apart: int = 0
    last: int | None = None
    held: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def answer(asking: Asking, params: TrackingParams) -> Answer:
    """One row per event, what needs care first."""
    seen = _seen(asking)
    plan = asking.plan
    used = uses(plan)
    own = {name for name, event in plan.events.items() if not event.builtin or event.description}
    names = {*own, *used, *seen} | (set(plan.events) if params.all else set())
    latest = max((one.last for one in seen.values() if one.last is not None), default=0)
    states = {name: _state(plan, name, seen.get(name), latest) for name in names}
    order = ("unknown", "never seen", "in quarantine", "quiet", "seen")
    listed = sorted(names, key=lambda name: (order.index(states[name]), name))
    unknown = sorted(name for name in names if states[name] == "unknown")
    entries = _entries(asking, unknown)
    columns = (
        Column("event"), Column("state"), Column("live", "count"), Column("apart", "count", "staging, internal, test"),
        Column("quarantined", "count"), Column("last", "moment"), Column("used_by", "text", "used by"),
        Column("entry", detail=True),
    )  # fmt: skip
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            name, states[name], one.live, one.apart, one.held, _moment(asking, one.last),
            ", ".join(used.get(name, ())) or None, entries.get(name),
        )
        for name, one in ((name, seen.get(name, _Seen())) for name in listed)
    )  # fmt: skip
    counts = Counter(states.values())
    said = ", ".join(f"{counts[state]} {state}" for state in order if counts[state])
    return asking.answer(
        "tracking",
        params,
        columns=columns,
        rows=rows,
        findings=tuple(_findings(plan, states, seen, entries)),
        sentence=f"{len(rows)} events: {said}." if rows else "The plan has no events of its own, and none came.",
        next=("assay plan sheet", *(("assay quarantine list",) if counts["in quarantine"] or unknown else ())),
    )


def _moment(asking: Asking, moment: int | None) -> str | None:
    if moment is None:
        return None
    zone = ZoneInfo(asking.plan.site.timezone)
    return datetime.fromtimestamp(moment / 1e6, UTC).astimezone(zone).isoformat(timespec="seconds")


def _seen(asking: Asking) -> dict[str, _Seen]:
    from assay.query.ledger import quarantined
    from assay.query.planned import seen

    found: dict[str, _Seen] = defaultdict(_Seen)
    for name, environment, n, _, last in asking.ask(seen()).rows:
        one = found[name]
        if environment == "live":
            one.live, one.last = one.live + n, max(one.last or last, last)
        else:
            one.apart += n
    for _, _, _, reason, raw in asking.ask(quarantined()).rows:
        name = _record(raw).get("name")
        if isinstance(name, str):
            found[name].held += 1
            found[name].reasons[reason] += 1
    return dict(found)


def _record(raw: str | None) -> dict[str, Any]:
    try:
        found = json.loads(raw or "")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _state(plan: Plan, name: str, one: _Seen | None, latest: int) -> str:
    """``latest``: of all events; imported data may end long ago."""
    from assay.plan.experiments import EXPOSURE_EVENT

    if name not in plan.events and name != EXPOSURE_EVENT:
        return "unknown"
    if one is None or not one.live:
        return "in quarantine" if one is not None and one.held else "never seen"
    if one.held:
        return "in quarantine"
    return "quiet" if one.last is not None and latest - one.last > QUIET * DAY_US else "seen"


def uses(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Event → what in the plan counts on it."""
    found: dict[str, list[str]] = defaultdict(list)
    for goal in plan.goals.values():
        if goal.event:
            found[goal.event].append(f"goal {goal.name}")
    for funnel in plan.funnels.values():
        for step in funnel.steps:
            if step.event:
                found[step.event].append(f"funnel {funnel.name}")
    for metric in plan.metrics.values():
        for select in metric.quantity.selects():
            for name in select.events or ():
                found[name].append(f"metric {metric.name}")
    for cohort in plan.cohorts.values():
        for name in (*cohort.did, *cohort.did_not, *cohort.sequence):
            found[name].append(f"cohort {cohort.name}")
    for experiment in plan.experiments.values():
        found[experiment.exposure.event].append(f"experiment {experiment.name}")
    return {name: tuple(dict.fromkeys(of)) for name, of in found.items()}


def _entries(asking: Asking, unknown: list[str]) -> dict[str, str]:
    """Unknown event → an entry for the plan, from the properties that came with it."""
    from assay.plan.edit import lines
    from assay.query.ledger import quarantined
    from assay.query.planned import samples

    if not unknown:
        return {}
    props: dict[str, list[dict[str, Any]]] = {name: [] for name in unknown}
    for name, text, _ in asking.ask(samples(unknown, SAMPLE)).rows:
        props[name].append(_record(text))
    for _, _, _, _, raw in asking.ask(quarantined()).rows:
        record = _record(raw)
        if record.get("name") in props:
            given = record.get("props")
            props[record["name"]].append(_record(given) if isinstance(given, str) else given or {})
    declared = asking.plan.properties()
    made = {}
    for name, given in props.items():
        types = {key: declared[key].type if key in declared else one for key, one in inferred(given).items()}
        entry: dict[str, Any] = {"description": "…", **({"properties": types} if types else {})}
        made[name] = "\n".join(lines(name, entry, 2))
    return made


def inferred(records: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Property → the plan's type that all its values have; rare ones, and ``_…`` and ``$…``, are left out."""
    kinds: dict[str, set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    total = 0
    for record in records:
        total += 1
        for key, value in record.items():
            if value is not None and not key.startswith(("_", "$")):
                counts[key] += 1
                kinds[key].add(_kind(value))
    found = {}
    for key, of in kinds.items():
        if counts[key] >= _LEAST * total:
            found[key] = next(iter(of)) if len(of) == 1 else "number" if of <= {"integer", "number"} else "string"
    return found


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return "items"
    if isinstance(value, str) and len(value) >= 10 and value[4:5] == "-":
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return "string"
        return "timestamp"
    return "string"


def _findings(plan: Plan, states: dict[str, str], seen: dict[str, _Seen], entries: dict[str, str]) -> Iterable[Finding]:
    for name, state in sorted(states.items()):
        one = seen.get(name, _Seen())
        evidence: dict[str, Any] = {"event": name, "count": one.live}
        if state == "unknown":
            near = suggestion(name, plan.events)
            hint = near if near.startswith("; did you mean") else ""
            text = f"{name}: {one.live + one.apart + one.held:,} events that the plan does not know{hint}"
            yield Finding(
                "unplanned_event", "warning", text, {**evidence, "yaml": entries[name]}, "add it under events:"
            )
        elif state == "never seen":
            text = f"{name} is in the plan and never came" + (", but for staging or tests" if one.apart else "")
            yield Finding("planned_event_never_seen", "warning", text, evidence, "assay plan sheet has its code")
        elif state == "in quarantine":
            reason, n = one.reasons.most_common(1)[0]
            text = f"{name}: {one.held:,} lines wait in quarantine, most of them for {reason} ({n:,})"
            yield Finding("planned_event_held", "warning", text, evidence, "mend the sender or the plan, then replay")
        elif state == "quiet":
            text = f"{name} has not come for more than {QUIET} days while others did"
            yield Finding("planned_event_quiet", "info", text, evidence, "is its tag still there?")


QUESTION = Question(
    "tracking", "Which planned events come, and which come that the plan does not know.", TrackingParams, answer,
    needs_data=False,
)  # fmt: skip
