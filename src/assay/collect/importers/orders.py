"""Orders and refunds of a shop, a payment provider or a CRM: a source of its own, which the plan ranks.

Each order is a ``purchase``, each refund a ``refund``; neither is an action of a visitor. Exports of Shopify and Stripe
are told by their column names, other tables by usual names or by the mapping. A row is a refund when its type or a
negative amount says so; an order row with a refunded amount (or the status refunded) is both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import Field

from assay.collect.importers.base import options_from
from assay.collect.importers.events import TableOptions, prepare_plans, table
from assay.collect.importers.expressions import Columns
from assay.collect.importers.flow import Importer, Job, Prepared
from assay.collect.importers.mapping import Plan
from assay.collect.importers.work import literal
from assay.model.errors import DataError, UsageError, suggestion

FIELDS = (
    "id time amount currency status type user account refunded refunded_at refund_of tax shipping discount coupon fees "
    "cancelled_at channel items"
).split()
_PROPS = ("tax", "shipping", "discount", "coupon", "fees", "status")

# What other tables call these fields, in lower case; the first that a file has wins.
NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("order_id", "order id", "order number", "order_number", "orderid", "order no", "order", "transaction_id",
           "transaction id", "invoice", "invoice number", "invoiceno", "bestellnummer", "id"),
    "time": ("time", "created_at", "created at", "order date", "order_date", "ordered_at", "date created", "created",
             "date", "timestamp", "paid_at", "datum"),
    "amount": ("amount", "total", "order total", "order_total", "total_price", "grand total", "grand_total", "revenue",
               "value", "betrag", "summe"),
    "currency": ("currency", "currency code", "order currency", "währung"),
    "status": ("status", "order status", "order_status", "financial_status", "financial status", "payment status"),
    "type": ("type", "order_type", "order type", "transaction type", "kind"),
    "user": ("user", "user_id", "customer_id", "customer id", "customerid", "customer", "email", "customer email"),
    "account": ("account", "account_id", "company"),
    "refunded": ("refunded", "refunded amount", "refunded_amount", "amount refunded", "amount_refunded",
                 "refund amount", "total refunded"),
    "refunded_at": ("refunded_at", "refunded at", "refund date", "refund_date", "refunded date (utc)"),
    "refund_of": ("refund_of", "refund of", "original order", "original_order_id", "parent_id", "parent order"),
    "tax": ("tax", "taxes", "total tax", "total_tax", "order tax amount"),
    "shipping": ("shipping", "shipping cost", "shipping total", "shipping_total", "total_shipping"),
    "discount": ("discount", "discount amount", "discount_amount", "total discounts", "total_discounts",
                 "cart discount"),
    "coupon": ("coupon", "coupon code", "discount code", "discount_code", "voucher"),
    "fees": ("fees", "fee"),
    "cancelled_at": ("cancelled_at", "cancelled at", "canceled_at", "canceled at"),
    "items": ("items",),
}  # fmt: skip


@dataclass(frozen=True)
class Shop:
    """An export that is known by the columns in ``marks`` (lower case). ``lines``: several rows can be one order."""

    name: str
    marks: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    items: Mapping[str, str]
    lines: bool = False


SHOPIFY = Shop(
    "Shopify",
    ("name", "financial status", "lineitem name"),
    {
        "id": ("name",),
        "time": ("created at",),
        "amount": ("total",),
        "status": ("financial status",),
        "user": ("email",),
        "channel": ("source",),
        "type": (),
        "account": (),
    },
    {
        "item_id": "lineitem sku",
        "item_name": "lineitem name",
        "price": "lineitem price",
        "quantity": "lineitem quantity",
        "discount": "lineitem discount",
    },
    lines=True,
)
STRIPE = Shop(
    "Stripe",
    ("id", "amount", "amount refunded", "status"),
    {
        "id": ("order_id (metadata)", "order id (metadata)", "orderid (metadata)", "order (metadata)", "id"),
        "time": ("created (utc)", "created date (utc)", "created"),
        "user": ("customer email", "customer id", "customer"),
        "type": (),
        "account": (),
    },
    {},
)
SHOPS = (SHOPIFY, STRIPE)

_REFUNDS = (
    "refund refunds return returned credit credit_note creditnote chargeback reversal rückerstattung gutschrift".split()
)
_FAILED = "failed expired incomplete requires_payment_method requires_action declined abandoned draft".split()
_CANCELLED = ["canceled", "cancelled", "voided", "void", *_FAILED]
_TYPES = "first repeat renewal offline test cancelled".split()


class OrdersOptions(TableOptions):
    """Options of ``orders``."""

    map: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict,
        description="FIELD=COLUMN for unusual columns: " + ", ".join(FIELDS) + ", props.NAME; also an expression.",
    )
    items: dict[str, str] = Field(default_factory=dict, description="FIELD=COLUMN: an item made of the row's columns.")
    lines: bool | None = Field(None, description="Rows with the same id are lines of one order; default: with --items.")
    amounts: Literal["order", "line"] = Field(
        "order", description="With lines: the amount stands for the whole order (the first counts), or is summed."
    )


class Orders(Importer):
    """Orders and refunds."""

    name = "orders"
    summary = "Orders and refunds of a shop, a payment provider or a CRM: Shopify, Stripe or any table"
    Options = OrdersOptions

    def options_from(self, keys: Mapping[str, Any]) -> OrdersOptions:
        """Options from the plan or from flags; fields of an order may stand beside ``map`` as well as in it."""
        options = options_from(OrdersOptions, keys, self.name, FIELDS)
        _check_fields(options)
        return options

    def prepare(self, job: Job, careful: bool) -> Prepared:
        """Rows → orders and refunds."""
        _check_fields(job.options)
        read = table(job, careful)
        plans = plans_of(job.options, read.columns, job.options.source or self.name)
        return prepare_plans(job, read, plans, summed=job.options.amounts == "line")


def _check_fields(options: OrdersOptions) -> None:
    for field in options.map:
        if field not in FIELDS and not field.startswith("props."):
            raise UsageError(f"an order has no field {field!r}{suggestion(field, FIELDS)} (properties: props.NAME)")


def shop_of(columns: Columns) -> Shop | None:
    """The known export with these columns."""
    names = {name.lower() for name in columns.types}
    return next((shop for shop in SHOPS if all(mark in names for mark in shop.marks)), None)


def recognise(options: OrdersOptions, columns: Columns) -> dict[str, Any]:
    """Field → column or expression, by the mapping, the known export and usual names."""
    by_name = {name.lower(): name for name in columns.types}
    shop = shop_of(columns)
    known = {**NAMES, **(shop.names if shop else {})}
    found: dict[str, Any] = {
        f: by_name[n] for f, names in known.items() if (n := next((n for n in names if n in by_name), None))
    }
    found.update(options.map)
    for needed in ("id", "time", "amount"):
        if needed not in found:
            shown = ", ".join(list(columns.types)[:12])
            text = (
                f"{columns.file} has no column for the order's {needed}; give --map {needed}=COLUMN (columns: {shown})"
            )
            raise DataError(text)
    return found


def plans_of(options: OrdersOptions, columns: Columns, source: str) -> list[Plan]:
    """Mappings of order rows, of refund rows, and of what was refunded on order rows."""
    found = recognise(options, columns)
    shop = shop_of(columns)
    items = options.items or ({f: c for f, n in shop.items.items() if (c := columns.find(n))} if shop else {})
    lines = options.lines if options.lines is not None else (bool(options.items) or bool(shop and shop.lines))
    refund_row = _is_refund(found)
    amount, status = _term(found["amount"]), _status(found)
    common = {
        "time": found["time"],
        "currency": found.get("currency"),
        "user": found.get("user"),
        "account": found.get("account"),
        "interactive": "'false'",
        **{f"props.{name}": found[name] for name in _PROPS if name in found},
        **{name: spec for name, spec in found.items() if name.startswith("props.")},
        **({"props.status": status} if status else {}),
    }
    base = Plan(
        group_by=(str(found["id"]),) if lines else (),
        time_format=options.time_format,
        time_zone=options.time_zone,
        rest=False,
        source=source,
    )
    sold = {"name": "'purchase'", "order_id": found["id"], "items": None if items else found.get("items")}
    sold = {**common, **sold, **_money(found, status), **_order_type(found, status)}
    of = f"coalesce({_term(found['refund_of'])}, {_term(found['id'])})" if "refund_of" in found else found["id"]
    back = {**common, "name": "'refund'", "order_id": of, "amount": f"abs({amount})"}
    plans = [
        replace(base, fields=sold, items=items, where=f"not coalesce({refund_row}, false)", part="order"),
        replace(base, fields=back, items=items, where=refund_row, part="refund"),
    ]
    returned, condition = _given_back(found, amount)
    if returned is not None:
        late = f"coalesce({_term(found['refunded_at'])}, {_term(found['time'])})" if "refunded_at" in found else None
        fields = {
            **common,
            "name": "'refund'",
            "order_id": found["id"],
            "amount": returned,
            "time": late or found["time"],
        }
        where = f"not coalesce({refund_row}, false) and {condition}"
        plans.append(replace(base, fields=fields, where=where, part="refunded"))
    return plans


def _money(found: Mapping[str, Any], status: str | None) -> dict[str, Any]:
    """The amount; a payment that failed brings none, so that the one which succeeds later decides about the order."""
    if status is None:
        return {"amount": found["amount"]}
    amount, failed = _term(found["amount"]), f"({status}) in ({_list(_FAILED)})"
    return {
        "amount": f"case when {failed} then null else {amount} end",
        "props.attempted_amount": f"case when {failed} then {amount} end",
    }


def _term(spec: Any) -> str:
    """A column or expression as part of an expression."""
    text = str(spec).strip().removeprefix("=")
    return f"({text})" if re.search(r"[()'|*/+]", text) else '"' + text.replace('"', '""') + '"'


def _list(words: list[str]) -> str:
    return ", ".join(literal(word) for word in words)


def _is_refund(found: Mapping[str, Any]) -> str:
    conditions = [f"{_term(found['amount'])} < 0"]
    if "type" in found:
        conditions.append(f"coalesce(lower(trim({_term(found['type'])})) in ({_list(_REFUNDS)}), false)")
    return "(" + " or ".join(f"coalesce({c}, false)" for c in conditions) + ")"


def _status(found: Mapping[str, Any]) -> str | None:
    """The status; an order with a day of cancellation is cancelled."""
    status = f"lower(trim({_term(found['status'])}))" if "status" in found else None
    if "cancelled_at" not in found:
        return status
    return f"case when {_term(found['cancelled_at'])} is not null then 'cancelled' else {status or 'null'} end"


def _order_type(found: Mapping[str, Any], status: str | None) -> dict[str, str]:
    """Orders that came to nothing are cancelled, those of a till are offline, renewals and tests are called so."""
    cases = []
    if status:
        cases.append(f"when ({status}) in ({_list(_CANCELLED)}) then 'cancelled'")
    if "type" in found:
        kind = f"lower(trim({_term(found['type'])}))"
        cases.append(f"when {kind} in ({_list(_TYPES)}) then {kind}")
    if "channel" in found:
        cases.append(f"when lower({_term(found['channel'])}) in ('pos', 'offline', 'store', 'retail') then 'offline'")
    return {"props.order_type": f"case {' '.join(cases)} end"} if cases else {}


def _given_back(found: Mapping[str, Any], amount: str) -> tuple[str | None, str]:
    """What an order row says was refunded, and the condition that it says so."""
    full = f"lower(trim({_term(found['status'])})) = 'refunded'" if "status" in found else "false"
    if "refunded" in found:
        back = _term(found["refunded"])
        whole = f"({full} and coalesce({back}, 0) = 0 and {amount} > 0)"
        return (
            f"case when coalesce({back}, 0) <> 0 then abs({back}) else {amount} end",
            f"(coalesce({back}, 0) <> 0 or {whole})",
        )
    return (amount, f"({full} and {amount} > 0)") if "status" in found else (None, "false")
