"""pages: views, entries and exits of each page or page group, with exit rate and bounce rate."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged
from assay.analyses.estimates import clustered_share
from assay.decide.words import percent
from assay.model.answer import Answer, Column, Definition, Labelled
from assay.model.errors import UsageError
from assay.plan.values import Plan


class Params(Ranged):
    """What a row is, and how many."""

    group: bool = Field(False, description="page groups of the plan instead of single pages")
    limit: int = Field(50, ge=1, le=10_000, description="most rows")


def answer(asking: Asking, params: Params) -> Answer:
    """One row per page, most viewed first. Rates have intervals that respect the visitor."""
    from assay.query.cut import Cut, moments_of
    from assay.query.page_stats import page_statement

    if params.group and not asking.plan.pages:
        raise UsageError("the plan has no page groups; add a pages: section, such as  product: /p/*")
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("pages", params, period)
    result = asking.ask(page_statement(asking.plan, Cut(period, where=asking.segment(params.segment)), params.group))
    if not result.rows:
        reason = f"no page views in {period}"
        return replace(asking.empty("pages", params, period), empty=reason, sentence=f"There are {reason}.")
    rows: list[tuple[Any, ...]] = []
    labelled = []
    for page, views, sessions, entries, exits, bounces, *blocks in result.rows[: params.limit]:
        exit_rate, bounce_rate = (clustered_share(moments_of(one)) for one in (blocks[:7], blocks[7:]))
        name = page if page is not None else "(no group)"
        left = (exits, exit_rate.value, exit_rate.low, exit_rate.high)
        bounced = (bounces, bounce_rate.value, bounce_rate.low, bounce_rate.high)
        rows.append((name, views, sessions, entries, *left, *bounced))
        labelled.append(Labelled("exit_rate", {"page": name}, exit_rate))
        labelled.append(Labelled("bounce_rate", {"page": name}, bounce_rate))
    definitions = _definitions(asking.plan)
    return asking.answer(
        "pages",
        params,
        columns=_columns("page_group" if params.group else "page", definitions),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=definitions,
        sentence=_sentence(rows, str(period)),
        notes=(f"bounce rule {asking.plan.rules.bounce.rule}",),
        next=("assay pages --group",) if asking.plan.pages and not params.group else ("assay quality",),
        chart={"kind": "bars", "x": "page", "y": "views"},
    )


def _definitions(plan: Plan) -> tuple[Definition, ...]:
    from assay.query.sql import digest

    rule = plan.rules.bounce.rule
    said: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        ("exit_rate", "sessions that ended on the page", "sessions that saw it", {}),
        ("bounce_rate", "bounced sessions that entered on the page", "sessions that entered on it", {"bounce": rule}),
    )
    return tuple(
        Definition(digest("pages", name, rules, asdict(plan.cleaning)), name, f"{top} / {below}", top, below, "session",
                   "", plan.site.timezone, rules)
        for name, top, below, rules in said
    )  # fmt: skip


def _columns(page: str, definitions: tuple[Definition, ...]) -> tuple[Column, ...]:
    counts = (Column(name, "count") for name in ("views", "sessions", "entries", "exits"))
    exit_rate, bounce_rate = (
        (Column(d.metric, "rate", definition=d.id), Column(f"{d.metric}_low", "rate", "from", detail=True),
         Column(f"{d.metric}_high", "rate", "to", detail=True))
        for d in definitions
    )  # fmt: skip
    return (Column(page), *counts, *exit_rate, Column("bounces", "count", detail=True), *bounce_rate)


def _sentence(rows: list[tuple[Any, ...]], period: str) -> str:
    entry = max(rows, key=lambda row: row[3])
    bounced = f", {percent(entry[9])} of them bounce" if entry[9] is not None else ""
    return (
        f"{rows[0][0]} is seen most ({rows[0][1]:,} views); "
        f"most visits begin on {entry[0]} ({entry[3]:,}{bounced}), {period}."
    )


QUESTION = Question("pages", "Views, entries, exits and bounces of each page.", Params, answer)
