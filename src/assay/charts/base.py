"""What a chart is, and what every kind needs: scales of numbers, labels of rows, days in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from assay.model.answer import Answer, Cell, Column
from assay.model.words import group_name, show, span_name, value_words

MOST = 15  # bars, points or rows that one chart shows; the table has all
NAMED = 4  # series with a colour and a label of their own; the rest is grey
SERIES = 5  # colours of categories: ``@series1`` …
SYMBOLS = ("circle", "rect", "triangle", "diamond")  # each colour's twin
_SIZES = ((1e9, "billion"), (1e6, "million"))
_TIMES = ((86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


@dataclass(frozen=True)
class Chart:
    """A picture of an answer. ``option`` is plain JSON for ECharts 6; colours are tokens such as ``@accent``.

    ``title`` is the answer's sentence, ``subtitle`` says what is drawn and in which unit, ``alt`` says in words what
    the picture shows. ``height`` in pixels.
    """

    kind: str
    option: Mapping[str, Any]
    title: str
    subtitle: str
    alt: str
    height: int = 320


@dataclass(frozen=True)
class Scale:
    """How numbers of a kind are drawn: divided by ``divide``, with ``suffix`` on the axis, ``unit`` in the subtitle."""

    kind: str
    currency: str = ""
    divide: float = 1.0
    suffix: str = ""
    unit: str = ""

    @classmethod
    def of(cls, kind: str, currency: str | None, values: Iterable[Cell]) -> Scale:
        """The scale that keeps the axis short: percent, millions of money, days instead of seconds."""
        money = currency or ""
        if kind == "rate":
            return cls(kind, money, 0.01, " %", "percent")
        if kind == "points":
            return cls(kind, money, 0.01, "", "points")
        largest = max((abs(number(v) or 0.0) for v in values), default=0.0)
        if kind == "duration":
            divide, unit = next(((d, u) for d, u in _TIMES if largest >= 2 * d), _TIMES[-1])
            return cls(kind, money, divide, "", unit)
        unit = money if kind == "money" else ""
        for size, name in _SIZES:
            if largest >= size:
                return cls(kind, money, size, "", f"{name} {unit}".strip())
        return cls(kind, money, 1.0, "", unit)

    def __call__(self, value: Cell) -> float | None:
        """The number as drawn."""
        found = number(value)
        return None if found is None else round(found / self.divide, 9)

    def words(self, value: Cell) -> str:
        """The number as read where it is pointed at; whole."""
        found = number(value)
        return "no figure" if found is None else show(found, Column("", self.kind, currency=self.currency))

    def label(self, value: Cell) -> str:
        """The number as it stands in the picture: three figures."""
        found = number(value)
        return "no figure" if found is None else value_words(found, self.kind, self.currency)

    def between(self, low: Cell, high: Cell) -> str:
        """``(4.1 % to 5.2 %)``, nothing where there is no interval."""
        if number(low) is None and number(high) is None:
            return ""
        ends = [self.words(end) if number(end) is not None else "not bounded" for end in (low, high)]
        return f"({ends[0]} to {ends[1]})"


def number(value: Cell) -> float | None:
    """A cell as a number; None for what is none."""
    if value is None or isinstance(value, str | bool | date):
        return None
    return float(value)


def column_of(answer: Answer, name: str) -> Column | None:
    """The column of that name."""
    return next((c for c in answer.columns if c.name == name), None)


def labels(answer: Answer, name: str) -> list[str]:
    """What the rows are called by a column; the texts before it go in front where the column alone repeats itself."""
    place = next((i for i, c in enumerate(answer.columns) if c.name == name), None)
    if place is None:
        return [str(i + 1) for i in range(len(answer.rows))]
    plain = [plain_text(row[place]) for row in answer.rows]
    if len(set(plain)) == len(plain):
        return plain
    before = [i for i, c in enumerate(answer.columns[:place]) if c.kind in ("text", "day") and not c.detail]
    after = [i for i, c in enumerate(answer.columns) if i > place and c.kind == "text" and i == place + 1]
    told = before or after
    return [
        ": ".join(
            [
                *(plain_text(row[i]) for i in told if i < place),
                plain_text(row[place]),
                *(plain_text(row[i]) for i in told if i > place),
            ]
        )
        for row in answer.rows
    ]


def plain_text(value: Cell) -> str:
    """A value that names a row."""
    return value.isoformat() if isinstance(value, date | datetime) else str(group_name(value))


def short_day(value: date, years: bool = False) -> str:
    """``3 Sep``, with the year where several are shown."""
    return f"{value.day} {value:%b}" + (f" {value.year}" if years else "")


def named_day(value: date, x: str, years: bool = False) -> str:
    """A day that begins a period of ``x`` by the period's name."""
    return span_name(value, x) or short_day(value, years)


def as_day(value: Cell) -> date | None:
    """A cell as a day."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def colours(names: Sequence[str]) -> dict[str, str]:
    """Name → colour token: the same names have the same colours in every view, the fifth and later are grey."""
    taken: dict[str, str] = {}
    for name in sorted(names[:NAMED]):
        first = sum(ord(letter) * (place + 1) for place, letter in enumerate(name)) % SERIES
        free = next(
            f"@series{(first + k) % SERIES + 1}"
            for k in range(SERIES)
            if f"@series{(first + k) % SERIES + 1}" not in taken.values()
        )
        taken[name] = free
    return {name: taken.get(name, "@rest") for name in names}


def more(hidden: int, what: str = "more in the table") -> str:
    """``; and 185 more in the table``."""
    return f"; and {hidden:,} {what}" if hidden > 0 else ""


def extremes(named: Sequence[tuple[str, Cell]], scale: Scale) -> str:
    """Highest and lowest in words; the one value where there is one."""
    found = [(name, value) for name, cell in named if (value := number(cell)) is not None]
    if not found:
        return "no figures"
    top, bottom = max(found, key=lambda one: one[1]), min(found, key=lambda one: one[1])
    if len(found) == 1:
        return f"{top[0]}: {scale.words(top[1])}"
    return f"highest {top[0]} with {scale.words(top[1])}, lowest {bottom[0]} with {scale.words(bottom[1])}"
