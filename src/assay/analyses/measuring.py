"""Metrics → estimates per group: the part that metric, overview and others share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.analyses.base import Asking, column_kind
from assay.analyses.estimates import cell_estimate, estimate
from assay.decide.words import difference_words
from assay.model.estimate import Estimate
from assay.plan.values import Metric

if TYPE_CHECKING:
    from assay.query.cut import Cell as Group
    from assay.query.cut import Cut


@dataclass
class Table:
    """Estimates per metric and group, ready to be laid out."""

    estimates: dict[str, dict[tuple[Any, ...], Estimate]]
    matured: dict[str, dict[tuple[Any, ...], Estimate]]
    outside: dict[str, Any]

    def comparable(self, metric: Metric, group: tuple[Any, ...]) -> Estimate:
        """What may be held against another period: with a window only closed ones, open ones are a lower bound."""
        if not metric.quantity.within:
            return self.estimates[metric.name].get(group, Estimate.none("no data"))
        one = self.matured[metric.name].get(group, Estimate.none("no data"))
        return one if one.value is not None else Estimate.none("no window has closed yet")


def measure(asking: Asking, metrics: Sequence[Metric], cut: Cut) -> Table:
    """Estimates of all metrics under a cut; derived and quantile metrics included."""
    based = based_on(asking, metrics)
    cells = asking.cells(based, cut)
    estimates = {
        name: {g: cell_estimate(asking.plan.metrics[name], c) for g, c in groups.items() if _holds(c)}
        for name, groups in cells.items()
    }
    matured = {
        name: {g: estimate(asking.plan.metrics[name], c.matured) for g, c in groups.items() if c.matured is not None}
        for name, groups in cells.items()
        if asking.plan.metrics[name].quantity.within
    }
    outside = {name: _total(c.outside for c in groups.values()) for name, groups in cells.items()}
    for metric in closure(asking, metrics):
        if metric.quantity.kind == "quantile":
            from assay.analyses.quantiles import quantiles

            estimates[metric.name] = quantiles(asking, metric, cut)
    for metric in metrics:
        if metric.quantity.kind == "derived":
            estimates[metric.name] = _derived(asking, metric, estimates)
    return Table(estimates, matured, outside)


def _holds(cell: Group) -> bool:
    """A group that is only there for rows outside of all units has no estimate of its own."""
    return cell.all.n > 0 or cell.outside is None


def closure(asking: Asking, metrics: Sequence[Metric]) -> list[Metric]:
    """The metrics and those that derived ones are made of, parts first."""
    found: dict[str, Metric] = {}

    def add(metric: Metric) -> None:
        for name in metric.uses:
            add(asking.plan.metrics[name])
        found[metric.name] = metric

    for metric in metrics:
        add(metric)
    return list(found.values())


def based_on(asking: Asking, metrics: Sequence[Metric]) -> list[Metric]:
    """The metrics that moments answer: without derived ones and quantiles."""
    return [m for m in closure(asking, metrics) if m.quantity.kind not in ("derived", "quantile")]


def _derived(
    asking: Asking, metric: Metric, estimates: dict[str, dict[tuple[Any, ...], Estimate]]
) -> dict[tuple[Any, ...], Estimate]:
    """A derived metric from the values of others, group by group; its interval would need their covariances."""
    from assay.query.arithmetic import evaluate

    for name in metric.uses:
        inner = asking.plan.metrics[name]
        if inner.quantity.kind == "derived" and name not in estimates:
            estimates[name] = _derived(asking, inner, estimates)
    groups = dict.fromkeys(g for name in metric.uses for g in estimates[name])
    assert metric.quantity.expression is not None
    found = {}
    for group in groups:
        values = {name: estimates[name].get(group, Estimate.none("no data")).value for name in metric.uses}
        missing = [name for name, value in values.items() if value is None]
        if missing:
            found[group] = Estimate.none(f"{missing[0]} has no value")
            continue
        value = evaluate(metric.quantity.expression.text, {k: v for k, v in values.items() if v is not None})
        found[group] = (
            Estimate(value, reason="derived from other metrics: no interval")
            if value is not None
            else Estimate.none("nothing to divide by")
        )
    return found


def _total(values: Any) -> Any:
    known = [v for v in values if v is not None]
    return sum(known[1:], known[0]) if known else None


def difference(metric: Metric, one: Estimate, then: Estimate, noise: float, days: tuple[int, int]) -> Estimate:
    """The change between two periods. A total is a sum of days, so its variance is that of its days."""
    from assay.stats.change import change

    if metric.quantity.kind == "total" and one.value is not None and then.value is not None:
        one, then = (Estimate(e.value, variance=noise * d or None) for e, d in ((one, days[0]), (then, days[1])))
        noise = 0.0
    return change(one, then, noise, days)


def change_words(
    asking: Asking, metric: Metric, one: Estimate, then: Estimate, noise: float, days: tuple[int, int]
) -> str:
    """``, 0.2 points below the period before: ordinary noise``."""
    if one.value is None or then.value is None:
        return ", with nothing to compare"
    delta = difference(metric, one, then, noise, days)
    assert delta.value is not None
    size = difference_words(float(delta.value), column_kind(metric), asking.plan.site.currency)
    side = "above" if delta.value > 0 else "below"
    if delta.value == 0:
        return ", unchanged"
    if delta.low is None or delta.high is None:
        return f", {size} {side} the period before"
    beyond = delta.low > 0 or delta.high < 0
    return f", {size} {side} the period before ({'beyond ordinary noise' if beyond else 'within ordinary noise'})"
