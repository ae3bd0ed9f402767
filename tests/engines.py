"""What each engine answers, and what it does not: the tests read the marks here, and docs/engines.md is made from them.

``PYTHONPATH=tests python -m engines`` writes the page. A test of a mark expects the error that the engine gives, or is skipped with
the mark's reason; whoever builds what is missing takes the mark out, and test and page follow.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from assay.analyses import QUESTIONS
from assay.plan.kpis import TYPES
from assay.store.engines import ENGINES

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "engines.md"


@dataclass(frozen=True)
class Mark:
    """``word``: ``not yet`` (could be, is not built) or ``never`` (makes no sense there)."""

    word: str
    reason: str

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}"


_OWN = Mark("not yet", "own tables are read with DuckDB; import them instead")
_COPY = Mark("never", "DuckDB loads, in one transaction of its file")

# (area, engine): areas are rows of ``AREAS``, or ``cases:AREA``, ``kpi:TYPE``, ``question:NAME``.
MARKS: dict[tuple[str, str], Mark] = {
    ("own tables", "clickhouse"): _OWN,
    ("own tables", "spark"): _OWN,
    ("own tables", "lake"): _OWN,
    ("a load that breaks off", "spark"): _COPY,
    ("moving to it and back", "spark"): Mark("never", "its store is DuckDB's file; `assay move --to spark:` makes a lake"),
    ("rollups", "duckdb"): Mark("never", "it answers from the events themselves"),
    ("rollups", "clickhouse"): Mark("never", "its tables lie by the events' names"),
    ("rollups", "spark"): Mark("not yet", "its lake is a copy of DuckDB's tables"),
    ("a lake under an address", "duckdb"): Mark("never", "its store is a file of this machine"),
    ("a lake under an address", "clickhouse"): Mark("never", "its tables lie with its server"),
    ("a lake under an address", "spark"): Mark("never", "its lake is a copy beside DuckDB's file"),
}  # fmt: skip

CASES = "tests/cases/test_cases.py::test_case"
KINDS = "tests/query/test_kpi_types.py"
ASKED = "tests/properties/test_engines.py::test_the_engines_agree"
LONGER = "tests/properties/test_engines.py::test_the_engines_agree_over_months"
STEPS = "tests/store/test_warehouses.py::test_"

# What besides cases, KPI types and questions is held equal → the tests that show it.
AREAS: dict[str, tuple[str, ...]] = {
    "experiment unit tables": (
        "tests/query/test_experiment_units.py::test_what_units_did",
        "tests/query/test_experiment_units_property.py::test_drawn_histories",
    ),
    "the function map": ("tests/store/test_render.py::test_same_on_both",),
    "loads after each other, duplicates": (STEPS + "one_load_after_the_other",),
    "late events, clashes, quarantine": (STEPS + "what_comes_late_or_twice_or_cannot_be_used",),
    "identity merges": (STEPS + "who_is_who_changes",),
    "random events": ("tests/properties/test_random_events.py::test_tables_of_random_events",),
    "changed rules": (STEPS + "rules_that_change",),
    "another time zone": (STEPS + "another_time_zone",),
    "changed properties": (STEPS + "properties_that_come_and_go",),
    "tables as of a moment": (STEPS + "tables_as_of_a_moment",),
    "erasure": (STEPS + "somebody_leaves",),
    "a load that breaks off": (
        STEPS + "a_load_leaves_its_version_and_nothing_else",
        "tests/store/test_loading.py::test_a_crash_in_the_middle_leaves_the_store_as_it_was",
    ),
    "moving to it and back": ("tests/store/test_moving.py::test_a_store_moves_into_a_warehouse_and_back",),
    "a lake under an address": ("tests/store/test_lake_places.py::test_a_workspace_whose_lake_has_an_address",),
    "rollups": ("tests/store/test_rollups.py::test_a_lake_keeps_them",),
    "breaking a query off": ("tests/properties/test_engines.py::test_a_query_is_broken_off",),
    "own tables": (
        "tests/store/test_own_tables.py::test_segments_tables_are_read_as_they_would_be_imported",
        "tests/store/test_own_tables.py::test_other_engines_say_that_they_do_not_read_own_tables",
    ),
}


def skip_marked(area: str, engine: str) -> None:
    """Skip the running test, with its reason, where the engine does not do this."""
    if (area, engine) in MARKS:
        pytest.skip(str(MARKS[area, engine]))


def cases() -> dict[str, int]:
    """Cases by area; the vectors of the statistics are no questions."""
    found: Counter[str] = Counter()
    for folder in ("cases", "cases-more"):
        for path in sorted((ROOT / "tests" / "data" / folder).glob("*.json")):
            if path.stem != "experiment-vectors":
                found.update(case["area"] for case in json.loads(path.read_text(encoding="utf-8"))["cases"])
    return dict(sorted(found.items()))


def rows() -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Every row of the page: heading, key of ``MARKS``, what it is called, the tests that show it."""
    from properties.longer import ASKED as OVER_MONTHS

    for area, many in cases().items():
        yield "Cases", f"cases:{area}", f"{area} ({many})", (CASES,)
    for one in TYPES:
        yield "KPI types", f"kpi:{one.name}", f"`{one.name}`", (KINDS, ASKED)
    later = {name for name, _, _ in OVER_MONTHS}
    for question in QUESTIONS:
        test = LONGER if question.name in later else ASKED
        yield "Questions", f"question:{question.name}", f"`{question.name}`", (test,)
    for area, tests in AREAS.items():
        yield "Stores", area, area, tests


HEAD = """# What each engine answers

Made from the tests' own list (`tests/engines.py`); a test holds this page to it. *Equal* means: the tests named in the last column ask this engine and
compare. Counts, money, days and text are equal exactly, other numbers to 1e-12 of their size (cases: 1e-6, as the sources give them). *Not yet* could be built;
*never* makes no sense there.

- **duckdb**: one file. It is held to the cases and to oracles that are not assay's (SQL over the raw lines, other libraries, sums by hand); the others are
  held to the cases and to it.
- **clickhouse**: ClickHouse loads, derives and answers; here inside the process ([what that leaves open](guide/warehouses.md#what-is-shown-and-what-is-not)).
- **spark**: DuckDB loads and derives, a cluster answers on a copy.
- **lake**: Spark loads, derives and answers.

`make soak` runs all of it on the first three. A load on the lake takes a cluster 10 to 20 seconds however small it is, so in `make soak` a lake has every
test that shares a workspace with others, of the cases the first and every tenth of each area, and of the other tests with a workspace of their own some, always
the same ones; `pytest --soak --engine lake` runs every one.
"""


def page() -> str:
    """The text of docs/engines.md."""
    made, heading = [HEAD], ""
    for title, key, name, tests in rows():
        if title != heading:
            heading = title
            made.append(f"\n## {title}\n\n| | {' | '.join(ENGINES)} | shown by |\n|{'---|' * (len(ENGINES) + 2)}\n")
        said = " | ".join(str(MARKS.get((key, engine), "equal")) for engine in ENGINES)
        shown = ", ".join(f"`{test.removeprefix('tests/')}`" for test in tests)
        made.append(f"| {name} | {said} | {shown} |\n")
    return "".join(made)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
