from __future__ import annotations

from typing import Any

import pytest

from assay.model.errors import PlanError
from assay.plan.load import loads
from assay.plan.report import Report
from assay.plan.tree import lines, plain, read


def values(text: str) -> Any:
    report = Report()
    node = read(text, "f.yaml", report)
    assert not report.problems
    assert node is not None
    return plain(node)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", "no"),
        ("a: yes", "yes"),
        ("a: on", "on"),
        ("a: true", True),
        ("a: False", False),
        ("a: ~", None),
        ("a:", None),
        ("a: 2026-12-31", "2026-12-31"),
        ("a: 1:30", "1:30"),
        ("a: 010", "010"),
        ("a: 10", 10),
        ("a: -1.5", -1.5),
        ("a: 1e3", 1000.0),
        ("a: '10'", "10"),
        ("a: 7d", "7d"),
        ("a: .inf", ".inf"),
        ("a: 0x10", "0x10"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    assert values(text) == {"a": value}


def test_keys_stay_text_and_aliases_work() -> None:
    assert values("1: a\nyes: b\nnull: c") == {"1": "a", "yes": "b", "null": "c"}
    assert values("a: &x {k: 1, l: 2}\nb: *x\nc: {<<: *x, k: 3}") == {
        "a": {"k": 1, "l": 2},
        "b": {"k": 1, "l": 2},
        "c": {"k": 3, "l": 2},
    }
    assert values("") == {}
    assert values("---\n...") == {}


def test_lines_of_keys_and_items() -> None:
    node = read("a:\n  b: 1\n  c:\n    - x\n    - y: 2\n", "f.yaml", Report())
    assert node is not None
    found = lines(node, "f.yaml")
    assert [found.find(*path)[1] for path in [("a",), ("a", "b"), ("a", "c", 0), ("a", "c", 1, "y")]] == [1, 2, 4, 5]
    assert found.find("a", "b", "nowhere") == ("f.yaml", 2)
    assert found.find("nowhere") == ("f.yaml", 0)


def bomb() -> str:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: [1\nb: 2", 2, "expected ',' or ']'"),
        ("a: 1\n\tb: 2", 2, "cannot start any token"),
        ("a: 1\na: 2", 2, "already there on line 1"),
        ("site:\n  name: x\n  name: y", 3, "already there on line 2"),
        ("- a", 1, "a plan is a mapping"),
        ("just text", 1, "a plan is a mapping"),
        ("a: 1\n---\nb: 2", 2, "single document"),
        ("? [a]\n: b", 1, "a key must be a single word"),
        ("'': b", 1, "must not be empty"),
        ("a: !!python/object:os.system x", 1, "has no place in a plan"),
        ("a: !mine x", 1, "has no place in a plan"),
        ("a:\n  b: *nowhere", 2, "undefined alias"),
        ("a: &a [*a]", 1, "alias that contains itself"),
        ("a: &a\n  b: *a", 2, "alias that contains itself"),
        (bomb(), 5, "more than 100,000 values"),
        ("[" * 3000, 1, "nested deeper"),
        ("a: " + "{b: " * 3000, 1, "nested deeper"),
        ("a: 1\nb: \x00", 2, "special characters"),
        ('a: "\\0"', 1, "control characters"),
        ('x: 1\na: "\\UFFFFFFFF"', 2, "not readable"),
        ("a: " + "9" * 5000, 1, "no number"),
        ("a: 1e999", 1, "no number"),
        ("%YAML 9.9\n---\na: 1", 1, "incompatible"),
    ],
)
def test_broken(text: str, line: int, message: str) -> None:
    with pytest.raises(PlanError, match=message) as caught:
        loads(text, "f.yaml")
    places = [(p.file, p.line) for p in caught.value.problems if message in p.text]
    assert places == [("f.yaml", line)]
    assert all("\n" not in p.text for p in caught.value.problems)
