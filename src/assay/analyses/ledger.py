"""ledger: what became of every line received: stored, duplicate, quarantined, refused, erased …; it adds up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pydantic import Field

from assay.analyses.base import Asking, Params, Question, day_field
from assay.model.answer import Answer, Cell, Column
from assay.model.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

INTAKE = "intake"  # the collectors' folder, below the workspace's data
EPOCH = date(1970, 1, 1)
CONSENT = "consent"
# What a line that was received becomes: exactly one of these.
TERMS = ("stored", "duplicate", "rejected", "quarantined", "consent", "erased", "expired", "spool")
_LABELS = {"consent": "refused by consent", "spool": "in the spool"}


class LedgerParams(Params):
    """Which days."""

    from_: date | None = day_field("first day received, UTC", "from")
    to: date | None = day_field("last day received, included")
    imports: bool = Field(False, description="with imported files beside what was collected")


@dataclass
class Account:
    """One day of one source and wire format. All terms count lines."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    erased: int = 0
    expired: int = 0
    spool: int = 0
    segments: int = 0  # loaded ones
    loaded: int = 0  # when the last of them was, µs
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def rejected(self) -> int:
        """Refused for another reason than consent."""
        return sum(n for reason, n in self.refused.items() if reason != CONSENT)

    @property
    def consent(self) -> int:
        """Refused since the visitor did not want to be counted."""
        return self.refused[CONSENT]

    @property
    def difference(self) -> int:
        """What is received and in no other term: 0, or a defect."""
        return self.received - sum(int(getattr(self, term)) for term in TERMS)


Key = tuple[date, str, str]


def accounts(asking: Asking, imports: bool = False) -> dict[Key, Account]:
    """(day received, source, wire format) → its account, from loaded segments and from those that wait."""
    from assay.query.ledger import refusals, segments

    found: dict[Key, Account] = {}
    loaded: dict[str, Key] = {}
    for name, loaded_at, rows, stored, duplicates, clashes, quarantined, *gone in asking.ask(segments()).rows:
        key = _key(name, loaded_at, imports)
        if key is None:
            continue
        loaded[name] = key
        one = found.setdefault(key, Account())
        one.segments += 1
        one.loaded = max(one.loaded, loaded_at)
        one.received += rows
        one.stored += stored
        one.duplicate += duplicates + clashes
        one.quarantined += quarantined
        one.erased += gone[0]
        one.expired += gone[1]
    for name, reason, lines in asking.ask(refusals()).rows:
        if name in loaded:
            one = found[loaded[name]]
            one.received += lines
            one.refused[reason] += lines
    for path in _waiting(Path(asking.extra["data"]) / INTAKE, set(loaded)):
        waiting = _key(path.name, 0, imports)
        if waiting is not None:
            lines = _lines(path)
            one = found.setdefault(waiting, Account())
            one.received += lines
            one.spool += lines
    return found


def _key(name: str, loaded_at: int, imports: bool) -> Key | None:
    from assay.collect.spool import named

    known = named(name)
    if known is not None:
        return EPOCH + timedelta(known.day), known.source, known.wire
    return (datetime.fromtimestamp(loaded_at / 1e6, UTC).date(), "files", "import") if imports else None


def _waiting(folder: Path, loaded: set[str]) -> Iterable[Path]:
    """Segments, ended or open, that no load has taken."""
    from assay.collect.spool import OPEN, named

    for path in sorted(folder.rglob("*")):
        if path.is_file() and named(path.name) and path.name.removesuffix(OPEN) not in loaded:
            yield path


def _lines(path: Path) -> int:
    """Whole lines; 0 for a file that was loaded and moved in the meantime."""
    try:
        with path.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    except FileNotFoundError:
        return 0


