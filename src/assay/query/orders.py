"""Orders as entities: merged by order id over all sources, refunds charged to the order's own day and unit.

Who and where from come from the browser's line (the earliest that belongs to a session); money from the source that the
plan ranks highest, there from the earliest (rule ``first``) or latest (``last``) line that brings an amount; type and
status are what the best source said last.
"""

from __future__ import annotations

from assay.plan.values import Plan, Share
from assay.query.selecting import live
from assay.query.sql import literal, quote
from assay.store.engine import Statement

NOT_COUNTED = ("renewal", "offline", "test", "cancelled")


def orders_statements(plan: Plan) -> tuple[Statement, ...]:
    """Statements that derive ``orders`` and ``refunds`` whole."""
    return (
        Statement("DELETE FROM orders"),
        Statement("DELETE FROM refunds"),
        Statement(f"CREATE OR REPLACE TEMP TABLE order_lines AS {_lines(plan, plan.orders.event)}"),
        Statement(f"CREATE OR REPLACE TEMP TABLE refund_lines AS {_lines(plan, plan.orders.refund_event)}"),
        Statement(f"INSERT INTO refunds {_refunds(plan)}"),
        Statement(f"INSERT INTO orders {_orders(plan)}"),
        Statement("DROP TABLE order_lines"),
        Statement("DROP TABLE refund_lines"),
    )


def _prop(name: str, kind: str = "VARCHAR") -> str:
    path = literal(f'$."{name}"')
    raw = f"json_extract_string(e.props, {path})"
    return raw if kind == "VARCHAR" else f"TRY_CAST({raw} AS {kind})"


def _lines(plan: Plan, event: str) -> str:
    """Lines of an order event: id, money in the site's currency with the rate used, rank of the source."""
    rule = plan.orders
    order_id = "e.order_id" if rule.id == "order_id" else f"coalesce({_prop(rule.id)}, e.order_id)"
    amount = "e.amount" if rule.amount == "revenue" else _prop(rule.amount, "DECIMAL(18, 6)")
    ranks = " ".join(f"WHEN {literal(source)} THEN {i}" for i, source in enumerate(rule.sources))
    rank = f"CASE e.source {ranks} ELSE {len(rule.sources)} END" if ranks else "0"
    site = literal(plan.site.currency)
    kind = _prop(rule.type) if rule.type else _prop("order_type")
    money = ", ".join(
        f"TRY_CAST(CAST({_prop(name, 'DECIMAL(18, 6)')} AS DECIMAL(38, 6)) * rate AS DECIMAL(18, 6)) AS {name}"
        for name in ("tax", *_properties(plan))
    )
    return f"""
SELECT e.*, TRY_CAST(CAST(amount_own AS DECIMAL(38, 6)) * rate AS DECIMAL(18, 6)) AS money, {money} FROM (
    SELECT e.event_no, e.id, {order_id} AS order_id, e.visitor_key, e.session_key, e.account, e.t, e.seq, e.day, e.source, e.interactive, e.props,
        e.items, coalesce(e.currency, {site}) AS currency, {amount} AS amount_own, {rank} AS source_rank,
        coalesce({_prop("coupon")}, NULL) AS coupon, {kind} AS kind, {_prop("status")} AS status,
        CASE WHEN coalesce(e.currency, {site}) = {site} THEN CAST(1 AS DECIMAL(18, 9)) ELSE r.rate END AS rate
    FROM events e LEFT JOIN rates r ON r.site = {site} AND r.currency = e.currency AND r.day = e.day
    WHERE e.name = {literal(event)} AND {live(plan)}
) e"""


def _properties(plan: Plan) -> tuple[str, ...]:
    """Order properties that the plan's contribution needs, and those that GA4 knows."""
    named = [
        s.property
        for s in (plan.orders.cost, plan.orders.shipping, plan.orders.discount, plan.orders.fees)
        if s and s.property
    ]
    return tuple(
        dict.fromkeys(quote(n) if not n.isidentifier() else n for n in ("shipping", "discount", *named) if n != "tax")
    )


def _by_money(plan: Plan) -> str:
    """The order of lines in which the first says how much: an amount, the best source, the earliest (or latest) line."""
    direction = "DESC" if plan.rules.orders == "last" else "ASC"
    return f"money IS NULL, source_rank, t {direction}, seq {direction}, id {direction}"


def _refunds(plan: Plan) -> str:
    """Refund lines of the best source that tells of the order's refunds, once each; without a known order they name none.

    The first line without an amount refunds what the lines with one leave of the order, further ones nothing.
    """
    return f"""
WITH sold AS (
    SELECT order_id, money AS gross FROM order_lines WHERE order_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY {_by_money(plan)}) = 1
), lines AS (
    SELECT r.*, s.gross, s.order_id AS known FROM refund_lines r LEFT JOIN sold s ON s.order_id = r.order_id
    QUALIFY s.order_id IS NULL OR r.source_rank = min(r.source_rank) OVER (PARTITION BY r.order_id)
), held AS (
    SELECT *, gross - coalesce(sum(money) OVER (PARTITION BY known), 0) AS rest,
        row_number() OVER (PARTITION BY known, money IS NULL ORDER BY t, seq, id) AS place
    FROM lines
)
SELECT event_no, known, t, day, coalesce(money, CASE WHEN place = 1 AND rest > 0 THEN TRY_CAST(rest AS DECIMAL(18, 6)) END, 0) FROM held"""


