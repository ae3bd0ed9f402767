"""Definitions as they held: noted when events are loaded, so that a number told before can be understood later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from assay.model.period import day_of
from assay.plan.diff import KeyChange, flat
from assay.plan.ids import metric_meaning
from assay.plan.values import Metric, Plan
from assay.store.state import State


@dataclass(frozen=True)
class Noted:
    """A definition that a metric had from a day on. ``text`` and ``meaning`` (dotted key → value in words) are None
    where it was noted before texts were kept.
    """

    metric: str
    id: str
    since: date
    text: str | None
    meaning: Mapping[str, str] | None

    def changes(self, before: Noted) -> tuple[KeyChange, ...] | None:
        """What it says otherwise than the one before it; None where one of them is not known."""
        if self.meaning is None or before.meaning is None:
            return None
        keys = dict.fromkeys([*before.meaning, *self.meaning])
        pairs = ((key, before.meaning.get(key), self.meaning.get(key)) for key in keys)
        return tuple(KeyChange(key.removeprefix("quantity."), old, new) for key, old, new in pairs if old != new)


def note(state: State, plan: Plan, now: int) -> None:
    """Keep each metric's definition where it is not the one that was noted last."""
    last = {row["metric"]: row for row in state.read("definitions")}
    fresh = [one for one in plan.metrics.values() if one.name not in last or last[one.name]["id"] != one.id]
    unsaid = [one for one in plan.metrics.values() if one not in fresh and last[one.name]["text"] is None]
    if not fresh and not unsaid:
        return
    with state.changing() as do:
        for metric in fresh:
            do("add_definition", metric=metric.name, id=metric.id, first_seen=now, **_said(metric, plan))
        for metric in unsaid:
            do("say_definition", metric=metric.name, id=metric.id, **_said(metric, plan))


def noted(state: State | None, plan: Plan) -> dict[str, list[Noted]]:
    """Metric → the definitions that it has had, the first one first."""
    found: dict[str, list[Noted]] = {}
    for row in state.read("definitions") if state else []:
        now = plan.metrics.get(row["metric"])
        holds = row["text"] is None and now is not None and now.id == row["id"]  # then the plan says it
        said = _said(now, plan) if now is not None and holds else row
        meaning = json.loads(said["meaning"]) if said["meaning"] else None
        since = day_of(row["first_seen"], plan.site.timezone)
        one = Noted(row["metric"], row["id"], since, said["text"], meaning)
        found.setdefault(one.metric, []).append(one)
    return found


def _said(metric: Metric, plan: Plan) -> dict[str, str]:
    """What its definition says, in words and key by key."""
    top, below = metric.words
    meaning = flat(metric_meaning(metric, plan, {name: one.id for name, one in plan.metrics.items()}))
    return {"text": f"{top} / {below}" if below else top, "meaning": json.dumps(meaning, ensure_ascii=False)}
