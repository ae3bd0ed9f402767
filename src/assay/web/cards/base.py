"""What the template of a card shows, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.decide.words import dated
from assay.plan.dimensions import DIMENSIONS
from assay.report.brief import spoken
from assay.report.view import Voice

if TYPE_CHECKING:
    from assay.model.answer import Answer
    from assay.web.pages.base import Card


@dataclass(frozen=True)
class Speech(Voice):
    """Names of the plan as words, days as people write them, this year without saying so."""

    year: int | None = None

    @classmethod
    def of(cls, card: Card, answer: Answer) -> Speech:
        """For an answer under the card's plan."""
        names = {*spoken(card.plan), *(name for name in DIMENSIONS if "_" in name)} if card.plan else set()
        return cls(frozenset(names), answer.as_of.year if answer.as_of else None)

    def said(self, text: str) -> str:
        """A sentence as the page says it."""
        found = super().said(text)
        return found if self.year is None else dated(found, self.year)


@dataclass(frozen=True)
class Step:
    """A piece of what to do: words, a link below the site (``href``), or a command that only a terminal can run."""

    text: str
    href: str = ""
    command: bool = False


@dataclass(frozen=True)
class Told:
    """A finding in words, and what to do about it; ``kind`` is the banner's class, ``word`` its name for everybody.

    ``text`` is short; ``more`` goes on with it, one click down.
    """

    kind: str
    word: str
    text: str
    more: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, and the address below the site of what it names."""

    text: str
    href: str = ""


@dataclass(frozen=True)
class Head:
    """A column's title; ``about``: the definition of its figures."""

    title: str
    number: bool
    about: str = ""
    day: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of a page's table; ``more`` are only in the CSV."""

    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: int = 0


@dataclass(frozen=True)
class Picture:
    """A chart as the page's script draws it. ``free``: the class that keeps its place."""

    subtitle: str
    data: str  # JSON that may stand in a page
    free: str


@dataclass(frozen=True)
class Shape:
    """What the template of a card shows. ``made`` is what a card with a view of its own shows (tiles, a funnel …)."""

    card: Card
    answer: Answer | None
    problem: str | None
    sentence: str = ""
    rest: str = ""  # of the sentence, where it is long
    table: Table | None = None
    loud: tuple[Told, ...] = ()
    quiet: tuple[Told, ...] = ()
    made: Any = None
    api: str = ""
    picture: Picture | None = None
    next: tuple[Step, ...] = ()

    @property
    def tiles(self) -> tuple[Any, ...]:
        """The scorecard's tiles, if it is one."""
        return tuple(self.made) if self.card.view == "tiles" and self.made else ()

    def link(self, form: str = "") -> str:
        """The address of the same answer from the API: JSON, or ``csv`` or ``md``."""
        path, _, query = self.api.partition("?")
        return f"{path}{'.' + form if form else ''}{'?' + query if query else ''}"
