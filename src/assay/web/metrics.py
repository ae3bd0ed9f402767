"""What a server is doing, for Prometheus: questions, loads, the ledger, the spool, the outbox; one label names the
workspace. Every figure is one that assay keeps anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

import assay
from assay.analyses.ledger import INTAKE, TERMS
from assay.collect.waiting import Waiting, waiting
from assay.model.errors import AssayError
from assay.report.outbox import STATES
from assay.web.counting import ANSWERED, BOUNDS, BROKEN, FAILED, KEPT, REFUSED, Counts
from assay.workspace import DATA

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from assay.model.answer import Answer
    from assay.store.state import State
    from assay.web.asking import Asker

PATIENCE = 2.0  # seconds that the ledger may take; it is left out where other questions are before it
OUTCOMES = (ANSWERED, KEPT, REFUSED, FAILED, BROKEN)


@dataclass(frozen=True)
class Measured:
    """One workspace at one moment (``now``: µs UTC). ``ledger`` None: it could not be asked in time."""

    workspace: str
    now: int
    counts: Counts
    working: int
    readable: bool
    ledger: Answer | None
    spool: Waiting
    outbox: Mapping[str, int]


async def measure(workspace: str, asker: Asker, state: State, now: int) -> Measured:
    """Measure a workspace; nothing waits long for it."""
    ledger = await _ledger(asker)
    spool = await run_in_threadpool(waiting, asker.folder / DATA / INTAKE)
    rows = await run_in_threadpool(state.read, "outbox_states")
    outbox = {row["state"]: int(row["many"]) for row in rows}
    return Measured(workspace, now, asker.counts, asker.working, asker.problem is None, ledger, spool, outbox)


async def _ledger(asker: Asker) -> Answer | None:
    task = asyncio.ensure_future(asker.ask("ledger", {"imports": True}))
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait({task}, timeout=PATIENCE)
    if not task.done():
        return None  # it goes on, and the next look finds it
    with suppress(AssayError):
        return task.result()
    return None


def exposition(measured: Sequence[Measured], accept: str = "") -> tuple[bytes, str]:
    """The text and its media type, in the format that ``accept`` wants."""
    from prometheus_client.exposition import choose_encoder

    encode, media = choose_encoder(accept)
    return encode(_Collected(measured)), media


class _Collected:
    """What the library calls a collector: families of samples, made when they are asked for."""

    def __init__(self, measured: Sequence[Measured]) -> None:
        self._measured = measured

    def collect(self) -> Iterable[Metric]:
        """All families."""
        from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily

        yield InfoMetricFamily("assay", "The version of the server.", {"version": assay.__version__})
        yield from _questions(self._measured)
        for name, about, labels, of in _GAUGES:
            family = GaugeMetricFamily(f"assay_{name}", about, labels=("workspace", *labels))
            for one in self._measured:
                for values, figure in of(one):
                    family.add_metric((one.workspace, *values), figure)
            yield family


def _questions(measured: Sequence[Measured]) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily

    labels = ("workspace", "question")
    asked = CounterMetricFamily(
        "assay_questions", f"Questions since the start, by outcome: {', '.join(OUTCOMES)}.", labels=(*labels, "outcome")
    )
    took = HistogramMetricFamily(
        "assay_question_seconds", "Seconds from question to answer, for answers that were worked out.", labels=labels
    )
    for one in measured:
        for (question, outcome), many in sorted(one.counts.outcomes.items()):
            asked.add_metric((one.workspace, question, outcome), many)
        for question, durations in sorted(one.counts.durations.items()):
            bounds = (*(repr(bound) for bound in BOUNDS), "+Inf")
            buckets = list(zip(bounds, accumulate(durations.buckets), strict=True))
            took.add_metric((one.workspace, question), buckets, durations.total)
    yield asked
    yield took


Samples = Iterator[tuple[tuple[str, ...], float]]


def _working(one: Measured) -> Samples:
    yield (), one.working


def _readable(one: Measured) -> Samples:
    yield (), one.readable


def _known(one: Measured) -> Samples:
    yield (), one.ledger is not None


def _lines(one: Measured) -> Samples:
    if one.ledger is not None:
        for term in ("received", *TERMS, "difference"):
            yield (term,), _sum(one.ledger, term)


def _events(one: Measured) -> Samples:
    if one.ledger is not None:
        yield (), _sum(one.ledger, "stored")


def _loads(one: Measured) -> Samples:
    if one.ledger is not None:
        yield (), _sum(one.ledger, "segments")


def _last_load(one: Measured) -> Samples:
    last = max((str(text) for text in _column(one.ledger, "loaded") if text), key=datetime.fromisoformat, default=None)
    if last is not None:
        yield (), max(0.0, one.now / 1e6 - datetime.fromisoformat(last).timestamp())


def _spool_segments(one: Measured) -> Samples:
    yield (), one.spool.segments


def _spool_size(one: Measured) -> Samples:
    yield (), one.spool.size


def _spool_oldest(one: Measured) -> Samples:
    yield (), 0.0 if one.spool.oldest is None else max(0.0, (one.now - one.spool.oldest) / 1e6)


def _outbox(one: Measured) -> Samples:
    for state in STATES:
        yield (state,), one.outbox.get(state, 0)


def _column(ledger: Answer | None, name: str) -> list[Any]:
    return ledger.column(name) if ledger is not None and ledger.columns else []


def _sum(ledger: Answer, name: str) -> int:
    return sum(int(value or 0) for value in _column(ledger, name))


_GAUGES = (
    ("questions_working", "Questions that are being answered or wait for their turn.", (), _working),
    ("plan_readable", "1: the plan on disk is in use; 0: it has mistakes, the one before is in use.", (), _readable),
    ("ledger_readable", "0: the ledger could not be asked in time, its figures are missing below.", (), _known),
    (
        "ledger_lines", "Lines received and what became of them, imports too; difference is 0, or a defect.", ("term",),
        _lines,
    ),
    ("events_stored", "Events in the store.", (), _events),
    ("segments_loaded", "Segments that were loaded, of collectors and of imports.", (), _loads),
    ("last_load_age_seconds", "Seconds since something was loaded; missing where nothing was yet.", (), _last_load),
    ("spool_segments", "Segments that wait to be loaded or are still written to.", (), _spool_segments),
    ("spool_bytes", "Bytes in the segments that wait.", (), _spool_size),
    ("spool_oldest_seconds", "Seconds since the oldest waiting segment was begun; 0: none waits.", (), _spool_oldest),
    ("outbox_reports", "Reports to be sent, by what became of them.", ("state",), _outbox),
)  # fmt: skip
