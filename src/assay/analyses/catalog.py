"""catalog: every definition of the plan in words."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assay.analyses import funnel
from assay.analyses.base import Asking, Params, Question, define
from assay.model.answer import Answer, Column
from assay.plan.values import Cohort

STAGES = ("acquire", "engage", "convert", "retain", None)


class CatalogParams(Params):
    """What to list."""

    kind: Literal["all", "metrics", "funnels", "segments", "cohorts", "goals", "dimensions", "templates"] = Field(
        "all", description="which definitions"
    )


def answer(asking: Asking, params: CatalogParams) -> Answer:
    """One row per definition: what it is, in words, and its id. Metrics stand in the order of the journey."""
    if params.kind == "templates":
        return _templates(asking, params)
    plan = asking.plan
    rows: list[tuple[str, str, str, str, str]] = []
    definitions = []
    wanted = params.kind

    def listed(kind: str) -> bool:
        return wanted in ("all", kind)

    if listed("metrics"):
        for metric in sorted(
            plan.metrics.values(),
            key=lambda m: (m.name not in plan.kpis, STAGES.index(m.stage) if m.stage in STAGES else 4),
        ):
            one = define(metric, plan)
            words = f"{one.numerator} / {one.denominator}" if one.denominator else one.numerator
            rows.append(
                ("KPI" if metric.name in plan.kpis else "metric", metric.name, words, metric.stage or "", one.id)
            )
            definitions.append(one)
    if listed("funnels"):
        for one_funnel in plan.funnels.values():
            definition = funnel.define(one_funnel, plan)
            rows.append(("funnel", one_funnel.name, definition.text, "", definition.id))
            definitions.append(definition)
    if listed("goals"):
        for goal in plan.goals.values():
            where = f" where {goal.where.text}" if goal.where else ""
            what = f"event {goal.event}" if goal.event else f"page {', '.join(goal.page or ())}"
            rows.append(
                (f"{goal.kind} goal", goal.name, f"{what}{where}, counted {goal.count}, journey {goal.journey}", "", "")
            )
    if listed("segments"):
        rows += [("segment", s.name, s.where.text, "", s.id) for s in plan.segments.values()]
    if listed("cohorts"):
        rows += [("cohort", c.name, cohort_words(c), "", c.id) for c in plan.cohorts.values()]
    if wanted == "dimensions":
        from assay.plan.dimensions import DIMENSIONS

        rows += [
            ("dimension", name, f"of an {scope}" if scope[0] in "aeiou" else f"of a {scope}", "", "")
            for name, (scope, _) in DIMENSIONS.items()
        ]
        rows += [
            (
                "property",
                p.name,
                f"{p.type}, of an {p.scope}" if p.scope[0] in "aeiou" else f"{p.type}, of a {p.scope}",
                "",
                "",
            )
            for p in plan.properties().values()
        ]
    columns = (Column("kind"), Column("name"), Column("meaning"), Column("stage"), Column("id", detail=True))
    macro = sum(g.kind == "macro" for g in plan.goals.values())
    sentence = (
        f"The plan of {plan.site.name} defines {len(plan.metrics)} metrics ({len(plan.kpis)} KPIs), "
        f"{len(plan.goals)} goals ({macro} macro), "
        f"{len(plan.funnels)} funnels and {len(plan.segments)} segments."
    )
    return asking.answer(
        "catalog",
        params,
        columns=columns,
        rows=tuple(rows),
        definitions=tuple(definitions),
        sentence=sentence,
        next=(*(f"assay metric {name}" for name in [*plan.kpis, *plan.metrics][:1]), "assay check"),
    )


def _templates(asking: Asking, params: CatalogParams) -> Answer:
    """One row per ready metric, in the order of the journey: its words and what must be in the data."""
    from assay.plan.templates import templates

    known = templates().values()
    there = asking.plan.metrics
    columns = (
        Column("stage"), Column("name"), Column("meaning"), Column("needs"), Column("in_plan", "flag", "in the plan"),
        Column("note", detail=True), Column("metrics", detail=True),
    )  # fmt: skip
    rows = tuple(
        (one.stage, one.name, one.about, ", ".join(one.arriving()), one.main in there, one.note, ", ".join(one.metrics))
        for one in known
    )
    used = sum(one.main in there for one in known)
    sentence = f"{len(rows)} metrics are ready to be added; the plan of {asking.plan.site.name} has {used} of them."
    return asking.answer(
        "catalog", params, columns=columns, rows=rows, sentence=sentence, next=("assay plan add NAME --dry-run",)
    )


def cohort_words(cohort: Cohort) -> str:
    """What its members did."""
    from assay.plan.literals import words

    if cohort.members:
        return f"{len(cohort.members):,} listed {cohort.per}s"
    often = f" at least {cohort.at_least} times" if cohort.at_least > 1 else ""
    parts = [f"did {' or '.join(cohort.did) or 'anything'}{often}"] if cohort.did or cohort.where else []
    parts += [f"where {cohort.where.text}"] if cohort.where else []
    parts += [f"in order {' → '.join(cohort.sequence)}"] if cohort.sequence else []
    parts += [f"did not {' or '.join(cohort.did_not)}"] if cohort.did_not else []
    parts += [f"within {words(cohort.within)}"] if cohort.within else []
    return f"{cohort.per}s who " + ", ".join(parts)


QUESTION = Question("catalog", "Every definition of the plan in words.", CatalogParams, answer, needs_data=False)
