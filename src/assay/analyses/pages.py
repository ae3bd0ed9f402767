"""pages: views, entries and exits of each page or page group, with exit rate and bounce rate; what entries bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged
from assay.analyses.estimates import clustered_share
from assay.decide.words import percent
from assay.model.answer import Answer, Column, Definition, Labelled
from assay.model.errors import Refused, UsageError
from assay.model.finding import Finding
from assay.model.period import Period
from assay.plan.values import Plan

if TYPE_CHECKING:
    from assay.query.cut import Cut
    from assay.query.rage import Limits


_RAGE = {
    "pages": (("page", "text"), ("element", "text"), ("clicks", "count"), ("bursts", "count"), ("visitors", "count")),
    "clicks": (
        *(("time", "text"), ("visitor", "text"), ("page", "text"), ("element", "text")),
        *(("x", "number"), ("y", "number"), ("place", "count"), ("fires", "flag")),
    ),
}


class Params(Ranged):
    """What a row is, and how many."""

    group: bool = Field(False, description="page groups of the plan instead of single pages")
    limit: int = Field(50, ge=1, le=10_000, description="most rows")
    conversion: bool = Field(
        False, description="by entry page instead: goal rate, revenue and contribution of those who came in there"
    )
    goal: str | None = Field(None, description="which goal converts; default: the macro goal")
    by: Literal["channel", "source", "medium", "campaign", "device", "country"] | None = Field(
        None, description="split each entry page by this"
    )
    per: Literal["visitor", "session"] = Field("visitor", description="whose goal and revenue")
    until: Literal["event", "page"] = Field(
        "event", description="where no beats tell how long a page was seen: until the next event, or the next page"
    )
    rage: Literal["pages", "clicks"] | None = Field(
        None, description="rage clicks instead: by page and element, or every click and whether it fires"
    )
    rage_count: int = Field(3, ge=2, le=100, description="clicks that make a rage click")
    rage_ms: int = Field(1000, ge=1, le=60_000, description="each less than so many milliseconds after the one before")
    rage_px: float = Field(30, gt=0, le=10_000, description="and less than so many pixels away (sum of both axes)")


def answer(asking: Asking, params: Params) -> Answer:
    """One row per page, most viewed first. Rates have intervals that respect the visitor."""
    from assay.query.cut import Cut, moments_of
    from assay.query.page_stats import page_statement, time_statement

    if params.group and not asking.plan.pages:
        raise UsageError("the plan has no page groups; add a pages: section, such as  product: /p/*")
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("pages", params, period)
    cut = Cut(period, where=asking.segment(params.segment))
    if params.rage is not None:
        return _rage(asking, params, cut)
    if params.conversion or params.goal is not None or params.by is not None:
        from assay.analyses.landing import conversion

        return conversion(asking, params, cut)
    result = asking.ask(page_statement(asking.plan, cut, params.group))
    if not result.rows:
        reason = f"no page views in {period}"
        return replace(asking.empty("pages", params, period), empty=reason, sentence=f"There are {reason}.")
    times = {
        page: rest for page, *rest in asking.ask(time_statement(asking.plan, cut, params.group, params.until)).rows
    }
    rows: list[tuple[Any, ...]] = []
    labelled = []
    for page, views, sessions, entries, exits, bounces, *blocks in result.rows[: params.limit]:
        exit_rate, bounce_rate = (clustered_share(moments_of(one)) for one in (blocks[:7], blocks[7:]))
        name = page if page is not None else "(no group)"
        left = (exits, exit_rate.value, exit_rate.low, exit_rate.high)
        bounced = (bounces, bounce_rate.value, bounce_rate.low, bounce_rate.high)
        rows.append((name, views, sessions, entries, *left, *bounced, *_read(times.get(page))))
        labelled.append(Labelled("exit_rate", {"page": name}, exit_rate))
        labelled.append(Labelled("bounce_rate", {"page": name}, bounce_rate))
    definitions = _definitions(asking.plan, params.until)
    told = any(row[-1] is not None for row in rows)
    return asking.answer(
        "pages",
        params,
        columns=_columns("page_group" if params.group else "page", definitions, told),
        rows=tuple(rows),
        estimates=tuple(labelled),
        definitions=definitions,
        sentence=_sentence(rows, str(period)),
        findings=_rage_findings(asking, params, cut),
        notes=(
            f"bounce rule {asking.plan.rules.bounce.rule}",
            (
                f"time on a page: visible time where beats tell it, else until the next {params.until}; "
                "of a visit's last page unknown"
            ),
            *(() if told else ("no scroll event tells how far down pages were read",)),
        ),
        next=(
            *(("assay pages --group",) if asking.plan.pages and not params.group else ()),
            f"assay pages --conversion{' --group' if params.group else ''}",
        ),
        chart={"kind": "bars", "x": "page", "y": "views"},
    )


def _definitions(plan: Plan, until: str) -> tuple[Definition, ...]:
    from assay.query.sql import digest

    rule = plan.rules.bounce.rule
    said: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        ("exit_rate", "sessions that ended on the page", "sessions that saw it", {}),
        ("bounce_rate", "bounced sessions that entered on the page", "sessions that entered on it", {"bounce": rule}),
        ("time_on_page", "time on the page", "page views whose time is known", {"until": until}),
        ("scroll_depth", "largest depth seen of each page view", "page views", {}),
    )
    return tuple(
        Definition(digest("pages", name, rules, asdict(plan.cleaning)), name, f"{top} / {below}", top, below, "session",
                   "", plan.site.timezone, rules)
        for name, top, below, rules in said
    )  # fmt: skip


def _read(found: Sequence[Any] | None) -> tuple[Any, ...]:
    """Median and mean time, of so many views, and the share of the page that was read; None where nothing tells."""
    timed, median, mean, _, depth = found or (0, None, None, 0, None)
    known = (median, mean) if timed else (None, None)
    return (*known, timed, None if depth is None else depth / 100)


def _columns(page: str, definitions: tuple[Definition, ...], told: bool) -> tuple[Column, ...]:
    counts = (Column(name, "count") for name in ("views", "sessions", "entries", "exits"))
    exit_rate, bounce_rate = (
        (Column(d.metric, "rate", definition=d.id), Column(f"{d.metric}_low", "rate", "from", detail=True),
         Column(f"{d.metric}_high", "rate", "to", detail=True))
        for d in definitions[:2]
    )  # fmt: skip
    time, scroll = (one.id for one in definitions[2:])
    return (
        Column(page), *counts, *exit_rate, Column("bounces", "count", detail=True), *bounce_rate,
        Column("median_time", "duration", definition=time), Column("mean_time", "duration", definition=time),
        Column("timed", "count", "views with a known time", detail=True),
        Column("scroll_depth", "rate", "read down to", definition=scroll, detail=not told),
    )  # fmt: skip


def _sentence(rows: list[tuple[Any, ...]], period: str) -> str:
    entry = max(rows, key=lambda row: row[3])
    bounced = f", {percent(entry[9])} of them bounce" if entry[9] is not None else ""
    return (
        f"{rows[0][0]} is seen most ({rows[0][1]:,} views); "
        f"most visits begin on {entry[0]} ({entry[3]:,}{bounced}), {period}."
    )


def _limits(params: Params) -> Limits:
    from assay.query.rage import Limits

    return Limits(params.rage_count, params.rage_ms, params.rage_px)


def _rage_findings(asking: Asking, params: Params, cut: Cut) -> tuple[Finding, ...]:
    """The pages with most bursts of clicks; nothing where the plan does not say where clicks happen."""
    from assay.query.rage import can_tell, rage_pages

    if not can_tell(asking.plan):
        return ()
    bursts: dict[str, list[int]] = {}
    for page, _, _, count, visitors in asking.ask(rage_pages(asking.plan, cut, _limits(params))).rows:
        one = bursts.setdefault(page if page is not None else "(no page)", [0, 0])
        one[0], one[1] = one[0] + count, max(one[1], visitors)
    return tuple(
        Finding(
            "rage_clicks",
            "warning",
            f"rage clicks on {page}: {count:,} burst{'s' if count != 1 else ''}; "
            "something there looks clickable and is not, or is slow",
            {"page": page, "bursts": count, "most_visitors_on_one_element": visitors},
            "assay pages --rage pages",
        )
        for page, (count, visitors) in sorted(bursts.items(), key=lambda item: (-item[1][0], item[0]))[:3]
    )


def _rage(asking: Asking, params: Params, cut: Cut) -> Answer:
    """Rage clicks by page and element, or click by click."""
    from assay.query.rage import can_tell, rage_clicks, rage_pages

    if not can_tell(asking.plan):
        raise Refused(
            "where clicks happen is not in the plan: declare  events: {click: {properties: {x: number, y: number}}}  "
            "and send both with every click"
        )
    limits = _limits(params)
    near = f"less than {limits.ms} ms and {limits.px:g} px"
    rule = f"{limits.clicks} clicks, each {near} from the one before; once per burst"
    if params.rage == "clicks":
        found = asking.ask(rage_clicks(asking.plan, cut, limits)).rows
        rows = [(datetime.fromtimestamp(t / 1e6, UTC), *row) for t, *row in found[: params.limit]]
        what = f"{sum(bool(row[-1]) for row in found):,} of {len(found):,} clicks fire"
    else:
        found = asking.ask(rage_pages(asking.plan, cut, limits)).rows
        rows = list(found[: params.limit])
        what = f"{sum(row[3] for row in found):,} bursts of rage clicks on {len({row[0] for row in found}):,} pages"
    if not found:
        return _no_clicks(asking, params, cut.period, rule)
    return asking.answer(
        "pages",
        params,
        columns=tuple(Column(name, kind) for name, kind in _RAGE[params.rage or "pages"]),
        rows=tuple(rows),
        sentence=f"{what}, {cut.period}.",
        notes=(rule,),
        next=("assay pages",),
    )


def _no_clicks(asking: Asking, params: Params, period: Period, rule: str) -> Answer:
    reason = f"no {'clicks with a place' if params.rage == 'clicks' else 'rage clicks'} in {period}"
    empty = asking.empty("pages", params, period)
    return replace(empty, empty=reason, sentence=f"There are {reason}.", notes=(rule,), next=("assay pages",))


QUESTION = Question("pages", "Views, entries, exits and bounces of each page.", Params, answer)
