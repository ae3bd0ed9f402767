"""What changed between two plans, in words: added, removed, another meaning (old id → new id), another label only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from assay.plan import ids, literals
from assay.plan.experiment_words import written
from assay.plan.measures import Expression
from assay.plan.values import Plan

_WITH_ID = ("segments", "cohorts", "funnels", "metrics")
_NAMED = ("events", "goals", "objectives", "kpis", "experiments", "alerts", "imports", "source", "webhooks")
_SECTIONS = (
    "site",
    "rules",
    "pages",
    "cleaning",
    "orders",
    "activity",
    "channels",
    "holdout",
    "collect",
    "retention",
    *_NAMED,
    *_WITH_ID,
    "changes",
)
# Keys that name, describe or credit; no number depends on them.
_LABELS = frozenset(
    {"description", "label", "owner", "team", "agreed_by", "stage", "link", "what", "hypothesis", "cost", "notes"}
)
_OWN_LABELS = (("site", "name"), ("objectives", "goal"), ("experiments", "objective"))
_SECONDS = frozenset({"within", "window", "timeout", "max", "refund_window", "threshold"})
_HIDDEN = frozenset({"id", "words", "quantity", "uses", "builtin"})


@dataclass(frozen=True)
class KeyChange:
    """One key: ``before`` or ``after`` is None where the key was not there."""

    key: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{self.key}: {self.before or 'nothing'} → {self.after or 'nothing'}"


@dataclass(frozen=True)
class Difference:
    """``kind``: added, removed, meaning or label. ``affects`` names metrics and funnels that change meaning with it."""

    section: str
    name: str
    kind: str
    keys: tuple[KeyChange, ...] = ()
    before_id: str | None = None
    after_id: str | None = None
    affects: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One line for a person."""
        where = f"{self.section}.{self.name}" if self.name else self.section
        if self.kind in ("added", "removed"):
            return f"{where} {self.kind}"
        ids_ = f" ({self.before_id} → {self.after_id})" if self.before_id and self.before_id != self.after_id else ""
        head = f"{where} changed its label only" if self.kind == "label" else f"{where} changed its meaning{ids_}"
        keys = "; ".join(str(one) for one in self.keys) or "through what it refers to"
        return f"{head}: {keys}" + (f"; this changes {', '.join(self.affects)}" if self.affects else "")


def diff(a: Plan, b: Plan) -> list[Difference]:
    """Every difference from ``a`` to ``b``, in the order of the sections; empty where the plans are the same."""
    return [one for section in _SECTIONS for one in _section(section, a, b)]


def _section(section: str, a: Plan, b: Plan) -> Iterator[Difference]:
    old, new = _entries(section, a), _entries(section, b)
    for name in dict.fromkeys([*old, *new]):
        if name not in new or name not in old:
            kind = "added" if name in new else "removed"
            yield Difference(section, name, kind, affects=_affected(section, name, a, b))
        else:
            yield from _entry(section, name, old[name], new[name], a, b)


def _entry(section: str, name: str, old: Any, new: Any, a: Plan, b: Plan) -> Iterator[Difference]:
    before, after = flat(old), flat(new)
    changed = [key for key in dict.fromkeys([*before, *after]) if before.get(key) != after.get(key)]
    keys = tuple(KeyChange(key, before.get(key), after.get(key)) for key in changed)
    old_id, new_id = getattr(old, "id", None), getattr(new, "id", None)
    if section in _WITH_ID:
        if old_id != new_id:
            real = tuple(one for one in keys if not is_label(one.key)) or _through(section, old, new, a, b)
            yield Difference(section, name, "meaning", real, old_id, new_id)
        labels = keys if old_id == new_id else tuple(one for one in keys if is_label(one.key))
        if labels:
            yield Difference(section, name, "label", labels)
    elif keys:
        only_label = all(is_label(one.key) or (section, one.key) in _OWN_LABELS for one in keys)
        kind = "label" if only_label else "meaning"
        yield Difference(section, name, kind, keys, affects=() if only_label else _affected(section, name, a, b))


