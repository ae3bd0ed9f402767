"""Segment's warehouse tables: ``pages``, ``identifies``, ``tracks`` and the table of each event.

``tracks`` has every event without its properties, the table of an event has them: both together name an event twice, so
import the tables of events, and of ``tracks`` the others (``where``). Shop words become GA4's as in what is collected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from assay.collect.ecommerce import NAMES, NOT_INTERACTIVE, SALES
from assay.collect.importers import mapping
from assay.collect.importers.base import options_from
from assay.collect.importers.events import TableOptions, prepare_plans, table
from assay.collect.importers.expressions import Columns, call, text_of
from assay.collect.importers.flow import Importer, Job, Prepared
from assay.collect.importers.mapping import Plan
from assay.collect.importers.work import literal
from assay.model.errors import UsageError
from assay.model.event import NAMES as FIELDS

Type = Literal["track", "page", "screen", "identify", "group", "alias"]
_TABLES: Mapping[str, Type] = {
    "tracks": "track", "pages": "page", "screens": "screen", "identifies": "identify", "groups": "group",
    "aliases": "alias",
}  # fmt: skip
_NAMES: Mapping[Type, str] = {"page": "page_view", "screen": "screen_view"}
_EXPOSURES = {"experiment_viewed": "experiment_viewed", "viewed_experiment": "experiment_viewed"}
# Field → the columns that fill it, the first that has something.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "time": ("timestamp", "original_timestamp", "received_at"),
    "sent_at": ("sent_at",),
    "received_at": ("received_at",),
    "visitor": ("anonymous_id",),
    "user": ("user_id",),
    "account": ("context_group_id",),
    "url": ("context_page_url",),
    "path": ("context_page_path",),
    "title": ("context_page_title",),
    "referrer": ("context_page_referrer",),
    "utm_source": ("context_campaign_source",),
    "utm_medium": ("context_campaign_medium",),
    "utm_campaign": ("context_campaign_name",),
    "utm_content": ("context_campaign_content",),
    "utm_term": ("context_campaign_term",),
    "device": ("context_device_type",),
    "os": ("context_os_name",),
    "language": ("context_locale",),
}
_OF_VIEWS: Mapping[str, tuple[str, ...]] = {
    "url": ("url", "context_page_url"),
    "path": ("path", "context_page_path"),
    "title": ("title", "context_page_title", "name"),
    "referrer": ("referrer", "context_page_referrer"),
}
_OF_TRACKS: Mapping[str, tuple[str, ...]] = {
    "order_id": ("order_id", "transaction_id"),
    "currency": ("currency",),
    "props.experiment_id": ("experiment_id", "experiment_name"),
    "props.variant": ("variant", "variation_id", "variation_name"),
}
_ITEM: Mapping[str, tuple[str, ...]] = {
    "item_id": ("product_id", "sku"), "item_name": ("name",), "item_category": ("category",), "item_brand": ("brand",),
    "item_variant": ("variant",), "price": ("price",), "quantity": ("quantity",), "index": ("position",),
}  # fmt: skip
_REVENUE = ("revenue", "value", "total", "amount")
# Segment's own bookkeeping; what of the context is no field of the event line is left out.
_UNUSED = frozenset("event event_text original_timestamp uuid uuid_ts loaded_at search".split())


class SegmentOptions(TableOptions):
    """Options of ``segment``."""

    type: Type | None = Field(None, description="What the rows are; default: told by the table's name, else track.")
    map: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, description="FIELD=COLUMN: what fills a field otherwise, as for events."
    )
    where: str | None = Field(None, description="Condition for rows to take; the others are counted and left out.")


class SegmentTables(Importer):
    """Events of Segment's warehouse tables."""

    name = "segment"
    summary = "Segment's warehouse tables: pages, identifies, tracks and the table of each event"
    Options = SegmentOptions

    def options_from(self, keys: Mapping[str, Any]) -> SegmentOptions:
        """Options from the plan or from flags."""
        options = options_from(SegmentOptions, keys, self.name, FIELDS)
        mapping.check_fields(options.map, "map")
        return options

    def prepare(self, job: Job, careful: bool) -> Prepared:
        """Rows → events, one each."""
        read = table(job, careful)
        job.work.run("segment", "macros", names=renamed())
        return prepare_plans(job, read, [plan_of(job.options, read.columns, job.file.path.stem)])


