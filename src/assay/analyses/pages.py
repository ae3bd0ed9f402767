"""pages: views, entries and exits of each page or page group, with exit rate and bounce rate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged
from assay.decide.words import percent
from assay.model.answer import Answer, Column, Definition, Labelled
from assay.model.errors import UsageError
from assay.model.estimate import Estimate


class Params(Ranged):
    """What a row is, and how many."""

    group: bool = Field(False, description="page groups of the plan instead of single pages")
    limit: int = Field(50, ge=1, le=10_000, description="most rows")


def answer(asking: Asking, params: Params) -> Answer:
    """One row per page, most viewed first. Rates have intervals that respect the visitor."""
    from assay.model.moments import Moments
    from assay.query.cut import Cut
    from assay.query.page_stats import page_statement
    from assay.query.sql import digest
    from assay.stats.ratios import ratio

    if params.group and not asking.plan.pages:
        raise UsageError("the plan has no page groups; add a pages: section, such as  product: /p/*")
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("pages", params, period)
    result = asking.ask(page_statement(asking.plan, Cut(period, where=asking.segment(params.segment)), params.group))
    rule = asking.plan.rules.bounce.rule
    definitions = tuple(
        Definition(
            digest("pages", name, rule, asking.plan.cleaning),
            name,
            f"{top} / {below}",
            top,
            below,
            "session",
            "",
            asking.plan.site.timezone,
            rules,
        )
        for name, top, below, rules in (
            ("exit_rate", "sessions that ended on the page", "sessions that saw it", {}),
            (
                "bounce_rate",
                "bounced sessions that entered on the page",
                "sessions that entered on it",
                {"bounce": rule},
            ),
        )
    )
    columns = (
        Column("page_group" if params.group else "page"),
        Column("views", "count"),
        Column("sessions", "count"),
        Column("entries", "count"),
        Column("exits", "count"),
        Column("exit_rate", "rate", definition=definitions[0].id),
        *_interval("exit_rate"),
        Column("bounces", "count", detail=True),
        Column("bounce_rate", "rate", definition=definitions[1].id),
        *_interval("bounce_rate"),
    )
    rows: list[tuple[Any, ...]] = []
    labelled = []
    for page, clusters, views, sessions, entries, exits, bounces, *products in result.rows[: params.limit]:
        exit_rate = _rate(ratio(Moments(("x", "y"), clusters, (exits, sessions), tuple(products[:3]))))
        bounce = _rate(ratio(Moments(("x", "y"), clusters, (bounces, entries), tuple(products[3:]))))
        name = page if page is not None else "(no group)"
        rows.append(
            (
                name,
                views,
                sessions,
                entries,
                exits,
                exit_rate.value,
                exit_rate.low,
                exit_rate.high,
                bounces,
                bounce.value,
                bounce.low,
                bounce.high,
            )
        )
        labelled += [Labelled("exit_rate", {"page": name}, exit_rate), Labelled("bounce_rate", {"page": name}, bounce)]
    if not rows:
        return replace(
            asking.empty("pages", params, period),
            empty=f"no page views in {period}",
            sentence=f"There are no page views in {period}.",
        )
    entry = max(rows, key=lambda r: r[3])
    sentence = (
        f"{rows[0][0]} is seen most ({rows[0][1]:,} views); most visits begin on {entry[0]} ({entry[3]:,}"
        f"{f', {percent(entry[9])} of them bounce' if entry[9] is not None else ''}), {period}."
    )
    return asking.answer(
        "pages",
        params,
        columns=columns,
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=definitions,
        sentence=sentence,
        notes=(f"bounce rule {rule}",),
        next=("assay pages --group", "assay metric NAME --by entry_page"),
        chart={"kind": "bars", "x": "page", "y": "views"},
    )


def _interval(name: str) -> tuple[Column, Column]:
    return Column(f"{name}_low", "rate", "from", detail=True), Column(f"{name}_high", "rate", "to", detail=True)


def _rate(one: Estimate) -> Estimate:
    if one.low is None or one.high is None:
        return one
    return replace(one, low=max(0.0, one.low), high=min(1.0, one.high))


QUESTION = Question("pages", "Views, entries, exits and bounces of each page.", Params, answer)
