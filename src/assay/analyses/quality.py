"""quality: can the numbers be trusted? Unknown and missing events, missing properties, gaps, duplicates, odd orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import Any

from assay.analyses.base import Asking, Question, Ranged
from assay.analyses.ledger import findings as ledger_findings
from assay.analyses.trust import tracked_coverage
from assay.decide.words import day as day_words
from assay.decide.words import percent
from assay.model.answer import Answer, Column
from assay.model.errors import suggestion
from assay.model.finding import Finding
from assay.model.period import Period
from assay.plan.values import Plan


class Params(Ranged):
    """The range that gaps and missing properties are looked for in."""


@dataclass
class Facts:
    """What the checks look at."""

    plan: Plan
    period: Period
    counts: dict[str, tuple[int, date, date]]
    volume: dict[date, int]
    by_event: dict[str, dict[date, int]]
    missing: list[tuple[str, str, int, int]]
    segments: dict[str, tuple[int, ...]]
    quarantine: list[tuple[str, int, str, int]]
    orders: tuple[Any, ...]
    bots: tuple[int, int, int, int]
    returns: list[tuple[str, int]] = field(default_factory=list)


Check = Callable[[Facts], list[Finding]]


def answer(asking: Asking, params: Params) -> Answer:
    """One row per remark, the worst first."""
    if asking.span is None:
        return asking.empty("quality", params)
    period = (
        asking.period(params)
        if params.from_ or params.to
        else Period(asking.span.first, max(asking.span.first, asking.complete_day()))
    )
    if asking.without(period):
        return asking.empty("quality", params, period)
    facts = gather(asking, period)
    found = [finding for check in CHECKS for finding in check(facts)]
    found += ledger_findings(asking)
    trusted = tracked_coverage(asking)
    if trusted is not None:
        found.append(trusted[1] or Finding("tracked_coverage", "good", trusted[0]))
    order = {"bad": 0, "warning": 1, "info": 2, "good": 3}
    found.sort(key=lambda f: order[f.severity])
    columns = (Column("severity"), Column("check"), Column("what"), Column("do"), Column("count", "count", detail=True))
    rows = tuple((f.severity, f.code, f.text, f.action or "", f.evidence.get("count")) for f in found)
    wrong = sum(f.severity in ("bad", "warning") for f in found)
    total = facts.bots[0]
    sentence = (
        f"{wrong} thing{'s' if wrong != 1 else ''} to look at in {total:,} events, {period}."
        if wrong
        else f"Nothing wrong was found in {total:,} events, {period}."
    )
    return asking.answer(
        "quality",
        params,
        columns=columns,
        rows=rows,
        findings=tuple(found),
        sentence=sentence,
        notes=() if trusted else ("whether it matches the till is not known: assay reconcile FILE --keep",),
        next=("assay audit", "assay check"),
    )


def gather(asking: Asking, period: Period) -> Facts:
    """Everything the checks need, in a handful of queries."""
    from assay.query import quality, relations

    plan = asking.plan
    counts = {name: (n, first, last) for name, n, first, last in asking.ask(relations.event_counts()).rows}
    required = [e for e in plan.events.values() if e.required and e.name in counts]
    named = [*(g.event for g in plan.goals.values()), *(s.event for f in plan.funnels.values() for s in f.steps)]
    watched = tuple(sorted({name for name in named if name is not None and name in counts}))
    by_event: dict[str, dict[date, int]] = {}
    if watched:
        for name, day, n in asking.ask(quality.volume_by_event(period, watched)).rows:
            by_event.setdefault(name, {})[day] = n
    return Facts(
        plan,
        period,
        counts,
        dict(asking.ask(quality.volume(period)).rows),
        by_event,
        [(e, p, n, m) for e, p, n, m in asking.ask(quality.missing_properties(plan, required, period)).rows]
        if required
        else [],
        {row[0]: row[1:] for row in asking.ask(relations.segments_loaded()).rows},
        [(r, n, f, line) for r, n, f, line in asking.ask(relations.quarantine_reasons()).rows],
        asking.ask(quality.orders()).one(),
        asking.ask(quality.bots()).one(),
        [(host, n) for host, n in asking.ask(quality.returns(plan, period)).rows],
    )


def unknown_events(facts: Facts) -> list[Finding]:
    """Events in the data that neither the plan nor GA4's list knows."""
    found = []
    for name, (count, _, last) in facts.counts.items():
        if name not in facts.plan.events:
            near = suggestion(name, facts.plan.events)
            hint = near if near.startswith("; did you mean") else ""
            found.append(
                Finding(
                    "unknown_event",
                    "warning",
                    f"{name}: {count:,} events, last on {last}, not in the plan{hint}",
                    {"event": name, "count": count},
                    "add it under events:, or mend the sender",
                )
            )
    return found


