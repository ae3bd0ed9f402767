"""One number from rows, as YAML says it: ``count:``, ``sum:`` or ``count_distinct:`` of something."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from assay.model.errors import suggestion
from assay.plan.dimensions import DIMENSIONS
from assay.plan.draft import Place, goal_rows
from assay.plan.expressions import both
from assay.plan.forms import Form, Text
from assay.plan.measures import ENTITIES, PLURALS, Expression, Measure, Quantity, Select

MONEY_FIELDS = {
    "revenue.net": "net revenue",
    "revenue.gross": "gross revenue",
    "contribution": "contribution",
    "gross_margin": "gross margin",
}
_ORDER_MONEY = (
    "gross",
    "net",
    "refunded",
    "tax",
    "cost",
    "shipping",
    "discount",
    "fees",
    "contribution",
    "gross_margin",
)
CUSTOMER = "customer"  # a person with an order in the range
COUNTED = (*ENTITIES, CUSTOMER)
ORDER_COLUMNS = dict.fromkeys(_ORDER_MONEY, "money")
ITEM_NUMBERS = {"quantity": "number", "price": "money"}
SESSION_COLUMNS = {"duration": "duration", "page_views": "number"}
COST_COLUMNS = {"amount": "money", "clicks": "number", "impressions": "number"}
COST_NAMES = ("channel", "source", "medium", "campaign")
_NUMERIC = {"number": "number", "integer": "number", "money": "money"}


class PartForm(Form):
    """Exactly one of count, sum and count_distinct, with its own condition."""

    count: Annotated[
        Text | None, Field(description="session, visitor, user, order, account, customer or an event's name")
    ] = None
    sum: Annotated[
        Text | None, Field(description="revenue.net, contribution, order.<column>, <event>.<property>, …")
    ] = None
    count_distinct: Annotated[Text | None, Field(description="<event>.<property>")] = None
    where: Text | None = None


class Part:
    """A described part: the measure, words for it and how its sum is written (money, duration, number)."""

    def __init__(self, measure: Measure, words: str, unit: str = "number") -> None:
        self.measure, self.words, self.format = measure, words, unit


NOTHING = Part(Measure("count"), "nothing")


def part(form: PartForm, place: Place, where: str | None = None) -> Part:
    """The measure that a part's keys describe. ``where`` is the condition at the metric's top."""
    given = [key for key in ("count", "sum", "count_distinct") if getattr(form, key) is not None]
    if len(given) != 1:
        text = (
            "needs one of count, sum and count_distinct" if not given else f"{' and '.join(given)} at once: choose one"
        )
        place.problem(text, *given[1:2], code="choose_one")
        return NOTHING
    top = Place(place.draft, place.path[:2])
    condition = both(place.expression(form.where, "where"), None if where is None else top.expression(where, "where"))
    if form.count is not None:
        select, words = rows(form.count), counted(form.count)
        made = Part(Measure("count", select), words)
    elif form.sum is not None:
        made = field(form.sum, place, "sum")
    else:
        made = distinct(str(form.count_distinct), place)
    return filtered(made, condition, place)


def statistic(name: str, measure: Measure, unit: str) -> Quantity:
    """The mean (or median) of a column over the rows where it is known; rows of one ``unit`` depend on each other."""
    if name == "median":
        return Quantity("quantile", measure, unit=unit, q=0.5)
    return Quantity("ratio", measure, Measure("count", measure.select, measure.field), unit=unit)


def rows(name: str) -> Select:
    """The rows of an entity, or else of the event of that name."""
    return Select(name) if name in COUNTED else Select("event", (name,))


def counted(name: str) -> str:
    """``sessions``, ``page_view events``."""
    return "customers" if name == CUSTOMER else PLURALS[name] if name in ENTITIES else f"{name} events"


def filtered(made: Part, condition: Expression | None, place: Place) -> Part:
    """The same part of the rows that hold a condition only."""
    if condition is None:
        return made
    measure = made.measure
    if measure.select.of == "cost" and not set(condition.names) <= set(COST_NAMES):
        place.problem(f"costs are known by {', '.join(COST_NAMES)} only", "where", code="expression")
    select = measure.select
    narrowed = Select(select.of, select.events, select.page, both(select.where, condition))
    return Part(
        Measure(measure.op, narrowed, measure.field, measure.factor),
        f"{made.words} where {condition.text}",
        made.format,
    )


def field(text: str, place: Place, key: str) -> Part:
    """Something that can be summed, and in what unit it is: money, duration or number."""
    if text in MONEY_FIELDS:
        if text == "gross_margin" and place.plan.orders.cost is None:
            place.problem(
                "gross_margin needs the cost of goods: orders: {cost: 55%} or the name of a property",
                key,
                code="no_cost",
            )
        return Part(Measure("sum", Select("order"), text), MONEY_FIELDS[text], "money")
    owner, _, column = text.rpartition(".")
    tables = {"order": ORDER_COLUMNS, "session": SESSION_COLUMNS, "cost": COST_COLUMNS}
    if owner in tables:
        columns = tables[owner]
        if column not in columns:
            place.problem(f"{owner} has no column {column!r}{suggestion(column, columns)}", key, code="unknown_column")
        return Part(
            Measure("sum", Select(owner), text), f"{owner} {column}".replace("_", " "), columns.get(column, "number")
        )
    goal = place.plan.goals.get(owner)
    if column == "value" and goal is not None and goal.value is not None and owner not in place.plan.events:
        select = goal_rows(goal)
        if isinstance(goal.value, str):
            return Part(Measure("sum", select, f"{goal.event}.{goal.value}"), f"value of {owner}", "money")
        return Part(Measure("count", select, factor=str(goal.value)), f"value of {owner}", "money")
    return _property(owner, column, text, place, key)


def _property(owner: str, column: str, text: str, place: Place, key: str) -> Part:
    event = place.plan.events.get(owner)
    if event is None:
        examples = [*MONEY_FIELDS, "session.duration", "cost.amount"]
        numeric = [
            f"{e.name}.{p.name}"
            for e in place.plan.events.values()
            for p in e.properties.values()
            if p.type in _NUMERIC
        ]
        if owner not in place.draft.entries("events"):
            hint = suggestion(text, [*examples, *numeric])
            place.problem(f"{text!r} is nothing that can be summed{hint}", key, code="unknown_field")
        return NOTHING
    declared = event.properties.get(column)
    if declared is None and column in ITEM_NUMBERS and "items" in event.properties:
        return Part(Measure("sum", Select("event", (owner,)), text), f"{column} of {owner} items", ITEM_NUMBERS[column])
    if declared is None:
        declare = f"declare it under events: {owner}: properties: {{{column}: number}}"
        hint = suggestion(column, event.properties)
        place.problem(f"{owner} has no property {column!r}{hint}; {declare}", key, code="unknown_property")
    elif declared.type not in _NUMERIC:
        place.problem(
            f"{text} is of type {declared.type}; only number, integer and money have a sum", key, code="value"
        )
    kind = _NUMERIC.get(declared.type, "number") if declared else "number"
    return Part(Measure("sum", Select("event", (owner,)), text), f"{column} of {owner} events", kind)


def distinct(text: str, place: Place) -> Part:
    """Different values of an event's property, item field or event dimension."""
    owner, _, column = text.rpartition(".")
    event = place.plan.events.get(owner)
    own = set(event.properties) if event else set()
    general = {name for name, (scope, _) in DIMENSIONS.items() if scope in ("event", "item", "session")} - {"event"}
    if not owner or not column:
        place.problem(f"{text!r} must be <event>.<property>, such as view_item.item_id", "count_distinct", code="value")
    elif column not in own | general and not (event is None and owner in place.draft.entries("events")):
        hint = suggestion(column, own | general)
        place.problem(f"{owner} has no property {column!r}{hint}", "count_distinct", code="unknown_property")
    return Part(Measure("count_distinct", Select("event", (owner,)), text), f"different {column} of {owner} events")
