"""Simulated days through the store and the judge, and how well the alerts tell what was put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from faulty import CAUSE, FIRST, PLAN, Fault, write

from assay.analyses.judging import judge
from assay.analyses.watching import Watch, gather
from assay.decide.incidents import Incident
from assay.stats.seasonal import LEAST
from assay.store.engine import Piece
from assay.workspace import Workspace

START = 42  # the first day that is scored


def shop(folder: Path, days: int, visitors: int, seed: int, faults: list[Fault], rough: bool = False) -> Workspace:
    """A workspace with these days loaded; the clock stands at noon after the last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "assay.yaml").write_text(PLAN, encoding="utf-8")
    end = datetime.combine(FIRST + timedelta(days), datetime.min.time(), UTC) + timedelta(hours=12)
    ws = Workspace(folder, now=int(end.timestamp()) * 1_000_000)
    if not ws.span:
        ws.load([Piece("events", write(folder / "events.parquet", days, visitors, seed, faults, rough))])
    return ws


def watched(ws: Workspace, days: int) -> Watch:
    """Everything that judging from day ``START`` on needs, in one pass."""
    return gather(ws.asking("alerts"), FIRST + timedelta(LEAST), FIRST + timedelta(days - 1))


def raised(watch: Watch, days: int, sensitivity: float | None = None) -> list[Incident]:
    """Every incident as it was when it was raised, day by day from day ``START`` on."""
    if sensitivity is not None:
        watch = replace(watch, families=tuple(replace(f, rate=sensitivity) for f in watch.families))
    found: dict[str, Incident] = {}
    for judged in judge(watch, [FIRST + timedelta(n) for n in range(START, days)]):
        for one in judged.incidents:
            found.setdefault(one.key, one)
    return list(found.values())


@dataclass
class Score:
    """By kind of fault: how many, found, with the right cause, days until told; alerts that belong to no fault."""

    faults: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    right: dict[str, int] = field(default_factory=dict)
    delays: dict[str, list[int]] = field(default_factory=dict)
    alerts: int = 0
    repeated: int = 0
    false: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, incidents: Sequence[Incident], faults: Sequence[Fault]) -> None:
        """Count one world. An alert belongs to a fault if it was raised on its days or the day after (which is unusual
        too: it goes back); that of a decline up to two weeks later, since weeks are compared."""
        mine: dict[int, list[Incident]] = {i: [] for i in range(len(faults))}
        for one in incidents:
            day = (one.first - FIRST).days
            own = [i for i, f in enumerate(faults) if f.first <= day <= f.last + (14 if f.kind == "decline" else 1)]
            if own:
                mine[own[0]].append(one)
            else:
                self.false.append(f"{day} {one.verdict.cause} {one.gauge} z {one.seen.z:.1f}")
        self.alerts += len(incidents)
        for i, fault in enumerate(faults):
            kind = fault.kind
            self.faults[kind] = self.faults.get(kind, 0) + 1
            if not mine[i]:
                self.missed.append(str(fault))
                continue
            first = mine[i][0]
            self.found[kind] = self.found.get(kind, 0) + 1
            self.repeated += len(mine[i]) - 1
            self.delays.setdefault(kind, []).append((first.first - FIRST).days - fault.first)
            if first.verdict.cause == CAUSE[kind]:
                self.right[kind] = self.right.get(kind, 0) + 1
            else:
                self.wrong.append(f"{fault}: {first.verdict.cause} {first.key}: {first.verdict.why}")

    @property
    def recall(self) -> float:
        """Faults found."""
        return sum(self.found.values()) / max(sum(self.faults.values()), 1)

    @property
    def precision(self) -> float:
        """Alerts that belong to a fault."""
        return 1 - len(self.false) / max(self.alerts, 1)

    @property
    def cause(self) -> float:
        """Faults found whose first alert says the right cause."""
        return sum(self.right.values()) / max(sum(self.found.values()), 1)