def unseen_events(facts: Facts) -> list[Finding]:
    """Events that the plan counts on and that never came."""
    wanted = {e.name for e in facts.plan.events.values() if not e.builtin}
    wanted |= {g.event for g in facts.plan.goals.values() if g.event} | {
        s.event for f in facts.plan.funnels.values() for s in f.steps if s.event
    }
    return [
        Finding(
            "event_never_seen",
            "warning",
            f"{name} is in the plan and was never seen",
            {"event": name, "count": 0},
            "check the tag or the import",
        )
        for name in sorted(wanted - set(facts.counts))
    ]


def required_properties(facts: Facts) -> list[Finding]:
    """Required properties that events lack."""
    return [
        Finding(
            "missing_property",
            "warning" if missing * 20 > count else "info",
            f"{event}: {missing:,} of {count:,} lack {name} ({percent(missing / count)})",
            {"event": event, "property": name, "count": missing},
            "mend the sender",
        )
        for event, name, count, missing in facts.missing
        if missing
    ]


def volume_gaps(facts: Facts) -> list[Finding]:
    """Days far below the median of their weekday: all events together, and each event of a goal or funnel."""
    found = []
    whole = _low_days(facts.volume, facts.period, 0.3, 20)
    found += [
        Finding(
            "volume_gap",
            "bad" if count == 0 else "warning",
            f"{day_words(day)}: {count:,} events where {usual:,.0f} are usual",
            {"day": str(day), "count": count, "usual": usual},
            "was the site, the tag or the import down?",
        )
        for day, count, usual in whole
    ]
    gone = {day for day, *_ in whole}
    for name, volume in facts.by_event.items():
        for day, count, usual in _low_days(volume, facts.period, 0.3, 20):
            if day not in gone:
                found.append(
                    Finding(
                        "event_gap",
                        "warning",
                        f"{day_words(day)}: {count:,} {name} where {usual:,.0f} are usual, while the rest went on",
                        {"event": name, "day": str(day), "count": count, "usual": usual},
                        "was its tag broken?",
                    )
                )
    return found[:20]


_NEAR = 21  # days around a day that say what is usual


def _low_days(volume: dict[date, int], period: Period, share: float, least: float) -> list[tuple[date, int, float]]:
    low = []
    for day in _considered(volume, period):
        around = (day + timedelta(n) for n in range(-_NEAR, _NEAR + 1) if n)  # a site that grows is not full of gaps
        near = [d for d in around if period.first <= d <= period.last]
        same = [volume.get(d, 0) for d in near if d.weekday() == day.weekday()]
        if len(same) < 2:
            same = [volume.get(d, 0) for d in near]
        usual = median(same) if len(same) >= 2 else 0
        if usual >= least and volume.get(day, 0) < share * usual:
            low.append((day, volume.get(day, 0), float(usual)))
    return low


def _considered(volume: dict[date, int], period: Period) -> list[date]:
    """Days of a period that have others with events around them; a new site fills up in its first week."""
    if not volume:
        return []
    first = max(period.first.toordinal() + 7, min(volume).toordinal() - _NEAR)
    last = min(period.last.toordinal(), max(volume).toordinal() + _NEAR)
    return [date.fromordinal(n) for n in range(first, last + 1)]


