"""What units reached, summed per group: by the database where it followed them, here where the exact kernel did."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from assay.query.dimensions import person_join, uses, visitor_joins
from assay.query.funnels import fast
from assay.query.funnels.sequence import Timed
from assay.query.funnels.source import Source
from assay.store.engine import Result

MICRO = 1_000_000
Group = tuple[Any, ...]


@dataclass(frozen=True)
class Times:
    """Seconds of the units that did a step: mean and median from the previous step and from the start."""

    mean_previous: float
    median_previous: float
    mean_start: float
    median_start: float


@dataclass(frozen=True)
class Products:
    """Sums over ``clusters`` visitors of the numbers of units that did a step (x), began (y), did the step before (z)."""

    clusters: int
    xx: float
    xy: float
    xz: float


@dataclass(frozen=True)
class Reached:
    """Units of one group by how deep they came. ``units[k]`` did step k+1.

    ``products[k]``: sums per visitor of step k+1; None where units are independent. ``open[k]``: have not done step k+1, and
    the window of their latest attempt is open; None where no window is.
    """

    units: tuple[int, ...]
    products: tuple[Products, ...] | None = None
    times: tuple[Times | None, ...] = ()
    open: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Unit(Timed):
    """One unit and its counted attempt; ``events`` only from the kernel. ``followed``: the unit or session it lies in."""

    unit: Any
    cluster: int | None
    group: Group
    times: tuple[int | None, ...]
    last_start: int
    events: tuple[int | None, ...] = ()
    followed: Any = None


def gather(units: Iterable[Unit], source: Source, cutoff: int | None) -> dict[Group, Reached]:
    """The sums of single units. ``cutoff``: windows of attempts that began later are open."""
    groups: dict[Group, list[Unit]] = defaultdict(list)
    for unit in units:
        groups[unit.group].append(unit)
    mandatory = [k for k, step in enumerate(source.funnel.steps) if not step.optional]
    return {group: _sums(found, source, mandatory, cutoff) for group, found in groups.items()}


def _sums(units: Sequence[Unit], source: Source, mandatory: Sequence[int], cutoff: int | None) -> Reached:
    steps = range(source.count)
    did = [[u for u in units if u.times[k] is not None] for k in steps]
    products = None
    if source.clustered:
        clusters: dict[Any, list[int]] = defaultdict(lambda: [0] * source.count)
        for k in steps:
            for unit in did[k]:
                clusters[unit.cluster][k] += 1
        rows = list(clusters.values())
        sums = [[float(sum(x[k] * x[j] for x in rows)) for j in (k, 0, previous(mandatory, k))] for k in steps]
        products = tuple(Products(len(rows), *one) for one in sums)
    times: list[Times | None] = [None] * source.count
    for before, k in itertools.pairwise(mandatory):
        since = [(u.times[k] or 0) - (u.times[before] or 0) for u in did[k]]
        whole = [(u.times[k] or 0) - u.start for u in did[k]]
        if since:
            n = len(since) * MICRO
            times[k] = Times(sum(since) / n, median(since) / MICRO, sum(whole) / n, median(whole) / MICRO)
    waiting = None
    if cutoff is not None:
        late = [u for u in units if u.last_start > cutoff and u.times[source.count - 1] is None]
        waiting = tuple(sum(1 for u in late if u.times[k] is None) for k in steps)
    return Reached(tuple(len(one) for one in did), products, tuple(times), waiting)


def previous(mandatory: Sequence[int], step: int) -> int:
    """The last step before ``step`` that must be done; of the first one itself."""
    return max((k for k in mandatory if k < step), default=0)


def grouped(source: Source, at: str) -> str:
    """``reached`` with the group values g0 … of its units."""
    if not source.cut.by:
        return "SELECT r.* FROM reached r"
    columns = [source.dims.get(name).sql for name in source.cut.by]
    texts = " ".join(columns)
    if source.by_event and not at.startswith("step:"):
        return _first_known(source, at)
    joins = " LEFT JOIN events e ON e.event_no = p.event_no" if uses(texts, "e") or uses(texts, "v") else ""
    if uses(texts, "v"):
        joins += person_join("e", "e.t", outer=True)
    if uses(texts, "s"):
        joins += " LEFT JOIN sessions s ON s.session_key = p.of_session"
    joins += visitor_joins(texts, "p.of_visitor")
    keys = ", ".join(f"{c} AS g{i}" for i, c in enumerate(columns))
    return f"SELECT p.*, {keys} FROM ({fast.picked(source, at)}) p{joins}"


def _first_known(source: Source, at: str) -> str:
    """A property may be missing on an event: the first event of the attempt (from the end: the last) that has it counts."""
    values = source.event_values()
    steps = list(range(1, source.count + 1))
    joins = ""
    for k in steps:
        place = "row_number() OVER (PARTITION BY unit, t ORDER BY seq, id) AS place"
        rows = f"SELECT unit, t, event_no FROM (SELECT *, {place} FROM e{k}) y WHERE place = 1"
        joins += f" LEFT JOIN ({rows}) x{k} ON x{k}.unit = r.unit AND x{k}.t = r.t{k}"
        joins += f" LEFT JOIN ({values}) v{k} ON v{k}.event_no = x{k}.event_no"
    order = steps if at == "first" else steps[::-1]
    keys = [f"coalesce({', '.join(f'v{k}.g{i}' for k in order)}) AS g{i}" for i in range(len(source.cut.by))]
    return f"SELECT r.*, {', '.join(keys)} FROM reached r{joins}"


def sums_sql(source: Source, after: str, at: str, cutoff: int | None, timed: bool = True) -> str:
    """Per group: units by depth, times (``timed``), open units; for sessions the sums over visitors; for strict funnels units
    left out.
    """
    count = source.count
    keys = [f"g{i}" for i in range(len(source.cut.by))]
    numbers = [f"count(*) FILTER (WHERE level >= {k}) AS c{k}" for k in range(1, count + 1)]
    for k in range(2, count + 1):
        only = f"FILTER (WHERE level >= {k})"
        for name, span in (("p", f"t{k} - t{k - 1}"), ("s", f"t{k} - t1")):
            middle = f"quantile_cont(CAST({span} AS DOUBLE), 0.5) {only}" if timed else "CAST(NULL AS DOUBLE)"
            numbers.append(f"sum({span}) {only} AS {name}{k}" if timed else f"CAST(NULL AS BIGINT) AS {name}{k}")
            numbers.append(f"{middle} AS {name}m{k}")
    late = "false" if cutoff is None else f"last_start > {source.bind(cutoff)}"
    numbers += [f"count(*) FILTER (WHERE level < {k} AND {late}) AS o{k}" for k in range(1, count + 1)]
    ctes = [*fast.ctes(source, after), f"placed AS ({grouped(source, at)})"]
    by = f" GROUP BY {', '.join(keys)}" if keys else ""
    named = "".join(f"{g}, " for g in keys)
    ctes.append(f"counted AS (SELECT {named}{', '.join(numbers)} FROM placed{by})")
    left_out = "(SELECT count(*) FROM tied)" if source.funnel.order == "strict" else "0"
    columns = "".join(f"u.{g}, " for g in keys) + f"{left_out}, " + ", ".join(f"u.{_name(n)}" for n in numbers)
    table = "counted u"
    if source.clustered:
        x = ", ".join(f"count(*) FILTER (WHERE level >= {k}) AS x{k}" for k in range(1, count + 1))
        squares = ", ".join(
            f"sum(CAST(x{k} AS DOUBLE) * x{k}) AS xx{k}, sum(CAST(x{k} AS DOUBLE) * x1) AS xy{k}, "
            f"sum(CAST(x{k} AS DOUBLE) * x{max(k - 1, 1)}) AS xz{k}"
            for k in range(1, count + 1)
        )
        ctes.append(f"clusters AS (SELECT {named}cluster, {x} FROM placed GROUP BY {named}cluster)")
        ctes.append(f"squares AS (SELECT {named}count(*) AS n, {squares} FROM clusters{by})")
        columns += ", q.n" + "".join(f", q.xx{k}, q.xy{k}, q.xz{k}" for k in range(1, count + 1))
        table += " JOIN squares q ON " + (" AND ".join(f"u.{g} IS NOT DISTINCT FROM q.{g}" for g in keys) or "true")
    return f"WITH {', '.join(ctes)} SELECT {columns} FROM {table}"


def _name(number: str) -> str:
    return number.rsplit(" AS ", 1)[1]


def read_sums(source: Source, result: Result, open_: bool) -> tuple[int, dict[Group, Reached]]:
    """Rows of ``sums_sql``: how many units were left out, and group → what was reached."""
    width, count = len(source.cut.by), source.count
    found: dict[Group, Reached] = {}
    left_out = 0
    for row in result.rows:
        left_out = row[width]
        numbers = row[width + 1 :]
        units = tuple(n or 0 for n in numbers[:count])
        if not units[0]:
            continue
        times: list[Times | None] = [None]
        for k in range(1, count):
            p, pm, s, sm = numbers[count + 4 * (k - 1) : count + 4 * k]
            n = units[k] * MICRO
            known = units[k] and p is not None
            times.append(Times(int(p) / n, pm / MICRO, int(s) / n, sm / MICRO) if known else None)
        rest = numbers[count + 4 * (count - 1) :]
        products = None
        if source.clustered:
            clusters, squares = rest[count], rest[count + 1 :]
            sums = [[float(one or 0) for one in squares[3 * k : 3 * k + 3]] for k in range(count)]
            products = tuple(Products(clusters, *one) for one in sums)
        found[tuple(row[:width])] = Reached(units, products, tuple(times), tuple(rest[:count]) if open_ else None)
    return left_out, found
