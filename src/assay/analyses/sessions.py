"""sessions: the visits themselves, one by one, as the session rule cut them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged, session_words
from assay.model.answer import Answer, Column, Definition


class Params(Ranged):
    """How many sessions to list."""

    limit: int = Field(50, ge=0, description="at most so many sessions, in time order; 0 = all")


def answer(asking: Asking, params: Params) -> Answer:
    """One row per session: who, when, how long, what was seen, where from, and whether it bounced."""
    from assay.query.cut import Cut
    from assay.query.session_list import COLUMNS, SessionList

    period = asking.period(params)
    if asking.without(period):
        return asking.empty("sessions", params, period)
    query = SessionList(asking.plan, Cut(period, where=asking.segment(params.segment)), params.limit)
    found = asking.ask(query.rows()).rows
    if not found:
        return asking.empty("sessions", params, period)
    names: dict[int, list[str]] = {}
    for key, name in asking.ask(query.names()).rows:
        names.setdefault(key, []).append(name)
    zone = ZoneInfo(asking.plan.site.timezone)
    place, events = (COLUMNS.index(name) + 1 for name in ("start_t", "events"))
    rows = []
    for row in found:
        started = datetime.fromtimestamp(row[place] / 1e6, UTC).astimezone(zone)
        cells = [started.isoformat(timespec="milliseconds") if i == place else v for i, v in enumerate(row)]
        shown = names.get(row[0], [])
        more = row[events] - len(shown)
        rows.append((*cells[1:], " → ".join([*shown, f"… {more:,} more"] if more else shown)))
    first = "The first " if params.limit and len(rows) == params.limit else ""
    return asking.answer(
        "sessions",
        params,
        columns=_columns(),
        rows=tuple(rows),
        definitions=(_definition(asking),),
        sentence=f"{first}{len(rows):,} session{'s' if len(rows) != 1 else ''}, {period}.",
        notes=(f"session: {session_words(asking.plan)}", f"bounce: {asking.plan.rules.bounce.rule}"),
        next=("assay channels", "assay journey"),
    )


def _columns() -> tuple[Column, ...]:
    return (
        Column("visitor"),
        Column("user", detail=True),
        Column("session_no", "count", "no.", detail=True),
        Column("start", "moment"),
        Column("duration", "duration"),
        Column("events", "count", detail=True),
        Column("page_views", "count"),
        Column("is_bounce", "flag", "bounce"),
        Column("is_new", "flag", "new"),
        Column("channel"),
        Column("source", detail=True),
        Column("campaign", detail=True),
        Column("entry_page"),
        Column("exit_page", detail=True),
        Column("device", detail=True),
        Column("country", detail=True),
        Column("names", label="events in order", detail=True),
    )


def _definition(asking: Asking) -> Definition:
    from assay.query.sql import digest

    plan = asking.plan
    rules = {"session": session_words(plan), "bounce": plan.rules.bounce.rule, "channels": plan.rules.channels}
    return Definition(
        digest("sessions", rules, plan.site.timezone),
        "sessions",
        "visits as the session rule cuts them",
        unit="session",
        zone=plan.site.timezone,
        rules=rules,
    )


QUESTION = Question("sessions", "The visits themselves, one by one.", Params, answer)
