"""The plan while it is being built: resolves names, and reports mistakes at the key that made them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.model.errors import suggestion
from assay.plan.dimensions import DIMENSIONS
from assay.plan.expressions import KINDS, ExpressionError, parse
from assay.plan.measures import Expression, Select
from assay.plan.report import Path, Report, dotted
from assay.plan.values import Goal, Plan

# What a channel rule may look at: no more is known before a session has its channel.
CHANNEL_NAMES = dict.fromkeys(("source", "medium", "campaign", "ref_host", "click_name"), "text")

# Stands where a mistake has been reported and building goes on to find the others.
BROKEN = Expression("TRUE")


@dataclass
class Draft:
    """``raw`` are the plan's plain values, ``plan`` what is built so far."""

    report: Report
    raw: Mapping[str, Any]
    plan: Plan = field(default_factory=Plan)

    def set(self, **parts: Any) -> None:
        """Put finished sections into the plan."""
        self.plan = dataclasses.replace(self.plan, **parts)

    def entries(self, section: str) -> dict[str, Any]:
        """The raw entries of a section; empty where it is missing or no mapping (told elsewhere)."""
        value = self.raw.get(section)
        return dict(value) if isinstance(value, dict) else {}

    def names(self, cohorts: bool = True) -> dict[str, str]:
        """Names that an expression may use, with their kinds; a cohort's own condition names no cohorts."""
        members = dict.fromkeys(self.entries("cohorts"), "boolean") if cohorts else {}
        properties = {p.name: KINDS[p.type] for p in self.plan.properties().values()}
        return {**members, **properties, **{name: kind for name, (_, kind) in DIMENSIONS.items()}}


@dataclass(frozen=True)
class Place:
    """One entry of the plan being built."""

    draft: Draft
    path: Path

    @property
    def plan(self) -> Plan:
        """What is built so far."""
        return self.draft.plan

    def at(self, *keys: str | int) -> Place:
        """A place below."""
        return Place(self.draft, (*self.path, *keys))

    def problem(self, text: str, *keys: str | int, code: str = "plan") -> None:
        """Report a mistake here, or at a key below; the message begins with the key's path."""
        path = (*self.path, *keys)
        self.draft.report.add(path, f"{dotted(path)}: {text}", code)

    def expression(
        self, text: str | None, *keys: str | int, names: Mapping[str, str] | None = None
    ) -> Expression | None:
        """A checked condition; a mistake is reported and stands as BROKEN."""
        if text is None:
            return None
        try:
            return parse(text, self.draft.names() if names is None else names)
        except ExpressionError as error:
            self.problem(str(error), *keys, code="expression")
            return BROKEN

    def globs(self, pages: Iterable[str] | None, *keys: str | int) -> tuple[str, ...] | None:
        """Page groups and globs → globs."""
        if pages is None:
            return None
        found: list[str] = []
        for page in pages:
            if page in self.plan.pages:
                found.extend(self.plan.pages[page])
            elif page.startswith(("/", "*")):
                found.append(page)
            elif page not in self.draft.entries("pages"):
                known = suggestion(page, self.plan.pages)
                self.problem(
                    f"there is no page group {page!r}{known} (a path starts with /)", *keys, code="unknown_page"
                )
        return tuple(dict.fromkeys(found))

    def known(self, section: str, name: str, noun: str, *keys: str | int) -> bool:
        """Whether ``section`` has ``name``; if not even the YAML has it, that is reported."""
        built: Mapping[str, Any] = getattr(self.plan, section)
        if name in built:
            return True
        written = self.draft.entries(section)
        if name not in written:
            self.problem(
                f"there is no {noun} {name!r}{suggestion(name, {*built, *written})}", *keys, code=f"unknown_{noun}"
            )
        return False

    def goal(self, name: str, *keys: str | int) -> Goal | None:
        """A goal by name."""
        return self.plan.goals[name] if self.known("goals", name, "goal", *keys) else None


def goal_rows(goal: Goal) -> Select:
    """The rows that reach a goal: its event, or page views of its pages."""
    events = (goal.event,) if goal.event else ("page_view",)
    return Select("event", events, goal.page, goal.where)
