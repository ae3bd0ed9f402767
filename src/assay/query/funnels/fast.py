"""Funnels as SQL, where that is exact: one row per unit with its counted attempt, ``reached``.

Columns: unit, whole, cluster, level, t1 … tn (null where not reached), tl (the last of them), last_start. Starts are
monotone in time, so the latest one is the best one, and of the attempts that get equally deep the first is the one with the
smallest times.
"""

from __future__ import annotations

from assay.query.funnels.source import Source


def ctes(source: Source, after: str = ">=") -> list[str]:
    """The CTEs up to ``reached``. ``after``: how a step's event stands to the one before (ordered only)."""
    made = {"strict": _strict, "unordered": _unordered}.get(source.funnel.order)
    found = _chain(source, after) if made is None else made(source)
    if not source.folded:
        return [*found, "reached AS (SELECT * FROM paths)"]
    middle = ", ".join(_times(source.count)[1:])
    best = f"row_number() OVER (PARTITION BY whole ORDER BY level DESC, tl, t1 DESC, {middle + ', ' if middle else ''}unit)"
    late = "max(last_start) OVER (PARTITION BY whole) AS latest"
    columns = f"unit, whole, cluster, level, {', '.join(_times(source.count))}, tl"
    columns += "" if made is None else ", event_no"
    return [
        *found,
        f"folded AS (SELECT {columns}, {late}, {best} AS place FROM paths)",
        f"reached AS (SELECT {columns}, latest AS last_start FROM folded WHERE place = 1)",
    ]


def picked(source: Source, at: str) -> str:
    """``reached`` with the event whose values a unit is broken down by: event_no, session_key, visitor_key.

    ``at``: first, last or step:N; only chains know other events than the first.
    """
    if source.funnel.order in ("strict", "unordered"):
        keys = "e.session_key AS of_session, e.visitor_key AS of_visitor"
        return f"SELECT r.*, {keys} FROM reached r LEFT JOIN events e ON e.event_no = r.event_no"
    steps = range(1, source.count + 1)
    wanted = {"first": range(1, 2), "last": steps}.get(at) or range(int(at[5:]), int(at[5:]) + 1)
    keys = "event_no, session_key AS of_session, visitor_key AS of_visitor"
    if len(wanted) == 1:
        k = wanted[0]
        rows, at_step = f"e{k}", f"r.t{k}"
    else:
        rows = "(" + " UNION ALL ".join(f"SELECT unit, t, seq, id, {keys}, {k} AS step FROM e{k}" for k in wanted) + ")"
        at_step = "r.tl"
        keys = "event_no, of_session, of_visitor"
    same = f"x.unit = r.unit AND x.t = {at_step}" + (" AND x.step = r.level" if len(wanted) > 1 else "")
    place = "row_number() OVER (PARTITION BY r.unit ORDER BY x.seq, x.id) AS pick"
    named = ", ".join(f"x.{key}" for key in keys.split(", "))
    return f"SELECT * FROM (SELECT r.*, {named}, {place} FROM reached r LEFT JOIN {rows} x ON {same}) y WHERE pick = 1"


def _times(count: int) -> list[str]:
    return [f"t{k}" for k in range(1, count + 1)]


def _within(source: Source, t: str, start: str) -> str:
    window = source.funnel.window
    return "true" if window is None else f"{t} - {start} <= {window * 1_000_000}"


def _entry(scope: str, t: str) -> str:
    """1 for the first starts of a unit: all of its first instant, in whichever of its sessions, as any may be the first one."""
    return f"rank() OVER (PARTITION BY {scope} ORDER BY {t}) AS entry"


def _chain(source: Source, after: str) -> list[str]:
    """Each step's event takes over the start of the latest event of the step before; per start the first one fills the step."""
    count, first = source.count, "e1"
    found = [f"e1 AS ({source.step_events(0)})"]
    if source.funnel.entry == "first":
        found.append(f"entered AS (SELECT * FROM (SELECT *, {_entry('whole', 't')} FROM e1) x WHERE entry = 1)")
        first = "entered"
    found.append(f"a1 AS (SELECT unit, t AS t1 FROM {first})")
    for k in range(2, count + 1):
        carried = ", ".join(f"min(a.t{j}) AS t{j}" for j in range(2, k))
        found.append(f"e{k} AS ({source.step_events(k - 1)})")
        found.append(
            f"a{k} AS (SELECT b.unit, a.t1{', ' + carried if carried else ''}, min(b.t) AS t{k} "
            f"FROM e{k} b ASOF JOIN a{k - 1} a ON a.unit = b.unit AND b.t {after} a.t{k - 1} "
            f"WHERE {_within(source, 'b.t', 'a.t1')} GROUP BY b.unit, a.t1)"
        )
    firsts = []
    for k in range(1, count + 1):
        times = ", ".join(
            f"min(t{j}) AS t{j}" if j <= k else f"CAST(NULL AS BIGINT) AS t{j}" for j in range(1, count + 1)
        )
        late = "max(t1)" if k == 1 else "CAST(NULL AS BIGINT)"
        firsts.append(f"SELECT unit, {k} AS level, {times}, {late} AS late FROM a{k} GROUP BY unit")
    best = ", ".join(f"arg_max(t{k}, level) AS t{k}" for k in range(1, count + 1))
    last = f"coalesce({', '.join(reversed(_times(count)))}) AS tl"
    deepest = f"SELECT unit, max(level) AS level, {best}, max(late) AS last_start FROM ({' UNION ALL '.join(firsts)}) u GROUP BY unit"
    if source.folded or source.clustered:
        owners = f"SELECT unit, min(whole) AS whole, min(cluster) AS cluster FROM {first} GROUP BY unit"
        found.append(
            f"paths AS (SELECT d.*, o.whole, o.cluster, {last} FROM ({deepest}) d JOIN ({owners}) o ON o.unit = d.unit)"
        )
    else:
        found.append(f"paths AS (SELECT d.*, d.unit AS whole, d.unit AS cluster, {last} FROM ({deepest}) d)")
    return found


