"""The results as tables: each question by size and engine, its growth, and where Spark would overtake DuckDB."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.scaling.asked import ASKED
from bench.scaling.process import CLUSTERED, COPY

BAR, MEMORY_BAR = 12.0, 4e9
LEAST = 0.25  # processor seconds below which a growth says nothing
Record = Mapping[str, Any]
Key = tuple[str, int, float, str]  # engine, workers, millions, question
SIDES = {
    ("duckdb", 0): "DuckDB",
    ("chdb", 0): "chdb",
    ("spark", 1): "Spark, 1 worker",
    ("spark", 2): "Spark, 2 workers",
    ("lake", 2): "Spark, 2 workers, loaded by itself, with rollups",
}


def told(records: Sequence[Record], loads: Mapping[str, Record]) -> str:
    """All tables, as Markdown."""
    found: dict[Key, Record] = {(r["engine"], r["workers"], r["millions"], r["name"]): r for r in records}
    names = [COPY, *(ask.name for ask in ASKED)]
    sizes = sorted({key[2] for key in found})
    parts = [_machine(), _loads(loads)]
    for side, title in SIDES.items():
        own = [size for size in sizes if any((*side, size, name) in found for name in names)]
        if own:
            parts.append(f"## {title}\n\n{_side(found, side, own, names)}")
    parts += [_against(found, size, names) for size in sizes]
    return "\n\n".join(part for part in parts if part)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = Path("/proc/loadavg").read_text(encoding="utf-8").split()[2]
    return f"{os.cpu_count()} cores, {memory:.0f} GB of memory; load over the last 15 minutes {load}"


def _loads(loads: Mapping[str, Record]) -> str:
    lines = [
        f"| {size} | {r['events']:,} | {r['seconds']:.0f} | {r['memory'] / 1e9:.2f} | {r['size'] / 1e9:.2f} |"
        for size, r in loads.items()
    ]
    head = "| millions | events stored | loaded in s | peak memory, GB | store, GB |\n|---|---|---|---|---|"
    return "\n".join([head, *lines])


def _side(found: Mapping[Key, Record], side: tuple[str, int], sizes: list[float], names: list[str]) -> str:
    """One engine: seconds by the clock (of processors), peak memory, bytes shuffled, growth; a dash: not run."""
    heads = [f"{size:g} m: s (processors)" for size in sizes] + [f"{size:g} m: GB" for size in sizes]
    heads += [f"{size:g} m: shuffled MB" for size in sizes] if side[0] in CLUSTERED else []
    heads += [f"growth {a:g} to {b:g}" for a, b in pairwise(sizes)]
    lines = [f"| question | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    worst_growth, worst_memory = (0.0, ""), (0.0, "")
    for name in names:
        own = [found.get((*side, size, name)) for size in sizes]
        if not any(own):
            continue
        cells = [_time(one) for one in own] + [_memory(one) for one in own]
        cells += [_bytes(one) for one in own] if side[0] in CLUSTERED else []
        grown = [growth(*pair) for pair in pairwise(zip(sizes, own, strict=True))]
        cells += ["–" if one is None else f"{one:.1f}" for one in grown]
        lines.append(f"| {name} | {' | '.join(cells)} |")
        worst_growth = max([worst_growth, *((one, name) for one in grown if one is not None)])
        worst_memory = max([worst_memory, *((_held(one), name) for one in own if one)])
    lines += ["", f"largest growth per tenfold: {worst_growth[0]:.1f}, {worst_growth[1]} (bar {BAR:g})"]
    lines.append(
        f"largest memory: {worst_memory[0] / 1e9:.2f} GB, {worst_memory[1]} (bar {MEMORY_BAR / 1e9:g} on DuckDB)"
    )
    return "\n".join(lines)


def growth(small: tuple[float, Record | None], large: tuple[float, Record | None]) -> float | None:
    """How many times more processor time ten times the events take; None where one was not answered, or is too short."""
    (a, first), (b, second) = small, large
    if first is None or second is None or "cpu" not in first or "cpu" not in second or second["cpu"] < LEAST:
        return None
    ratio = second["cpu"] / max(first["cpu"], LEAST)
    return float(ratio ** (1 / math.log10(b / a)))


def turn(duck: Sequence[tuple[float, float]], spark: Sequence[tuple[float, float]]) -> float | None:
    """Millions of events at which two straight lines (millions, seconds) meet; None where they part.

    Extrapolated from two sizes each, on one machine: where the cluster is larger, it is earlier.
    """
    (x0, d0), (x1, d1) = duck
    (_, s0), (_, s1) = spark
    slope_duck, slope_spark = (d1 - d0) / (x1 - x0), (s1 - s0) / (x1 - x0)
    if slope_spark >= slope_duck:
        return None
    return x0 + (s0 - d0) / (slope_duck - slope_spark)


def _against(found: Mapping[Key, Record], size: float, names: list[str]) -> str:
    """One size, the engines beside each other: seconds, the same answer or not, where Spark would be the faster one."""
    sides = [side for side in SIDES if any((*side, size, name) in found for name in names)]
    if len(sides) < 2:
        return ""
    heads = [f"{SIDES[side]}, s" for side in sides] + ["slower than DuckDB: Spark", "two workers / one", "same answer"]
    lines = [
        f"## {size:g} million events, the engines in one run",
        "",
        f"| question | {' | '.join(heads)} | Spark faster from |",
    ]
    lines.append("|---" * (len(heads) + 2) + "|")
    for name in names[1:]:
        own = {side: found.get((*side, size, name)) for side in sides}
        if sum(one is not None for one in own.values()) < 2:
            continue
        cells = [_seconds(one) for one in own.values()]
        cells.append(_ratio(_best(own), own.get(("duckdb", 0))))
        cells.append(_ratio(own.get(("spark", 2)), own.get(("spark", 1))))
        cells += [_same([one for one in own.values() if one]), _turns(found, name)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _turns(found: Mapping[Key, Record], name: str) -> str:
    """The size from which Spark would be the faster one, by the two largest sizes that both answered."""
    for workers in (2, 1):
        sides = (("duckdb", 0), ("spark", workers))
        points = [
            [
                (key[2], r["seconds"])
                for key, r in sorted(found.items())
                if key[:2] == side and key[3] == name and "seconds" in r
            ]
            for side in sides
        ]
        both = sorted({x for x, _ in points[0]} & {x for x, _ in points[1]})[-2:]
        if len(both) == 2:
            duck, spark = ([(x, y) for x, y in side if x in both] for side in points)
            if spark[-1][1] < duck[-1][1]:
                return f"at {both[-1]:g} m already"
            met = turn(duck, spark)
            return "never on this machine" if met is None else f"{met:,.0f} m (extrapolated)"
    return "–"


def _best(own: Mapping[tuple[str, int], Record | None]) -> Record | None:
    answered = [one for side, one in own.items() if side[0] == "spark" and one and "seconds" in one]
    return min(answered, key=lambda one: float(one["seconds"]), default=None)


def _same(answers: Sequence[Record]) -> str:
    """Whether all answers that were compared say the same: all but floats exactly, floats to 1e-9."""
    told = [one for one in answers if "rest" in one]
    if len(told) < 2:
        return "–"
    first = told[0]
    same = (one["rest"] == first["rest"] and math.isclose(one["floats"], first["floats"], rel_tol=1e-9) for one in told)
    return "yes" if all(same) else "**no**"


def _ratio(one: Record | None, other: Record | None) -> str:
    if not one or not other or "seconds" not in one or "seconds" not in other:
        return "–"
    return f"{one['seconds'] / max(other['seconds'], 0.01):.1f}"


def _time(one: Record | None) -> str:
    if one is None:
        return "–"
    return "failed" if "failed" in one else f"{one['seconds']:.2f} ({one['cpu']:.2f})"


def _seconds(one: Record | None) -> str:
    if one is None:
        return "–"
    return "failed" if "failed" in one else f"{one['seconds']:.2f}"


def _held(one: Record) -> float:
    return float(one["memory"] + one["others"])


def _memory(one: Record | None) -> str:
    return "–" if one is None else f"{_held(one) / 1e9:.2f}"


def _bytes(one: Record | None) -> str:
    return "–" if one is None or "failed" in one else f"{one['shuffled'] / 1e6:.1f}"
