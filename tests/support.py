"""A workspace from a plan text and a few events: what most tests start from."""

from __future__ import annotations

import atexit
import json
import os
import shutil
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import sha256
from itertools import count, product
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from assay.model.answer import Answer
from assay.model.event import FIELDS
from assay.store.engine import Loaded, Piece, Statement
from assay.workspace import Workspace

Event = dict[str, Any]
NOW = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
BUILT = 40  # workspaces of a run that are kept to be copied
_built: OrderedDict[str, Path] = OrderedDict()
_numbers = count(1)


def examples(many: int, least: int = 20) -> int:
    """So many drawn examples in a long run, a third of them otherwise, but no fewer than ``least``."""
    return many if os.environ.get("ASSAY_SOAK") else max(least, many // 3)


def halved(*choices: Sequence[Any]) -> list[Any]:
    """Every combination; a short run takes half of them, in which any two values of two arguments still meet.

    (Of three arguments or more, each with two values or more.)
    """
    combined = product(*(enumerate(one) for one in choices))
    return [
        pytest.param(*(value for _, value in one), marks=[pytest.mark.soak] if sum(n for n, _ in one) % 2 else [])
        for one in combined
    ]


@lru_cache(maxsize=10_000)
def at(text: str, zone: str = "UTC") -> int:
    """``2024-01-01 10:00[:00[.000000]]`` in a zone → microseconds UTC."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    seconds = round(local.replace(microsecond=0).timestamp())
    return seconds * 1_000_000 + local.microsecond


def event(visitor: str | None, name: str, time: str | int, **fields: Any) -> Event:
    """An event line; its id is made from what it says, so equal events have equal ids unless ``id`` is given."""
    when = at(time) if isinstance(time, str) else time
    line = {"visitor": visitor, "name": name, "time": when, "source": "web", **fields}
    if "id" not in fields:
        line["id"] = "-".join(str(v) for v in (visitor, name, when, *(fields[k] for k in sorted(fields))))
    return line


def view(visitor: str | None, time: str | int, path: str = "/", **fields: Any) -> Event:
    """A page view."""
    return event(visitor, "page_view", time, path=path, **fields)


def bought(visitor: str | None, time: str | int, order: str | None, amount: str | None, **fields: Any) -> Event:
    """A purchase."""
    return event(visitor, "purchase", time, order_id=order, amount=amount, **fields)


def refunded(time: str | int, order: str | None, amount: str | None, **fields: Any) -> Event:
    """A refund: no action of a visitor."""
    return event(None, "refund", time, order_id=order, amount=amount, interactive=False, **fields)


def ndjson(path: Path, events: Iterable[Mapping[str, Any]]) -> Path:
    """Events as an NDJSON segment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_lines(events), encoding="utf-8")
    return path


def _lines(events: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(e) + "\n" for e in events)


def parquet(path: Path, events: Sequence[Mapping[str, Any]]) -> Path:
    """Events as a Parquet segment with every column of the event line; JSON columns as text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"text": pa.string(), "integer": pa.int64(), "boolean": pa.bool_(), "json": pa.string()}

    def cell(value: Any, kind: str) -> Any:
        return json.dumps(value, separators=(",", ":")) if kind == "json" and value is not None else value

    columns = {f.name: pa.array([cell(e.get(f.name), f.kind) for e in events], types[f.kind]) for f in FIELDS}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def workspace(
    folder: Path,
    plan: str = "",
    *batches: Sequence[Event],
    now: int = NOW,
    engine: str | None = os.environ.get("ASSAY_ENGINE", "duckdb"),
) -> Workspace:
    """A workspace with these batches loaded, each as a segment of its own in one load after the other.

    One that was built before from the same plan and batches is copied: loading takes forty times as long.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plan = plan or "site: {name: Test}\n"
    texts = [_lines(batch) for batch in batches]
    key = sha256("\0".join((plan, str(now), *texts)).encode()).hexdigest()
    lasts = bool(texts) and engine == "duckdb" and not any(folder.iterdir())
    if lasts and key in _built:
        _built.move_to_end(key)
        shutil.copytree(_built[key], folder, dirs_exist_ok=True)
        return Workspace(folder, now=now, engine=engine)
    (folder / "assay.yaml").write_text(plan, encoding="utf-8")
    made = Workspace(folder, now=now, engine=engine)
    for text in texts:
        _load(made, text)
    if lasts:
        made.close()
        _built[key] = Path(mkdtemp(dir=_shelf()))
        shutil.copytree(folder, _built[key], dirs_exist_ok=True)
        if len(_built) > BUILT:
            shutil.rmtree(_built.popitem(last=False)[1])
    return made


