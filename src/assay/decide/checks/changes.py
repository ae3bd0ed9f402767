"""What is known to have changed in a range, in words. A holiday is said in a note: it explains a day, nobody did it."""

from __future__ import annotations

from collections.abc import Sequence

from assay.decide.words import day
from assay.model.finding import Finding
from assay.plan.values import Change

MOST = 5  # findings; the rest is counted


def known_changes(changes: Sequence[Change]) -> tuple[Finding, ...]:
    """A finding per change, latest first; of more than ``MOST`` the rest in one."""
    made = [one for one in reversed(changes) if one.kind != "holiday"]
    found = [
        Finding(
            "known_change",
            "info",
            f"{day(one.date)}: {one.what} ({one.kind})",
            {"date": str(one.date), "kind": one.kind, "what": one.what, "link": one.link},
            one.link,
        )
        for one in made[:MOST]
    ]
    if len(made) > MOST:
        rest = made[MOST:]
        span = f"{day(rest[-1].date)} to {day(rest[0].date)}" if rest[-1].date != rest[0].date else day(rest[0].date)
        text = f"{len(rest):,} further known changes, {span}"
        evidence = {"changes": len(rest), "first": str(rest[-1].date), "last": str(rest[0].date)}
        found.append(Finding("known_change", "info", text, evidence, "assay changes"))
    return tuple(found)


def holidays(changes: Sequence[Change]) -> tuple[str, ...]:
    """One note that names the holidays."""
    days = [f"{day(one.date)} {one.what}" for one in changes if one.kind == "holiday"]
    if not days:
        return ()
    more = f" and {len(days) - MOST:,} more" if len(days) > MOST else ""
    return (f"holidays in the range: {'; '.join(days[:MOST])}{more}",)