def _through(section: str, old: Any, new: Any, a: Plan, b: Plan) -> tuple[KeyChange, ...]:
    """The keys of the meaning that differ where the entry's own keys do not: rules, goals, metrics used."""
    before, after = (flat(_meaning(section, one, plan)) for one, plan in ((old, a), (new, b)))
    changed = [key for key in dict.fromkeys([*before, *after]) if before.get(key) != after.get(key)]
    return tuple(KeyChange(key, before.get(key), after.get(key)) for key in changed)


def _meaning(section: str, one: Any, plan: Plan) -> Any:
    if section == "metrics":
        return ids.metric_meaning(one, plan, {name: metric.id for name, metric in plan.metrics.items()})
    makers: dict[str, Callable[[Any, Plan], Any]] = {
        "segments": ids.segment_meaning,
        "cohorts": ids.cohort_meaning,
        "funnels": ids.funnel_meaning,
    }
    return makers[section](one, plan)


def is_label(key: str) -> bool:
    """Whether a key only names, describes or credits."""
    return key.rpartition(".")[2] in _LABELS


def _entries(section: str, plan: Plan) -> dict[str, Any]:
    value = getattr(plan, section)
    if section == "rules":
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if section == "channels":
        return {"": {str(n): one for n, one in enumerate(value, 1)}}
    if section == "changes":
        return {f"{one.date} {one.what}": one for one in value}
    if section == "retention":
        periods = {"default": value.default, **value.events}
        return {"": {name: literals.words(one) if one else None for name, one in periods.items()}}
    if section == "experiments":
        return {name: written(one) for name, one in value.items()}
    if section == "events":
        return {name: one for name, one in value.items() if not one.builtin or one.description or _extended(one)}
    return dict(value) if isinstance(value, Mapping) else {"": value}


def _extended(event: Any) -> bool:
    from assay.model.event import STANDARD_EVENTS

    return bool(event.required) or set(event.properties) != set(STANDARD_EVENTS[event.name])


def _affected(section: str, name: str, a: Plan, b: Plan) -> tuple[str, ...]:
    """Metrics, funnels, segments and cohorts of both plans whose meaning changes by this section alone."""
    changed = [
        (kind, key)
        for kind in _WITH_ID
        for key in getattr(a, kind)
        if key in getattr(b, kind) and getattr(a, kind)[key].id != getattr(b, kind)[key].id
    ]
    if section == "goals":
        return tuple(
            key
            for kind, key in changed
            if kind == "metrics" and name in (a.metrics[key].keys.get(k) for k in ("goal", "from"))
        )
    if section == "rules" and name in ("abandonment", "funnel_entry"):
        wanted = "funnels" if name == "funnel_entry" else "metrics"
        return tuple(
            key for kind, key in changed if kind == wanted and (kind == "funnels" or a.metrics[key].type == name)
        )
    if section == "rules":
        mixed = dataclasses.replace(a, rules=dataclasses.replace(a.rules, **{name: getattr(b.rules, name)}))
    elif section in ("site", "pages", "cleaning", "orders", "channels", "events"):
        mixed = dataclasses.replace(a, **{section: getattr(b, section)})
    else:
        return ()
    again = ids.identified(mixed)
    return tuple(key for kind, key in changed if getattr(again, kind)[key].id != getattr(a, kind)[key].id)


def flat(value: Any, prefix: str = "") -> dict[str, str]:
    """Dotted key → value in words, absent ones left out; lists of plain values stay together."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if isinstance(value, Expression):
            return {prefix: value.text}
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        if "keys" in value and "quantity" in value:
            keys = value.pop("keys")
            value = {**value, **keys, "cap": value["quantity"].cap}
        value = {key: one for key, one in value.items() if key not in _HIDDEN or prefix}
        value.pop("name", None) if "description" in value or "where" in value else None
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for key, one in value.items():
            found |= flat(one, f"{prefix}.{key}" if prefix else str(key))
        return found
    if isinstance(value, list | tuple) and any(
        isinstance(one, Mapping) or dataclasses.is_dataclass(one) for one in value
    ):
        return flat({str(n): one for n, one in enumerate(value, 1)}, prefix)
    return {} if value is None or value == () else {prefix: _words(value, prefix.rpartition(".")[2])}


def _words(value: Any, key: str) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_words(one, "") for one in value if one is not None and one != "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and key in _SECONDS:
        return literals.words(value)
    return value.isoformat() if isinstance(value, date) else str(value)
