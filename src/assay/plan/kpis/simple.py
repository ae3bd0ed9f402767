"""simple: a count, a sum or a number of different values; per unit, or as a plain total."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from assay.plan import literals
from assay.plan.draft import Place
from assay.plan.forms import Duration, Per, Text
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.kpis.conversion import beginning
from assay.plan.kpis.parts import Part, PartForm, part
from assay.plan.measures import PLURALS, Quantity


class Keys(MetricKeys, PartForm):
    """``per`` absent = a plain total. ``from``, ``within``: what follows units' starts."""

    per: Per = None
    from_: Annotated[Text | None, Field(alias="from", description="an event, a goal, or order")] = None
    within: Duration | None = None


def describe(keys: Keys, place: Place) -> Described:
    """Σ of the measure, or Σ / units with one number per unit, zeros included."""
    made = once_per_unit(part(keys, place), keys, place)
    if keys.within is not None and keys.from_ is None:
        place.problem("a window needs a start: from: <event>", "within", code="missing_key")
    if keys.per is None and keys.from_ is not None:
        place.problem("from: starts units; say which: per: user", "from", code="missing_key")
    if keys.per is None:
        return Described(Quantity("total", made.measure), (made.words, ""), made.format)
    if made.measure.select.of == "customer":
        place.problem("customers are units themselves; leave per out", "per", code="always_one")
    if made.measure.select.of == "cost":
        text = f"costs belong to no {keys.per}; use type: ratio with denominator: {{count: {keys.per}}}"
        place.problem(text, "per", code="cost_per_unit")
    if made.measure.op == "count" and keys.count == keys.per:
        place.problem(
            f"{PLURALS[keys.per]} per {keys.per} is always 1; leave per out for the total", "per", code="always_one"
        )
    if keys.from_ is not None:
        return _following(made, keys, place)
    return Described(Quantity("mean", made.measure, unit=keys.per), (made.words, PLURALS[keys.per]), made.format)


def _following(made: Part, keys: Keys, place: Place) -> Described:
    """Σ of what follows the start, per unit that starts: a cohort by its start."""
    start = beginning(keys.from_, place)
    if made.measure.select.of not in ("event", "order"):
        place.problem("after a start only events and orders are counted or summed", "from", code="choose_one")
    window = f" within {literals.words(keys.within)} of {keys.from_}" if keys.within else f" after {keys.from_}"
    quantity = Quantity("mean", made.measure, unit=keys.per, start=start, within=keys.within)
    return Described(quantity, (made.words + window, f"{PLURALS[str(keys.per)]} with {keys.from_}"), made.format)


def once_per_unit(made: Part, keys: Keys, place: Place) -> Part:
    """A goal that counts once brings its first value to each unit, not every one."""
    goal = place.plan.goals.get((keys.sum or "").rpartition(".")[0])
    if keys.per is None or goal is None or goal.count != "once" or not str(keys.sum).endswith(".value"):
        return made
    op = "once" if made.measure.factor else "first"
    return Part(replace(made.measure, op=op), f"first {made.words}", made.format)


TYPE = MetricType("simple", Keys, describe, "a count, a sum or a number of different values")
