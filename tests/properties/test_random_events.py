"""Random events in random batches: after each load every table of an engine says what DuckDB's says."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from store.test_any_order import RULES, worlds
from store.test_warehouses import TABLES, tables
from support import load, workspace

# Engine → how many worlds (the first one is the simplest) under each of these rules; a load on a lake takes long.
EXAMPLES = {
    "clickhouse": (8, list(RULES)),
    "spark": (3, list(RULES)),
    "lake": (2, ["fold", "midnight"]),
}
DRAWN = [(engine, rules, n) for engine, (n, chosen) in EXAMPLES.items() for rules in chosen]


@pytest.mark.soak
@pytest.mark.parametrize(("other", "rules", "many"), DRAWN)
def test_tables_of_random_events(other: str, rules: str, many: int, request: pytest.FixtureRequest) -> None:
    if other != "clickhouse":
        request.getfixturevalue("spark")

    @settings(max_examples=many, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(worlds())
    def agree(world: tuple[list[dict[str, Any]], list[list[dict[str, Any]]]]) -> None:
        with TemporaryDirectory() as folder:
            one, two = (workspace(Path(folder) / e, RULES[rules], engine=e) for e in ("duckdb", other))
            for n, batch in enumerate(world[1]):
                assert load(one, batch, f"batch-{n}") == load(two, batch, f"batch-{n}")
                left, right = tables(one), tables(two)
                for name in TABLES:
                    assert right[name] == left[name], (n, name)
            one.close()
            two.close()

    agree()
