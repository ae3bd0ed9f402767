from __future__ import annotations

from datetime import date
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.model.errors import PlanError
from assay.plan.check import check
from assay.plan.diff import diff
from assay.plan.expressions import ExpressionError, parse
from assay.plan.forms import MetricForm
from assay.plan.kpis import TYPES
from assay.plan.load import loads, loads_with_lines
from assay.plan.sections import SECTIONS
from assay.plan.validate import keys
from support import examples

WORDS = sorted(
    {name for section in SECTIONS if section.form for name in keys(section.form)}
    | {name for type_ in TYPES for name in keys(type_.keys)}
    | {type_.name for type_ in TYPES}
    | set(keys(MetricForm))
    | {
        "a",
        "order",
        "session",
        "visitor",
        "purchase",
        "revenue.net",
        "purchase.revenue",
        "7d",
        "none",
        "55%",
        "/x/*",
        "_clean",
    }
    | {
        "+10% by 2026-12-31",
        "2026-Q3",
        "device = 'x'",
        "is_new",
        "a / b",
        "primary",
        "guardrails",
        "regex",
        "macro",
        "every",
    }
)
TOKENS = [
    *(
        "device",
        "duration",
        "is_new",
        "and",
        "or",
        "not",
        "in",
        "between",
        "like",
        "is",
        "null",
        "'x'",
        "1",
        "as",
        "from",
    ),
    *(
        "(",
        ")",
        ",",
        ".",
        "=",
        "<",
        ">",
        "+",
        "-",
        "*",
        "/",
        "%",
        "::",
        "->",
        "[",
        "]",
        "{",
        "}",
        ";",
        "?",
        "$1",
        '"',
        "'",
    ),
    *("lower(", "coalesce(", "select", "case", "when", "--", "/*", "*/"),
]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.text(max_size=8),
    st.sampled_from(WORDS),
    st.sampled_from(WORDS),
)
names = st.one_of(st.sampled_from(WORDS), st.sampled_from(WORDS), st.text(max_size=5), st.integers())
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=5)),
    max_leaves=12,
)
entries = st.dictionaries(names, trees, max_size=4)
metrics = st.builds(lambda type_, rest: {**rest, "type": type_}, st.sampled_from([t.name for t in TYPES]), entries)
plans = st.dictionaries(
    st.sampled_from([section.name for section in SECTIONS]),
    st.one_of(trees, st.dictionaries(st.sampled_from(["a", "b", "order"]), st.one_of(entries, metrics), max_size=3)),
    max_size=5,
)
quick = settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def survives(text: str) -> None:
    try:
        plan, lines = loads_with_lines(text)
    except PlanError as error:
        told = error.problems
        plan = None
    if plan is None:
        assert told
        assert all(p.line >= 0 and p.text and "\n" not in p.text for p in told)
        return
    check(plan, lines, date(2026, 1, 1))
    assert diff(plan, plan) == []


@quick
@given(plans)
def test_structures(plan: Any) -> None:
    survives(yaml.safe_dump(plan, allow_unicode=True))


@quick
@given(trees)
def test_any_tree(tree: Any) -> None:
    survives(yaml.safe_dump(tree))


@quick
@given(st.text(alphabet=st.sampled_from("a:-[]{}&*!|>%@`'\"#?,\n \t0\\\x00é"), max_size=60))
def test_any_text(text: str) -> None:
    survives(text)


@quick
@given(st.lists(st.sampled_from(TOKENS), max_size=12))
def test_expressions(tokens: list[str]) -> None:
    names = {"device": "text", "duration": "number", "is_new": "boolean"}
    try:
        made = parse(" ".join(tokens), names)
    except ExpressionError:
        return
    assert parse(made.text, names) == made
    assert set(made.names) <= set(names)


@quick
@given(st.data())
def test_one_changed_value_of_the_example(data: st.DataObject) -> None:
    tree = yaml.safe_load(EXAMPLE)
    node, path = tree, []
    while isinstance(node, dict | list) and node:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        path.append((node, key))
        node = node[key]
    parent, key = data.draw(st.sampled_from(path))
    parent[key] = data.draw(trees)
    survives(yaml.safe_dump(tree))


EXAMPLE = """
goals: {order: {event: purchase, kind: macro}}
pages: {product: /p/*}
events: {trial_started: {properties: {plan: {type: string, scope: user}}}}
orders: {cost: 55%}
metrics:
  rate: {type: conversion, goal: order, per: session}
  aov: {type: ratio, numerator: {sum: revenue.net}, denominator: {count: order}}
  both: {type: derived, expression: rate * aov}
kpis: {aov: {target: +10% by 2026-12-31, baseline: 2026-Q3}}
segments: {mobile: device = 'mobile'}
cohorts: {c: {did: purchase, within: 7d}}
funnels: {f: {steps: [view_item, {event: purchase, where: revenue > 1}], exclusions: [{event: refund}]}}
channels: [{channel: A, where: source = 'a'}]
experiments: {e: {primary: {metric: aov}, guardrails: [{metric: rate, margin: 1pp}]}}
changes: [{date: 2026-01-01, kind: fix, what: x}]
alerts: {a: {metric: aov}}
"""


def test_the_example_is_sound() -> None:
    assert loads(EXAMPLE).metrics["both"].uses == ("aov", "rate")
