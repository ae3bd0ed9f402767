"""Bad input: one clear line, or a list with lines, and the exit code of the contract."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Assay

from assay.cli.failures import failure_of
from assay.model.errors import CheckFailed, DataError, MachineError, UsageError
from assay.workspace import Workspace


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_a_folder_without_a_plan(assay: Assay, tmp_path: Path) -> None:
    for words in (["overview"], ["metric", "rpv"], ["check"], ["rebuild"], ["import", "events", tmp_path / "x.csv"]):
        ran = assay(*words, "-w", tmp_path)
        assert (ran.code, ran.out) == (2, "")
        assert lines(ran.err) == [
            f"assay: there is no plan at {tmp_path}/assay.yaml; run `assay init` in that folder to write one"
        ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["metric", "rvp"], "the plan has no metric 'rvp'; did you mean 'rpv'?"),
        (["funnel", "chekout"], "the plan has no funnel 'chekout'; did you mean 'checkout'?"),
        (["metric", "rpv", "--by", "devise"], "did you mean 'device'"),
        (["metric", "rpv", "--segment", "mobil"], "the plan has no segment 'mobil'; did you mean 'mobile'?"),
        (["metrc", "rpv"], "assay has no command 'metrc'; did you mean 'metric'?"),
        (["ask", "funel"], "assay ask has no question 'funel'; did you mean 'funnel'?"),
        (["sql", "funel"], "assay sql has no question 'funel'; did you mean 'funnel'?"),
        (["import", "event", "x.csv"], "assay import has no source 'event'; did you mean 'events' or 'segment'?"),
        (["metric", "rpv", "--grian", "day"], "there is no option --grian; did you mean --grain or --range?"),
        (["metric", "rpv", "--grain", "weak"], "--grain has no value 'weak'; did you mean 'week'?"),
        (["metric", "rpv", "--from", "yesterday"], "--from 'yesterday' is no day; write it as 2026-09-30"),
        (["metric", "rpv", "--from", "2024-03-02", "--to", "2024-03-01"], "the range starts on 2024-03-02"),
        (["metric", "rpv", "--limit", "0"], "metric: limit: input should be greater than or equal to 1, not '0'"),
        (["metric", "rpv", "--limit"], "option '--limit' requires an argument"),
        (["metric"], "NAMES is missing: metrics of the plan, KPIs among them; see assay metric --help"),
        (["funnel"], "NAME is missing: a funnel of the plan; see assay funnel --help"),
        (["funnel", "a", "b"], "got unexpected extra argument"),
        (["overview", "--format", "jsn"], "assay has no format 'jsn'; did you mean 'json'?"),
        (["import", "events"], "FILE is missing: name at least one; see assay import events --help"),
        (["import", "events", "x.csv", "--map", "id"], "--map 'id': write it as NAME=VALUE"),
        (["import", "events", "x.csv", "--map", "id=a", "--map", "id=b"], "--map 'id' is given twice"),
        (["import", "events", "x.csv", "--mapping", "no"], "the plan has no import 'no'; it defines none"),
        (["import", "events", "nowhere.csv"], "nowhere.csv: there is no such file"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)  # fmt: skip
def test_wrong_use_is_one_line_and_exit_2(assay: Assay, filled: Path, words: list[str], said: str) -> None:
    ran = assay("-w", filled, *words)
    assert (ran.code, ran.out) == (2, "")
    assert len(lines(ran.err)) == 1
    assert ran.err.startswith("assay: ")
    assert said in ran.err


BROKEN = """\
site: {name: Shop, timezone: Europe/Berln}
metric: {}
metrics:
  rpv: {type: simpel, sum: revenue.net}
