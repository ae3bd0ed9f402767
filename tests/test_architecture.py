"""What the source must look like: where SQL stands, how long files and functions are, what is imported at start."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot

import assay
from assay.store import schema
from support import view, workspace

SOURCE = Path(assay.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
# query/ reads; an importer shapes files before they are events, the demo writes some: neither asks anything of the store.
SQL_MAY_STAND = ("query", "collect/importers", "demo")
SQL = re.compile(
    r"\bSELECT\b.+\bFROM\b|\bINSERT\s+INTO\b|\bUPDATE\s+\w+\s+SET\b|\bDELETE\s+FROM\b|\b(CREATE|DROP|ALTER)\s+(OR\s+REPLACE\s+)?(TEMP\s+)?(TABLE|VIEW)\b",
    re.DOTALL,
)


def relative(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """String constants (f-strings with their places left open), without docstrings."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(p.value if isinstance(p, ast.Constant) else "x" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


def test_sql_stands_only_where_it_may() -> None:
    found = [
        f"{relative(path)}:{line}"
        for path in MODULES
        if not relative(path).startswith(SQL_MAY_STAND)
        for line, text in texts(ast.parse(path.read_text(encoding="utf-8")))
        if SQL.search(text)
    ]
    assert found == []


def test_sql_files_stand_only_where_they_may() -> None:
    folders = {relative(path.parent) for path in SOURCE.rglob("*.sql")}
    assert {f for f in folders if not f.startswith(("store/schema/", *SQL_MAY_STAND))} == set()


def test_files_and_functions_are_short() -> None:
    files, functions = [], []
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 400:
            files.append(relative(path))
        for node in ast.walk(ast.parse(text)):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and (node.end_lineno or 0) - node.lineno + 1 > 80
            ):
                functions.append(f"{relative(path)}:{node.name}")
    assert (files, functions) == ([], [])


