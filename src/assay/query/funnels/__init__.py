"""Funnels: how deep each unit comes, by the fastest form that is exact for the definition and the data.

Ordered funnels whose steps share no event are a chain of joins, strict ones and unordered ones a pass of window functions;
what these cannot say exactly (events that match two steps at one instant, exclusions, optional steps, values that all
steps must share) is followed unit by unit by the kernel in ``sequence``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from assay.model.errors import UsageError
from assay.plan.values import Funnel, Plan, Step
from assay.query.cut import Cut
from assay.query.funnels import fast
from assay.query.funnels.reached import (
    Group,
    Products,
    Reached,
    Times,
    Unit,
    gather,
    grouped,
    previous,
    read_sums,
    sums_sql,
)
from assay.query.funnels.sequence import counted, moments
from assay.query.funnels.source import Source
from assay.store.engine import Result, Statement

__all__ = ["FunnelQuery", "Group", "Products", "Reached", "Times", "Unit", "previous", "step_labels"]


class FunnelQuery:
    """One funnel under one cut. ``at``: the event of the counted attempt that gives ``cut.by`` its values.

    first, last, step:N, or all: the funnel is then followed within each value, and a unit counts in each.
    """

    def __init__(
        self, plan: Plan, funnel: Funnel, cut: Cut, run: Callable[[Statement], Result], at: str = "first"
    ) -> None:
        self.plan, self.funnel, self.cut, self.run = plan, funnel, cut, run
        self.at = at if cut.by else "first"
        if self.at.startswith("step:") and not 1 <= int(self.at[5:]) <= len(funnel.steps):
            raise UsageError(f"--at {at}: the funnel {funnel.name} has {len(funnel.steps)} steps")
        self._form: str | None = None

    def reached(
        self, starts_until: int | None = None, cutoff: int | None = None, timed: bool = True
    ) -> dict[Group, Reached]:
        """Group → what its units reached. Without ``timed`` the times may be missing, which is faster.

        ``starts_until``: only attempts that begin by then (microseconds). ``cutoff``: windows of attempts that begin later are
        open.
        """
        source = self._source(starts_until)
        form = self.form()
        if form != "kernel":
            title = f"funnel {self.funnel.name}"
            sql = sums_sql(source, form, self.at, cutoff, timed)
            left_out, found = read_sums(source, self.run(source.bind.statement(sql, title)), cutoff is not None)
            if not left_out:
                return found
        return gather(self.units(starts_until), self._source(starts_until), cutoff)

    def units(self, starts_until: int | None = None) -> list[Unit]:
        """Every unit that begins an attempt, with the one that counts."""
        form = self.form()
        if form == "kernel":
            return self._followed(self._source(starts_until))
        source = self._source(starts_until)
        times = ", ".join(f"t{k}" for k in range(1, source.count + 1))
        keys = "".join(f", g{i}" for i in range(len(self.cut.by)))
        ctes = [*fast.ctes(source, form), f"placed AS ({grouped(source, self.at)})"]
        sql = f"WITH {', '.join(ctes)} SELECT whole, unit, cluster, last_start, {times}{keys} FROM placed"
        result = self.run(source.bind.statement(sql, f"funnel {self.funnel.name}: units"))
        end = 4 + source.count
        found = [
            Unit(row[0], row[2], tuple(row[end:]), tuple(row[4:end]), row[3], followed=row[1]) for row in result.rows
        ]
        if self.funnel.order == "strict":
            tied = self._followed(self._source(starts_until), ties=True, fold=False)
            found = self._fold([*found, *tied]) if source.folded else [*found, *tied]
        return found

    def form(self) -> str:
        """How the funnel is followed: ``>=`` or ``>`` (a chain; strict and unordered: their own SQL), or ``kernel``."""
        if self._form is None:
            self._form = self._choose()
        return self._form

    def _choose(self) -> str:
        funnel, source = self.funnel, self._source(None)
        if funnel.exclusions or any(step.optional for step in funnel.steps) or self.at == "all":
            return "kernel"
        chain = funnel.order in ("ordered", "windowfunnel")
        if not chain and (self.at != "first" or source.by_event):
            return "kernel"
        if source.disjoint() or funnel.order in ("windowfunnel", "strict"):
            return ">="
        ((several, ties),) = self.run(source.overlap()).rows
        if not several:
            return ">="
        return ">" if chain and not ties else "kernel"

    def _source(self, starts_until: int | None) -> Source:
        return Source(self.plan, self.funnel, self.cut, starts_until)

    def _followed(self, source: Source, ties: bool = False, fold: bool = True) -> list[Unit]:
        """The exact rule, unit by unit."""
        rule, every = source.rule(), self.at == "all"
        keys = len(self.cut.by) if every else 0
        result = self.run(source.stream(every, ties))
        found = []
        for key, rows in groupby(result.rows, key=lambda row: (row[0], row[3 : 3 + keys])):
            kept = list(rows)
            attempt = counted(moments(row[3 + keys :] for row in kept), rule)
            if attempt is not None:
                followed, whole, cluster = kept[0][:3]
                values, late = tuple(key[1]), attempt.last_start
                found.append(Unit(whole, cluster, values, attempt.times, late, attempt.events, followed))
        if source.folded and fold:
            found = self._fold(found)
        return found if every or not self.cut.by else list(self._valued(source, found))

    def _fold(self, units: Sequence[Unit]) -> list[Unit]:
        """Of the sessions of a unit the one whose attempt counts; of equal ones the first session."""
        best: dict[Any, Unit] = {}
        latest: dict[Any, int] = {}
        for unit in sorted(units, key=lambda one: one.followed):
            key = (unit.unit, unit.group if self.at == "all" else ())
            if self.funnel.entry == "latest":
                latest[key] = max(latest.get(key, unit.last_start), unit.last_start)
            if key not in best or self._rank(unit) > self._rank(best[key]):
                best[key] = unit
        return [replace(u, last_start=latest.get(key, u.last_start)) for key, u in best.items()]

    def _rank(self, unit: Unit) -> tuple[Any, ...]:
        """The higher one counts. Attempts that begin at one instant are all first: events of an instant are taken in any order."""
        early = tuple((t is not None, -(t or 0)) for t in unit.times)
        rank = (unit.depth, -unit.end, unit.start, *early)
        return (-unit.start, *rank) if self.funnel.entry == "first" else rank

    def _valued(self, source: Source, units: Sequence[Unit]) -> Iterator[Unit]:
        """Units with the group values of the event that ``at`` names; of a property, of the next event that has it."""
        chosen = [self._events(unit, source.by_event) for unit in units]
        statement = source.groups_of()
        params = {**(statement.params or {}), "events": [n for some in chosen for n in some] or [-1]}
        values = {row[0]: tuple(row[1:]) for row in self.run(Statement(statement.sql, params, statement.title)).rows}
        nothing = (None,) * len(self.cut.by)
        for unit, some in zip(units, chosen, strict=True):
            found = [values.get(event, nothing) for event in some]
            group = tuple(next((v for v in one if v is not None), None) for one in zip(*found, strict=True)) or nothing
            yield replace(unit, group=group)

    def _events(self, unit: Unit, several: bool) -> list[int]:
        """The events of the counted attempt that are asked for their values, in that order."""
        if self.at.startswith("step:"):
            event = unit.events[int(self.at[5:]) - 1]
            return [] if event is None else [event]
        done = [event for event in unit.events if event is not None]
        if self.at == "last":
            done.reverse()
        return done if several else done[:1]


def step_labels(steps: Sequence[Step], order: str = "ordered") -> list[str]:
    """Labels of the steps, made different where two are the same; of unordered steps only how many are done."""
    if order == "unordered":
        return [f"{k} step{'s' if k > 1 else ''} done" for k in range(1, len(steps) + 1)]
    seen: dict[str, int] = {}
    labels = []
    for step in steps:
        seen[step.label] = seen.get(step.label, 0) + 1
        labels.append(step.label if seen[step.label] == 1 else f"{step.label} ({seen[step.label]})")
    return labels
