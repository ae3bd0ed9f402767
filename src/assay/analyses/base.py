"""What every question is made of: its ``Params``, its answer, and what it may ask of the workspace.

A question is one file with a ``QUESTION``; page, command, API path and notebook method are made from its ``Params``.
This module imports nothing heavy: the command line reads all ``Params`` at start.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.model.answer import Answer, Definition
from assay.model.errors import UnknownName, UsageError
from assay.model.period import Period, day_of
from assay.plan.measures import Expression
from assay.plan.values import Metric, Plan

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from assay.query.cut import Cell, Cut
    from assay.store.engine import Result, Statement
    from assay.store.state import State

DEFAULT_DAYS = 28


class Params(BaseModel):
    """Parameters that most questions share."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


Ready = Literal["7d", "28d", "90d", "month", "last-month", "quarter", "year"]


NOTHING_YET = "no events yet"  # the reason of an answer before the first event
NOTHING_USABLE = "no usable events yet"  # events came, and none could be used
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)


def day_field(description: str, alias: str | None = None) -> Any:
    """A field for a day that may be left out; far from where calendars end, so that a year before it is a day too."""
    return Field(None, alias=alias, description=description, ge=FIRST_DAY, le=LAST_DAY)


class Ranged(Params):
    """A range of days of the site's zone, both included; default: the last 28 complete days of the data."""

    range: Ready | None = Field(
        None, description="instead of from and to, counted back from the last complete day of the data"
    )
    from_: date | None = day_field("first day", "from")
    to: date | None = day_field("last day, included")
    segment: str | None = Field(None, description="a segment of the plan, or an expression in its words")
    as_of: datetime | None = Field(None, description="answer as of that moment: only what had been received by then")


def argument(description: str, many: bool = False, optional: bool = False) -> Any:
    """A field that the command line takes without a flag; ``optional``: None where it is not given."""
    if many:
        return Field(default_factory=list, description=description, json_schema_extra={"argument": True})
    return Field(None if optional else ..., description=description, json_schema_extra={"argument": True})