def _share(share: Share | None, default: str | None, net: str) -> str:
    """A cost of the order: a property of the line that brings the money, or a rate of the net revenue."""
    if share is None:
        return f"m.{default}" if default else "CAST(NULL AS DECIMAL(18, 6))"
    if share.rate is not None:
        rate = format(share.rate, "f")
        digits = len(rate.partition(".")[2])  # a bare 0.55 is no exact number everywhere
        return f"TRY_CAST(CAST({net} AS DECIMAL(38, 6)) * CAST('{rate}' AS DECIMAL(18, {digits})) AS DECIMAL(18, 6))"
    name = share.property or ""
    return f"m.{quote(name) if not name.isidentifier() else name}"


def _held(amount: str) -> str:
    """An amount as the table holds it; 0 where amounts that nobody pays (10^12 and more) do not fit: a load must not end there."""
    return f"coalesce(TRY_CAST({amount} AS DECIMAL(18, 6)), 0)"


def _orders(plan: Plan) -> str:
    rule = plan.orders
    net = "m.money_or_zero - coalesce(x.refunded, 0)"
    cost = _share(rule.cost, None, net)
    shipping = _share(rule.shipping, "shipping", net)
    discount = _share(rule.discount, "discount", net)
    fees = _share(rule.fees, None, net)
    # What is not named in the plan is shown beside the order but does not reduce its contribution.
    reduces = [
        f"coalesce({value}, 0)"
        for share, value in ((rule.cost, cost), (rule.shipping, shipping), (rule.discount, discount), (rule.fees, fees))
        if share
    ]
    contribution = " - ".join([f"({net})", *reduces])
    kinds = ", ".join(literal(kind) for kind in NOT_COUNTED)
    return f"""
WITH lines AS (
    SELECT *, coalesce(order_id, 'event:' || id) AS oid FROM order_lines
), who AS (
    SELECT *, count(*) OVER (PARTITION BY oid) AS lines, row_number() OVER (PARTITION BY oid
        ORDER BY session_key IS NULL, NOT interactive, visitor_key IS NULL, t, seq, id) AS place FROM lines
), money AS (
    SELECT *, coalesce(money, 0) AS money_or_zero, row_number() OVER (PARTITION BY oid
        ORDER BY {_by_money(plan)}) AS place FROM lines
), about AS (
    SELECT oid, arg_max(lower(kind), (-source_rank, t, seq, id)) FILTER (WHERE kind IS NOT NULL) AS kind,
        arg_max(lower(status), (-source_rank, t, seq, id)) FILTER (WHERE status IS NOT NULL) AS status
    FROM lines GROUP BY oid
), back AS (
    SELECT order_id, {_held("sum(amount)")} AS refunded FROM refunds WHERE order_id IS NOT NULL GROUP BY order_id
), joined AS (
    SELECT w.oid, w.event_no, CASE WHEN m.money IS NOT NULL THEN m.event_no END AS money_event_no, w.visitor_key, w.session_key, w.account,
        w.t, w.day, m.source, w.lines, m.currency, coalesce(m.rate, 0) AS rate, m.money AS gross, coalesce(x.refunded, 0) AS refunded, {_held(net)} AS net,
        {cost} AS cost, {shipping} AS shipping, {discount} AS discount, {fees} AS fees, m.tax, {_held(contribution)} AS contribution,
        {_held(f"({net}) - coalesce({cost}, 0)")} AS gross_margin, coalesce(w.coupon, m.coupon) AS coupon,
        CASE WHEN a.status IN ('cancelled', 'canceled', 'voided', 'failed') THEN 'cancelled' WHEN a.status = 'test' THEN 'test' ELSE a.kind END AS kind,
        p.person_key
    FROM who w JOIN money m ON m.oid = w.oid AND m.place = 1 JOIN about a ON a.oid = w.oid LEFT JOIN back x ON x.order_id = w.oid
    LEFT JOIN persons p ON p.visitor_key = w.visitor_key AND w.t >= p.since_t AND w.t < p.until_t
    WHERE w.place = 1
), ranked AS (
    SELECT *, coalesce(kind IN ({kinds}), false) AS aside, coalesce(person_key, -event_no) AS customer FROM joined
), numbered AS (
    SELECT *, sum(CAST(NOT aside AS BIGINT)) OVER (PARTITION BY customer ORDER BY t, oid ROWS UNBOUNDED PRECEDING) AS order_no FROM ranked
)
SELECT oid, event_no, money_event_no, visitor_key, session_key, account, t, day, source, lines, currency, rate, gross, refunded, net,
    cost, shipping, discount, fees, tax, contribution, gross_margin, coupon,
    CASE WHEN aside THEN kind WHEN gross = 0 THEN 'zero value' WHEN order_no = 1 THEN 'first' ELSE 'repeat' END, order_no, NOT aside, person_key
FROM numbered ORDER BY t, oid"""
