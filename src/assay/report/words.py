"""What table and Markdown share: intervals merged into one column, cells and findings in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from assay.decide.words import brief_day, show, span_name
from assay.model.answer import Answer, Cell, Column
from assay.model.finding import Finding

_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_SIGNS = ("-", "−", "+")
SEVERITIES = {"good": "good", "info": "note", "warning": "warning", "bad": "problem"}


@dataclass(frozen=True)
class Shown:
    """A column as people see it: its title, its kind, the texts of its rows, and the definition that it follows."""

    title: str
    kind: str
    texts: tuple[str, ...]
    definition: str | None = None
    name: str = ""

    @property
    def is_text(self) -> bool:
        """True where words stand, not figures."""
        return self.kind in ("text", "day", "moment", "flag")


def shown(answer: Answer) -> list[Shown]:
    """First-level columns; ``<m>_low`` and ``<m>_high`` are one column of intervals."""
    names = {column.name: place for place, column in enumerate(answer.columns)}
    found: list[Shown] = []
    year = answer.as_of.year if answer.as_of else None
    for place, column in enumerate(answer.columns):
        stem, _, end = column.name.rpartition("_")
        if column.detail or (end == "high" and _pair(answer, stem, names)):
            continue
        if end == "low" and _pair(answer, stem, names):
            high = names[f"{stem}_high"]
            texts = tuple(interval(row[place], row[high], column) for row in answer.rows)
            found.append(Shown(_title(answer, stem, names), "interval", texts, column.definition, stem))
        else:
            whole = _whole_from([row[place] for row in answer.rows])
            texts = tuple(one_line(said(row[place], column, whole, year)) for row in answer.rows)
            found.append(Shown(column.title, column.kind, texts, column.definition, column.name))
    return found


def _whole_from(cells: list[Cell]) -> int:
    """Beside amounts of thousands those of hundreds have no cents either."""
    return 100 if any(isinstance(one, Decimal) and abs(one) >= 1000 for one in cells) else 1000


def _pair(answer: Answer, stem: str, names: dict[str, int]) -> bool:
    """Both ends of an interval are on the first level."""
    places = [names.get(f"{stem}_{end}") for end in ("low", "high")]
    return all(place is not None and not answer.columns[place].detail for place in places)


def _title(answer: Answer, stem: str, names: dict[str, int]) -> str:
    level = max((one.estimate.level for one in answer.estimates), default=0.95)
    several = sum(1 for name in names if name.endswith("_low") and _pair(answer, name[:-4], names)) > 1
    title = f"{level * 100:g} % interval"
    if not several:
        return title
    owner = answer.columns[names[stem]].title if stem in names else stem.replace("_", " ")
    return f"{owner}: {title}"


def said(value: Cell, column: Column, whole: int = 1000, this_year: int | None = None) -> str:
    """A cell for people; an instant to the minute, a day with its weekday and without this year."""
    if isinstance(value, datetime):
        return f"{brief_day(value.date(), this_year)} {value:%H:%M} {value.tzname() or ''}".rstrip()
    if column.kind in ("day", "moment") and value is not None:
        return _day(value, column, this_year)
    return show(value, column, whole)


def _day(value: Cell, column: Column, this_year: int | None) -> str:
    """ISO days and instants of the site's zone as people write them, months by their name; anything else as it is."""
    text = value.isoformat() if isinstance(value, date) else str(value)
    try:
        found = date.fromisoformat(text[:10])
    except ValueError:
        return text
    named = span_name(found, column.name) if column.kind == "day" else None
    return named or brief_day(found, this_year) + (f" {text[11:16]}" if column.kind == "moment" else "")


def interval(low: Cell, high: Cell, column: Column) -> str:
    """``2.31–2.52 %``; with a sign ``-0.10 to 0.32 %``; the unit is said once."""
    if low is None and high is None:
        return "–"
    first, second = show(low, column), show(high, column)
    if low is None or high is None:
        return f"up to {second}" if low is None else f"from {first}"
    unit = second.rpartition(" ")[2]
    if " " in second and column.kind != "duration" and first.endswith(f" {unit}"):
        first = first.removesuffix(f" {unit}")
    signed = first.startswith(_SIGNS) or second.startswith(_SIGNS) or column.kind == "duration"
    return f"{first} to {second}" if signed else f"{first}–{second}"


def finding_words(finding: Finding) -> str:
    """``warning: nobody reached purchase → assay quality``."""
    action = f" → {finding.action}" if finding.action else ""
    return f"{SEVERITIES.get(finding.severity, finding.severity)}: {finding.text}{action}"


def one_line(text: str) -> str:
    """Text in one line, without characters that steer a terminal or turn the reading direction of what follows."""
    return _STEERING.sub(" ", text)
