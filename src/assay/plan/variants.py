"""Two plans as a list of single differences, and any mixture of them: what a comparison of rules is made of."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from assay.model.errors import PlanError, UsageError, suggestion
from assay.plan.load import FILE, from_raw
from assay.plan.products import PRODUCTS
from assay.plan.values import Plan

Path = tuple[str, ...]
_ABSENT = object()

# What can change a number; the rest of a plan (names of owners, targets, alerts …) cannot.
_SECTIONS = ("site", "rules", "pages", "orders", "channels", "goals", "events", "segments", "activity")
_LABELS = {
    "name",
    "description",
    "stage",
    "direction",
    "format",
    "team",
    "agreed_by",
    "journey",
    "kind",
    "owner",
    "domains",
}
_SITE = ("timezone", "currency", "week_start")
_SESSION = ("timeout", "gap", "split_at_midnight", "split_on_campaign", "max", "own_ids")
# Rules that change a metric only where its id says so: they name sessions and decide nothing else.
_NAMING = ("channels", "goals", "segments", "pages")
_ON_METRICS = ("kpis", "objectives", "funnels", "experiments", "alerts")
_NAMED = {"channels", "session_source", "ignored_referrers", "bounce", "abandonment", "funnel_entry"}


@dataclass(frozen=True)
class Variant:
    """One difference: a key of the plan and its value on either side, as written; ``_ABSENT`` is the default."""

    name: str
    changes: tuple[tuple[Path, Any], ...]
    before: str
    after: str


def given(raw: Mapping[str, Any], metric: str, texts: Iterable[str]) -> dict[str, Any]:
    """The plan with ``rule=value`` texts applied: rules by name, ``session.timeout``, or keys of the metric."""
    made = copy.deepcopy(dict(raw))
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not value.strip():
            raise UsageError(f"--rule {text!r}: write rule=value, such as session.timeout=15m or bounce=posthog")
        _put(made, place(metric, name.strip()), _value(value.strip()))
    return made


def like(raw: Mapping[str, Any], product: str) -> dict[str, Any]:
    """The plan with the rules of a product."""
    if product not in PRODUCTS:
        raise UsageError(f"no rules are known of {product!r}{suggestion(product, PRODUCTS)}")
    made = copy.deepcopy(dict(raw))
    made["rules"] = {**(made.get("rules") or {}), **copy.deepcopy(dict(PRODUCTS[product]))}
    return made


def place(metric: str, name: str) -> Path:
    """Where a rule's name stands in the plan; UsageError with a suggestion for an unknown one."""
    from assay.plan.forms import RulesForm

    rules = {n for n in RulesForm.model_fields if n != "session"}
    keys = {"per", "within", "event", "goal", "from", "where", "type", "count", "sum", "of", "cap", "value"}
    known: dict[str, Path] = {
        **{f"session.{n}": ("rules", "session", n) for n in _SESSION},
        **{n: ("rules", n) for n in rules},
        **{n: ("site", n) for n in _SITE},
        **{n: ("metrics", metric, n) for n in keys if n not in rules},
    }
    if name in _SESSION:
        name = f"session.{name}"
    if name not in known:
        near = suggestion(name, known)
        raise UsageError(f"there is no rule {name!r}{near if 'mean' in near else '; rules: ' + ', '.join(known)}")
    return known[name]


def differences(
    raw: Mapping[str, Any], other: Mapping[str, Any], metrics: Iterable[str], filtered: bool = False, file: str = FILE
) -> list[Variant]:
    """The single differences between two plans that may change these metrics.

    ``filtered``: a segment narrows them, which may look at what a session is called. ``file``: where the plan stands.
    """
    metrics, found = list(metrics), []
    for path, before, after in _leaves(_relevant(raw, metrics), _relevant(other, metrics), ()):
        if path[-1] not in _LABELS:
            found.append(Variant(_name(path), ((path, after),), _words(before, path), _words(after, path)))
    base = from_raw(dict(raw), file)
    return [v for v in found if _bears(_or_none(raw, [v], file), v, base, metrics, filtered)]


def _bears(plan: Plan | None, variant: Variant, base: Plan, metrics: list[str], filtered: bool) -> bool:
    """Whether a difference, which alone makes ``plan``, may change the metrics. What is no plan on its own may."""
    if plan is None:
        return True
    if _meaning(plan, metrics) == _meaning(base, metrics):
        return False
    looked_at = repr([base.metrics[name].quantity for name in metrics if name in base.metrics])
    if filtered or plan.activity != base.activity or any(n in looked_at for n in (*base.cohorts, *base.segments)):
        return True
    if not all(_is_named(path) for path, _ in variant.changes):
        return True
    return [_id(plan, name) for name in metrics] != [_id(base, name) for name in metrics]


def _is_named(path: Path) -> bool:
    return path[0] in _NAMING or (path[0] == "rules" and path[1] in _NAMED)


def _id(plan: Plan, metric: str) -> str | None:
    return plan.metrics[metric].id if metric in plan.metrics else None


