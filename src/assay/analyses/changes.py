"""changes: what is known to have changed, in order of days: the plan's entries, noted ones, public holidays."""

from __future__ import annotations

from datetime import date, timedelta

from pydantic import Field

from assay.analyses.base import DEFAULT_DAYS, Asking, Params, Question, Ranged, day_field
from assay.analyses.changelog import Entry, entries, noted
from assay.decide.words import day
from assay.model.answer import Answer, Column
from assay.model.period import Period
from assay.plan.values import ChangeKind


class ChangesParams(Params):
    """Which days, and which kind."""

    from_: date | None = day_field("first day", "from")
    to: date | None = day_field(
        "last day, included; default: the days of the other questions, and today where data are fresh"
    )
    kind: ChangeKind | None = Field(None, description="only this kind")


_COLUMNS = (
    Column("date", "day"),
    Column("kind"),
    Column("what"),
    Column("origin", label="from"),
    Column("no", "count"),
    Column("link", detail=True),
)


def answer(asking: Asking, params: ChangesParams) -> Answer:
    """One row per change, latest first. ``no`` is the number by which a noted one is removed."""
    period = _period(asking, params)
    found = [e for e in entries(asking, period.first, period.last) if params.kind in (None, e.change.kind)]
    add = 'assay changes add "New checkout" --kind deploy'
    if not found:
        what = f"no change of the kind {params.kind} is" if params.kind else "no changes are"
        reason = f"{what} known in {period}"
        return asking.answer(
            "changes",
            params,
            columns=_COLUMNS,
            empty=reason,
            sentence=f"{reason[0].upper()}{reason[1:]}.",
            notes=_outside(asking, params, period),
            next=(add,),
        )
    rows = tuple((e.change.date, e.change.kind, e.change.what, e.origin, e.no, e.change.link) for e in reversed(found))
    return asking.answer(
        "changes",
        params,
        columns=_COLUMNS,
        rows=rows,
        sentence=_sentence(found, period),
        notes=_outside(asking, params, period),
        next=(*_trend(asking, period), add),
        chart={"kind": "marks", "x": "date", "y": "what"},
    )


def _period(asking: Asking, params: ChangesParams) -> Period:
    """The default reaches today where the data do nearly: what was noted this morning is what one looks for."""
    last = params.to
    if last is None:
        last = asking.complete_day()
        last = asking.today if (asking.today - last).days <= DEFAULT_DAYS else last
    first = params.from_
    if first is None:
        first = min(asking.complete_day(), last) - timedelta(DEFAULT_DAYS - 1)
    return asking.period(Ranged.model_validate({"from": first, "to": last}))


def _sentence(found: list[Entry], period: Period) -> str:
    made = [e for e in found if e.change.kind != "holiday"]
    off = len(found) - len(made)
    parts = [f"{len(made):,} change{'s' if len(made) != 1 else ''}"] if made else []
    parts += [f"{off:,} holiday{'s' if off != 1 else ''}"] if off else []
    latest = (made or found)[-1].change
    kind = "" if latest.kind == "holiday" else f"{latest.kind}, "
    return f"{' and '.join(parts)}, {period}; the latest: {latest.what}, {kind}{day(latest.date)}."


def _trend(asking: Asking, period: Period) -> tuple[str, ...]:
    names = list(asking.plan.kpis)[:1]
    return tuple(f"assay metric {name} --grain day --from {period.first} --to {period.last}" for name in names)


def _outside(asking: Asking, params: ChangesParams, period: Period) -> tuple[str, ...]:
    """What plan and state file hold of other days, so that nobody thinks it lost."""
    days = [one.date for one in asking.plan.changes if params.kind in (None, one.kind)]
    days += [date.fromisoformat(row["date"]) for row in noted(asking.state) if params.kind in (None, row["kind"])]
    other = sorted(one for one in days if not period.first <= one <= period.last)
    if not other:
        return ()
    first, last = min(other[0], period.first), max(other[-1], period.last)
    return (f"{len(other):,} outside of these days: --from {first} --to {last}",)


QUESTION = Question("changes", "What changed when: releases, prices, campaigns, holidays.", ChangesParams, answer)
