"""Cells, sentences and findings of an answer in the words of people, each with where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from assay.decide.words import days, show, span_name
from assay.model.answer import Answer, Cell, Column
from assay.model.finding import EVERYWHERE
from assay.report.document import NOISE, Said
from assay.report.words import interval, one_line

_DAY = r"(\d{4}-\d{2}-\d{2})"
_RANGE = re.compile(rf"\b{_DAY} (?:to|–) {_DAY}\b")
_ONE = re.compile(rf"\b{_DAY}(?:[ T]\d{{2}}:\d{{2}}(?::\d{{2}})?)?(?!-)\b")
_NAME = re.compile(r"(?<![\w-])[A-Za-z][A-Za-z0-9_]*(?![\w-])")
_POINTS = re.compile(r"(?<=\d)pp\b")  # as margins are written in the plan
_VARIANT = re.compile(r"(?<![\w-])(?:the )?(treatment|control)(?![\w-])")
GENERIC = {"treatment": "the new variant", "control": "the old variant"}  # names of variants that say nothing
_COMMAND = re.compile(r"(?:[;:,]\s*)?\bassay [^;]*")


def human(name: str) -> str:
    """``cart_abandonment`` → ``cart abandonment``; a short name is an abbreviation: ``rpv`` → ``RPV``."""
    return name.upper() if len(name) <= 4 and name.isalpha() and name.islower() else name.replace("_", " ").strip()


def headed(text: str) -> str:
    """The first letter large, except of a name that is written as it is."""
    return text if "_" in text.partition(" ")[0] else text[:1].upper() + text[1:]


def day(value: date) -> str:
    """``3 Sep 2026``."""
    return days(value, value)


def _dated(text: str) -> str:
    def pair(found: re.Match[str]) -> str:
        try:
            return days(date.fromisoformat(found[1]), date.fromisoformat(found[2]))
        except ValueError:
            return found[0]

    def one(found: re.Match[str]) -> str:
        try:
            return day(date.fromisoformat(found[1]))
        except ValueError:
            return found[0]

    return _ONE.sub(one, _RANGE.sub(pair, text))


@dataclass(frozen=True)
class Voice:
    """Says what answers say: names of the plan as words, days as people write them, no commands."""

    names: frozenset[str]

    def said(self, text: str) -> str:
        """A sentence for people who do not know the plan."""

        def name(found: re.Match[str]) -> str:
            return human(found[0]) if found[0].lower() in self.names else found[0]

        def variant(found: re.Match[str]) -> str:
            return GENERIC[found[1]] if found[1] in self.names else found[0]

        spoken = _VARIANT.sub(variant, _NAME.sub(name, one_line(text)))
        return _POINTS.sub(" points", _dated(spoken))

    def action(self, text: str | None) -> str:
        """What to do, without commands."""
        return self.said(_COMMAND.sub("", text or "").strip(" ;:,"))


@dataclass(frozen=True)
class View:
    """An answer by its key in the report."""

    key: str
    answer: Answer
    voice: Voice
    currency: str = ""

    @property
    def rows(self) -> range:
        """Places of the rows."""
        return range(len(self.answer.rows))

    def column(self, name: str) -> tuple[int, Column] | None:
        """A column and its place."""
        return next(((n, one) for n, one in enumerate(self.answer.columns) if one.name == name), None)

    def raw(self, row: int, name: str) -> Cell:
        """A cell as it is; None where there is no such column."""
        found = self.column(name)
        return None if found is None else self.answer.rows[row][found[0]]

    def text(self, row: int, name: str) -> str:
        """A cell that is text, empty where there is none."""
        value = self.raw(row, name)
        return "" if value is None else str(value)

    def cell(self, row: int, name: str, kind: str = "", **more: str) -> Said:
        """A cell for people; ``kind`` says how a figure of the row's own kind is read."""
        found = self.column(name)
        if found is None:
            return Said("–")
        value = self.answer.rows[row][found[0]]
        column = self._as(found[1], kind)
        if isinstance(value, date):
            text = span_name(value, name) or day(value)
        elif column.kind == "text" and isinstance(value, str):
            text = self.voice.said(value)
        else:
            text = one_line(show(_short(value, column), column))
        return Said(text, (self.at(row, name),), **more)

    def span(self, row: int, low: str, high: str, kind: str = "") -> Said:
        """An interval; empty where there is none."""
        ends = self.column(low), self.column(high)
        values = self.raw(row, low), self.raw(row, high)
        if ends[0] is None or values == (None, None):
            return Said("")
        column = self._as(ends[0][1], kind)
        text = interval(_short(values[0], column), _short(values[1], column), column)
        return Said(text, (self.at(row, low), self.at(row, high)))

    def _as(self, column: Column, kind: str) -> Column:
        if column.kind != "figure" or not kind:
            return column
        return replace(column, kind=kind, currency=self.currency)

    def at(self, row: int, name: str) -> str:
        """Where a cell stands."""
        return f"{self.key}/rows/{row}/{name}"

    def sentence(self, tone: str = "") -> Said:
        """The answer's own sentence."""
        return Said(self.voice.said(self.answer.sentence), (f"{self.key}/sentence",), tone)

    def findings(self, *codes: str) -> Iterator[tuple[int, Said]]:
        """Findings of these codes (default: all of its own) with their place; the note says what to do."""
        for n, one in enumerate(self.answer.findings):
            if one.code in codes or (not codes and one.code not in EVERYWHERE):
                tone = {"good": "good", "bad": "bad", "warning": "warning"}.get(one.severity, "")
                text = headed(self.voice.said(one.text).rstrip("."))
                yield (
                    n,
                    Said(f"{text}.", (f"{self.key}/findings/{n}/text",), tone, headed(self.voice.action(one.action))),
                )


def rounded(value: Decimal) -> Decimal:
    """Three significant figures from 1,000 on; the sealed file has all of them."""
    if not value.is_finite() or abs(value) < 1000:
        return value
    return value.quantize(Decimal(1).scaleb(value.adjusted() - 2)).quantize(Decimal(1))


def _short(value: Cell, column: Column) -> Cell:
    """Money as people say it."""
    if column.kind != "money" or value is None or isinstance(value, str | bool | date):
        return value
    return rounded(Decimal(str(value)))


def grey(said: Said) -> Said:
    """Within the noise."""
    return replace(said, tone=NOISE)


def views(answers: Mapping[str, Answer], voice: Voice, currency: str) -> dict[str, View]:
    """Every answer of a report by its key."""
    return {key: View(key, one, voice, currency) for key, one in answers.items()}
