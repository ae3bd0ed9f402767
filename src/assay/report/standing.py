"""Where each KPI stands, read from overview and pace: one line each, in the words of the first page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from assay.report.brief import Brief
from assay.report.document import BAD, GOOD, NOISE, WARNING, Said
from assay.report.view import View, grey, headed, human

_TONES = {"on track": GOOD, "reached": GOOD, "at risk": WARNING, "off track": BAD, "missed": BAD}
_MARKS = {GOOD: "● ", WARNING: "◐ ", BAD: "○ "}  # a shape beside the colour: it must survive black and white
BETTER, WORSE, WITHIN, UNKNOWN = "better", "worse", "within", "unknown"


@dataclass(frozen=True)
class Kpi:
    """One KPI. ``row``: of the overview; ``pace``: of the pace, where it has a target. ``moved``: better, worse, within
    the noise, or unknown.
    """

    name: str
    goal: str
    direction: str
    guardrail: bool
    row: int
    pace: int | None
    overview: View
    paces: View | None
    moved: str

    @property
    def title(self) -> str:
        """Its name as a headline."""
        return headed(human(self.name))

    @property
    def kind(self) -> str:
        """What its figures are: rate, money …"""
        return self.overview.text(self.row, "kind")

    @property
    def definition(self) -> str:
        """The id of its definition."""
        return next((one.id for one in self.overview.answer.definitions if one.metric == self.name), "")

    def now(self) -> Said:
        """The figure of the days, and its interval below."""
        said = self.overview.cell(self.row, "value", self.kind)
        if self.overview.raw(self.row, "value") is None:
            text = self.overview.voice.said(self.overview.text(self.row, "now"))
            return Said(headed(text.removeprefix("no value: ")), (self.overview.at(self.row, "now"),), NOISE)
        span = self.overview.span(self.row, "low", "high", self.kind)
        parts = [f"between {_and(span.text)}"] if span.text else []
        sources = (*said.source, *span.source)
        if self.overview.raw(self.row, "matured") is not None and self.overview.raw(self.row, "open"):
            closed = self.overview.cell(self.row, "matured", self.kind)
            parts.append(f"{closed.text} of those whose time is over")
            sources = (*sources, *closed.source)
        return replace(said, note="; ".join(parts), source=sources)

    def change(self) -> Said:
        """Against the days before; noise is said as such."""
        at = (self.overview.at(self.row, "change"),)
        words = self.overview.text(self.row, "change")
        if words in ("–", "") or (self.moved == UNKNOWN and not words.startswith(("▲", "▼"))):
            return Said({"windows still open": "too early to say"}.get(words, words or "–"), at, NOISE)
        if self.overview.raw(self.row, "difference") == 0:
            return Said("no change", at, NOISE)
        if self.moved == WITHIN:
            return Said(words.removesuffix(", noise"), at, NOISE, "within ordinary noise")
        arrow, _, size = words.partition(" ")
        side = "up" if arrow == "▲" else "down"
        return Said(f"{arrow} {size} {side}", at, GOOD if self.moved == BETTER else BAD, f"{self.moved}, beyond noise")

    def target(self) -> Said:
        """What it is to reach, and by when."""
        if self.overview.raw(self.row, "target_value") is None and self.pace is None:
            return Said("no target", (), NOISE)
        if self.overview.raw(self.row, "target_value") is not None:  # of as many days as the figure beside it
            said = self.overview.cell(self.row, "target_value", self.kind)
            by = self.overview.cell(self.row, "target_by")
        else:
            assert self.paces is not None
            assert self.pace is not None
            said, by = self.paces.cell(self.pace, "target", self.kind), self.paces.cell(self.pace, "by")
        whole = "in all " if self._is_total() else ""
        return replace(said, note=f"{whole}by {by.text}", source=(*said.source, *by.source))

    def _is_total(self) -> bool:
        """Its target is for all days up to the target's day, not for as many as the figure beside it."""
        if self.paces is None or self.pace is None:
            return False
        should, target = self.paces.raw(self.pace, "should"), self.paces.raw(self.pace, "target")
        return should is not None and target is not None and should != target

    def pacing(self) -> Said:
        """On pace or not, with the chance and where it is expected to end."""
        if self.pace is None or self.paces is None:
            return Said("–", (), NOISE)
        at = (self.paces.at(self.pace, "standing"),)
        words = self.paces.text(self.pace, "standing")
        if words.startswith("no chance"):
            reason = self.paces.voice.said(words.removeprefix("no chance: "))
            return Said("cannot be said yet", at, NOISE, reason)
        verdict = words.rpartition(", ")[2]
        tone = _TONES.get(verdict, "")
        end = self.paces.span(self.pace, "low", "high", self.kind)
        chance = words.rpartition(", ")[0]
        wanted = self.paces.cell(self.pace, "target", self.kind)
        ends = f"expected end {end.text}, wanted {wanted.text}" if end.text else ""
        note = "; ".join(part for part in (chance, ends) if part)
        return Said(f"{_MARKS.get(tone, '')}{verdict}", (*at, *end.source, *wanted.source), tone, note)

    @property
    def verdict(self) -> str:
        """on track, at risk, off track, reached, missed; or empty."""
        words = self.paces.text(self.pace, "standing") if self.paces is not None and self.pace is not None else ""
        return "" if words.startswith("no chance") else words.rpartition(", ")[2]


def _and(span: str) -> str:
    """``4.81 € to 6.36 €`` after the word between."""
    return span.replace("–", " and ", 1) if "–" in span else span.replace(" to ", " and ", 1)


def standings(brief: Brief, found: dict[str, View]) -> Iterator[Kpi]:
    """Every KPI of the overview, guardrails last."""
    overview = found["overview"]
    paces = found.get("pace")
    known = {name: (goal, direction, guardrail) for name, goal, direction, guardrail in brief.kpis}
    at = {paces.text(row, "kpi"): row for row in paces.rows} if paces else {}
    for row in overview.rows:
        name = overview.text(row, "kpi")
        goal, direction, guardrail = known.get(name, ("", "up", False))
        moved = _moved(overview, row, direction)
        yield Kpi(name, goal, direction, guardrail, row, at.get(name), overview, paces, moved)


def _moved(overview: View, row: int, direction: str) -> str:
    low, high = overview.raw(row, "difference_low"), overview.raw(row, "difference_high")
    if low is None or high is None:
        return UNKNOWN
    if float(low) <= 0 <= float(high):  # type: ignore[arg-type]
        return WITHIN
    return BETTER if (float(low) > 0) == (direction == "up") else WORSE  # type: ignore[arg-type]


__all__ = ["BETTER", "UNKNOWN", "WITHIN", "WORSE", "Kpi", "grey", "standings"]
