"""Where visitors have an id of one day only, figures that follow people say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import at, view, workspace

PLAN = """
metrics:
  visitors: {type: simple, count: visitor}
  per_visitor: {type: simple, count: page_view, per: visitor}
  views: {type: simple, count: page_view}
"""
DAY = at("2024-03-01 10:00")


@pytest.mark.parametrize(
    ("visitors", "question", "words", "told"),
    [
        (["day-1", "v2", "v3", "v4"], "retention", [], "25.0 %"),
        (["day-1", "v2", "v3", "v4"], "metric", ["per_visitor"], "25.0 %"),
        (["day-1", "v2", "v3", "v4"], "metric", ["views"], None),  # follows nobody
        (["v1", "v2"], "retention", [], None),
    ],
)
def test_a_word_where_ids_hold_for_a_day(
    tmp_path: Path, visitors: list[str], question: str, words: list[str], told: str | None
) -> None:
    ws = workspace(tmp_path, PLAN, [view(one, DAY + n) for n, one in enumerate(visitors)])
    answer = ws.ask(question, *words, **{"from": "2024-03-01", "to": "2024-03-01"})
    said = [finding.text for finding in answer.findings if finding.code == "daily_ids"]
    assert [text.split(" of all")[0] for text in said] == ([told] if told else [])
