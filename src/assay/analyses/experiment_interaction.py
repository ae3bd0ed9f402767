"""experiment-interaction: tests that ran at once: does one change the other's effect; factors and their effects."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from pydantic import Field

from assay.analyses.base import Asking, Params, Question, argument, column_kind
from assay.decide.words import difference_words
from assay.model.answer import Answer, Cell, Column, Labelled
from assay.model.errors import Refused, UsageError
from assay.model.finding import Finding

if TYPE_CHECKING:
    from assay.plan.experiments import Experiment
    from assay.query.experiments import UnitTable
    from assay.stats.interaction import CellContrast

LEVEL = 0.01  # p below which two tests are said to interact


class InteractionParams(Params):
    """Which tests ran at once."""

    names: list[str] = argument("two or more experiments of the plan", many=True)
    metric: str | None = Field(None, description="a metric of one number per unit; default: the first test's primary")


def answer(asking: Asking, params: InteractionParams) -> Answer:
    """One row per effect: of each test alone (over all combinations of the others), and of combinations."""
    from assay.analyses.experimenting.runs import bounds, experiment_of, run_of
    from assay.query.experiments.table import joint_table

    if len(dict.fromkeys(params.names)) < 2:
        raise UsageError("name two experiments or more that ran at the same time")
    if asking.span is None:
        return asking.empty("experiment-interaction", params)
    tests = [experiment_of(asking.plan, name) for name in dict.fromkeys(params.names)]
    if len({one.unit for one in tests}) > 1:
        raise UsageError(f"{', '.join(t.name for t in tests)} have different units: they share none")
    metric = asking.metric(params.metric or tests[0].primary.metric)
    spans = [bounds(asking, one, run_of(asking, one.name)) for one in tests]
    table = joint_table(asking.plan, [(t, s, e) for t, (s, e) in zip(tests, spans, strict=True)], metric, asking.ask)
    if "y" in table.names[metric.name]:
        raise Refused(
            f"{metric.name} is a ratio: an interaction needs one number per unit, such as revenue per visitor"
        )
    kind, currency = column_kind(metric), asking.plan.site.currency
    arms = [[t.control, *(v for v in t.treatments if t.weights[v] > 0)] for t in tests]
    columns = (
        Column("effect"), Column("size"), Column("p_value", "p", "p"), Column("difference", "figure", detail=True),
        Column("low", "figure", detail=True), Column("high", "figure", detail=True),
    )  # fmt: skip
    both = sum(count for count, _, _ in table.rows.values())
    if not both:
        names = " and ".join(t.name for t in tests)
        return asking.answer(
            "experiment-interaction", params, columns=columns, empty=f"nobody was exposed to {names} both",
            sentence=f"Nobody was exposed to {names} both: they cannot touch each other.",
            next=tuple(f"assay experiment readout {t.name}" for t in tests),
        )  # fmt: skip
    found, p, reason = _effects(table, metric.name, tests, arms)
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        e = one.estimate
        size = None if e.value is None else _words(float(e.value), e.low, e.high, kind, currency)
        rows.append((one.name, size or e.reason, one.p, None if e.value is None else float(e.value), e.low, e.high))
    return asking.answer(
        "experiment-interaction",
        params,
        columns=columns,
        rows=tuple(rows),
        estimates=tuple(Labelled(metric.name, {"effect": one.name}, one.estimate) for one in found),
        definitions=(asking.definition(metric),),
        findings=_findings(tests, metric.name, p),
        sentence=_sentence(tests, metric.name, both, p, reason),
        notes=(
            f"{both:,} units exposed to all of them, counted from the last of their first exposures",
            "an effect of one test is the mean over all combinations of the others, each weighing the same",
        ),
        next=tuple(f"assay experiment readout {t.name}" for t in tests),
        chart={"kind": "intervals", "x": "difference", "low": "low", "high": "high", "y": "effect"},
    )


def _effects(
    table: UnitTable, name: str, tests: list[Experiment], arms: list[list[str]]
) -> tuple[list[CellContrast], float | None, str | None]:
    """Effects, the p-value of "no interaction", or why there is none."""
    from assay.query.experiments import seen
    from assay.stats.interaction import Cell as Moment
    from assay.stats.interaction import between_tests, factorial

    def cell(chosen: tuple[str, ...]) -> Moment:
        return Moment.of(table.moments(name, seen(chosen[0], groups=chosen[1:])))

    if all(len(one) == 2 for one in arms):
        keys = list(product((0, 1), repeat=len(tests)))
        cells = {key: cell(tuple(arms[i][level] for i, level in enumerate(key))) for key in keys}
        found = list(factorial(cells, [t.name for t in tests]))
        pairs = [one for one in found if "×" in one.name]
        known = [one.p for one in pairs if one.p is not None]
        smallest = min(1.0, min(known) * len(known)) if known else None  # Bonferroni over all combinations
        return found, smallest, None if known else (pairs[0].estimate.reason if pairs else None)
    if len(tests) > 2:
        raise UsageError("more than two tests are compared where each has two variants; name two of them")
    made = between_tests([[cell((a, b)) for b in arms[1]] for a in arms[0]])
    found = []
    for i, row in enumerate(made.differences):
        for j, one in enumerate(row):
            label = f"{tests[0].name}={arms[0][i + 1]} × {tests[1].name}={arms[1][j + 1]}"
            found.append(type(one)(label, one.estimate, one.standard_error, one.t, one.degrees, one.p))
    return found, made.p, made.reason


def _words(value: float, low: float | None, high: float | None, kind: str, currency: str) -> str:
    def one(v: float) -> str:
        return f"{'+' if v > 0 else '−' if v < 0 else ''}{difference_words(v, kind, currency)}"

    return one(value) if low is None or high is None else f"{one(value)} ({one(low)} to {one(high)})"


def _findings(tests: list[Experiment], metric: str, p: float | None) -> tuple[Finding, ...]:
    if p is None or p >= LEVEL:
        return ()
    names = " and ".join(t.name for t in tests)
    evidence: dict[str, Any] = {"experiments": [t.name for t in tests], "metric": metric, "p": p}
    return (
        Finding("tests_interact", "warning", f"{names} change each other's effect on {metric}", evidence,
                "read each within the variants of the other; put such tests into one layer"),
    )  # fmt: skip


def _sentence(tests: list[Experiment], metric: str, both: int, p: float | None, reason: str | None) -> str:
    names = " and ".join(t.name for t in tests)
    if p is None:
        return f"Nothing can be said of {names} together: {reason or 'too few units'}."
    said = "change each other's effect" if p < LEVEL else "are not seen to change each other's effect"
    return f"{names} {said} on {metric} (p = {p:.2g}, {both:,} units in both)."


QUESTION = Question(
    "experiment-interaction", "Do tests that ran at once change each other's effect?", InteractionParams, answer
)
