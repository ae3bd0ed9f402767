"""The field's worked cases, each through the public path: plan → events → store → ``ask``, on every engine.

Another folder of cases: ``ASSAY_CASES``. One engine only: ``--engine duckdb``.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cases.vocabulary import Case, differences
from support import Event, workspace

FOLDER = Path(os.environ.get("ASSAY_CASES", Path(__file__).parent.parent / "data" / "cases"))
NOT_HERE = {"experiment-vectors"}  # numbers of the statistics, see tests/stats
AREAS = sorted(path.stem.removeprefix("area_") for path in Path(__file__).parent.glob("area_*.py"))

# (engine, case or area): what an engine cannot answer yet. A mark that no longer holds fails.
NOT_YET: dict[tuple[str, str], str] = {}


def found() -> list[Any]:
    """Every case of the folder; an area without a reader fails as a case of its own."""
    made = []
    for path in sorted(FOLDER.glob("*.json")):
        if path.stem in NOT_HERE:
            continue
        for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
            made.append(pytest.param(case, id=case["id"]))
    return made


@pytest.mark.parametrize("case", found())
def test_case(case: Case, engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    assert case["area"] in AREAS, f"area {case['area']!r} is not in the vocabulary"
    for key in ((engine, case["id"]), (engine, case["area"])):
        if key in NOT_YET:
            request.applymarker(pytest.mark.xfail(reason=NOT_YET[key], strict=True))
    count = iter(range(1000))

    def make(plan: Mapping[str, Any], *batches: Sequence[Event], now: int | None = None) -> Any:
        text = json.dumps(plan)  # JSON is YAML
        more = {} if now is None else {"now": now}
        return workspace(tmp_path / str(next(count)), text, *batches, engine=engine, **more)

    area = importlib.import_module(f"cases.area_{case['area']}")
    got = area.answer(case, make)
    assert differences(got, case["expected"]) == []
