"""simple: a count, a sum or a number of different values; per unit, or as a plain total."""

from __future__ import annotations

from dataclasses import replace

from assay.plan.draft import Place
from assay.plan.forms import Per
from assay.plan.kpis.base import PLURALS, Described, MetricKeys, MetricType
from assay.plan.kpis.parts import Part, PartForm, part
from assay.plan.measures import Quantity


class Keys(MetricKeys, PartForm):
    """``per`` absent = a plain total."""

    per: Per = None


def describe(keys: Keys, place: Place) -> Described:
    """Σ of the measure, or Σ / units with one number per unit, zeros included."""
    made = once_per_unit(part(keys, place), keys, place)
    if keys.per is None:
        return Described(Quantity("total", made.measure), (made.words, ""), made.format)
    if made.measure.select.of == "cost":
        text = f"costs belong to no {keys.per}; use type: ratio with denominator: {{count: {keys.per}}}"
        place.problem(text, "per", code="cost_per_unit")
    if made.measure.op == "count" and keys.count == keys.per:
        place.problem(
            f"{PLURALS[keys.per]} per {keys.per} is always 1; leave per out for the total", "per", code="always_one"
        )
    return Described(Quantity("mean", made.measure, unit=keys.per), (made.words, PLURALS[keys.per]), made.format)


def once_per_unit(made: Part, keys: Keys, place: Place) -> Part:
    """A goal that counts once brings its first value to each unit, not every one."""
    goal = place.plan.goals.get((keys.sum or "").rpartition(".")[0])
    if keys.per is None or goal is None or goal.count != "once" or not str(keys.sum).endswith(".value"):
        return made
    op = "once" if made.measure.factor else "first"
    return Part(replace(made.measure, op=op), f"first {made.words}", made.format)


TYPE = MetricType("simple", Keys, describe, "a count, a sum or a number of different values")
