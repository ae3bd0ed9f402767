"""reconcile: the till's orders against the tracked ones, and ad platforms' claims; every difference by its reason."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged, argument
from assay.decide.checks import reconciled
from assay.decide.words import percent
from assay.model.answer import Answer, Cell, Column, Definition, Labelled
from assay.model.errors import UsageError
from assay.model.estimate import Estimate
from assay.model.finding import Finding
from assay.model.period import Period

if TYPE_CHECKING:
    from assay.collect.till import Till
    from assay.decide.reconcile import Balance


class Params(Ranged):
    """The till's file, and what else is held against it; default range: all days that file and data share."""

    file: Path = argument("an orders file of shop, payment provider or CRM (CSV)")
    column: list[str] = Field(
        default_factory=list,
        description="FIELD=COLUMN where a column has an unusual name, such as id=Bestellung; repeat",
    )
    claims: Path | None = Field(None, description="what ad platforms claim: date, channel, conversions, value (CSV)")
    keep: bool = Field(False, description="keep the coverage as a figure of trust in overview and quality")


def answer(asking: Asking, params: Params) -> Answer:
    """One row per reason; what they add is till − tracked, to the last order and cent."""
    from assay.collect.till import read_till
    from assay.decide.reconcile import REASONS

    plan = asking.plan
    file = located(asking, params.file)
    till = read_till(file, plan.site.timezone, plan.site.currency, _given(params))
    period = _period(asking, params, till)
    if period is None or asking.without(period):
        return asking.empty("reconcile", params, period or asking.period(params))
    balance = balanced(asking, till, period)
    assert balance.left == (0, Decimal(0)), f"unexplained: {balance.left}"
    currency = plan.site.currency
    findings = [
        reconciled.reason(name, REASONS[name], one.orders, one.amount, currency, one.examples)
        for name, one in balance.reasons.items()
    ]
    low = reconciled.coverage(balance.seen.orders, balance.should.orders, _money_share(balance), file.name)
    till_sum, own = (balance.till.orders, balance.till.amount), (balance.tracked.orders, balance.tracked.amount)
    rows: list[tuple[Cell, ...]] = [("till", "orders of the till", *till_sum, *till_sum)]
    for name, one in balance.reasons.items():
        rows.append((name, REASONS[name], one.orders, one.amount, -one.adds_orders, -one.adds_amount))
    rows.append(("tracked", "orders that assay counts", *own, *own))
    claimed, more = _claimed(asking, params, period)
    definition = _definition(asking)
    return asking.answer(
        "reconcile",
        params,
        columns=(
            Column("reason"), Column("means"), Column("orders", "count", "", definition.id),
            Column("amount", "money", "", definition.id, currency),
            Column("adds_orders", "count", "adds", definition.id),
            Column("adds_amount", "money", "adds to amount", definition.id, currency),
        ),
        rows=(*rows, *claimed),
        estimates=(Labelled("coverage", {}, _coverage(balance)),),
        definitions=(definition,),
        findings=(*([low] if low else []), *findings, *more),
        sentence=_sentence(balance, period),
        notes=_notes(till, params),
        next=("assay quality", *(() if params.keep else (f"assay reconcile {params.file} --keep",))),
        chart={"kind": "waterfall", "x": "reason", "y": "adds_amount"},
        keep=(("add_coverage", _kept(balance, period, file, asking.now)),) if params.keep else (),
    )  # fmt: skip


def located(asking: Asking, path: Path) -> Path:
    """The file as named, or in the workspace's folder."""
    beside = Path(str(asking.extra.get("folder", "."))) / path
    found = path if path.exists() or not beside.exists() else beside
    if not found.is_file():
        raise UsageError(f"{path}: there is no such file")
    return found


def balanced(asking: Asking, till: Till, period: Period) -> Balance:
    """Both sides of the range, every difference by its reason."""
    from assay.decide.reconcile import Tracked, reconcile
    from assay.query.reconcile import bot_orders, nameless_orders, tracked_orders

    tracked = {
        str(order): Tracked(day, Decimal(gross or 0), bool(counted), str(kind))
        for order, day, gross, counted, kind in asking.ask(tracked_orders()).rows
    }
    nameless = [row for row in asking.ask(nameless_orders()).rows if period.first <= row[0] <= period.last]
    without = sum(row[1] for row in nameless), sum((Decimal(row[2] or 0) for row in nameless), Decimal(0))
    bots = {str(row[0]) for row in asking.ask(bot_orders(asking.plan)).rows} - tracked.keys()
    return reconcile(till.sales, tracked, bots, without, period)


