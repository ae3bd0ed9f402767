"""Questions asked of a workspace: under its plan, under another, or as of an earlier moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from assay.analyses import BY_NAME
from assay.analyses.base import Asking, Question, Span
from assay.analyses.caveats import daily_ids
from assay.analyses.given import checked
from assay.model.answer import Answer
from assay.model.errors import UnknownName, UsageError, suggestion
from assay.model.period import day_start
from assay.plan.values import Plan
from assay.workspace import own, unfinished
from assay.workspace.opening import Opening

if TYPE_CHECKING:
    from assay.store.engine import Derivation, Engine, Statement

_EVER = 4_102_444_800_000_000  # 2100: everything that was ever received


class Asks(Opening):
    """Questions and what they may ask of the workspace."""

    # -- asking ------------------------------------------------------------------------------------------------------

    def ask(self, question: str, *args: Any, **params: Any) -> Answer:
        """Answer a question. Positional values fill its arguments: ``ws.ask("funnel", "checkout", by="device")``."""
        found = self.question(question)
        values = checked(found, args, params)
        as_of = getattr(values, "as_of", None)
        if self.plan.source and self._engine is not None and not own.current(self._engine, self.plan, self.folder):
            self.close()  # opened again, it reads what has changed
        try:
            asking = self.asking(question, as_of)
            answer = asking.dated(daily_ids(asking, found, found.answer(asking, values)))
            if self.plan.source and self._engine is not None:
                note = own.unmoved(self._engine, self.plan, self.folder)
                answer = replace(answer, notes=(*answer.notes, note))
            if moving := unfinished.finding(self.data):
                answer = replace(answer, findings=(moving, *answer.findings))
            if answer.keep:
                with self.state.changing() as do:
                    for statement, given in answer.keep:
                        do(statement, **given)
        finally:
            if self.borrowed:  # a server waits for it, and a notebook may stay open for days
                self.close()
        return answer

    def ask_under(self, plan: Plan, question: str, **params: Any) -> Answer:
        """The same under another plan, such as one that is just being written; nothing is kept of it."""
        found = self.question(question)
        asking = self._asking_under(plan, None)
        return asking.dated(found.answer(asking, checked(found, (), params)))

    def question(self, name: str) -> Question:
        """A question by name."""
        if name not in BY_NAME:
            raise UnknownName("question", name, BY_NAME, "assay")
        return BY_NAME[name]

    def __getattr__(self, name: str) -> Callable[..., Answer]:
        question = name.replace("_", "-")
        if question in BY_NAME:
            return lambda *args, **params: self.ask(question, *args, **params)
        raise AttributeError(f"{type(self).__name__} has no {name!r}{suggestion(name, BY_NAME)}")

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *(q.replace("-", "_") for q in BY_NAME)]

    def asking(self, question: str, as_of: datetime | None = None) -> Asking:
        """What a question may ask of this workspace, for work that is more than one answer."""
        if as_of is not None:
            return self._asking_then(as_of)
        span = self.span if self.question(question).needs_data else None
        return self._made(self.plan, self._run, self.now, span)

    def _asking_then(self, moment: datetime) -> Asking:
        """The question as of an earlier moment, on a set derived beside from what had been received by then."""
        zone = ZoneInfo(self.plan.site.timezone)
        as_of = round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1e6)
        if as_of > self.now:
            raise UsageError(f"--as-of {moment} lies in the future")
        then = self._derived(self.derivation, as_of)
        return self._made(self.plan, then.run, as_of, self._span_of(then, as_of), as_of)

    def _made(
        self, plan: Plan, run: Callable[[Statement], Any], now: int, span: Span | None, as_of: int | None = None
    ) -> Asking:
        return Asking(
            plan, run, now, span, {"folder": str(self.folder), "data": str(self.data)},
            beside=lambda other: self._asking_under(other, as_of), progress=self.progress, state=self.state,
        )  # fmt: skip

    def _asking_under(self, plan: Plan, as_of: int | None) -> Asking:
        """The same question under another plan: where its rules differ, on a set derived beside."""
        from assay.query.derive import derivation
        from assay.query.dimensions import materialised

        plan = replace(plan, columns=materialised(self.plan))
        now = self.now if as_of is None else as_of
        rules = derivation(plan)
        if as_of is None and rules.id == self.derivation.id:
            return self._made(plan, self._run, now, self.span, as_of)
        engine = self._derived(rules, _EVER if as_of is None else as_of)
        return self._made(plan, engine.run, now, self._span_of(engine, now), as_of)

    def _derived(self, rules: Derivation, as_of: int) -> Engine:
        """A set derived beside by other rules or as of another moment, kept for the next question."""
        key = (rules.id, as_of)
        if key not in self._beside:
            with self._working("deriving sessions and orders beside"):
                self._beside[key] = self.engine.beside(rules, as_of)
        return self._beside[key]

    def _run(self, statement: Statement) -> Any:
        return self.engine.run(statement)

    @property
    def span(self) -> Span | None:
        """First and last day with events; None when there are none."""
        if self._span is None:
            self._span = self._span_of(self.engine, self.now)
        return self._span

    def _span_of(self, engine: Engine, now: int) -> Span | None:
        from assay.query.relations import span

        first, last, count = engine.run(span()).one()
        if not count:
            return None
        end = day_start(last + timedelta(1), self.plan.site.timezone) - 1
        return Span(first, last, count, min(end, now))