def is_argument(field: FieldInfo) -> bool:
    """Whether the command line takes a field without a flag."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("argument"))


def arguments(params: Params) -> list[str]:
    """What was given for the fields without a flag, as words of a command."""
    found: list[str] = []
    for name, one in type(params).model_fields.items():
        if is_argument(one):
            value = getattr(params, name)
            given = value if isinstance(value, list) else [] if value is None else [value]
            found += [str(part) for part in given]
    return found


Compare = Literal["none", "previous", "year"]
Pick = Literal["first", "last", "any"]
Grain = Literal["hour", "day", "week", "month", "quarter", "year"]


@dataclass(frozen=True)
class Span:
    """What the store holds: the first and last day with events, and how many. ``through``: data complete until, µs."""

    first: date
    last: date
    events: int
    through: int


@dataclass
class Asking:
    """One question being answered: the plan, a way to run SQL, the clock. Remembers the SQL for the answer."""

    plan: Plan
    run: Callable[[Statement], Result]
    now: int
    span: Span | None
    extra: Mapping[str, Any] = field(default_factory=dict)
    sql: list[str] = field(default_factory=list)
    ran: dict[str, Result] = field(default_factory=dict)
    beside: Callable[[Plan], Asking] | None = None
    asked: Period | None = None
    state: State | None = None
    progress: Callable[[str, int, int], None] = lambda _text, _done, _total: None

    def under(self, plan: Plan) -> Asking:
        """The same question under another plan: other rules are derived beside the stored ones."""
        assert self.beside is not None, "this asking knows no other plan"
        return self.beside(plan)

    # -- days --------------------------------------------------------------------------------------------------------

    @property
    def today(self) -> date:
        """Today in the site's zone."""
        return day_of(self.now, self.plan.site.timezone)

    def complete_day(self) -> date:
        """The last complete day of the data; yesterday where there are none."""
        yesterday = self.today - timedelta(1)
        return min(self.span.last, yesterday) if self.span else yesterday

    def period(self, params: Ranged) -> Period:
        """The range of a question."""
        if params.range and (params.from_ or params.to):
            raise UsageError("either range, or from and to")
        last = params.to or self.complete_day()
        first = params.from_ or last - timedelta(DEFAULT_DAYS - 1)
        if params.range:
            first, last = ready(params.range, last)
        if params.from_ is None and self.span:
            first = max(first, min(self.span.first, last))
        if first > last:
            raise UsageError(f"the range starts on {first}, after its end on {last}")
        self.asked = Period(first, last)
        return self.asked

    def matured_by(self) -> int:
        """Windows that close later than this are open: the earlier of now and the end of the data."""
        return min(self.now, self.span.through if self.span else self.now)

    # -- asking ------------------------------------------------------------------------------------------------------

    def ask(self, statement: Statement) -> Result:
        """Run a statement and keep its text for the answer; what was run for it already is not run again."""
        from assay.query.sql import shown

        text = shown(statement)
        if text not in self.ran:
            self.sql.append(text)
            self.ran[text] = self.run(statement)
        return self.ran[text]

    def cells(self, metrics: list[Metric], cut: Cut) -> dict[str, dict[tuple[Any, ...], Cell]]:
        """Moments of metrics under a cut: metric → group → cell."""
        from assay.query.metrics import metric_queries

        found: dict[str, dict[tuple[Any, ...], Cell]] = {}
        for query in metric_queries(self.plan, cut, metrics):
            found |= query.cells(self.ask(query.statement))
        return found

    # -- names -------------------------------------------------------------------------------------------------------

    def metric(self, name: str) -> Metric:
        """A metric of the plan."""
        if name not in self.plan.metrics:
            raise UnknownName("metric", name, self.plan.metrics)
        return self.plan.metrics[name]

    def segment(self, text: str | None) -> Expression | None:
        """A segment by name, or an expression written on the spot; None for everything."""
        if text is None:
            return None
        if text in self.plan.segments:
            return self.plan.segments[text].where
        if text in self.plan.cohorts:
            return Expression(text, (text,))
        from assay.plan.dimensions import DIMENSIONS
        from assay.plan.expressions import KINDS, ExpressionError, parse

        kinds = {p.name: KINDS[p.type] for p in self.plan.properties().values()}
        kinds |= {name: kind for name, (_, kind) in DIMENSIONS.items()} | dict.fromkeys(
            (*self.plan.cohorts, *self.plan.segments), "boolean"
        )
        if text.isidentifier() and text not in kinds:
            raise UnknownName("segment", text, [*self.plan.segments, *self.plan.cohorts])
        try:
            return parse(text, kinds)
        except ExpressionError as error:
            raise UsageError(f"segment {text!r}: {error}") from error

    # -- answering ---------------------------------------------------------------------------------------------------

    def answer(self, question: str, params: Params, **values: Any) -> Answer:
        """An answer with everything that the workspace knows filled in."""
        through = datetime.fromtimestamp(self.span.through / 1e6, UTC) if self.span else None
        segment = getattr(params, "segment", None)
        if segment:
            values["notes"] = (*values.get("notes", ()), f"only the segment {segment}")
        values["next"] = tuple(_kept(command, params) for command in values.get("next", ()))
        return Answer(
            question=question,
            params=params.model_dump(mode="json", by_alias=True, exclude_none=True),
            period=(self.asked.first, self.asked.last) if self.asked else None,
            sql=tuple(self.sql),
            as_of=datetime.fromtimestamp(self.now / 1e6, UTC),
            complete_through=through,
            **values,
        )

    def dated(self, answer: Answer) -> Answer:
        """An answer whose sentence, findings and notes say days as people write them, the same on every surface."""
        from assay.model.words import dated

        year = self.today.year
        return replace(
            answer,
            sentence=dated(answer.sentence, year),
            empty=None if answer.empty is None else dated(answer.empty, year),
            notes=tuple(dated(note, year) for note in answer.notes),
            findings=tuple(replace(one, text=dated(one.text, year)) for one in answer.findings),
        )

    def _without_events(self) -> tuple[str, str, tuple[str, ...]]:
        """Why nothing can be asked yet, in a word and as a sentence, and what to do."""
        from assay.query.ledger import held_back

        held = self.run(held_back()).one()[0]
        if held:
            lines = f"{held:,} line{'s' if held != 1 else ''} came and wait{'s' if held == 1 else ''} in quarantine"
            sentence = f"There are no events in this workspace yet: {lines}."
            return NOTHING_USABLE, sentence, ("assay waiting", "assay check")
        if self.plan.source:
            return NOTHING_YET, "There are no events in the own tables yet.", ("assay check",)
        further = ("assay import SOURCE FILE", "assay demo DIR")
        return NOTHING_YET, "There are no events in this workspace yet.", further

    def empty(self, question: str, params: Params, period: Period | None = None) -> Answer:
        """No events at all, or none in the range: an answer with the reason, not an error."""
        then = getattr(params, "as_of", None)
        if self.span is None and then is not None:
            reason = f"nothing had been received by {then}"
            return self.answer(question, params, empty=reason, sentence=f"{reason[0].upper()}{reason[1:]}.")
        if self.span is None:
            reason, sentence, further = self._without_events()
            return self.answer(question, params, empty=reason, sentence=sentence, next=further)
        segment = getattr(params, "segment", None)
        if segment and period is not None and not self.without(period):
            reason = f"nothing in {period} is in the segment {segment}"
            sentence = f"{reason[0].upper()}{reason[1:]}."
            made = self.answer(question, params, empty=reason, sentence=sentence)
            plain = params.model_copy(update={"segment": None})
            return replace(made, next=(_kept(" ".join(["assay", question, *arguments(params)]), plain),))
        reason = f"no data in {period}: the data run from {self.span.first} to {self.span.last}"
        command = " ".join(["assay", question, *arguments(params)])
        return self.answer(
            question,
            params,
            empty=reason,
            sentence=f"There is nothing in {period}; the data run from {self.span.first} to {self.span.last}.",
            next=(f"{command} --from {self.span.first} --to {self.span.last}",),
        )

    def without(self, period: Period) -> bool:
        """True when the range lies outside of all data."""
        return self.span is None or period.last < self.span.first or period.first > self.span.last

    def nobody(self, params: Ranged, period: Period) -> bool:
        """True when the range has events, and none of them is in the asked segment."""
        from assay.plan.measures import Measure, Quantity
        from assay.query.cut import Cut

        where = self.segment(params.segment)
        if where is None:
            return False
        events = Metric("events", "segment", Quantity("total", Measure("count")), ("events", ""))
        return not any(cell.all.n for cell in self.cells([events], Cut(period, where=where))["events"].values())

    def definition(self, metric: Metric) -> Definition:
        """The definition that travels with a metric's numbers."""
        return define(metric, self.plan)


