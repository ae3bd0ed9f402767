"""The field's worked cases, each through the public path: plan → events → store → ``ask``, on every engine.

``data/cases`` is the set that was given, ``data/cases-more`` what else the same sources say; of these a short run takes every
sixth one, on DuckDB and without the channels; all of them run with ``--soak``, on a lake the first and every tenth of an area. Another folder of cases: ``ASSAY_CASES``. One engine only: ``--engine duckdb``.
"""

from __future__ import annotations

import importlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cases.vocabulary import Case, differences
from engines import MARKS
from support import Event, workspace

DATA = Path(__file__).parent.parent / "data"
MORE = DATA / "cases-more"
FOLDERS = [Path(os.environ["ASSAY_CASES"])] if os.environ.get("ASSAY_CASES") else [DATA / "cases", MORE]
NOT_HERE = {"experiment-vectors"}  # numbers of the statistics, see tests/stats
AREAS = sorted(path.stem.removeprefix("area_") for path in Path(__file__).parent.glob("area_*.py"))


def found() -> list[Any]:
    """Every case of the folders; an area without a reader fails as a case of its own."""
    made, many = [], Counter[str]()
    for path in (path for folder in FOLDERS for path in sorted(folder.glob("*.json"))):
        if path.stem in NOT_HERE:
            continue
        for n, case in enumerate(json.loads(path.read_text(encoding="utf-8"))["cases"]):
            more = len(FOLDERS) > 1 and path.parent == MORE
            marks = [pytest.mark.everywhere] if many[case["area"]] % 10 == 0 else []
            many[case["area"]] += 1
            late = more and (n % 6 > 0 or case["area"] == "channel")
            made.append(pytest.param(case, more, late, id=case["id"], marks=marks))
    return made


@pytest.mark.parametrize(("case", "more", "late"), found())
def test_case(case: Case, more: bool, late: bool, engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if (late or (more and engine != "duckdb")) and not request.config.getoption("--soak"):
        pytest.skip("long: run with --soak")
    assert case["area"] in AREAS, f"area {case['area']!r} is not in the vocabulary"
    mark = MARKS.get((f"cases:{case['area']}", engine))
    if mark:  # one that no longer holds fails
        request.applymarker(pytest.mark.xfail(reason=str(mark), strict=True))
    count = iter(range(1000))

    def make(plan: Mapping[str, Any], *batches: Sequence[Event], now: int | None = None) -> Any:
        text = json.dumps(plan)  # JSON is YAML
        clock = {} if now is None else {"now": now}
        return workspace(tmp_path / str(next(count)), text, *batches, engine=engine, **clock)

    area = importlib.import_module(f"cases.area_{case['area']}")
    got = area.answer(case, make)
    assert differences(got, case["expected"]) == []
