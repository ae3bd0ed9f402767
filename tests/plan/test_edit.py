"""Adding to a person's plan: nothing else changes, whatever the style of the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.model.errors import UsageError
from assay.plan.edit import Addition, add, checked, save
from assay.plan.load import load
from support import examples

METRIC = {"type": "simple", "count": "session"}
ONE = "{type: simple, count: session}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"metrics:\n  m: {ONE}\n"),
        ("# only a comment\n", f"# only a comment\n\nmetrics:\n  m: {ONE}\n"),
        ("site: {name: A}", f"site: {{name: A}}\n\nmetrics:\n  m: {ONE}\n"),
        ("metrics:\n", f"metrics:\n  m: {ONE}\n"),
        ("metrics: # mine\nsite: {}\n", f"metrics: # mine\n  m: {ONE}\nsite: {{}}\n"),
        ("metrics: ~\nsite: {}\n", f"metrics:\n  m: {ONE}\nsite: {{}}\n"),
        ("metrics: {}\n", f"metrics: {{m: {ONE}}}\n"),
        (f"metrics: {{a: {ONE}}}  # all\n", f"metrics: {{a: {ONE}, m: {ONE}}}  # all\n"),
        (f"metrics: {{\n  a: {ONE},  # first\n}}\n", f"metrics: {{\n  a: {ONE}, m: {ONE},  # first\n}}\n"),
        (f"metrics:\n  a: {ONE}  # first\n\nsite: {{}}\n", f"metrics:\n  a: {ONE}  # first\n  m: {ONE}\n\nsite: {{}}\n"),
        (f"metrics:\n    a: {ONE}\n    # more\n# other\n", f"metrics:\n    a: {ONE}\n    # more\n    m: {ONE}\n# other\n"),
        ("metrics:\n  a:\n    type: simple\n    count: session\n", f"metrics:\n  a:\n    type: simple\n    count: session\n  m: {ONE}\n"),
        (f"metrics:\r\n  a: {ONE}\r\n", f"metrics:\r\n  a: {ONE}\r\n  m: {ONE}\r\n"),
        (f"metrics:\n  a: {ONE}", f"metrics:\n  a: {ONE}\n  m: {ONE}\n"),
        (f"\ufeffmetrics:\n  a: {ONE}\n", f"\ufeffmetrics:\n  a: {ONE}\n  m: {ONE}\n"),
        (f"---\nmetrics:\n  a: {ONE}\n...\n", f"---\nmetrics:\n  a: {ONE}\n  m: {ONE}\n...\n"),
        ("---\nsite: {}\n...\n", f"---\nsite: {{}}\n\nmetrics:\n  m: {ONE}\n...\n"),
        (
            "metrics:\n  a:\n    type: simple\n    count: session\n    description: |\n      long\n\nsite: {}\n",
            f"metrics:\n  a:\n    type: simple\n    count: session\n    description: |\n      long\n  m: {ONE}\n\nsite: {{}}\n",
        ),
        (
            f"metrics:\n  a: &a {ONE}\n  b: *a\nsite: {{}}\n",
            f"metrics:\n  a: &a {ONE}\n  b: *a\n  m: {ONE}\nsite: {{}}\n",
        ),
    ],
)  # fmt: skip
def test_one_line_is_added_and_nothing_else(before: str, after: str) -> None:
    assert add(before, [Addition(("metrics", "m"), METRIC)]) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("events: {e: }\n", "events: {e: {properties: {x: money}} }\n"),
        ("events:\n  e:\n  f:\n", "events:\n  e:\n    properties: {x: money}\n  f:\n"),
        ("events:\n  e: {properties: {y: string}}\n", "events:\n  e: {properties: {y: string, x: money}}\n"),
        ("events:\n  e: {description: D}\n", "events:\n  e: {description: D, properties: {x: money}}\n"),
        (
            "events:\n  e:\n    properties:\n      y: string\n  f:\n",
            "events:\n  e:\n    properties:\n      y: string\n      x: money\n  f:\n",
        ),
    ],
)
def test_a_property_of_an_event_that_is_there(before: str, after: str) -> None:
    assert add(before, [Addition(("events", "e", "properties", "x"), "money")]) == after


def test_a_long_entry_stands_below_itself() -> None:
    value = {"type": "conversion", "from": "start_trial", "event": "subscribe", "description": "It: " + "x" * 90}
    text = add("metrics:\n    a: {}\n", [Addition(("metrics", "m"), value)])
    assert text.splitlines()[2:5] == ["    m:", "        type: conversion", "        from: start_trial"]


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (f"metrics: {{m: {ONE}}}", ("metrics", "m"), "metrics.m is already there"),
        ("metrics: [1]", ("metrics", "m"), "no mapping of its own"),
        ("events: {e: &p {properties: {}}, f: *p}", ("events", "f", "properties", "x"), "no mapping of its own"),
        ("events: {e: {properties: {x: money}}}", ("events", "e", "properties", "x"), "already there"),
        ("- 1", ("metrics", "m"), "mapping of sections"),
    ],
)
def test_what_is_refused(text: str, path: tuple[str, ...], message: str) -> None:
    from assay.model.errors import PlanError

    with pytest.raises((UsageError, PlanError), match=message):
        add(text, [Addition(path, METRIC)])


def test_a_plan_that_would_be_wrong_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "assay.yaml"
    path.write_text("site: {name: A}\n")
    wrong = add(path.read_text(), [Addition(("metrics", "m"), {"type": "conversion", "goal": "none"})])
    with pytest.raises(UsageError, match="stays as it is"):
        save(path, wrong)
    assert path.read_text() == "site: {name: A}\n"
    assert [p.name for p in tmp_path.iterdir()] == ["assay.yaml"]


def test_saved_at_once_with_its_rights_and_includes(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text(f"metrics: {{a: {ONE}}}\n")
    real = tmp_path / "real.yaml"
    real.write_bytes(b"include: more.yaml\r\nsite: {name: A}\r\n")
    real.chmod(0o640)
    link = tmp_path / "assay.yaml"
    link.symlink_to(real)
    text = add(link.read_bytes().decode(), [Addition(("metrics", "m"), METRIC)])
    assert set(checked(link, text).metrics) == {"a", "m"}
    save(link, text)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert real.read_bytes().endswith(b"\r\nmetrics:\r\n  m: {type: simple, count: session}\r\n")
    assert set(load(link).metrics) == {"a", "m"}
    assert len(list(tmp_path.iterdir())) == 3


_WORDS = st.text("abcxyz-:#'\" é", min_size=1, max_size=12)
_VALUES = st.recursive(
    _WORDS | st.integers(0, 99) | st.booleans() | st.none(),
    lambda inner: st.dictionaries(_WORDS.filter(str.strip), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=examples(150), deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcd"), st.dictionaries(st.sampled_from("efgh"), _VALUES, max_size=3), max_size=4),
    st.booleans() | st.none(),
    st.sampled_from("abcdz"),
    _VALUES,
)
def test_any_file_keeps_what_it_says(tree: dict[str, object], style: bool | None, section: str, value: object) -> None:
    """Whatever the layout: the result says what was there and the addition, or it is refused."""
    import yaml

    from assay.plan.report import Report
    from assay.plan.tree import plain, read

    text = yaml.safe_dump(tree, default_flow_style=style, sort_keys=False, allow_unicode=True)
    report = Report()
    node = read(text, "x", report)
    if node is None or report.problems:
        return
    try:
        new = add(text, [Addition((section, "new"), value)])
    except UsageError as error:
        assert "cannot be changed" in str(error)  # noqa: PT017
        return
    made = plain(read(new, "x", report))
    before = plain(node)
    assert made == {**before, section: {**(before.get(section) or {}), "new": made[section]["new"]}}