def _kept(command: str, params: Params) -> str:
    """A question to ask next, over the same days and segment."""
    from assay.analyses import BY_NAME

    words = command.split()
    verb = next((word for word in words[1:] if word not in ("ask", "sql")), "")
    if verb not in BY_NAME or not isinstance(params, Ranged) or not issubclass(BY_NAME[verb].Params, Ranged):
        return command
    given: dict[str, Any] = {} if "--from" in words else {"--from": params.from_, "--to": params.to}
    if not {"--from", "--range"} & set(words):
        given["--range"] = params.range
    if "--segment" not in words:
        given["--segment"] = params.segment and shlex.quote(params.segment)
    if "--as-of" not in words:
        given["--as-of"] = params.as_of and params.as_of.isoformat()
    return " ".join([command, *(f"{name} {value}" for name, value in given.items() if value is not None)])


@dataclass(frozen=True)
class Question:
    """One question: its name, one line about it, its parameters and the function that answers it."""

    name: str
    summary: str
    Params: type[Params]
    answer: Callable[[Asking, Any], Answer]
    needs_data: bool = True
    flags: tuple[str, ...] = ()
    over_days: bool = False  # follows people over days: ids that hold for a day only bias every figure


def ready(name: str, last: date) -> tuple[date, date]:
    """First and last day of a ready range that ends on ``last`` (that of ``last-month`` ends before)."""
    if name.endswith("d"):
        return last - timedelta(int(name[:-1]) - 1), last
    month = last.replace(day=1)
    if name == "last-month":
        return (month - timedelta(1)).replace(day=1), month - timedelta(1)
    firsts = {
        "month": month,
        "quarter": month.replace(month=(month.month - 1) // 3 * 3 + 1),
        "year": month.replace(month=1),
    }
    return firsts[name], last


def column_kind(metric: Metric) -> str:
    """How a metric's values read: rate, money, duration, count or number."""
    kind = {"percent": "rate", "money": "money", "duration": "duration"}.get(metric.format, "number")
    if (
        kind == "number"
        and metric.quantity.kind == "total"
        and metric.quantity.numerator
        and metric.quantity.numerator.op != "sum"
    ):
        return "count"
    return kind


def define(metric: Metric, plan: Plan) -> Definition:
    """A metric's definition in words, with the rules that bear on it."""
    quantity = metric.quantity
    numerator, denominator = metric.words
    from assay.plan.literals import words as spoken

    window = f"{spoken(quantity.within)} from the start" if quantity.within else ""
    text = f"{numerator} / {denominator}" if denominator else numerator
    rules = {"session": session_words(plan), "bots": plan.rules.bots, "days": plan.site.timezone}
    if "revenue" in text or "order" in text or metric.format == "money":
        rules |= {"orders": plan.rules.orders, "refunds": plan.rules.refunds, "currency": plan.site.currency}
    if "bounce" in metric.name or "is_bounce" in repr(metric.keys):
        rules["bounce"] = plan.rules.bounce.rule
    return Definition(
        metric.id,
        metric.name,
        metric.description or text,
        numerator,
        denominator,
        quantity.unit or "",
        window,
        plan.site.timezone,
        rules,
    )


def session_words(plan: Plan) -> str:
    """The session rule in a few words."""
    rule = plan.rules.session
    parts = [f"new after {'≥' if rule.gap == 'inclusive' else '>'} {rule.timeout // 60} min"]
    parts += ["at midnight"] if rule.split_at_midnight else []
    parts += ["on a new campaign"] if rule.split_on_campaign else []
    parts += [f"at most {rule.max // 3600} h"] if rule.max else []
    parts += ["a source's own sessions kept"] if rule.own_ids else []
    return ", ".join(parts)