def renamed() -> str:
    """The branches of ``standard_name``."""
    return " ".join(f"WHEN {literal(old)} THEN {literal(new)}" for old, new in {**NAMES, **_EXPOSURES}.items())


def plan_of(options: SegmentOptions, columns: Columns, named: str) -> Plan:
    """The mapping of a table called ``named``; a UsageError says which column it lacks."""
    type_ = options.type or _TABLES.get(named.lower(), "track")
    events = [name for name in ("event_text", "event") if columns.find(name)]
    _need(columns, ["id"], "id of a row")
    _need(columns, ["anonymous_id", "user_id"], "visitor")
    _need(columns, _COLUMNS["time"], "time")
    if type_ == "track":
        _need(columns, ["event", "event_text"], "event's name; with rows of another kind give type: page, identify, …")
    wanted = {**_COLUMNS, **(_OF_VIEWS if type_ in _NAMES else _OF_TRACKS if type_ == "track" else {})}
    fields: dict[str, Any] = {name: found for name, given in wanted.items() if (found := _first(columns, given))}
    used = {name for given in wanted.values() for name in given}
    items: dict[str, str] = {}
    if type_ == "track":
        used |= _put_track(fields, items, columns, _coalesced(events))
    else:
        fields["name"] = literal(_NAMES.get(type_, type_))
        fields["interactive"] = None if type_ in _NAMES else "'false'"
    kept = {name for name in columns.types if name.lower() not in used | _UNUSED}
    unused = frozenset(name for name in columns.types if name not in kept or name.lower().startswith("context_"))
    return Plan(
        fields={**fields, **options.map}, items=items, where=options.where, time_format=options.time_format,
        time_zone=options.time_zone, source=options.source or SegmentTables.name, unused=unused,
    )  # fmt: skip


def _put_track(fields: dict[str, Any], items: dict[str, str], columns: Columns, event: str) -> set[str]:
    """Name, money and items of an event; the columns that are used by it."""
    from sqlglot import exp

    name = call("standard_name", text_of(event, columns))
    fields["name"] = name
    beats = [exp.Literal.string(one) for one in sorted(NOT_INTERACTIVE)]
    fields["interactive"] = exp.case().when(exp.In(this=name.copy(), expressions=beats), exp.Literal.string("false"))
    money = [one for one in _REVENUE if columns.find(one)]
    used = {"revenue"}
    if money:
        sales = [old for old, new in NAMES.items() if new in SALES]
        key = f"replace(replace(lower({event}), ' ', '_'), '-', '_')"
        listed = ", ".join(literal(one) for one in sales)
        other = '"revenue"' if "revenue" in money else "null"
        fields["amount"] = f"case when {key} in ({listed}) then {_coalesced(money)} else {other} end"
    if columns.find("products"):
        fields["items"] = call("items_of_products", columns.text(columns.need("products")))
        return used | {"products"}
    if columns.find("product_id") or columns.find("sku"):
        items.update({name: found for name, given in _ITEM.items() if (found := _first(columns, given))})
        return used | set(_names(_ITEM))
    return used


def _names(wanted: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for given in wanted.values():
        yield from given


def _first(columns: Columns, given: tuple[str, ...]) -> str | None:
    """The columns of these that there are, as a mapping."""
    found = [name for name in given if columns.find(name)]
    return _coalesced(found) if found else None


def _coalesced(names: list[str]) -> str:
    quoted = [f'"{name}"' for name in names]
    return f"coalesce({', '.join(quoted)})" if len(names) > 1 else names[0]


def _need(columns: Columns, names: Any, what: str) -> None:
    if not any(columns.find(name) for name in names):
        listed, shown = " or ".join(names), ", ".join(list(columns.types)[:12])
        raise UsageError(f"{columns.file} has no column {listed} for the {what} (columns: {shown})")