def _given(params: Params) -> dict[str, str]:
    found = {}
    for text in params.column:
        field, equals, column = text.partition("=")
        if not equals or not column.strip():
            raise UsageError(f"--column {text!r}: write FIELD=COLUMN, such as id=Bestellnummer")
        found[field.strip()] = column.strip()
    return found


def _period(asking: Asking, params: Params, till: Till) -> Period | None:
    """The asked range, or all days that both sides have; None where they share none."""
    if asking.span is None:
        return None
    days = [sale.day for sale in till.sales]
    first = params.from_ or max(min(days, default=asking.span.first), asking.span.first)
    last = params.to or min(max(days, default=asking.span.last), asking.span.last)
    if first > last:
        if params.from_ or params.to:
            raise UsageError(f"the range starts on {first}, after its end on {last}")
        return None
    asking.asked = Period(first, last)
    return asking.asked


def _coverage(balance: Balance) -> Estimate:
    from assay.stats.proportions import wilson

    return wilson(balance.seen.orders, balance.should.orders)


def _money_share(balance: Balance) -> float:
    return float(balance.seen.amount / balance.should.amount) if balance.should.amount else 0.0


def _kept(balance: Balance, period: Period, file: Path, now: int) -> dict[str, object]:
    return {
        "first": str(period.first), "last": str(period.last),
        "orders": balance.should.orders, "tracked": balance.seen.orders,
        "amount": str(balance.should.amount), "tracked_amount": str(balance.seen.amount),
        "file": file.name, "noted_at": now,
    }  # fmt: skip


def _claimed(asking: Asking, params: Params, period: Period) -> tuple[list[tuple[Cell, ...]], list[Finding]]:
    """What platforms claim against the last click, by channel."""
    if params.claims is None:
        return [], []
    from assay.analyses import attribution
    from assay.collect.claims import read_claims

    claimed = read_claims(located(asking, params.claims), period, asking.plan.site.currency)
    asked = attribution.Params.model_validate({"from": period.first, "to": period.last, "model": ["last"]})
    ours = attribution.answer(asking, asked)
    own = {str(row["channel"]): row for row in ours.records()}
    rows: list[tuple[Cell, ...]] = []
    findings = []
    for channel, (count, value) in sorted(claimed.items()):
        row = own.get(channel, {})
        mine = float(str(row.get("conversions") or 0)), Decimal(str(row.get("revenue") or 0))
        rows.append((f"claims {channel}", "what the platform claims", round(count), value, None, None))
        rows.append((f"other_attribution {channel}", "another model or window", None, None,
                     round(mine[0] - count), mine[1] - value))  # fmt: skip
        found = reconciled.claims(channel, (count, value), mine, asking.plan.site.currency)
        findings += [found] if found else []
    return rows, findings


def _definition(asking: Asking) -> Definition:
    from assay.query.sql import digest

    plan = asking.plan
    text = "orders by id, gross amounts, days of the site; till less reasons is what assay counts"
    rules = {"orders": plan.rules.orders, "bots": plan.rules.bots, "currency": plan.site.currency}
    return Definition(
        digest("reconcile", plan.orders.event, rules), "reconcile", text, "tracked orders", "orders of the till",
        "order", "", plan.site.timezone, rules,
    )  # fmt: skip


def _sentence(balance: Balance, period: Period) -> str:
    if not balance.should.orders:
        return f"The till has no orders that the tracking should have seen, {period}."
    share = percent(balance.seen.orders / balance.should.orders)
    missed = {n: r for n, r in balance.reasons.items() if r.adds_orders > 0}
    worst = max(missed, key=lambda n: missed[n].adds_orders, default=None)
    most = f"; most of the rest is {worst.replace('_', ' ')}" if worst else ""
    return (
        f"The tracking sees {share} of the till's orders ({balance.seen.orders:,} of {balance.should.orders:,}, "
        f"{percent(_money_share(balance))} of the money){most}; every difference has its reason, {period}."
    )


def _notes(till: Till, params: Params) -> tuple[str, ...]:
    notes = ["till − what the reasons add = tracked, for orders and for amounts"]
    if till.bad:
        line, reason = till.bad[0]
        notes.append(f"{len(till.bad):,} rows of the file cannot be read, the first on line {line}: {reason}")
    if till.refunds:
        notes.append(f"{till.refunds:,} refund rows are left out: gross amounts are compared")
    if till.foreign:
        notes.append(f"{till.foreign:,} rows in another currency are left out")
    if params.claims is not None:
        notes.append("claims are held against the last click of the same days (assay attribution has ten models)")
    return tuple(notes)


QUESTION = Question("reconcile", "Does it match the till? Differences by reason, adding up to zero.", Params, answer)
