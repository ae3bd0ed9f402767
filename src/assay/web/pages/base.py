"""What a page is: a name in the navigation and cards, each of which asks one question."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlencode

from assay.analyses import BY_NAME
from assay.plan.values import Plan

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

PICKS = ("range", "from", "to", "compare", "segment")  # what every page takes over from the one before
RANGES = {
    "7d": "Last 7 days", "": "Last 28 days", "90d": "Last 90 days", "month": "This month", "last-month": "Last month",
    "quarter": "This quarter", "year": "This year",
}  # fmt: skip
COMPARES = {"": "Against before", "year": "Against last year", "none": "No comparison"}


@dataclass(frozen=True)
class Choice:
    """One thing that can be picked: its words, the query that picks it, whether it is picked."""

    words: str
    query: str
    picked: bool


@dataclass(frozen=True)
class View:
    """What stands in the address: the picks that all pages share, and the page's own choices."""

    picks: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, query: Mapping[str, str]) -> View:
        """The view of a query; empty values are as if they were not given, days of its own go before a ready range."""
        given = {name: value for name, value in query.items() if value}
        if given.get("from") or given.get("to"):
            given.pop("range", None)
        return cls({n: v for n, v in given.items() if n in PICKS}, {n: v for n, v in given.items() if n not in PICKS})

    def query(self, **other: str | int | None) -> str:
        """The query of this view with some choices replaced; None takes one away."""
        values = {**self.picks, **self.own, **other}
        ordered = [*(name for name in PICKS if name in values), *(name for name in values if name not in PICKS)]
        return urlencode({name: values[name] for name in ordered if values[name] not in (None, "")})

    @property
    def kept(self) -> str:
        """The query that another page takes over."""
        return View(self.picks).query()

    @property
    def alone(self) -> str:
        """The query without what all pages share."""
        return urlencode(self.own)

    @property
    def hidden(self) -> Mapping[str, str]:
        """What a form sends along that changes the days only."""
        return {**{n: v for n, v in self.picks.items() if n not in ("range", "from", "to")}, **self.own}

    def ranges(self) -> list[Choice]:
        """The ready ranges."""
        now = None if {"from", "to"} & set(self.picks) else self.picks.get("range", "")
        return [
            Choice(words, self.query(**{"range": name, "from": None, "to": None}), name == now)
            for name, words in RANGES.items()
        ]  # fmt: skip

    def compares(self) -> list[Choice]:
        """What can be compared with."""
        now = self.picks.get("compare", "").removeprefix("previous")
        return [Choice(words, self.query(compare=name), name == now) for name, words in COMPARES.items()]

    def segments(self, names: Sequence[str]) -> list[Choice]:
        """Everybody, and the plan's segments; an expression of one's own where one is asked for."""
        now = self.picks.get("segment", "")
        own = [now] if now and now not in names else []
        said = {"": "Everybody", **{name: name.replace("_", " ") for name in (*own, *names)}}
        return [Choice(words, self.query(segment=name), name == now) for name, words in said.items()]

    @property
    def days(self) -> str:
        """The picked days in words."""
        first, last = (_day(self.picks.get(name, "")) for name in ("from", "to"))
        if first or last:
            return f"{first or 'the beginning'} – {last or 'the end'}"
        return RANGES.get(self.picks.get("range", ""), self.picks.get("range", ""))


def _day(text: str) -> str:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{found.day} {found:%b %Y}"


@dataclass(frozen=True)
class Card:
    """One question of a page. ``view``: how its answer is shown (answer, table, tiles, funnel, verdict); ``width``: of
    twelve columns."""

    title: str
    question: str
    values: Mapping[str, Any] = field(default_factory=dict)
    view: str = "answer"
    width: int = 12
    about: str = ""  # what it shows, where there is nothing to show
    plan: Plan | None = None
    others: tuple[tuple[str, str], ...] = ()  # further entries of its menu: words and address below the site
    wanted: str = ""  # words that a row must hold
    place: str = ""  # its name in addresses, where something leads to it

    def asked(self, view: View) -> dict[str, Any]:
        """The parameters: its own, and the shared picks that the question knows."""
        fields = {one.alias or name: one for name, one in BY_NAME[self.question].Params.model_fields.items()}
        shared = {
            name: value for name, value in view.picks.items() if name in fields and _takes(fields[name], name, value)
        }
        if "range" in self.values or "from" in self.values:
            shared = {name: value for name, value in shared.items() if name not in ("range", "from", "to")}
        return {**shared, **self.values}

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return self.place or re.sub(r"[^a-z0-9]+", "-", f"{self.question} {self.title}".lower()).strip("-")


def _takes(field: FieldInfo, name: str, value: str) -> bool:
    """Some questions compare always, so that "without comparison" is nothing to them."""
    return name != "compare" or value in get_args(field.annotation)


Cards = Callable[[Plan, View], Sequence[Card]]


@dataclass(frozen=True)
class Page:
    """``letter``: after ``g`` it leads here; without one it is in no navigation. ``choices``: names of the page's own
    choices, with what can be chosen. ``about``: what it answers.
    """

    name: str
    title: str
    letter: str
    made: Cards
    choices: Callable[[Plan], Mapping[str, Sequence[str]]] = lambda _plan: {}
    about: str = ""
    icon: str = ""
    acts: tuple[tuple[str, str], ...] = ()  # what analysts do from here: words, address below the workspace

    def cards(self, plan: Plan, view: View) -> Sequence[Card]:
        """Its cards, which know the plan."""
        return [replace(card, plan=plan) for card in self.made(plan, view)]

    def chosen(self, plan: Plan, view: View) -> dict[str, str]:
        """The page's choices: as in the address where that is possible, else the first."""
        return {
            name: view.own[name] if view.own.get(name) in of else of[0]
            for name, of in self.choices(plan).items() if of
        }  # fmt: skip