def answer(asking: Asking, params: LedgerParams) -> Answer:
    """One row per day, source and wire format, the latest day first."""
    from assay.query.ledger import stored_events

    found = accounts(asking, params.imports)
    columns = (
        Column("day", "day"), Column("source"), Column("wire"), Column("received", "count"),
        *(Column(term, "count", _LABELS.get(term, term)) for term in TERMS), Column("difference", "count"),
        Column("reasons"), Column("segments", "count", detail=True),
        Column("loaded", "moment", "last load", detail=True),
    )  # fmt: skip
    chosen = {
        key: one for key, one in found.items()
        if (params.from_ is None or key[0] >= params.from_) and (params.to is None or key[0] <= params.to)
    }  # fmt: skip
    if not chosen:
        reason = "nothing was collected in these days" if found else "nothing was collected yet"
        return asking.answer(
            "ledger", params, columns=columns, empty=reason, sentence=f"{reason[0].upper()}{reason[1:]}.",
            next=("assay collect", "assay ledger --imports"),
        )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (*key, one.received, *(getattr(one, term) for term in TERMS), one.difference,
         ", ".join(f"{reason} {n:,}" for reason, n in one.refused.most_common()) or None,
         one.segments, _moment(one.loaded, asking.plan.site.timezone))
        for key, one in sorted(chosen.items(), key=lambda item: (-item[0][0].toordinal(), item[0][1:]))
    ]  # fmt: skip
    total = sum(one.received for one in chosen.values())
    apart = sum(abs(one.difference) for one in chosen.values())
    parts = asking.ask(stored_events()).rows
    there, bots = sum(n for _, n, _ in parts), sum(n for _, _, n in parts)
    apart_from = [f"{n:,} {environment}" for environment, n, _ in parts if environment != "live"]
    return asking.answer(
        "ledger",
        params,
        columns=columns,
        rows=tuple(rows),
        findings=tuple(_findings(apart, _missing(asking, there), chosen)),
        sentence=_sentence(total, apart, chosen),
        notes=(
            f"received = {' + '.join(_LABELS.get(term, term) for term in TERMS)}, line by line",
            f"bots are part of stored: {bots:,} of {there:,} events",
            *((f"stored apart from live events: {', '.join(apart_from)}",) if apart_from else ()),
        ),
        next=("assay quality",),
        chart={
            "kind": "bars",
            "x": "day",
            "y": list(TERMS),
        },
    )


def _moment(micros: int, zone: str) -> str | None:
    return datetime.fromtimestamp(micros / 1e6, ZoneInfo(zone)).isoformat(timespec="seconds") if micros else None


def findings(asking: Asking) -> list[Finding]:
    """What the ledger says of the whole; nothing where nothing was collected."""
    from assay.query.ledger import stored_events

    found = accounts(asking)
    if not found:
        return []
    there = sum(n for _, n, _ in asking.ask(stored_events()).rows)
    made = _findings(sum(abs(one.difference) for one in found.values()), _missing(asking, there), found)
    total = sum(one.received for one in found.values())
    return made or [Finding("ledger_adds_up", "good", f"all {total:,} lines received are accounted for")]


def _missing(asking: Asking, there: int) -> int:
    """Events in the store beyond those that were loaded, collected or imported: 0, or a defect."""
    from assay.query.ledger import segments

    loaded: int = sum(stored for _, _, _, stored, *_ in asking.ask(segments()).rows)
    return there - loaded


def _findings(apart: int, missing: int, chosen: dict[Key, Account]) -> list[Finding]:
    found = []
    if apart or missing:
        text = f"the ledger does not add up: {apart:,} lines in no term, {missing:+,} events beyond those loaded"
        action = "keep the segments; report it with the answer of assay ledger --format json"
        found.append(Finding("ledger_apart", "bad", text, {"lines": apart, "events": missing}, action))
    reasons: Counter[str] = Counter()
    for one in chosen.values():
        reasons.update({reason: n for reason, n in one.refused.items() if reason != CONSENT})
    if reasons:
        reason, n = reasons.most_common(1)[0]
        text = f"{sum(reasons.values()):,} lines were refused, most of them as {reason} ({n:,})"
        action = "see what sends them: the answer to each request named the event and why"
        found.append(Finding("refused_lines", "warning", text, dict(reasons), action))
    return found


def _sentence(total: int, apart: int, chosen: dict[Key, Account]) -> str:
    stored = sum(one.stored for one in chosen.values())
    spool = sum(one.spool for one in chosen.values())
    waits = f", {spool:,} wait to be loaded" if spool else ""
    sums = "it adds up" if not apart else f"{apart:,} lines are unaccounted for"
    return f"{total:,} lines received, {stored:,} stored{waits}; {sums}."


QUESTION = Question("ledger", "What became of every line received; it adds up.", LedgerParams, answer, needs_data=False)
