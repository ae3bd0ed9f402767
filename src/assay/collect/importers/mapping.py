"""A mapping from a file's columns to the event line, composed as one select over ``rows``.

The select gives every field as text (``time`` as microseconds too); ``events.sql`` turns texts into the line's types
and says what is wrong with a row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from assay.collect.importers.expressions import Columns, call, condition, money_of, text_of
from assay.model.errors import UsageError, suggestion
from assay.model.event import NAMES

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

SEPARATOR = "\x1f"
PROPERTY_NUMBERS = frozenset("tax shipping discount fees value attempted_amount".split())
ITEM_NUMBERS = frozenset("price quantity discount index item_revenue item_refund price_in_usd tax shipping".split())

# Names that other tools give these fields; used where the mapping says nothing and no column has the field's own name.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "name": ("event", "event_name"),
    "time": ("timestamp", "event_time", "event_timestamp", "datetime", "occurred_at", "created_at"),
    "visitor": ("visitor_id", "anonymous_id", "distinct_id", "client_id"),
    "user": ("user_id",),
    "account": ("account_id",),
    "session": ("session_id",),
    "order_id": ("transaction_id",),
    "amount": ("revenue",),
}


@dataclass(frozen=True)
class Kind:
    """Rows for which ``where`` holds have these ``fields`` instead (None = empty)."""

    where: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What a mapping says. ``fields``: event-line field or ``props.NAME`` → column, 'constant' or expression."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    items: Mapping[str, Any] = field(default_factory=dict)
    group_by: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    where: str | None = None
    time_format: str | None = None
    time_zone: str = "UTC"
    rest: bool = True
    source: str = "events"
    environment: str | None = None
    currency: str = ""
    part: str = ""
    unused: frozenset[str] = frozenset()  # columns that are no properties either


def check_fields(fields: Mapping[str, Any], where: str) -> None:
    """Refuse names that are no field of the event line."""
    for name in fields:
        if name not in NAMES and not (name.startswith("props.") and len(name) > 6):
            raise UsageError(f"{where}: there is no field {name!r}{suggestion(name, NAMES)} (properties: props.NAME)")


def complete(plan: Plan, columns: Columns) -> Plan:
    """The plan with the fields that the file's own column names give; a UsageError when name or time is missing."""
    fields = dict(plan.fields)
    for name in NAMES:
        if name in fields or (plan.items and name == "items"):
            continue
        own = columns.find(name)
        if own is None:
            own = next((found for s in SYNONYMS.get(name, ()) if (found := columns.find(s))), None)
        if own is not None:
            fields[name] = own
    named = "name" in fields or (plan.kinds and all(k.fields.get("name") for k in plan.kinds))
    missing = [name for name, there in (("name", named), ("time", "time" in fields)) if not there]
    if missing:
        shown = ", ".join(list(columns.types)[:12])
        hint = f"--map {missing[0]}=COLUMN" + (" or a constant with --name" if missing[0] == "name" else "")
        raise UsageError(f"{columns.file} has no column for {' and '.join(missing)}; give {hint} (columns: {shown})")
    return replace(plan, fields=fields)


def select_rows(plan: Plan, columns: Columns, problems: bool = True) -> Expr:
    """The select over ``rows``: helpers, every field as text, the row as one text.

    ``problems``: rows that could not be read are among them (with several mappings only in one).
    """
    from sqlglot import exp

    made: list[Expr] = [exp.column(name, quoted=True) for name in ("__n", "__line", "__raw", "__problem")]
    plain = [name for name in NAMES if name not in ("props", "items")]
    made += [_field(plan, columns, name).as_(f"{name}_text", quoted=True) for name in plain]
    time = exp.column("time_text")
    made.append(_field(plan, columns, "items").as_("items_text"))
    made.append(_items(plan, columns).as_("item"))
    made.append(_field(plan, columns, "props").as_("props_text"))
    made.append(_props(plan, columns).as_("more_props"))
    made.append(_row_text(plan, columns).as_("row_text"))
    made.append(_group_text(plan, columns).as_("group_text"))
    inner = exp.select(*made).from_("rows")
    broken = exp.column("__problem", quoted=True).is_(exp.null()).not_()
    if plan.where:
        kept = condition(plan.where, columns)
        inner = inner.where(exp.or_(broken, kept) if problems else exp.and_(exp.not_(broken), kept))
    return exp.select("*", _instant(plan, time).as_("instant")).from_(inner.subquery("texts"))


def count_left_out(plan: Plan, columns: Columns) -> Expr | None:
    """A select of how many rows ``where`` leaves out; None without one."""
    from sqlglot import exp

    if not plan.where:
        return None
    fine = exp.column("__problem", quoted=True).is_(exp.null())
    left_out = exp.and_(fine, condition(plan.where, columns).not_())
    return exp.select(exp.Count(this=exp.Star())).from_("rows").where(left_out)


