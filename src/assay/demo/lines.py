"""Codes to event lines in Parquet: what every world of the demo shares when it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from assay.demo.origins import DEVICES, Entry, Profile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ENGINE: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "2GB"}
Progress = Callable[[float], None]


def sql(name: str) -> str:
    """The text of one of the demo's SQL files."""
    return Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8")


def texts(values: Iterable[str | None]) -> NDArray[np.object_]:
    """A column of texts."""
    return np.array(list(values), dtype=object)


def table(engine: DuckDBPyConnection, name: str, **columns: Sequence[str | None]) -> None:
    """A small table of texts by code."""
    size = len(next(iter(columns.values())))
    engine.register(name, {"code": np.arange(size), **{k: texts(v) for k, v in columns.items()}})


def _query(origin: Entry) -> str | None:
    tags = {
        "utm_source": origin.source, "utm_medium": origin.medium, "utm_campaign": origin.campaign,
        "utm_content": origin.content, "utm_term": origin.term,
    }  # fmt: skip
    given = {k: v for k, v in tags.items() if v}
    return "?" + urlencode(given) if given else None


def tables(
    engine: DuckDBPyConnection, *, names: Sequence[str], pages: Sequence[tuple[str, str]], host: str,
    origins: Sequence[Entry], machines: Sequence[Profile], countries: Sequence[tuple[str, str, float]],
    sources: Sequence[str],
) -> None:  # fmt: skip
    """What the codes of a line point to; the table ``payload`` (code, items, props, amount, currency, order_id) is the
    world's own."""
    table(engine, "names", text=names)
    table(
        engine, "pages", path=[p for p, _ in pages], title=[t for _, t in pages], host=[host] * len(pages),
        url=[f"https://{host}{p}" for p, _ in pages],
    )  # fmt: skip
    table(
        engine, "entries", referrer=[e.referrer for e in origins], source=[e.source for e in origins],
        medium=[e.medium for e in origins], campaign=[e.campaign for e in origins], term=[e.term for e in origins],
        content=[e.content for e in origins], click=[e.click for e in origins], query=[_query(e) for e in origins],
    )  # fmt: skip
    table(
        engine, "machines", device=[DEVICES[m.device] for m in machines], browser=[m.browser for m in machines],
        os=[m.os for m in machines], screen=[m.screen for m in machines],
    )  # fmt: skip
    table(engine, "countries", country=[c[0] for c in countries], language=[c[1] for c in countries])
    table(engine, "sources", text=sources)


def write_parts(
    engine: DuckDBPyConnection, folder: Path, seed: int, total: int, part: Callable[[slice], dict[str, Any]],
    part_rows: int = 1_000_000, progress: Progress | None = None,
) -> list[Path]:  # fmt: skip
    """``events-001.parquet`` … from the codes that ``part`` gives for a slice of the ``total`` lines, in order of time.

    Codes of a part: row, number (of the event, its id), name, time and received (milliseconds), seq, session, visitor,
    person, account, page, entry, profile, country, payload (−1 = none), source, bot, interactive, consent (true =
    granted).
    """
    statement = sql("write")
    paths: list[Path] = []
    for first in range(0, total, part_rows):
        last = min(first + part_rows, total)
        engine.register("part", part(slice(first, last)))
        path = folder / f"events-{len(paths) + 1:03d}.parquet"
        lines = engine.sql(statement, params={"prefix": f"{np.base_repr(seed, 36)}-"})
        lines.write_parquet(str(path), row_group_size=122_880)
        engine.unregister("part")
        paths.append(path)
        if progress:
            progress(last / total)
    return paths