def loading(facts: Facts) -> list[Finding]:
    """Duplicates, clashes and quarantine."""
    found = []
    _, rows, _, duplicates, clashes, quarantined = facts.segments.get("events", (0, 0, 0, 0, 0, 0))
    if duplicates:
        found.append(
            Finding(
                "duplicates",
                "info",
                f"{duplicates:,} of {rows:,} lines came again and were counted once",
                {"count": duplicates},
            )
        )
    if clashes:
        found.append(
            Finding(
                "clashes",
                "warning",
                f"{_some(clashes, 'line has', 'lines have')} an id that stands for other content; the first was kept",
                {"count": clashes},
                "give every event an id of its own",
            )
        )
    if quarantined:
        found.append(
            Finding(
                "quarantine",
                "warning",
                f"{_some(quarantined, 'row is', 'rows are')} in quarantine",
                {"count": quarantined},
                "mend the source and import again",
            )
        )
    found += [
        Finding(
            "quarantine_reason", "info", f"{reason}: {_some(n, 'row', 'rows')}, first at {file}:{line}", {"count": n}
        )
        for reason, n, file, line in facts.quarantine[:5]
    ]
    return found


def orders(facts: Facts) -> list[Finding]:
    """Orders that lack something, and refunds that name no order."""
    count, no_id, no_amount, again, no_visit, lost, lost_sum, no_rate = facts.orders
    said = (
        (no_id, "order_without_id", "warning", "orders have no id: a repeated line would count twice", "send order_id"),
        (no_amount, "order_without_amount", "warning", "orders have no amount on any line", "send revenue"),
        (
            no_rate,
            "order_without_rate",
            "bad",
            "orders are in a currency without a rate: they count, their money does not",
            "add the rate or send the site's currency",
        ),
        (again, "order_lines_again", "info", "further lines of orders already known were merged", None),
        (no_visit, "order_without_visit", "info", "orders belong to no visit (server, shop or offline)", None),
    )
    found = [
        Finding(
            code,
            severity,
            f"{n:,} of {count:,} {text}" if code != "order_lines_again" else f"{n:,} {text}",
            {"count": n},
            action,
        )
        for n, code, severity, text, action in said
        if n
    ]
    if lost:
        found.append(
            Finding(
                "refund_of_no_order",
                "info",
                f"{lost:,} refunds name no known order; "
                f"{lost_sum:,.2f} {facts.plan.site.currency} come off their own day",
                {"count": lost, "sum": str(lost_sum)},
            )
        )
    return found


def traffic(facts: Facts) -> list[Finding]:
    """Bots, staging and events without a visitor."""
    total, bots, nobody, staging = facts.bots
    found = []
    if bots:
        found.append(
            Finding(
                "bots",
                "info",
                f"{bots:,} events of bots ({percent(bots / total)}) are kept and left out of the KPIs",
                {"count": bots},
            )
        )
    if staging:
        found.append(
            Finding(
                "staging", "info", f"{staging:,} events are not from the live site and are left out", {"count": staging}
            )
        )
    if nobody:
        found.append(
            Finding(
                "no_visitor",
                "warning",
                f"{nobody:,} events name no visitor and belong to no session",
                {"count": nobody},
                "send a visitor or user id",
            )
        )
    return found


def referrers(facts: Facts) -> list[Finding]:
    """Sessions that came back from a payment provider or a login: they keep the source that they had."""
    why = "came back from there, as from a payment or a login; they keep the source they had before"
    return [
        Finding(
            "ignored_referrer", "info", f"{host}: {_some(n, 'session', 'sessions')} {why}", {"host": host, "count": n}
        )
        for host, n in facts.returns
    ]


CHECKS: tuple[Check, ...] = (
    unknown_events, unseen_events, required_properties, volume_gaps, loading, orders, traffic, referrers,
)  # fmt: skip


def _some(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"


QUESTION = Question(
    "quality", "Can the numbers be trusted? Unknown events, gaps, duplicates, odd orders.", Params, answer
)
