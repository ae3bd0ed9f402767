"""The scorecard of an experiment, 20 metrics with a covariate each, against a unit table by hand and tea-tasting on it.

``python -m bench.experiments [--millions 10] [--keep DIR]``: same run, equal numbers to 1e-9.
"""

from __future__ import annotations

import argparse
import math
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.timing import fastest

EVENTS = {"purchase": "p", "add_to_cart": "a", "view_item": "i", "begin_checkout": "b", "page_view": "w"}
MEANS = {  # metric → (plan, column of the unit table)
    "buyers": ("{type: conversion, event: purchase, per: visitor}", "least(p{w}, 1)"),
    "carters": ("{type: conversion, event: add_to_cart, per: visitor}", "least(a{w}, 1)"),
    "viewers": ("{type: conversion, event: view_item, per: visitor}", "least(i{w}, 1)"),
    "starters": ("{type: conversion, event: begin_checkout, per: visitor}", "least(b{w}, 1)"),
    "rpv": ("{type: simple, sum: revenue.net, per: visitor}", "m{w}"),
    "orders": ("{type: simple, count: order, per: visitor}", "p{w}"),
    "carts": ("{type: simple, count: add_to_cart, per: visitor}", "a{w}"),
    "views": ("{type: simple, count: view_item, per: visitor}", "i{w}"),
    "starts": ("{type: simple, count: begin_checkout, per: visitor}", "b{w}"),
    "pages": ("{type: simple, count: page_view, per: visitor}", "w{w}"),
    "visits": ("{type: simple, count: session, per: visitor}", "s{w}"),
    "seconds": ("{type: simple, sum: page_view.seconds, per: visitor}", "z{w}"),
}
RATIOS = {  # metric → (plan, numerator, denominator)
    "aov": ("{type: ratio, numerator: {sum: revenue.net}, denominator: {count: order}}", "m{w}", "p{w}"),
    "per_view": ("{type: ratio, numerator: {count: order}, denominator: {count: view_item}}", "p{w}", "i{w}"),
    "per_cart": ("{type: ratio, numerator: {count: order}, denominator: {count: add_to_cart}}", "p{w}", "a{w}"),
    "per_start": ("{type: ratio, numerator: {count: order}, denominator: {count: begin_checkout}}", "p{w}", "b{w}"),
    "cart_per_view": (
        "{type: ratio, numerator: {count: add_to_cart}, denominator: {count: view_item}}",
        "a{w}",
        "i{w}",
    ),
    "pages_per_visit": ("{type: ratio, numerator: {count: page_view}, denominator: {count: session}}", "w{w}", "s{w}"),
    "views_per_visit": ("{type: ratio, numerator: {count: view_item}, denominator: {count: session}}", "i{w}", "s{w}"),
    "worth_per_visit": ("{type: ratio, numerator: {sum: revenue.net}, denominator: {count: session}}", "m{w}", "s{w}"),
}
DAY = 86_400_000_000
PLAN = """
site: {{name: Bench, timezone: UTC, currency: USD}}
events: {{page_view: {{properties: {{seconds: number}}}}}}
goals: {{order: {{event: purchase, kind: macro}}}}
metrics:
{metrics}
experiments:
  test:
    start: 2026-02-15
    end: 2026-03-01
    window: 14d
    cuped: 28d
    looks: fixed
    primary: rpv
    diagnostics: [{names}]
"""
_EVENTS = """
COPY (
    SELECT printf('x%d', v) AS id, 'experiment_viewed' AS name, t0 AS "time", 'web' AS source, printf('v%d', v) AS visitor, '/' AS path,
        printf('{{"experiment_id":"test","variant":"%s"}}', CASE WHEN arm = 1 THEN 'treatment' ELSE 'control' END) AS props,
        NULL AS order_id, NULL AS amount FROM units
    UNION ALL
    SELECT printf('%d-%d', v, k), name, t, 'web', printf('v%d', v), '/p',
        CASE WHEN name = 'page_view' THEN printf('{{"seconds":%d}}', 5 + hash(v * 3 + k) % 90) END,
        CASE WHEN name = 'purchase' THEN printf('o%d-%d', v, k) END,
        CASE WHEN name = 'purchase' THEN printf('%d.%02d', 10 + hash(v) % 60 + hash(v + k) % 30, hash(v + 5) % 100) END
    FROM (
        SELECT v, k, t0 - 40 * {day} + CAST(hash(v * 31 + k // 4) % 5200000 AS BIGINT) * 1000000 + (k % 4) * 40000000 + k AS t,
            CASE WHEN r < 55 THEN 'page_view' WHEN r < 77 THEN 'view_item' WHEN r < 89 THEN 'add_to_cart'
                WHEN r < 96 THEN 'begin_checkout' ELSE 'purchase' END AS name
        FROM (SELECT *, CAST(hash(v * 17 + k) % 100 AS INTEGER) AS r
            FROM (SELECT *, unnest(range(n)) AS k FROM units))
    )
) TO '{path}' (FORMAT parquet)
"""
_UNITS = """
CREATE TABLE units AS SELECT v, 1771113600000000 + CAST(hash(v) % (14 * 86400) AS BIGINT) * 1000000 AS t0, CAST(hash(v + 1) % 2 AS INTEGER) AS arm,
    CAST(3 + hash(v * 5) % 13 AS BIGINT) AS n FROM range({units}) t(v)
"""


