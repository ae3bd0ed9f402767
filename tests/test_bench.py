"""The benchmark of scale asks every question that there is, with parameters that the question takes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from assay.analyses import BY_NAME
from assay.analyses.given import checked

sys.path.insert(0, str(Path(__file__).parent.parent))
from bench.scaling.asked import ASKED, Ask
from bench.scaling.telling import growth, turn


def test_every_question_is_asked() -> None:
    assert {ask.question for ask in ASKED} == set(BY_NAME)
    assert len({ask.name for ask in ASKED}) == len(ASKED)  # results are kept by name


@pytest.mark.parametrize("ask", ASKED, ids=lambda ask: ask.name)
def test_its_parameters_are_those_of_the_question(ask: Ask) -> None:
    words, params = ask.filled(data="/data", visitor="v1")
    checked(BY_NAME[ask.question], words, params)


def test_growth_is_per_tenfold() -> None:
    ten, fifty, tiny = {"cpu": 2.0}, {"cpu": 10.0}, {"cpu": 0.1}
    assert growth((10, ten), (50, fifty)) == pytest.approx(10)  # five times as much for five times as many
    assert growth((1, ten), (10, {"cpu": 30.0})) == pytest.approx(15)
    assert growth((1, tiny), (10, tiny)) is None
    assert growth((1, ten), (10, {"failed": "not answered"})) is None


def test_lines_meet_where_the_flatter_one_overtakes() -> None:
    assert turn([(1, 1), (11, 11)], [(1, 10), (11, 15)]) == pytest.approx(19)  # 19 s both: x, and 10 + (x - 1) / 2
    assert turn([(1, 1), (11, 3)], [(1, 10), (11, 30)]) is None
