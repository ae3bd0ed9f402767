"""Answers on the command line: the same from every verb, in every format, at most 100 characters wide."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from commands import Assay
from rich.cells import cell_len

from assay.analyses import QUESTIONS
from assay.cli.output import coloured, layout
from assay.query.sql import pretty

ARGUMENTS = {
    "metric": ["rpv", "purchase_rate"],
    "funnel": ["checkout"],
    "segments": ["purchase_rate"],
    "experiment-design": ["reviews"],
    "experiment-follow-up": ["reviews", "--days", "1"],
    "experiment-interaction": ["reviews", "delivery"],
    "experiment-qa": ["reviews"],
    "experiment-readout": ["reviews"],
    "explain": ["purchase_rate"],
    "compare": ["purchase_rate", "--rule", "bots=include"],
    "features": ["add_to_cart"],
    "reconcile": ["till.csv"],
    "rollout": ["rpv", "--by", "device", "--start", "mobile=2024-03-02"],
    "time-to": ["purchase"],
    "user": ["v0"],
    "why": ["purchase_rate", "--versus", "device = 'mobile'"],
}


def asked(question: str) -> list[str]:
    """The words that ask it."""
    return [*(["ask"] if question.startswith("experiment-") else []), question, *ARGUMENTS.get(question, [])]


@pytest.mark.parametrize("question", [q.name for q in QUESTIONS])
def test_every_question_as_a_table_and_as_json(
    assay: Assay, filled: Path, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(filled)
    table = assay(*asked(question))
    assert (table.code, table.err) == (0, "")
    assert max(cell_len(line) for line in table.out.splitlines()) <= 100
    assert "\x1b" not in table.out
    answer = json.loads(assay(*asked(question), "-w", filled, "--format", "json").out)
    assert answer["question"] == question
    assert all(len(row) == len(answer["columns"]) for row in answer["rows"])


@pytest.mark.parametrize(
    "question", [pytest.param(q.name, marks=pytest.mark.soak) if n % 4 else q.name for n, q in enumerate(QUESTIONS)]
)
def test_every_question_in_the_other_formats(
    assay: Assay, filled: Path, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(filled)
    answer = json.loads(assay(*asked(question), "--format", "json").out)
    rows = list(csv.reader(io.StringIO(assay(*asked(question), "--format", "csv").out, newline="")))
    assert rows[0] == [column["name"] for column in answer["columns"]]
    assert len(rows) == len(answer["rows"]) + 1
    assert assay(*asked(question), "--format", "md").out.startswith("**")


def test_figures_of_a_metric(assay: Assay, filled: Path) -> None:
    answer = json.loads(assay("metric", "rpv", "revenue", "visitors", "-w", filled, "--format", "json").out)
    row = dict(zip([column["name"] for column in answer["columns"]], answer["rows"][0], strict=True))
    assert (row["rpv"], row["revenue"], row["visitors"]) == ("3.8125", "30.50", 8)
    assert [one["metric"] for one in answer["definitions"]] == ["rpv", "revenue", "visitors"]


def test_a_funnel_with_bars(assay: Assay, filled: Path) -> None:
    lines = assay("funnel", "checkout", "-w", filled).out.splitlines()
    steps = [
        line.split()
        for line in lines
        if line.split()[:1] and line.split()[0] in ("view_item", "add_to_cart", "begin_checkout", "purchase")
    ]
    assert [int(step[1]) for step in steps[:4]] == [6, 4, 3, 2]
    assert [step[-1].count("█") for step in steps[:4]] == [24, 16, 12, 8]


@pytest.mark.parametrize("before", [True, False])
def test_options_stand_before_or_after_the_verb(assay: Assay, filled: Path, before: bool) -> None:
    options = ["-w", filled, "--format", "json"]
    ran = assay(*options, "metric", "rpv") if before else assay("metric", "rpv", *options)
    assert json.loads(ran.out)["question"] == "metric"


def test_this_folder_is_the_default(assay: Assay, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(filled)
    ran = assay("metric", "rpv")
    assert ran.code == 0
    assert "next: assay sql metric rpv" in ran.out
    assert f"next: assay -w {filled} sql metric rpv" in assay("metric", "rpv", "-w", filled).out


def test_ask_is_the_same(assay: Assay, filled: Path) -> None:
    words = ["metric", "rpv", "--by", "device", "-w", filled]
    assert assay("ask", *words).out == assay(*words).out


@pytest.mark.parametrize(
    "words",
    [
        ["rpv", "aov", "--by", "device", "--by", "browser"],
        ["rpv,aov", "--by", "device,browser"],
        ["rpv, aov", "--by", " device ,browser"],
    ],
)
def test_lists_are_repeated_or_parted_by_commas(assay: Assay, filled: Path, words: list[str]) -> None:
    params = json.loads(assay("metric", *words, "-w", filled, "--format", "json").out)["params"]
    assert (params["names"], params["by"]) == (["rpv", "aov"], ["device", "browser"])


def test_dates_reach_the_question(assay: Assay, filled: Path) -> None:
    words = ["metric", "visitors", "-w", filled, "--from", "2024-03-01", "--to", "2024-03-01", "--format", "json"]
    params = json.loads(assay(*words).out)["params"]
    assert (params["from"], params["to"]) == ("2024-03-01", "2024-03-01")


def test_flags_reach_the_question(assay: Assay, filled: Path) -> None:
    assert json.loads(assay("pages", "--group", "-w", filled, "--format", "json").out)["params"]["group"] is True
    assert json.loads(assay("pages", "-w", filled, "--format", "json").out)["params"]["group"] is False


@pytest.mark.parametrize("words", [["metric", "rpv", "--by", "device"], ["funnel", "checkout"], ["overview"]])
def test_sql_is_what_was_run(assay: Assay, filled: Path, words: list[str]) -> None:
    ran = assay("sql", *words, "-w", filled)
    assert (ran.code, ran.err) == (0, "")
    texts = json.loads(assay(*words, "-w", filled, "--format", "json").out)["sql"]
    assert ran.out == "\n".join(f"{pretty(text)};\n" for text in texts)
    assert "SELECT" in ran.out


def test_sql_of_what_needs_none(assay: Assay, filled: Path) -> None:
    ran = assay("sql", "catalog", "-w", filled)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "assay: no SQL was needed: the plan alone answers this\n"


class Stream(io.StringIO):
    """A stream that says whether it is a terminal."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("terminal", "set_to", "expected"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_only_where_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, set_to: dict[str, str], expected: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in set_to.items():
        monkeypatch.setenv(name, value)
    assert coloured(Stream(terminal)) is expected


def test_a_narrow_terminal_is_obeyed_and_a_wide_one_is_not_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns, width in ((60, 60), (300, 100), (5, 40)):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert layout(Stream(True)).width == width
        assert layout(Stream(False)).width == 100