@cache
def _shelf() -> Path:
    """The folder of what was built, until this process ends (not one that it forks)."""
    folder, owner = Path(mkdtemp(prefix="assay-built-")), os.getpid()

    def end() -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return folder


def load(ws: Workspace, events: Sequence[Event], name: str | None = None) -> Loaded:
    """Load events as one segment."""
    return _load(ws, _lines(events), name)


def _load(ws: Workspace, text: str, name: str | None = None) -> Loaded:
    name = name or f"segment-{next(_numbers)}"
    path = ws.folder / "segments" / f"{name}.ndjson"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    (loaded,) = ws.load([Piece(name, path)])
    return loaded


class Breaking:
    """A connection on which the power fails at the first statement that begins so."""

    def __init__(self, real: Any, place: str) -> None:
        self.real, self.place = real, place

    def execute(self, sql: str, *args: Any) -> Any:
        """As the real one, up to the place."""
        if sql.lstrip().startswith(self.place):
            raise RuntimeError("power cut")
        return self.real.execute(sql, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@contextmanager
def breaking(place: str) -> Iterator[None]:
    """The power fails at the first statement of a change that begins with these words."""
    from assay.store.engines import duckdb

    real = duckdb.patient
    duckdb.patient = lambda connect: Breaking(real(connect), place)  # type: ignore[assignment]
    try:
        yield
    finally:
        duckdb.patient = real


def rows(ws: Workspace, sql: str, **params: Any) -> list[tuple[Any, ...]]:
    """Rows of any SQL over the store."""
    return ws.engine.run(Statement(sql, params)).rows


def table(answer: Answer, *columns: str) -> list[tuple[Any, ...]]:
    """The named columns of an answer's rows (all of them when none is named)."""
    names = [c.name for c in answer.columns]
    places = [names.index(c) for c in columns] if columns else range(len(names))
    return [tuple(row[i] for i in places) for row in answer.rows]


def value(answer: Answer) -> Any:
    """The first estimate's value of an answer without groups."""
    return answer.estimates[0].estimate.value


def dump(ws: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """Every derived table without its surrogate keys, so that two stores can be compared."""
    return {
        "events": rows(
            ws,
            """
SELECT e.* EXCLUDE (event_no, load_no, visitor_key, session_key), v.visitor AS of_visitor, s.session_no
FROM events e LEFT JOIN visitors v USING (visitor_key) LEFT JOIN sessions s USING (session_key) ORDER BY e.id""",
        ),
        "sessions": rows(
            ws,
            """
SELECT v.visitor, s.* EXCLUDE (session_key, visitor_key) FROM sessions s JOIN visitors v USING (visitor_key)
ORDER BY v.visitor, s.session_no""",
        ),
        "visitors": rows(
            ws,
            """
SELECT v.visitor, v.user_id, v.account, p.since_t, p.until_t, p.user_id, p.account, CASE WHEN p.user_id IS NOT NULL THEN p.person_key END
FROM visitors v JOIN persons p ON p.visitor_key = v.visitor_key
WHERE v.visitor_key IN (SELECT visitor_key FROM events) ORDER BY v.visitor, p.since_t""",
        ),
        "orders": rows(
            ws,
            """
SELECT o.* EXCLUDE (event_no, money_event_no, visitor_key, session_key, person_key), e.id, m.id, v.visitor, s.session_no
FROM orders o JOIN events e USING (event_no) LEFT JOIN events m ON m.event_no = o.money_event_no
LEFT JOIN visitors v ON v.visitor_key = o.visitor_key LEFT JOIN sessions s ON s.session_key = o.session_key ORDER BY o.order_id""",
        ),
        "refunds": rows(
            ws, "SELECT e.id, r.* EXCLUDE (event_no) FROM refunds r JOIN events e USING (event_no) ORDER BY e.id"
        ),
    }
