"""user: the timeline of one visitor, user, account or order: every event in order, with session, page and money."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from assay.analyses.base import Asking, Params, Question, argument, day_field, session_words
from assay.decide.words import amount, day
from assay.model.answer import Answer, Cell, Column, Definition, Labelled
from assay.model.errors import UsageError
from assay.model.estimate import Estimate

if TYPE_CHECKING:
    from assay.query.timeline import Near, Timeline

Kind = Literal["visitor", "user", "account", "order"]
_NEAR = 3  # ids of a kind that are suggested


class UserParams(Params):
    """Who, and which part of the timeline."""

    id: str = argument("an id of a visitor, user, account or order")
    as_: Kind | None = Field(None, alias="as", description="what the id is; default: found out")
    from_: date | None = day_field("first day; default: from the beginning", "from")
    to: date | None = day_field("last day, included")
    as_of: datetime | None = Field(None, description="answer as of that moment: only what had been received by then")
    limit: int = Field(50, ge=1, le=10_000, description="events on a page")
    page: int = Field(1, ge=1, le=1_000_000, description="which page of them, the earliest first")


_COLUMNS = (
    Column("time", "moment"),
    Column("session", "count", "no."),
    Column("channel"),
    Column("event"),
    Column("page"),
    Column("order"),
    Column("money", "money"),
    Column("about"),
    Column("visitor", detail=True),
    Column("user", detail=True),
    Column("device", detail=True),
    Column("source", detail=True),
    Column("title", detail=True),
    Column("items", detail=True),
    Column("props", detail=True),
    Column("counts", "flag", detail=True),
)


def answer(asking: Asking, params: UserParams) -> Answer:
    """One row per event, the earliest first; above it the sums over everything that is known of the unit."""
    from assay.query.timeline import Timeline

    if asking.span is None:
        return asking.empty("user", params)
    if params.from_ and params.to and params.from_ > params.to:
        raise UsageError(f"the range starts on {params.from_}, after its end on {params.to}")
    kind, others = _kind(asking, params)
    query = Timeline(asking.plan, kind, params.id, params.from_, params.to)
    query.near = _near(asking, query)
    events, first, last, visitors, sessions, orders, net, refunded = asking.ask(query.sums()).one()
    known = {
        "events": events,
        "sessions": sessions,
        "orders": orders,
        "net_revenue": Decimal(net or 0),
        "refunded": Decimal(refunded or 0),
    }
    zone = ZoneInfo(asking.plan.site.timezone)
    seen = [datetime.fromtimestamp(t / 1e6, UTC).astimezone(zone).date() for t in (first, last) if t is not None]
    count = events if params.from_ is None and params.to is None else asking.ask(query.in_days()).one()[0]
    rows = _rows(asking, params, query, zone) if count > (params.page - 1) * params.limit else ()
    made = asking.answer(
        "user",
        params,
        columns=tuple(replace(c, currency=asking.plan.site.currency) if c.kind == "money" else c for c in _COLUMNS),
        rows=rows,
        definitions=(_definition(asking, kind),),
        estimates=tuple(Labelled(name, {kind: params.id}, Estimate(value)) for name, value in known.items()),
        sentence=_sentence(asking, kind, params.id, known, seen, visitors),
        notes=_notes(asking, params, count, others),
        next=_next(params, kind, rows, count),
    )
    if rows:
        return made
    where = f"on page {params.page}" if count else "in these days"
    return replace(made, empty=f"no events of {kind} {params.id} {where}")


def _near(asking: Asking, query: Timeline) -> Near | None:
    """Where its events are; None where that is not few places."""
    from assay.query.timeline import MOST, Near

    asked = query.visitors()
    if asked is None:
        return None
    visitors = [key for (key,) in asking.ask(asked).rows]
    if len(visitors) > MOST:
        return None
    query.near = Near(visitors)
    lines = sorted({no for (no,) in asking.ask(query.lines()).rows})
    if len(lines) > MOST:
        return None
    others = [key for (key,) in asking.ask(query.behind(lines)).rows] if lines else []
    return Near(visitors, lines, sorted({*visitors, *others}))


def _kind(asking: Asking, params: UserParams) -> tuple[str, list[str]]:
    """What the id is, and what else goes by it. Raises UsageError with ids that begin alike."""
    from assay.query.timeline import KINDS, begun_with, known_as

    found = {kind for (kind,) in asking.ask(known_as(params.id)).rows}
    asked = (params.as_,) if params.as_ else KINDS
    mine = [kind for kind in asked if kind in found]
    if mine:
        return mine[0], [kind for kind in KINDS if kind in found and kind != mine[0]]
    what = params.as_ or "visitor, user, account or order"
    if found:
        other = next(kind for kind in KINDS if kind in found)
        raise UsageError(f"there is no {what} {params.id!r}; there is {_an(other)} of that id: --as {other}")
    near = asking.ask(begun_with(params.id, asked, _NEAR)).rows if params.id else []
    near = sorted(near, key=lambda row: (row[1], row[0]))  # engines order a union as they like
    meant = " or ".join(f"the {kind} {one!r}" for kind, one in near[:_NEAR])
    hint = f"; did you mean {meant}?" if meant else "; ids are case-sensitive, assay sessions lists visitors"
    raise UsageError(f"there is no {what} {params.id!r}{hint}")


def _an(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"


def _rows(asking: Asking, params: UserParams, query: Timeline, zone: ZoneInfo) -> tuple[tuple[Cell, ...], ...]:
    rows: list[tuple[Cell, ...]] = []
    found = asking.ask(query.rows(params.limit, (params.page - 1) * params.limit)).rows
    bots = asking.plan.rules.bots == "include"
    for t, visitor, user, session, channel, name, page, title, order, money, *rest in found:
        device, source, bot, environment, items, props = rest
        time = datetime.fromtimestamp(t / 1e6, UTC).astimezone(zone).isoformat(timespec="milliseconds")
        counts = environment == "live" and (bots or not bot)
        about = [] if counts else ["a bot" if bot else str(environment)]
        about += _said(props)
        rows.append(
            (time, session, channel, name, page, order, money, ", ".join(about) or None,
             visitor, user, device, source, title, items, props, counts)
        )  # fmt: skip
    return tuple(rows)


def _said(props: str | None) -> list[str]:
    """Properties as ``name=value``; what is nested stays JSON."""
    values: Any = json.loads(props) if props else None
    if not isinstance(values, dict):
        return []
    return [
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in values.items()
        if value is not None
    ]


def _sentence(asking: Asking, kind: str, name: str, known: dict[str, Any], seen: list[date], visitors: int) -> str:
    def many(count: int, what: str) -> str:
        return f"{count:,} {what}{'s' if count != 1 else ''}"

    currency = asking.plan.site.currency
    devices = f" on {many(visitors, 'device')}" if kind in ("user", "account") and visitors else ""
    text = f"{kind[0].upper()}{kind[1:]} {name}{devices}: "
    if seen:
        text += f"first seen {day(seen[0])}, last {day(seen[-1])}; "
    parts = [many(known["sessions"], "session"), many(known["events"], "event"), many(known["orders"], "order")]
    if known["orders"]:
        parts.append(f"{amount(known['net_revenue'], currency, exact=True)} net revenue")
    if known["refunded"]:
        parts.append(f"{amount(known['refunded'], currency, exact=True)} refunded")
    return f"{text}{', '.join(parts)}."


def _notes(asking: Asking, params: UserParams, count: int, others: list[str]) -> tuple[str, ...]:
    notes = [f"times in {asking.plan.site.timezone}; session: {session_words(asking.plan)}"]
    if params.from_ or params.to:
        notes.append("the sums above are of all days")
    pages = -(-count // params.limit)
    if pages > 1:
        notes.append(f"page {params.page:,} of {pages:,}, {count:,} events in all")
    notes += [f"there is {_an(kind)} of that id too: --as {kind}" for kind in others]
    return tuple(notes)


def _next(params: UserParams, kind: str, rows: tuple[tuple[Cell, ...], ...], count: int) -> tuple[str, ...]:
    name = shlex.quote(params.id)
    commands = []
    if params.page * params.limit < count:
        days = "".join(f" --{n} {v}" for n, v in (("from", params.from_), ("to", params.to)) if v)
        limit = f" --limit {params.limit}" if params.limit != UserParams.model_fields["limit"].default else ""
        commands.append(f"assay user {name} --as {kind}{days}{limit} --page {params.page + 1}")
    places = {"visitor": 8, "user": 9, "order": 5}
    for other in ("user", "visitor", "order"):
        found = next((row[places[other]] for row in rows if row[places[other]] is not None), None)
        if other != kind and found is not None and found != params.id:
            commands.append(f"assay user {shlex.quote(str(found))} --as {other}")
    return tuple(commands[:3]) or ("assay sessions",)


def _definition(asking: Asking, kind: str) -> Definition:
    from assay.query.sql import digest

    plan = asking.plan
    rules = {"session": session_words(plan), "channels": plan.rules.channels, "currency": plan.site.currency,
             "orders": plan.rules.orders, "bots": plan.rules.bots}  # fmt: skip
    texts = {
        "visitor": "events of one device",
        "user": "events of one known person: on each device while identified there, and before anybody was",
        "account": "events of one company, and of visitors that belong to it",
        "order": "events of the session in which the order was placed, and every line of the order",
    }
    text = f"{texts[kind]}; with the lines and refunds of its orders"
    zone = plan.site.timezone
    return Definition(digest("user", kind, rules, zone), "timeline", text, unit=kind, zone=zone, rules=rules)


QUESTION = Question("user", "The timeline of one visitor, user, account or order.", UserParams, answer)
