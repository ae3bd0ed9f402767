"""A template into a plan: what is added, what is there already and stays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assay.model.errors import UsageError
from assay.plan.edit import Addition
from assay.plan.templates import Template

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Application:
    """``additions`` in the order of the plan's sections; ``metric``: the main metric's name; ``kept``: dotted keys."""

    additions: tuple[Addition, ...]
    metric: str
    kept: tuple[str, ...] = ()


def application(template: Template, raw: Mapping[str, Any], name: str | None = None) -> Application:
    """What the template adds to a plan of these plain values; ``name`` is another name for its main metric.

    Raises UsageError where the main metric's name is taken. What else is there already stays as it is.
    """
    main = name or template.main
    if not _NAME.fullmatch(main):
        raise UsageError(f"{main!r} is no name for a metric; use lower case and underscores")
    if main in _section(raw, "metrics"):
        raise UsageError(f"metrics.{main} is already there and stays as it is; --as NAME adds it under another name")
    found, kept = [], []
    for one in _wanted(template, raw, main):
        if _has(raw, one.path):
            kept.append(".".join(one.path))
        else:
            found.append(one)
    return Application(tuple(found), main, tuple(kept))


def _wanted(template: Template, raw: Mapping[str, Any], main: str) -> Iterator[Addition]:
    for event, definition in template.events.items():
        if event not in _section(raw, "events"):
            yield Addition(("events", event), definition)
            continue
        for name, kind in ((definition or {}).get("properties") or {}).items():
            yield Addition(("events", event, "properties", name), kind)
    journey = _journey(raw)
    for goal, definition in template.goals.items():
        yield Addition(("goals", goal), {**definition, **journey})
    for segment, where in template.segments.items():
        yield Addition(("segments", segment), where)
    for metric, keys in template.metrics.items():
        first = metric == template.main
        words = {"description": template.about} if first and "description" not in keys else {}
        yield Addition(("metrics", main if first else metric), {**keys, "stage": template.stage, **words})


def _section(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = raw.get(name)
    return value if isinstance(value, Mapping) else {}


def _has(raw: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(raw, Mapping) or key not in raw:
            return False
        raw = raw[key]
    return True


def _journey(raw: Mapping[str, Any]) -> dict[str, str]:
    """Micro goals join the journey of the plan's macro goal: a journey without one is a mistake."""
    for goal in _section(raw, "goals").values():
        if isinstance(goal, Mapping) and goal.get("kind") == "macro" and "journey" in goal:
            return {"journey": str(goal["journey"])}
    return {}