def _strict(source: Source) -> list[str]:
    """The next events of a unit, in one window; units in which the order within an instant matters are left out (``tied``)."""
    count = source.count
    ahead = ", ".join(f"lead(mask, {j}) OVER w AS m{j + 1}, lead(t, {j}) OVER w AS t{j + 1}" for j in range(1, count))
    reached = ["1"]
    for k in range(2, count + 1):
        held = [
            f"coalesce((m{j} // {2 ** (j - 1)}) % 2 = 1 AND {_within(source, f't{j}', 't1')}, false)"
            for j in range(2, k + 1)
        ]
        reached.append(f"CASE WHEN {' AND '.join(held)} THEN 1 ELSE 0 END")
    others = ", ".join(f"m{j}, t{j}" for j in range(2, count + 1))
    tied = "max(CASE WHEN t2 = t1 AND (mask > 0 OR m2 > 0) THEN 1 ELSE 0 END)"
    scope = "whole" if source.folded else "unit"
    entry = ""
    if source.funnel.entry == "first":
        entry = " AND entry = 1"
    place = _entry(scope, "t1")
    times = ", ".join(f"CASE WHEN level >= {k} THEN t{k} END AS t{k}" for k in range(1, count + 1))
    last = "CASE level " + " ".join(f"WHEN {k} THEN t{k}" for k in range(1, count + 1)) + " END"
    return [
        f"marked AS ({source.marked(True)})",
        (
            f"seen AS (SELECT unit, whole, cluster, starts, mask, event_no, t AS t1, {ahead} "
            f"FROM marked WINDOW w AS (PARTITION BY unit ORDER BY t))"
        ),
        f"tied AS (SELECT unit FROM seen GROUP BY unit HAVING {tied} = 1)",
        (
            f"begun AS (SELECT *, {place} FROM seen s WHERE starts = 1 AND mask % 2 = 1 "
            f"AND NOT EXISTS (SELECT 1 FROM tied x WHERE x.unit = s.unit))"
        ),
        f"levels AS (SELECT unit, whole, cluster, event_no, t1, {others}, {' + '.join(reached)} AS level FROM begun WHERE true{entry})",
        (
            "ranked AS (SELECT *, row_number() OVER (PARTITION BY unit ORDER BY level DESC, t1) AS place, "
            "max(t1) OVER (PARTITION BY unit) AS last_start FROM levels)"
        ),
        f"paths AS (SELECT unit, whole, cluster, event_no, level, {times}, {last} AS tl, last_start FROM ranked WHERE place = 1)",
    ]


def _unordered(source: Source) -> list[str]:
    """From each event the next of every step; the first event from which most of them lie in the window counts."""
    count = source.count
    step = "CASE mask " + " ".join(f"WHEN {2**k} THEN {k + 1}" for k in range(count)) + " END"
    ahead = ", ".join(f"min(CASE WHEN step = {k} THEN t END) OVER w AS n{k}" for k in range(1, count + 1))
    inside = [
        f"CASE WHEN n{k} IS NOT NULL AND {_within(source, f'n{k}', 't')} THEN n{k} END AS n{k}"
        for k in range(1, count + 1)
    ]
    level = " + ".join(f"CASE WHEN n{k} IS NOT NULL THEN 1 ELSE 0 END" for k in range(1, count + 1))
    scope = "whole" if source.folded else "unit"
    entry = " WHERE entry = 1" if source.funnel.entry == "first" else ""
    ranks = []
    for k in range(1, count + 1):
        before = [
            f"CASE WHEN n{j} < n{k}{f' OR n{j} = n{k}' if j < k else ''} THEN 1 ELSE 0 END"
            for j in range(1, count + 1)
            if j != k
        ]
        ranks.append(f"1 + {' + '.join(before)} AS r{k}" if before else f"1 AS r{k}")
    times = ", ".join(
        f"coalesce({', '.join(f'CASE WHEN r{j} = {k} THEN n{j} END' for j in range(1, count + 1))}) AS t{k}"
        for k in range(1, count + 1)
    )
    names = ", ".join(f"n{k}" for k in range(1, count + 1))
    return [
        f"marked AS (SELECT *, {step} AS step FROM ({source.marked(False)}) x)",
        (
            f"seen AS (SELECT unit, whole, cluster, starts, t, seq, id, event_no, {ahead} FROM marked "
            f"WINDOW w AS (PARTITION BY unit ORDER BY t RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING))"
        ),
        (
            f"begun AS (SELECT unit, whole, cluster, t, seq, id, event_no, {', '.join(inside)}, "
            f"{_entry(scope, 't')} FROM seen WHERE starts = 1)"
        ),
        f"levels AS (SELECT unit, whole, cluster, t, seq, id, event_no, {names}, {level} AS level FROM begun{entry})",
        (
            "ranked AS (SELECT *, row_number() OVER (PARTITION BY unit ORDER BY level DESC, t, seq, id) AS place, "
            "max(t) OVER (PARTITION BY unit) AS last_start FROM levels)"
        ),
        f"sorted AS (SELECT *, {', '.join(ranks)} FROM ranked WHERE place = 1)",
        f"timed AS (SELECT unit, whole, cluster, event_no, level, last_start, {times} FROM sorted)",
        f"paths AS (SELECT *, coalesce({', '.join(reversed(_times(count)))}) AS tl FROM timed)",
    ]