def narrowed(raw: Mapping[str, Any], metrics: Iterable[str]) -> dict[str, Any]:
    """The plan with these metrics only, and without what stands on the others."""
    own, wanted = raw.get("metrics") or {}, set(metrics)
    kept = {name: value for name, value in raw.items() if name not in _ON_METRICS}
    return {**kept, "metrics": {name: value for name, value in own.items() if name in wanted}}


def grouped(variants: list[Variant], most: int) -> list[Variant]:
    """At most so many: those of one section are put together, the longest section first."""
    while len(variants) > most:
        sections: dict[str, list[Variant]] = {}
        for one in variants:
            sections.setdefault(one.changes[0][0][0], []).append(one)
        name, members = max(sections.items(), key=lambda item: len(item[1]))
        if len(members) == 1:
            name, members = "the rest", variants[most - 1 :]
        variants = [v for v in variants if v not in members] + [together(name, members)]
    return variants


def together(name: str, members: list[Variant]) -> Variant:
    """Several differences as one."""
    changes = tuple(change for one in members for change in one.changes)
    return Variant(name, changes, f"{len(members)} keys", ", ".join(one.name for one in members))


def mixed(raw: Mapping[str, Any], chosen: Iterable[Variant], file: str = FILE) -> Plan:
    """The plan with some of the differences applied. PlanError where such a mixture is no plan."""
    made = copy.deepcopy(dict(raw))
    for one in chosen:
        for path, value in one.changes:
            _put(made, path, value)
    return from_raw(made, file)


def separable(raw: Mapping[str, Any], variants: list[Variant], file: str = FILE) -> list[Variant]:
    """The differences, with those put together that are no plan one by one (a metric on a goal of the other plan)."""

    def alone(one: Variant) -> bool:
        rest = [v for v in variants if v is not one]
        return _or_none(raw, [one], file) is not None and _or_none(raw, rest, file) is not None

    bound = [v for v in variants if not alone(v)]
    if len(bound) < 2:
        return variants
    return [*(v for v in variants if v not in bound), together("definition", bound)]


def _or_none(raw: Mapping[str, Any], chosen: list[Variant], file: str) -> Plan | None:
    try:
        return mixed(raw, chosen, file)
    except PlanError:
        return None


def _relevant(raw: Mapping[str, Any], metrics: Iterable[str]) -> dict[str, Any]:
    chosen = {name: raw[name] for name in _SECTIONS if raw.get(name) is not None}
    own = raw.get("metrics") or {}
    return {**chosen, "metrics": {name: own[name] for name in metrics if name in own}}


def _leaves(a: Any, b: Any, path: Path) -> Iterable[tuple[Path, Any, Any]]:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in dict.fromkeys((*a, *b)):
            yield from _leaves(a.get(key, _ABSENT), b.get(key, _ABSENT), (*path, str(key)))
    elif isinstance(b, Mapping) and a is _ABSENT and _opens(path):
        for key in b:
            yield from _leaves(_ABSENT, b[key], (*path, str(key)))
    elif isinstance(a, Mapping) and b is _ABSENT and _opens(path):
        for key in a:
            yield from _leaves(a[key], _ABSENT, (*path, str(key)))
    elif a is _ABSENT or b is _ABSENT or a != b:
        yield path, a, b


def _opens(path: Path) -> bool:
    """Whether what is missing on one side is told apart key by key: sections and rules, not a goal or a segment."""
    return len(path) < 2 or (path[0] == "rules" and len(path) < 3)


def _meaning(plan: Plan, metrics: Iterable[str]) -> Any:
    """What decides the metrics' numbers."""
    site = (plan.site.timezone, plan.site.currency, plan.site.week_start)
    rules = {**asdict(plan.rules)}
    own = [asdict(plan.metrics[name].quantity) for name in metrics if name in plan.metrics]
    rest = (plan.pages, plan.cleaning, plan.orders, plan.channels, plan.goals, plan.segments, plan.activity)
    return site, rules, own, rest, sorted(name for name, e in plan.events.items() if not e.interactive)


def _put(raw: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        if not isinstance(raw.get(key), dict):
            raw[key] = {"rule": raw[key]} if key == "bounce" and isinstance(raw.get(key), str) else {}
        raw = raw[key]
    if value is _ABSENT:
        raw.pop(path[-1], None)
    else:
        raw[path[-1]] = value


def _value(text: str) -> Any:
    import yaml

    return yaml.safe_load(text)


def _name(path: Path) -> str:
    return ".".join(path[1:] if path[0] in ("rules", "site") else path[2:] if path[0] == "metrics" else path)


def _default(path: Path) -> str:
    """What holds where a rule is not written down."""
    from assay.plan.forms import RulesForm, SiteForm
    from assay.plan.literals import words

    found: Any = {"rules": RulesForm, "site": SiteForm}.get(path[0] if path else "", lambda: None)()
    for key in path[1:]:
        found = getattr(found, key, None)
    found = getattr(found, "rule", found)  # a block that can be written as the name of its rule
    if found is None:
        return "not set"
    of_time = isinstance(found, int) and not isinstance(found, bool)
    return f"{words(found) if of_time else _words(found)} (default)"


def _words(value: Any, path: Path = ()) -> str:
    if value is _ABSENT:
        return _default(path)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_words(v)}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