def _field(plan: Plan, columns: Columns, name: str, money: bool = False) -> Expr:
    from sqlglot import exp

    value = money_of if money or name == "amount" else text_of
    base = value(plan.fields.get(name), columns)
    if name == "name" and isinstance(plan.fields.get(name), str):
        base = call("given", base)
    overrides = [(kind.where, kind.fields[name]) for kind in plan.kinds if name in kind.fields]
    if not overrides:
        return base
    case = exp.case()
    # Every kind takes part, also those without this field: the first that holds decides alone.
    for kind in plan.kinds:
        chosen = value(kind.fields[name], columns) if name in kind.fields else base.copy()
        case = case.when(condition(kind.where, columns), chosen)
    return case.else_(base.copy())


def _instant(plan: Plan, time: Expr) -> Expr:
    from sqlglot import exp

    zone = exp.Literal.string(plan.time_zone)
    if plan.time_format is None:
        return call("instant", time, zone)
    pattern = exp.Literal.string(plan.time_format)
    if "%z" in plan.time_format.lower():
        return call("epoch_us", call("try_strptime", time, pattern))
    return call("local_us", call("try_strptime", time, pattern), zone)


def _items(plan: Plan, columns: Columns) -> Expr:
    """One item as a JSON object, made of the row's columns."""
    from sqlglot import exp

    if not plan.items:
        return exp.cast(exp.null(), "VARCHAR")
    parts: list[Expr] = []
    for name, spec in plan.items.items():
        parts.append(exp.Literal.string(name))
        if name in ITEM_NUMBERS:
            parts.append(call("json_number", money_of(spec, columns)))
        else:
            parts.append(text_of(spec, columns))
    return call("lean", call("json_object", *parts))


def _props(plan: Plan, columns: Columns) -> Expr:
    from sqlglot import exp

    specs = {name.removeprefix("props."): spec for name, spec in plan.fields.items() if name.startswith("props.")}
    values: dict[str, Expr] = {}
    if plan.rest:
        given = [*plan.fields.values(), *plan.items.values()]
        used = plan.unused | {columns.find(str(spec)) for spec in given if spec is not None}
        for column, kind in columns.types.items():
            if column not in used and columns.find(column) is not None:
                values[column] = _typed(columns, column, kind)
    for name in dict.fromkeys([*specs, *(n[6:] for k in plan.kinds for n in k.fields if n.startswith("props."))]):
        money = name in PROPERTY_NUMBERS
        value = _field(plan, columns, f"props.{name}", money)
        values[name] = call("json_number", value) if money else value
    if not values:
        return exp.cast(exp.null(), "VARCHAR")
    parts = [part for name, value in values.items() for part in (exp.Literal.string(name), value)]
    return call("lean", call("json_object", *parts))


def _typed(columns: Columns, column: str, kind: str) -> Expr:
    """A property in JSON's own type where the file has types, else as text."""
    from sqlglot import exp

    plain = exp.column(column, quoted=True)
    if kind in ("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DOUBLE", "FLOAT", "JSON"):
        return plain
    if kind.endswith("[]") or kind.startswith(("STRUCT", "MAP")):
        return call("to_json", plain)
    return columns.text(column)


def _row_text(plan: Plan, columns: Columns) -> Expr:
    """The row as one text that does not depend on the order of its columns: what the event's id is made of."""
    from sqlglot import exp

    empty = exp.Literal.string("\x1e")
    values = [call("coalesce", columns.text(name), empty.copy()) for name in sorted(columns.types)]
    separator = call("chr", exp.Literal.number(31))
    return call("concat_ws", separator, exp.Literal.string(plan.source + plan.part), *values)


def _group_text(plan: Plan, columns: Columns) -> Expr:
    """What the rows of one event have in common; null where a row has none of it."""
    from sqlglot import exp

    if not plan.group_by:
        return exp.cast(exp.null(), "VARCHAR")
    values = [text_of(spec, columns) for spec in plan.group_by]
    separator = call("chr", exp.Literal.number(31))
    head = exp.Literal.string(json.dumps([plan.source, plan.part]))
    whole = call("concat_ws", separator, head, *(call("coalesce", v.copy(), exp.Literal.string("")) for v in values))
    return exp.case().when(exp.or_(*(v.is_(exp.null()).not_() for v in values)), whole)


def field_names(plans: Sequence[Plan]) -> list[str]:
    """Fields that any of the plans fills."""
    return [n for n in NAMES if any(n in p.fields or any(n in k.fields for k in p.kinds) for p in plans)]