def workspace(folder: Path, millions: float) -> Path:
    """A store with so many millions of events, one in ten of them an exposure; made once per folder."""
    import duckdb

    from assay.store.engine import Piece
    from assay.workspace import Workspace

    target = folder / f"experiment-{millions:g}m"
    if (target / "assay-data").exists():
        return target
    target.mkdir(parents=True, exist_ok=True)
    lines = [f"  {name}: {text}" for name, (text, *_) in (MEANS | RATIOS).items()]
    names = ", ".join(n for n in (MEANS | RATIOS) if n != "rpv")
    (target / "assay.yaml").write_text(PLAN.format(metrics="\n".join(lines), names=names), encoding="utf-8")
    path = target / "events.parquet"
    with duckdb.connect() as connection:
        connection.execute(_UNITS.format(units=int(millions * 1e5)))
        connection.execute(_EVENTS.format(path=path, day=DAY))
    with Workspace(target) as ws:
        ws.load([Piece("bench", path)])
    path.unlink()
    return target


def by_hand(connection: Any) -> Any:
    """The unit table as an analyst would write it: one row per visitor, window and time before, as polars.

    An Arrow table handed to tea-tasting 1.14 gives covariances that differ from run to run in the seventh digit; polars and
    pandas do not.
    """
    window, before = 14 * DAY, 28 * DAY
    after = f"e.t BETWEEN u.t0 AND u.t0 + {window}"
    past = f"e.t >= u.t0 - {before} AND e.t < u.t0"
    counts = ", ".join(
        f"count(*) FILTER (WHERE e.name = '{name}' AND {when}) AS {short}{w}"
        for name, short in EVENTS.items() if name != "purchase"
        for w, when in (("x", after), ("c", past))
    )  # fmt: skip
    seconds = ", ".join(
        f"sum(CAST(json_extract_string(e.props, '$.seconds') AS DOUBLE)) FILTER (WHERE e.name = 'page_view' AND {when}) AS z{w}"
        for w, when in (("x", after), ("c", past))
    )
    visits = ", ".join(
        f"count(*) FILTER (WHERE {when}) AS s{w}"
        for w, when in (
            ("x", f"s.end_t >= u.t0 AND s.start_t <= u.t0 + {window}"),
            ("c", f"s.end_t < u.t0 AND s.start_t >= u.t0 - {before}"),
        )
    )
    orders = ", ".join(
        f"count(*) FILTER (WHERE {when.replace('e.', 'o.')}) AS p{w}, sum(o.net) FILTER (WHERE {when.replace('e.', 'o.')}) AS m{w}"
        for w, when in (("x", after), ("c", past))
    )
    numbers = [f"{s}{w}" for s in (*EVENTS.values(), "z", "s", "m") for w in ("x", "c")]
    columns = {name: text for name, (_, text) in MEANS.items()}
    columns |= {f"{name}_n": n for name, (_, n, _) in RATIOS.items()} | {
        f"{name}_d": d for name, (_, _, d) in RATIOS.items()
    }
    made = ", ".join(f"{text.format(w=w)} AS {name}_{w}" for name, text in columns.items() for w in ("x", "c"))
    import polars

    return polars.from_arrow(connection.sql(f"""
        WITH u AS (
            SELECT visitor_key, min(t) AS t0, arg_min(json_extract_string(props, '$.variant'), t) AS variant FROM events
            WHERE name = 'experiment_viewed' AND json_extract_string(props, '$.experiment_id') = 'test' AND NOT bot
            GROUP BY visitor_key HAVING count(DISTINCT json_extract_string(props, '$.variant')) = 1
        ), ev AS (
            SELECT u.visitor_key, {counts}, {seconds} FROM events e JOIN u ON u.visitor_key = e.visitor_key
            WHERE NOT e.bot AND e.t BETWEEN u.t0 - {before} AND u.t0 + {window} GROUP BY u.visitor_key
        ), od AS (
            SELECT u.visitor_key, {orders} FROM orders o JOIN u ON u.visitor_key = o.visitor_key
            WHERE o.counted AND o.t BETWEEN u.t0 - {before} AND u.t0 + {window} GROUP BY u.visitor_key
        ), se AS (
            SELECT u.visitor_key, {visits} FROM sessions s JOIN u ON u.visitor_key = s.visitor_key
            WHERE s.end_t >= u.t0 - {before} AND s.start_t <= u.t0 + {window} GROUP BY u.visitor_key
        ), t AS (
            SELECT variant, {", ".join(f"CAST(coalesce({n}, 0) AS DOUBLE) AS {n}" for n in numbers)}
            FROM u LEFT JOIN ev USING (visitor_key) LEFT JOIN od USING (visitor_key) LEFT JOIN se USING (visitor_key)
        )
        SELECT variant, {made} FROM t
    """).to_arrow_table())  # fmt: skip


