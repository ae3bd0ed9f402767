"""Events of a world as they come to be, a column at a time; sorted and written when the world is complete."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.demo import origins
from assay.demo.calendar import CURRENCY, Days
from assay.demo.draws import Flags, Whole
from assay.demo.lines import ENGINE, Progress, tables, texts, write_parts
from assay.demo.sheets import money
from assay.demo.traffic import Mix, People, Visits

_LONGEST = 20 * 60.0  # seconds between two events of a session, at most
_COLUMNS = ("name", "time", "visitor", "person", "entry", "page", "payload", "source", "interactive", "received")


class Happenings:
    """All events of a world. ``names``, ``pages`` and ``sources`` are what its codes point to."""

    def __init__(
        self, names: Sequence[str], pages: Sequence[tuple[str, str]], host: str, sources: Sequence[str] = ("web",)
    ) -> None:
        self.names, self.pages, self.host, self.sources = tuple(names), tuple(pages), host, tuple(sources)
        self._parts: list[tuple[NDArray[Any], ...]] = []
        self._payloads: list[tuple[str | None, str | None, str | None]] = [(None, None, None)]
        self._fixed: dict[str, int] = {}
        self.columns: dict[str, NDArray[Any]] = {}

    def page(self, path: str) -> int:
        """Code of a page."""
        return [p for p, _ in self.pages].index(path)

    def props(self, **values: Any) -> int:
        """Code of these properties, the same for all events that carry them."""
        text = json.dumps(values)
        if text not in self._fixed:
            self._fixed[text] = len(self._payloads)
            self._payloads.append((text, None, None))
        return self._fixed[text]

    def choose(self, name: str, values: Sequence[str], which: Whole) -> NDArray[np.int64]:
        """Codes of one property whose value is ``values[which]``."""
        return np.array([self.props(**{name: value}) for value in values], dtype=np.int64)[which]

    def carry(
        self, props: Sequence[Mapping[str, Any] | None], cents: Whole | None = None, orders: Sequence[str] = ()
    ) -> NDArray[np.int64]:
        """Codes of what each of these events carries by itself: properties, and money of an order."""
        first = len(self._payloads)
        for n, one in enumerate(props):
            text = None if one is None else json.dumps(one)
            paid = None if cents is None else money(int(cents[n]))
            self._payloads.append((text, paid, orders[n] if orders else None))
        return np.arange(first, len(self._payloads))

    def add(
        self, name: str, time: Whole, *, visitor: Whole | int = -1, person: Whole | int = -1, entry: Whole | int = -1,
        page: Whole | int = -1, payload: Whole | int = 0, source: int = 0, interactive: bool = True,
        received: Whole | None = None,
    ) -> None:  # fmt: skip
        """Events of one name. ``received``: default at once."""
        n = len(time)
        given = (self.names.index(name), time, visitor, person, entry, page, payload, source, interactive)
        columns = [np.broadcast_to(np.asarray(value), n) for value in given]
        self._parts.append((*columns, time if received is None else received))

    def close(self, calendar: Days, known_from: NDArray[np.int64]) -> None:
        """Sort by time; leave out what lies beyond the days. A visitor is the known user from ``known_from`` on."""
        merged = [np.concatenate([part[n] for part in self._parts]) for n in range(len(_COLUMNS))]
        found = dict(zip(_COLUMNS, merged, strict=True))
        order = np.argsort(found["time"], kind="stable")
        order = order[found["time"][order] < calendar.end]
        self.columns = {name: column[order] for name, column in found.items()}
        visitor, person = self.columns["visitor"], self.columns["person"]
        known = (visitor >= 0) & (self.columns["time"] >= known_from[np.maximum(visitor, 0)])
        self.columns["person"] = np.where(known, visitor, person)

    def __len__(self) -> int:
        return len(self.columns["time"])

    def named(self, name: str) -> Flags:
        """Which events have this name."""
        return np.asarray(self.columns["name"] == self.names.index(name))

    def write(
        self, folder: Path, seed: int, people: People, mix: Mix, accounts: NDArray[np.int64] | None = None,
        progress: Progress | None = None,
    ) -> list[Path]:  # fmt: skip
        """Parquet parts of all events. ``accounts``: the account of each person, −1 = none."""
        import duckdb

        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(config=ENGINE) as engine:
            tables(
                engine, names=self.names, pages=self.pages, host=self.host, origins=mix.entries,
                machines=origins.PROFILES, countries=origins.COUNTRIES, sources=self.sources,
            )  # fmt: skip
            props, amounts, orders = zip(*self._payloads, strict=True)
            engine.register("payload", {
                "code": np.arange(len(self._payloads)), "items": texts([None] * len(props)), "props": texts(props),
                "amount": texts(amounts), "order_id": texts(orders),
                "currency": texts(CURRENCY if paid is not None else None for paid in amounts),
            })  # fmt: skip
            return write_parts(
                engine, folder, seed, len(self), lambda rows: self._part(rows, people, accounts), progress=progress
            )

    def _part(self, rows: slice, people: People, accounts: NDArray[np.int64] | None) -> dict[str, Any]:
        c = {name: column[rows] for name, column in self.columns.items()}
        n = len(c["time"])
        on_site = (c["visitor"] >= 0) & c["interactive"]
        who = np.maximum(c["visitor"], 0)
        known = c["person"] >= 0
        account = np.full(n, -1) if accounts is None else np.where(known, accounts[np.maximum(c["person"], 0)], -1)
        return {
            **{name: c[name] for name in ("name", "time", "visitor", "person", "entry", "page", "payload", "source")},
            "row": np.arange(n),
            "number": np.arange(rows.start, rows.start + n),
            "seq": np.zeros(n, dtype=np.int64),
            "received": c["received"],
            "session": np.where(c["entry"] >= 0, who.astype(np.int64) * 1000 + c["time"] % 1000, -1),
            "account": account,
            "profile": np.where(on_site, people.profile[who], -1),
            "country": np.where(on_site, people.country[who], -1),
            "bot": np.zeros(n, dtype=np.bool_),
            "interactive": c["interactive"].astype(np.bool_),
            "consent": on_site,
        }


class Walk:
    """Sessions on their way: each has a clock that moves on with its events."""

    def __init__(self, happenings: Happenings, visits: Visits, rng: np.random.Generator) -> None:
        self.happenings, self.visits, self.rng = happenings, visits, rng
        self.at = visits.start.copy()
        self.begun = np.zeros(len(visits), dtype=np.bool_)

    def step(
        self, rows: Whole, name: str, page: Whole | int, mean: float = 20.0, payload: Whole | int = 0
    ) -> NDArray[np.int64]:
        """One more event in each of these sessions, after a pause of ``mean`` seconds or so; the instants."""
        gap = 1 + np.minimum(self.rng.exponential(mean, len(rows)), _LONGEST)
        self.at[rows] += np.where(self.begun[rows], gap * 1000, 0).astype(np.int64)
        entry = np.where(self.begun[rows], -1, self.visits.entry[rows])
        self.begun[rows] = True
        self.happenings.add(
            name, self.at[rows], visitor=self.visits.visitor[rows], entry=entry, page=page, payload=payload
        )
        return np.asarray(self.at[rows])
