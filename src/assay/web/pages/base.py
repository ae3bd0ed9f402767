"""What a page is: a name in the navigation and cards, each of which asks one question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from assay.analyses import BY_NAME
from assay.plan.values import Plan

PICKS = ("from", "to", "compare", "segment")  # what every page takes over from the one before


@dataclass(frozen=True)
class View:
    """What stands in the address: the picks that all pages share, and the page's own choices."""

    picks: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, query: Mapping[str, str]) -> View:
        """The view of a query; empty values are as if they were not given."""
        given = {name: value for name, value in query.items() if value}
        return cls({n: v for n, v in given.items() if n in PICKS}, {n: v for n, v in given.items() if n not in PICKS})

    def query(self, **other: str | int | None) -> str:
        """The query of this view with some choices replaced; None takes one away."""
        values = {**self.picks, **self.own, **other}
        return urlencode({name: value for name, value in values.items() if value is not None})

    @property
    def kept(self) -> str:
        """The query that another page takes over."""
        return urlencode(self.picks)


@dataclass(frozen=True)
class Card:
    """One question of a page. ``view``: the template that shows its answer; ``width``: of twelve columns."""

    title: str
    question: str
    values: Mapping[str, Any] = field(default_factory=dict)
    view: str = "answer"
    width: int = 12
    about: str = ""  # what it shows, where there is nothing to show

    def asked(self, view: View) -> dict[str, Any]:
        """The parameters: its own, and the shared picks that the question knows."""
        known = {one.alias or name for name, one in BY_NAME[self.question].Params.model_fields.items()}
        return {**{name: value for name, value in view.picks.items() if name in known}, **self.values}


Cards = Callable[[Plan, View], Sequence[Card]]


@dataclass(frozen=True)
class Page:
    """``letter``: after ``g`` it leads here. ``choices``: names of the page's own choices, with what can be chosen."""

    name: str
    title: str
    letter: str
    cards: Cards
    choices: Callable[[Plan], Mapping[str, Sequence[str]]] = lambda _plan: {}

    def chosen(self, plan: Plan, view: View) -> dict[str, str]:
        """The page's choices: as in the address where that is possible, else the first."""
        return {
            name: view.own[name] if view.own.get(name) in of else of[0]
            for name, of in self.choices(plan).items() if of
        }  # fmt: skip
