"""The scorecard's tiles: name, number, change in words, a small line, what is final, target and objective."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from assay.charts import spark_of
from assay.decide.words import beside, days, difference_words, value_words
from assay.report.view import headed, human

if TYPE_CHECKING:
    from assay.model.answer import Answer
    from assay.web.pages.base import Card

_LONG = 11  # letters of a number from which it stands smaller


@dataclass(frozen=True)
class Tile:
    """One KPI of the scorecard, in words. ``direction``: up, down or none (within the noise).

    ``deeper``: words and figures one click down, such as closed windows beside all.
    """

    name: str
    title: str
    about: str
    now: str
    range: str
    change: str
    beside: str
    direction: str
    judged: str  # good, bad or nothing
    standing: str
    objective: str
    guardrail: bool
    spark: str = ""
    alt: str = ""
    settled: str = ""
    deeper: tuple[tuple[str, str], ...] = ()

    @property
    def long(self) -> bool:
        """The number does not fit in large letters."""
        return len(self.now) > _LONG


def tiles(answer: Answer, card: Card) -> tuple[Tile, ...]:
    """The scorecard's rows; a change counts as one only where the answer says that it is beyond the noise."""
    moved = {
        str(one.evidence.get("metric")): one.severity
        for one in answer.findings if one.evidence.get("metric") and one.severity in ("good", "bad", "warning")
    }  # fmt: skip
    about = {one.metric: one.text for one in answer.definitions}
    course = (answer.chart or {}).get("course", {})
    currency = card.plan.site.currency if card.plan else ""
    year = answer.as_of.year if answer.as_of else None
    return tuple(
        replace(_tile(row, moved, about, course, currency), settled=_settled(row, year)) for row in answer.records()
    )


def _tile(
    row: Mapping[str, Any], moved: Mapping[str, str], about: Mapping[str, str],
    course: Mapping[str, list[list[Any]]], currency: str,
) -> Tile:  # fmt: skip
    name, kind = str(row["kpi"]), str(row.get("kind") or "number")
    difference, low, high = row.get("difference"), row.get("difference_low"), row.get("difference_high")
    bounded = low is not None and high is not None
    beyond = bounded and (float(low) > 0 or float(high) < 0)  # type: ignore[arg-type]
    direction = "none" if not beyond or difference is None else "up" if float(difference) > 0 else "down"
    judged = "" if not beyond else {"good": "good", "bad": "bad", "warning": "bad"}.get(moved.get(name, ""), "")
    target = row.get("target_value")
    line = spark_of(
        headed(human(name)), kind, currency,
        [(date.fromisoformat(day), float(value), bool(still)) for day, value, still in course.get(name, ())],
        float(target) if target is not None else None,
    )  # fmt: skip
    return Tile(
        name, headed(human(name)), about.get(name, ""), str(row["now"] or ""), str(row["range"] or ""),
        _change(row), _beside(row, beyond, bounded, kind, currency), direction, judged,
        str(row["standing"] or "").removeprefix("no target"),
        _objective(row), row["role"] == "guardrail",
        line.svg if line else "", line.alt if line else "", deeper=_deeper(row, kind, currency),
    )  # fmt: skip


def _objective(row: Mapping[str, Any]) -> str:
    said = str(row.get("objective_words") or row.get("objective") or "")
    return "" if said == "none" else said


def _change(row: Mapping[str, Any]) -> str:
    """The change in words; nothing where there is nothing to compare with."""
    return str(row["change"] or "").lstrip("▲▼ ").removesuffix(", noise").removeprefix("–")


def _beside(row: Mapping[str, Any], beyond: bool, bounded: bool, kind: str, currency: str) -> str:
    """The change's interval in words, and whether it is noise."""
    if not bounded:
        return ""
    low, high = float(row["difference_low"]), float(row["difference_high"])
    before = row.get("before")
    most = max(abs(low), abs(high))
    if kind == "money" and before:
        of = abs(float(before)) / 100
        ends = [f"{_sign(v)}{beside(abs(v) / of, most / of)}" for v in (low, high)]
        span = f"{ends[0]} to {ends[1]} %"
    elif kind == "rate":
        ends = [f"{_sign(v)}{beside(abs(v) * 100, most * 100)}" for v in (low, high)]
        span = f"{ends[0]} to {ends[1]} points"
    else:
        span = " to ".join(f"{_sign(v)}{difference_words(v, kind, currency)}" for v in (low, high))
    return span if beyond else f"ordinary noise, {span}"


def _sign(value: float) -> str:
    return "+" if value > 0 else "−" if value < 0 else ""


def _settled(row: Mapping[str, Any], year: int | None) -> str:
    """``final for starts until 22 Sep; 350 still open``."""
    final, still = row.get("final_until"), row.get("open")
    if not isinstance(final, date) or not still:
        return ""
    return f"final up to {days(final, final, year)}; {int(still):,} since then are still open"


def _deeper(row: Mapping[str, Any], kind: str, currency: str) -> tuple[tuple[str, str], ...]:
    """Closed windows beside all; the exact numbers."""
    found = []
    if row.get("matured") is not None:
        found.append(("only those whose time is over", value_words(row["matured"], kind, currency)))
    if row.get("open") is not None:
        found.append(("all so far, the open ones as if lost", value_words(row["value"], kind, currency)))
    if row.get("before") is not None:
        found.append(("before", value_words(row["before"], kind, currency)))
    if row.get("units") is not None:
        found.append(("counted", f"{int(row['units']):,}"))
    return tuple(found)