STATEMENTS = [
    pytest.param(statement, id=f"{path.stem}-{n}")
    for path in sorted((SOURCE / "store" / "schema" / "duckdb").glob("*.sql"))
    for n, statement in enumerate(schema.split(path.read_text(encoding="utf-8")))
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_statement_of_the_schema_parses(statement: str) -> None:
    """By the engine itself: places are filled with something harmless, and only the parser may complain."""
    import duckdb

    filled = re.sub(r"\{(path|types)\}", "'x'", re.sub(r"\{(tombstones|cuts)\}", "(1)", statement))
    filled = re.sub(r"\{type\}", "VARCHAR", re.sub(r"\{(extra|into)\}", "", filled))
    filled = re.sub(r"\{kind\}", "TABLE", filled)
    filled = re.sub(r"\{\w+\}", "x", filled)
    with duckdb.connect() as connection:
        assert len(connection.extract_statements(filled)) == 1


PLAN = """
goals: {order: {event: purchase, kind: macro, journey: shop}}
objectives: {grow: {goal: more}}
metrics:
  rate: {type: conversion, goal: order, per: session}
  rpv: {type: simple, sum: revenue.net, per: visitor}
  aov: {type: ratio, numerator: {sum: revenue.net}, denominator: {count: order}}
  window: {type: conversion, from: view_item, event: purchase, per: user, within: 1d}
  p75: {type: quantile, of: page_view.ms, q: 0.75, per: visitor}
  bounces: {type: rate, of: session, where: is_bounce}
events: {page_view: {properties: {ms: number, lcp_ms: number, field: string}}}
pages: {pricing: /pricing}
orders: {cost: 55%}
kpis: {rate: {objective: grow, target: +10% by 2024-03-31, baseline: 2024-01-01..2024-01-01}}
segments: {mobile: "device = 'mobile'", seen: "page = '/'", bought: "order_type = 'first'"}
funnels:
  shop: {steps: [view_item, purchase], window: 7d}
  again: {steps: [purchase, purchase], per: session, window: session}
experiments:
  test:
    start: 2024-01-01
    window: 1d
    audience: seen
    exposure: {trigger: view_item}
    primary: {metric: rpv, mde: 10%}
    diagnostics: [rate, aov, window]
    cuped: 2d
  test2: {start: 2024-01-01, window: 1d, primary: rpv}
  other: {start: 2024-01-01, window: 1d, unit: user, primary: rpv, exposure: {value: test}}
"""


@pytest.mark.filterwarnings("ignore")
def test_the_sql_of_every_question_parses(tmp_path: Path) -> None:
    told = {"ms": 3, "lcp_ms": 900, "field": "phone"}
    ws = workspace(tmp_path, PLAN, [view("a", f"2024-01-0{day} 10:00", props=told) for day in (1, 2)])
    (tmp_path / "till.csv").write_text("order_id,time,amount\nA1,2024-01-01T10:00:00+00:00,5.00\n", encoding="utf-8")
    later = {"from": "2024-01-02", "to": "2024-01-02"}
    range_ = {"from": "2024-01-01", "to": "2024-01-02"}
    metrics = ["rate", "rpv", "aov", "window", "p75", "bounces"]
    answers = [
        ws.ask("overview", **range_),
        ws.ask("metric", metrics, **range_),
        ws.ask(
            "metric", metrics, by=["device", "first_channel"], grain="day", segment="seen", compare="previous", **range_
        ),
        ws.ask("metric", ["rate", "rpv"], by="page", pick="any", segment="bought", **range_),
        ws.ask("funnel", "shop", by="customer", segment="mobile", **range_),
        ws.ask("funnel", "again", **range_),
        ws.ask("segments", "rate", **range_),
        ws.ask("pages", **range_),
        ws.ask("audit"),
        ws.ask("review"),
        ws.ask("versions"),
        ws.ask("waiting"),
        ws.ask("programme"),
        ws.ask("clv", by="first_source", segment="seen", **range_),
        ws.ask("retention", by=["device"], rolling=True, segment="seen", start="purchase", **range_),
        ws.ask("journey", start="/", end="/", segment="seen", versus="bought", **range_),
        ws.ask("journey", end="/", gap="30m", per="user", **range_),
        ws.ask("journey", paths=True, goal="order", per="session", segment="mobile", **range_),
        ws.ask("time-to", "order", start="view_item", by="device", segment="seen", within="7d", **range_),
        ws.ask("time-to", "purchase", segment="mobile", per="visitor", **range_),
        ws.ask("lifecycle", period="day", segment="mobile", **range_),
        ws.ask("features", "view_item", segment="seen", goal="order", **range_),
        ws.ask("retention", cohort="first", cumulative=True, **range_),
        ws.ask("channels", by="campaign", segment="seen", **range_),
        ws.ask("attribution", model=["all"], goal="page_view", exclude_direct=True, transform=["exposure"], **range_),
        ws.ask("attribution", per="user", touch="page_view", segment="bought", paths=True, **range_),
        ws.ask("sessions", segment="seen or page = '/x'", limit=0, **range_),
        ws.ask("compare", "rate", rule=["bots=include"], **range_),
        ws.ask("explain", "window", **range_),
        ws.ask("catalog"),
        ws.ask("quality", **range_),
        ws.ask("alerts", **range_),
        ws.ask("changes", **range_),
        ws.ask("user", "a", **range_),
        ws.ask("pages", conversion=True, by="channel", segment="mobile", **range_),
        ws.ask("pace"),
        ws.ask("products", segment="seen", **range_),
        ws.ask("products", pairs=True, by="item_id", **range_),
        *(ws.ask("why", name, by=["device", "is_new"], segment="seen", **later) for name in ("rate", "rpv", "window")),
        ws.ask("why", "rate", versus="mobile", **range_),
        ws.ask("leaks", "shop", segment="seen", every=True, **range_),
        ws.ask("leaks", "again", by="customer", **range_),
        ws.ask("opportunity", "shop", target="purchase=50%", to_backlog=True, **range_),
        ws.ask("patterns", segment="seen", **later),
        ws.ask("backlog"),
        ws.ask("reconcile", "till.csv"),
        ws.ask("experiment"),
        ws.ask("ledger", imports=True),
        ws.ask("tracking", all=True),
        ws.ask("review"),
        ws.ask("versions"),
        ws.ask("waiting"),
        ws.ask("experiment-design", "test"),
        ws.ask("experiment-qa", "test"),
        ws.ask("experiment-readout", "test", add="bounces"),
        ws.ask("experiment-readout", "other", by="device"),
        ws.ask("experiment-readout", "other", daily=True),
        ws.ask("experiment-follow-up", "other", days=[1]),
        ws.ask("experiment-value"),
        ws.ask("experiment-interaction", ["test", "test2"]),
        ws.ask("learnings"),
        ws.ask("rollout", "rpv", by="device", start={"mobile": "2024-01-02"}, **range_),
    ]
    asked = {answer.question for answer in answers}
    from assay.analyses import BY_NAME

    assert asked == set(BY_NAME)
    for answer in answers:
        for sql in answer.sql:
            assert sqlglot.parse(sql, dialect="duckdb")


@pytest.mark.parametrize(
    "derived",
    ["", "rules: {session: {max: 1h, split_on_campaign: true, split_at_midnight: true}, bounce: ga4, orders: last}\n"],
)
def test_the_derivations_parse(tmp_path: Path, derived: str) -> None:
    ws = workspace(tmp_path, derived)
    for statement in (*ws.derivation.keys, *ws.derivation.tables):
        assert len(sqlglot.parse(statement.sql, dialect="duckdb")) == 1


def test_nothing_heavy_is_imported_at_start() -> None:
    code = """
import sys, assay.cli
from assay.analyses import BY_NAME
[q.Params for q in BY_NAME.values()]
heavy = [m for m in ("numpy", "scipy", "duckdb", "sqlglot", "fastapi", "pandas", "pyarrow") if m in sys.modules]
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(SOURCE.parent), "PATH": ""})


def test_no_two_test_files_have_one_name() -> None:
    """pytest imports them by their bare names."""
    names = [
        path.name for path in Path(__file__).parent.rglob("*.py") if path.name not in ("conftest.py", "__init__.py")
    ]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_git_keeps_every_file_of_the_source() -> None:
    """A pattern in .gitignore once kept a whole folder of templates out of the repository."""
    words = ("git", "ls-files", "--others", "--ignored", "--exclude-standard", ".")
    try:
        listed = subprocess.run(words, cwd=SOURCE, capture_output=True, text=True, check=True).stdout.splitlines()
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("this is no checkout of git")
    assert [one for one in listed if "__pycache__" not in one and not one.startswith("web/static/")] == []
