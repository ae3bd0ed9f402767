"""The report as frozen values: pages of blocks. What it says stands in an answer; ``source`` says where.

A source is ``answer/rows/NUMBER/COLUMN``, ``answer/sentence`` or ``answer/findings/NUMBER/text``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PLAIN, GOOD, BAD, WARNING, NOISE = "", "good", "bad", "warning", "noise"


@dataclass(frozen=True)
class Said:
    """A text for people. ``tone``: good, bad, warning, noise or nothing; ``note`` is smaller, below; ``mark`` the id of
    the definition that it follows.
    """

    text: str
    source: tuple[str, ...] = ()
    tone: str = PLAIN
    note: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Sentence:
    """A paragraph; the ``lead`` is the first thing that is read."""

    said: Said
    lead: bool = False


@dataclass(frozen=True)
class Heading:
    """A part of a page."""

    text: str


@dataclass(frozen=True)
class Figures:
    """Large figures side by side: what it is, and the figure."""

    tiles: tuple[tuple[str, Said], ...]


@dataclass(frozen=True)
class Table:
    """Columns by title; ``right``: the places of those whose cells are figures."""

    titles: tuple[str, ...]
    rows: tuple[tuple[Said, ...], ...]
    right: tuple[int, ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class Picture:
    """The chart of an answer. ``rows`` say the same as text: place, figure, and its size for a bar (0 to 1)."""

    answer: str
    title: str
    unit: str
    rows: tuple[tuple[Said, Said, float | None], ...]


@dataclass(frozen=True)
class Items:
    """A list; ``call``: somebody is asked to act."""

    items: tuple[Said, ...]
    call: bool = False


Block = Sentence | Heading | Figures | Table | Picture | Items


@dataclass(frozen=True)
class Page:
    """One page by its ``name``; the first is for executives."""

    name: str
    title: str
    blocks: tuple[Block, ...]
    subtitle: str = ""


@dataclass(frozen=True)
class Footnote:
    """A definition that the report's figures follow."""

    number: int
    id: str
    name: str
    text: str


@dataclass(frozen=True)
class Document:
    """A report. ``facts``: what it stands on, in words (data until, version …)."""

    title: str
    client: str
    days: str
    pages: tuple[Page, ...]
    footnotes: tuple[Footnote, ...]
    facts: tuple[str, ...]
    logo: str = field(default="", repr=False)  # a data: address
