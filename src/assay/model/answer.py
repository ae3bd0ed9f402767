"""The answer to a question: rows, estimates, findings, definitions, SQL. The fourth of the four waists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from assay.model.estimate import Estimate
from assay.model.finding import Finding, Idea

Cell = str | int | float | bool | Decimal | date | datetime | None


@dataclass(frozen=True)
class Column:
    """One column. ``kind``: text, day, moment (ISO text in the site's zone), count, rate, points (of rates), money,
    number, duration (s), flag, p (a p-value, > 0), or figure (of the row's own kind).

    ``detail`` columns are one click down. ``definition`` is the id of the definition that the column follows;
    ``currency`` is set for money.
    """

    name: str
    kind: str = "text"
    label: str = ""
    definition: str | None = None
    currency: str | None = None
    detail: bool = False

    @property
    def title(self) -> str:
        """What a person reads above the column."""
        return self.label or self.name.replace("_", " ")


@dataclass(frozen=True)
class Definition:
    """What a number means, exactly, and the id that changes when the meaning does."""

    id: str
    metric: str
    text: str
    numerator: str = ""
    denominator: str = ""
    unit: str = ""
    window: str = ""
    zone: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Labelled:
    """An estimate and what it belongs to: the metric and the values of the group."""

    metric: str
    group: Mapping[str, Cell]
    estimate: Estimate


@dataclass(frozen=True)
class Answer:
    """Everything a surface needs. ``rows`` hold the figure over all units in the range, unrounded.

    ``period``: the first and the last day that the answer is about, also where none was asked for. ``keep``: what the
    question was told to note in the state (a statement's name and its values); whoever asks for it does the noting.
    """

    question: str
    params: Mapping[str, Any]
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    definitions: tuple[Definition, ...] = ()
    estimates: tuple[Labelled, ...] = ()
    findings: tuple[Finding, ...] = ()
    sentence: str = ""
    notes: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    sql: tuple[str, ...] = ()
    chart: Mapping[str, Any] | None = None
    as_of: datetime | None = None
    complete_through: datetime | None = None
    empty: str | None = None
    period: tuple[date, date] | None = None
    ideas: tuple[Idea, ...] = ()
    keep: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def column(self, name: str) -> list[Cell]:
        """All values of one column, top to bottom."""
        place = [c.name for c in self.columns].index(name)
        return [row[place] for row in self.rows]

    def records(self) -> list[dict[str, Cell]]:
        """Rows as dictionaries."""
        names = [c.name for c in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]

    def to_pandas(self) -> Any:
        """A pandas DataFrame. Needs pandas."""
        import pandas

        return pandas.DataFrame(self.records(), columns=[c.name for c in self.columns])

    def to_polars(self) -> Any:
        """A polars DataFrame. Needs polars."""
        import polars

        return polars.DataFrame(self.records(), schema=[c.name for c in self.columns], infer_schema_length=None)

    def to_arrow(self) -> Any:
        """A pyarrow Table. Needs pyarrow (extra ``arrow``)."""
        import pyarrow

        names = [c.name for c in self.columns]
        return pyarrow.table({name: [row[i] for row in self.rows] for i, name in enumerate(names)})

    def _repr_html_(self) -> str:
        """For notebooks; the sentence alone where nothing above this layer says how the rest reads."""
        from html import escape

        return notebook[0](self) if notebook else f"<p><strong>{escape(self.sentence)}</strong></p>"

    def __len__(self) -> int:
        return len(self.rows)


notebook: list[Callable[[Answer], str]] = []  # how an answer becomes HTML, set by the layer that knows


def only(values: Iterable[Cell]) -> Cell:
    """The single value of an iterable of one."""
    (value,) = values
    return value
