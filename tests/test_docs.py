"""The docs name everything that a user can write, ask or import; the README's figures are real."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.analyses import QUESTIONS
from assay.analyses.situations import SITUATIONS
from assay.cli.app import VERBS
from assay.collect.importers import IMPORTERS
from assay.decide.reconcile import REASONS
from assay.model.event import FIELDS
from assay.plan.dimensions import DIMENSIONS
from assay.plan.kpis import TYPES
from assay.plan.sections import SECTIONS
from assay.query.derive import BOUNCES

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("commands.md", [q.name for q in QUESTIONS]),
        ("commands.md", [verb.name for verb in VERBS]),
        ("guide/importing.md", [i.name for i in IMPORTERS]),
        ("event-line.md", [f.name for f in FIELDS]),
        ("plan.md", [*DIMENSIONS, *(t.name for t in TYPES), *(s.name for s in SECTIONS)]),
        ("definitions.md", list(BOUNCES)),
    ],
)
def test_a_page_names_everything_of_its_kind(page: str, names: list[str]) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert [name for name in names if not re.search(rf"\b{re.escape(name)}\b", text)] == []


def codes() -> Iterator[str]:
    """The codes of all findings that checks make, with those of reasons and situations, which come from tables."""
    for path in (ROOT / "src" / "assay" / "decide").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
                yield from (a.value for a in node.args[:1] if isinstance(a, ast.Constant))  # type: ignore[misc]
    yield from REASONS
    yield from (one.code for one in SITUATIONS)


def test_every_finding_of_a_check_is_explained() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    assert sorted({code for code in codes() if f"`{code}`" not in text}) == []


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in [*DOCS.rglob("*.md"), *ROOT.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append((page.name, target))
    assert broken == []


def test_the_plan_of_the_docs_loads() -> None:
    from assay.plan.load import loads

    text = (DOCS / "plan.md").read_text(encoding="utf-8")
    metrics = re.findall(r"```yaml\n(metrics:.*?)```", text, re.S)
    head = "goals: {order: {event: purchase, kind: macro}}\nevents: {start_trial: {}, subscribe: {}, ad_click: {}, page_view: {properties: {lcp_ms: number}}}\n"
    contribution = "  contribution: {type: simple, sum: contribution}\n"
    plan = loads(head + metrics[0].rstrip() + "\n" + contribution)
    assert len(plan.metrics) == 16


def test_the_experiment_of_the_docs_loads() -> None:
    from assay.plan.experiment_forms import ExperimentForm
    from assay.plan.load import loads
    from assay.plan.validate import keys

    text = (DOCS / "plan.md").read_text(encoding="utf-8")
    block = re.findall(r"```yaml\n(experiments:.*?)```", text, re.S)[0]
    shop = (ROOT / "tests" / "plan" / "shop.yaml").read_text(encoding="utf-8").split("experiments:")[0]
    head = shop.replace(
        "  view_pricing:",
        "  experiment_viewed: {properties: {experiment_id: string, variant: string}}\n  view_pricing:",
    )
    assert list(loads(head + block).experiments) == ["free_shipping"]
    assert [key for key in keys(ExperimentForm) if not re.search(rf"\b{key}\b", text)] == []


def test_the_page_of_engines_is_what_the_tests_say() -> None:
    from engines import MARKS, PAGE, page, rows

    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: PYTHONPATH=tests python -m engines"
    keys = {key for _, key, _, _ in rows()}
    assert {area for area, _ in MARKS} <= keys
    assert {mark.word for mark in MARKS.values()} <= {"not yet", "never"}
    for test in {test for *_, tests in rows() for test in tests}:
        path, _, name = test.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not name or f"def {name}(" in text, test
    kinds = "".join(
        (ROOT / path).read_text(encoding="utf-8")
        for path in ("tests/query/test_kpi_types.py", "tests/properties/test_engines.py")
    )
    assert [one.name for one in TYPES if f"type: {one.name}" not in kinds] == []
