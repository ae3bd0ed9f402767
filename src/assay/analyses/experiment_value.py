"""experiment-value: the ledger of shipped changes: money that was predicted, money that a small holdout shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from assay.analyses.base import Asking, Params, Question
from assay.decide.words import amount, percent
from assay.model.answer import Answer, Cell, Column
from assay.model.period import day_of

if TYPE_CHECKING:
    from assay.analyses.experimenting.runs import Entry


class ValueParams(Params):
    """None: all shipped changes."""


@dataclass(frozen=True)
class Realised:
    """What exposures after the decision show: money over the ``units`` of the shipped arm, and its interval."""

    units: int
    control: int
    value: Decimal
    low: Decimal | None
    high: Decimal | None
    predicted: Decimal
    predicted_low: Decimal | None
    predicted_high: Decimal | None

    @property
    def inside(self) -> bool | None:
        """Whether the realised money lies inside what was predicted; None where that had no bounds."""
        if self.predicted_low is None or self.predicted_high is None:
            return None
        return self.predicted_low <= self.value <= self.predicted_high


def answer(asking: Asking, params: ValueParams) -> Answer:
    """One row per shipped change; sums are of expectations after shrinkage, since winners do not simply add up."""
    from assay.analyses.experimenting.learnt import decided

    shipped = [entry for entry in decided(asking) if entry.detail["decision"] == "ship"]
    currency = asking.plan.site.currency
    columns = (
        Column("experiment"), Column("decided", "day"), Column("variant"),
        Column("expected", "money", "expected a year", currency=currency),
        Column("low", "money", "verdict from", currency=currency),
        Column("high", "money", "verdict to", currency=currency),
        Column("realised", "money", "realised so far", currency=currency),
        Column("predicted", "money", "predicted for these units", currency=currency), Column("state"),
        Column("units", "count", "shipped units", detail=True), Column("control", "count", "held out", detail=True),
        Column("realised_low", "money", currency=currency, detail=True),
        Column("realised_high", "money", currency=currency, detail=True),
    )  # fmt: skip
    if not shipped:
        return asking.answer(
            "experiment-value", params, columns=columns, empty="no change was shipped yet",
            sentence="No change was shipped after a test yet.", next=("assay experiment", "assay learnings"),
        )  # fmt: skip
    rows, known = [], []
    for entry in shipped:
        found = realised(asking, entry)
        known += [found] if found is not None else []
        rows.append(_row(entry, found, asking.plan.site.timezone))
    expected = sum((Decimal(_money(e)["expected"]) for e in shipped if _money(e)), Decimal(0))
    return asking.answer(
        "experiment-value",
        params,
        columns=columns,
        rows=tuple(rows),
        sentence=_sentence(shipped, expected, known, currency),
        notes=(
            "realised: those who have the change against those still held out since the decision, times the former",
            "keep a small share in control, or nothing can be realised that can be seen",
            "the sum is of expectations drawn toward the prior: the raw effects of winners do not add up",
        ),
        next=("assay learnings",),
        chart={"kind": "bars", "x": "experiment", "y": "realised"},
    )


def realised(asking: Asking, entry: Entry) -> Realised | None:
    """Money of the units exposed after the decision; None where nobody is held out, or nothing of the test is money."""
    from assay.analyses.experimenting.learnt import prior
    from assay.analyses.experimenting.money import money_metric, worth
    from assay.analyses.experimenting.reading import read
    from assay.analyses.experimenting.readings import locked
    from assay.analyses.experimenting.runs import FOREVER, run_of
    from assay.plan.experiments import Looks

    money = _money(entry)
    run = run_of(asking, entry.name)
    if not money or run.start is None:
        return None
    own = locked(asking, run)
    experiment = replace(own.plan.experiments[entry.name], start=None, end=None, looks=Looks())
    reading = read(own, experiment, replace(run, start=entry.at, end=FOREVER))
    found = money_metric(reading)
    variant = str(money["variant"])
    if found is None or variant not in reading.arms:
        return None
    line = reading.line(found[0], "follow-up", variant)
    now = worth(reading, line, *prior(asking))
    if now is None or line.absolute is None:
        return None
    control, units = (reading.moments(found[0], arm).n for arm in (reading.control, variant))
    from assay.analyses.experimenting.money import yearly_units

    share = units / yearly_units(reading)[0] / reading.experiment.value.eligible  # of a year's units
    of_units = Decimal(repr(share))
    then = {name: None if money[name] is None else Decimal(money[name]) for name in ("year", "low", "high", "expected")}
    scale = Decimal(repr(float(now.factor) / float(money["factor"]))) * of_units

    def over(value: Decimal | None, by: Decimal) -> Decimal | None:
        return None if value is None else (value * by).quantize(Decimal("0.01"))

    value, predicted = over(now.year, of_units), over(then["expected"], scale)
    assert value is not None
    assert predicted is not None
    return Realised(units, control, value, over(now.low, of_units), over(now.high, of_units), predicted,
                    over(then["low"], scale), over(then["high"], scale))  # fmt: skip


def _money(entry: Entry) -> dict[str, Any]:
    return dict(entry.detail.get("money") or {})


def _row(entry: Entry, found: Realised | None, zone: str) -> tuple[Cell, ...]:
    money = _money(entry)
    sums: list[Cell] = [None if money.get(n) is None else Decimal(money[n]) for n in ("expected", "low", "high")]
    head: tuple[Cell, ...] = (
        entry.name, day_of(entry.at, zone), entry.detail.get("variant"), *sums,
    )  # fmt: skip
    if found is None:
        why = "nobody is held out" if money else "nothing of the test is money"
        return (*head, None, None, f"not measured: {why}", None, None, None, None)
    state = {True: "as predicted", False: "outside of what was predicted", None: "no bounds were predicted"}[
        found.inside
    ]
    return (*head, found.value, found.predicted, state, found.units, found.control, found.low, found.high)


def _sentence(shipped: list[Entry], expected: Decimal, known: list[Realised], currency: str) -> str:
    plural = "s" if len(shipped) > 1 else ""
    head = f"{len(shipped)} shipped change{plural}, expected together {amount(expected, currency, whole=100)} a year"
    judged = [one for one in known if one.inside is not None]
    if not judged:
        return f"{head}; none has a holdout that shows what came of it."
    right = sum(bool(one.inside) for one in judged)
    total = sum((one.value for one in known), Decimal(0))
    return (
        f"{head}; realised so far {amount(total, currency, whole=100)}, {right} of {len(judged)} "
        f"({percent(right / len(judged))}) within what was predicted."
    )


QUESTION = Question("experiment-value", "Predicted against realised money of shipped changes.", ValueParams, answer)