def judged(table: Any) -> Any:
    """tea-tasting on the unit table: Welch's t, CUPED for means and ratios."""
    import tea_tasting as tt

    metrics: dict[str, Any] = {name: tt.Mean(f"{name}_x", f"{name}_c") for name in MEANS}
    for name in RATIOS:
        metrics[name] = tt.RatioOfMeans(f"{name}_n_x", f"{name}_d_x", f"{name}_n_c", f"{name}_d_c")
    return tt.Experiment(metrics, variant="variant").analyze(table, control="control")


def run(folder: Path, millions: float, rounds: int) -> None:
    """Check that the numbers are equal, then print the ratio."""
    from assay.workspace import Workspace

    target = workspace(folder, millions)
    with Workspace(target) as ws:

        def ours() -> Any:
            return ws.ask("experiment-readout", "test")

        # The same engine settings: the peer asks through a cursor of assay's own connection.
        connection = ws.engine.connection.cursor()  # type: ignore[attr-defined]
        spent = {"sql": math.inf, "tea-tasting": math.inf}

        def theirs() -> Any:
            started = time.perf_counter()
            table = by_hand(connection)
            middle = time.perf_counter()
            result = judged(table)
            spent["sql"] = min(spent["sql"], middle - started)
            spent["tea-tasting"] = min(spent["tea-tasting"], time.perf_counter() - middle)
            return result

        worst = compare(ours(), theirs())
        best = fastest((ours, theirs), rounds)
    units = int(millions * 1e5)
    print(
        f"scorecard of 20 metrics with CUPED, {millions:g} million events, {units:,} units: assay {best[0]:.2f} s, by hand "
        f"{best[1]:.2f} s (SQL {spent['sql']:.2f}, tea-tasting {spent['tea-tasting']:.2f}): ratio {best[0] / best[1]:.2f} "
        f"(bar 0.8, aim 0.5); largest relative difference {worst:.1e}"
    )


def compare(answer: Any, result: Any) -> float:
    """The largest relative difference of effects and p-values; AssertionError beyond 1e-9."""
    worst = 0.0
    for row in answer.records():
        peer = result[row["metric"]]
        for mine, other in ((row["difference"], peer.effect_size), (row["p_value"], peer.pvalue)):
            if row["metric"] in ("buyers", "carters", "viewers", "starters") and "score" in str(row["method"]):
                continue
            apart = abs(float(mine) - float(other)) / max(abs(float(other)), 1e-300)
            assert apart < 1e-9, (row["metric"], mine, other)
            worst = max(worst, apart)
    return worst


def sequential(looks: int = 3650) -> None:
    """CPU of ten years of daily readings of one metric, after the query."""
    import random

    from assay.model.moments import Moments
    from assay.stats.means import compare_means
    from assay.stats.sequential import always_valid_p, critical, tuning_for

    drawn = random.Random(1)
    started = time.process_time()
    tuning = tuning_for(1_000_000)
    total = [Moments.zero(("x",)), Moments.zero(("x",))]
    for _ in range(looks):
        for arm in (0, 1):
            total[arm] = total[arm] + Moments(("x",), 150, (drawn.gauss(300, 20),), (900.0,))
        made = compare_means(total[0], total[1])
        n = total[0].n + total[1].n
        bound = float(critical(n, 0.05, tuning))
        made.interval(critical=bound)  # type: ignore[union-attr]
        made.interval(scale="relative", critical=bound)  # type: ignore[union-attr]
        always_valid_p(made.statistic(), n, tuning)  # type: ignore[union-attr]
    print(f"{looks:,} daily readings of one metric: {time.process_time() - started:.2f} s of CPU (bar 1)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="assay-bench-"))
    try:
        sequential()
        run(folder, options.millions, options.rounds)
    finally:
        if options.keep is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