"""


def test_a_plan_with_three_mistakes_tells_all_of_them(assay: Assay, tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").write_text(BROKEN)
    for words in (["overview"], ["check"], ["check", tmp_path], ["plan", "diff", tmp_path, tmp_path]):
        ran = assay("-w", tmp_path, *words)
        assert (ran.code, ran.out) == (2, "")
        assert [line.partition(": error: ")[0] for line in lines(ran.err)] == [
            f"assay: {tmp_path}/assay.yaml:{line}" for line in (1, 2, 4)
        ]


def test_errors_in_json(assay: Assay, filled: Path, tmp_path: Path) -> None:
    ran = assay("metric", "rvp", "-w", filled, "--format", "json")
    assert ran.code == 2
    assert json.loads(ran.out) == {
        "error": {
            "code": "unknown_name",
            "message": "the plan has no metric 'rvp'; did you mean 'rpv'?",
            "problems": [],
        }
    }
    assert len(lines(ran.err)) == 1
    (tmp_path / "assay.yaml").write_text(BROKEN)
    error = json.loads(assay("overview", "--format=json", "-w", tmp_path).out)["error"]
    assert error["code"] == "plan"
    assert [problem["line"] for problem in error["problems"]] == [1, 2, 4]
    assert json.loads(assay("metrc", "--format", "json").out)["error"]["code"] == "usage"


def test_nothing_to_answer_is_no_error(assay: Assay, shop: Path, filled: Path) -> None:
    for words in (
        ["overview"],
        ["metric", "rpv", "--by", "device"],
        ["funnel", "checkout"],
        ["pages"],
        ["segments", "rpv"],
    ):
        ran = assay(*words, "-w", shop)
        assert (ran.code, ran.err) == (0, "")
        assert lines(ran.out)[0] == "There are no events in this workspace yet."
        ran = assay(*words, "-w", filled, "--from", "2020-01-01", "--to", "2020-01-31")
        assert (ran.code, ran.err) == (0, "")
        assert "the data run from 1 to 2 Mar 2024" in ran.out
    assert json.loads(assay("overview", "-w", shop, "--format", "json").out)["empty"] == "no events yet"
    ran = assay("overview", "-w", shop, "--format", "csv")
    assert (ran.code, ran.err) == (0, "assay: no events yet\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("a\nb"), 2),
        (DataError("x"), 2),
        (CheckFailed("x"), 1),
        (MachineError("x"), 3),
        (OSError(28, "No space left on device", "/x"), 3),
        (OSError(27, "File too large"), 3),
        (PermissionError(13, "Permission denied", "/x"), 3),
        (FileNotFoundError(2, "No such file or directory", "/x"), 2),
        (MemoryError(), 3),
        (KeyboardInterrupt(), 130),
        (RuntimeError("Query interrupted"), 130),
        (RuntimeError("x"), 1),
        (ZeroDivisionError("division by zero"), 1),
    ],
)
def test_exit_codes(error: BaseException, code: int) -> None:
    failure = failure_of(error)
    assert failure.exit_code == code
    assert len(failure.lines) == 1
    assert "\n" not in failure.lines[0]


def test_a_defect_says_how_to_see_more(assay: Assay, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(Workspace, "ask", broken)
    ran = assay("overview", "-w", filled)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "assay: a defect in assay: ZeroDivisionError: oh; set ASSAY_DEBUG=1 to see where, and report it\n"
    monkeypatch.setenv("ASSAY_DEBUG", "1")
    assert "Traceback" in assay("overview", "-w", filled).err


def test_the_reader_of_a_pipe_may_leave(filled: Path) -> None:
    words = [sys.executable, "-m", "assay.cli", "catalog", "-w", str(filled)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


INTERRUPTED = """
import os, signal, sys
import assay.workspace
assay.workspace.Workspace.ask = lambda *a, **k: os.kill(os.getpid(), signal.SIGINT)
from assay.cli import main
main(["overview", "-w", sys.argv[1]])
"""


def test_an_interrupt_is_130(filled: Path) -> None:
    words = [sys.executable, "-c", INTERRUPTED, str(filled)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (130, "")
    assert ran.stderr == "assay: interrupted; nothing already stored is lost\n"
