"""explain: what is behind one metric: numerator, denominator, unit, window, rules, filters, version, SQL."""

from __future__ import annotations

from collections.abc import Mapping

from assay.analyses.base import Asking, Question, Ranged, argument, define
from assay.model.answer import Answer, Column
from assay.model.errors import UnknownName, UsageError
from assay.plan.measures import Measure, Select
from assay.plan.values import Metric


class Params(Ranged):
    """Which metric; range and segment go into its SQL."""

    name: str = argument("a metric of the plan")


def answer(asking: Asking, params: Params) -> Answer:
    """One row per aspect of the definition; the SQL stands last and is what would run."""
    from assay.analyses.measuring import based_on, closure
    from assay.query.cut import Cut
    from assay.query.metrics import metric_queries
    from assay.query.sql import pretty, shown

    plan = asking.plan
    if params.name in plan.funnels and params.name not in plan.metrics:
        raise UsageError(f"{params.name} is a funnel: assay funnel {params.name} says its rule, assay sql its SQL")
    if params.name not in plan.metrics:
        raise UnknownName("metric", params.name, plan.metrics)
    metric = plan.metrics[params.name]
    period = asking.period(params)
    cut = Cut(period, where=asking.segment(params.segment), matured_by=asking.matured_by())
    texts = [shown(query.statement) for query in metric_queries(plan, cut, based_on(asking, [metric]))]
    if metric.quantity.kind == "quantile":
        from assay.query.quantiles import QuantileQuery

        texts.append(shown(QuantileQuery(plan, cut, metric).values([metric.quantity.q or 0.5])))
    asking.sql.extend(pretty(text) for text in texts)
    rows = [(aspect, value) for aspect, value in _aspects(asking, metric, params) if value]
    rows += [(f"made of {one.name}", define(one, plan).text) for one in closure(asking, [metric])[:-1]]
    return asking.answer(
        "explain",
        params,
        columns=(Column("aspect"), Column("value")),
        rows=tuple(rows),
        definitions=(asking.definition(metric),),
        sentence=f"{metric.name}: {define(metric, plan).text}.",
        chart={"kind": "definition"},
        next=(
            f"assay metric {metric.name}",
            f"assay compare {metric.name} --like ga4",
            f"assay sql metric {metric.name}",
        ),
    )


def _aspects(asking: Asking, metric: Metric, params: Params) -> list[tuple[str, str]]:
    plan, one, quantity = asking.plan, define(metric, asking.plan), metric.quantity
    filters = [m.select.where.text for m in (quantity.numerator, quantity.denominator) if m and m.select.where]
    filters += [quantity.start.where.text] if quantity.start and quantity.start.where else []
    filters += [f"segment: {params.segment}"] if params.segment else []
    filters += ["live events only", "bots left out" if plan.rules.bots == "exclude" else "bots counted"]
    return [
        ("metric", metric.name + (f" ({metric.description})" if metric.description else "")),
        ("type", metric.type),
        ("as written", ", ".join(f"{key}: {_written(key, value)}" for key, value in metric.keys.items())),
        ("numerator", one.numerator),
        ("denominator", one.denominator),
        ("unit", one.unit),
        ("starts", _rows(quantity.start) if quantity.start else ""),
        ("window", one.window),
        ("maturity", "all units, and beside them those whose window has closed" if quantity.within else ""),
        ("filters", "; ".join(dict.fromkeys(filters))),
        ("capped at", "" if quantity.cap is None else f"{quantity.cap:g}"),
        ("reads", "; ".join(dict.fromkeys(_reads(m) for m in (quantity.numerator, quantity.denominator) if m))),
        ("zone", f"{one.zone}, weeks start on {plan.site.week_start}"),
        *((f"rule {name}", value) for name, value in one.rules.items() if name != "days"),
        ("direction", f"{metric.direction} is better"),
        ("definition", one.id),
        ("plan", plan.id),
    ]


def _written(key: str, value: object) -> str:
    """A value as it stands in a plan."""
    from assay.plan.literals import words

    if key == "within" and isinstance(value, int):
        return words(value).replace(" ", "")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_written(str(name), one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_written("", one) for one in value) + "]"
    return str(value)


def _rows(select: Select) -> str:
    """The rows that a selection takes, in words."""
    what = (
        ", ".join(select.events) if select.events else f"any {select.of}" if select.of == "event" else f"{select.of}s"
    )
    return what + (f" on {', '.join(select.page)}" if select.page else "")


def _reads(measure: Measure) -> str:
    field = f" of {measure.field}" if measure.field else ""
    return f"{measure.op}{field} over {_rows(measure.select)}"


QUESTION = Question("explain", "Everything behind one metric's number, down to the SQL.", Params, answer)
