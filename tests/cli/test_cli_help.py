"""Help of every verb; what starting costs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from commands import Assay

from assay.analyses import QUESTIONS
from assay.cli.app import VERBS
from assay.cli.listing import questions
from assay.collect.importers import IMPORTERS

NAMES = [question.name for question in QUESTIONS if not question.name.startswith("experiment-")]
PARTS = [question.name.removeprefix("experiment-") for question in QUESTIONS if question.name not in NAMES]
HEAVY = ("numpy", "scipy", "duckdb", "sqlglot", "pydantic", "rich", "yaml", "assay.analyses", "assay.workspace")


def test_summaries_read_from_source_are_those_of_the_questions() -> None:
    assert list(questions()) == [(question.name, question.summary) for question in QUESTIONS]


@pytest.mark.parametrize("words", [["--help"], ["-h"], []])
def test_help_lists_every_verb_by_panel(assay: Assay, words: list[str]) -> None:
    ran = assay(*words)
    assert (ran.code, ran.err) == (0, "")
    listed = [line.split()[0] for line in ran.out.splitlines() if line.startswith("  ") and line[2:3].isalpha()]
    assert [name for name in listed if name in {*NAMES, *(verb.name for verb in VERBS)}] == [
        *NAMES,
        *(v.name for v in VERBS),
    ]
    assert [line for line in ran.out.splitlines() if line in ("Answers:", "Plan:", "Data:")] == [
        "Answers:",
        "Plan:",
        "Data:",
    ]


VERB_LINES = [
    *([name] for name in NAMES),
    *(["experiment", name] for name in (*PARTS, "start", "stop", "decide", "note")),
    *(["backlog", name] for name in ("add", "rate")),
    *(["ask", question.name] for question in QUESTIONS),
    *(["sql", question.name] for question in QUESTIONS),
    *(["import", importer.name] for importer in IMPORTERS),
    *([verb.name] for verb in VERBS),
    ["plan", "diff"],
    ["plan", "schema"],
]


@pytest.mark.parametrize("words", VERB_LINES, ids=" ".join)
def test_every_verb_has_help(assay: Assay, words: list[str]) -> None:
    ran = assay(*words, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: assay {' '.join(words)}")
    assert max(map(len, ran.out.splitlines())) <= 100


def test_flags_are_made_from_the_parameters(assay: Assay) -> None:
    for question in QUESTIONS:
        out = assay("ask", question.name, "--help").out
        for name, field in question.Params.model_fields.items():
            argument = bool((field.json_schema_extra or {}).get("argument"))  # type: ignore[union-attr]
            assert (name.upper() if argument else "--" + (field.alias or name).replace("_", "-")) in out


def test_version(assay: Assay) -> None:
    import assay as package

    assert assay("--version").out == f"assay {package.__version__}\n"


@pytest.mark.parametrize("code", ["import assay.cli", "from assay.cli.run import run; run(['--help'])"])
def test_starting_loads_nothing_heavy(code: str) -> None:
    program = f"{code}\nimport sys\nprint(*[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stderr.split() == []
