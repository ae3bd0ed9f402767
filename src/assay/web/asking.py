"""Questions of a server: off the event loop, a few at a time, each answer kept while the data stay as they are.

Who asks the same thing at the same time waits for the same work. Work that nobody waits for any more is broken off.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.analyses import BY_NAME
from assay.analyses.given import checked
from assay.model.errors import UnknownName
from assay.plan.watch import Watched
from assay.store import engines
from assay.store.disk import seen
from assay.web.counting import Counts
from assay.workspace import DATA, Workspace, own
from assay.workspace.unfinished import FILE as UNFINISHED

if TYPE_CHECKING:
    from assay.model.answer import Answer
    from assay.plan.values import Plan
    from assay.store.held import Held

MOST = 2  # questions at once
KEPT = 512  # answers
# An answer is good for so many times as long as it took although new events have come: on a busy site a slow one would
# be worked out without end. At least and at most so many seconds.
WORTH, STALE, LONGEST = 20.0, 2.0, 300.0
_STATE = ("state.sqlite", "state.sqlite-wal", UNFINISHED)

Key = tuple[str, str, str]


@dataclass
class _Kept:
    """An answer, on which data, since when (monotonic seconds), and how long it took."""

    answer: Answer
    version: str
    since: float
    took: float = 0.0


@dataclass
class _Work:
    """A question that is being answered, for all who wait for it."""

    task: asyncio.Future[Answer]
    waiting: int = 0
    workspace: Workspace | None = None
    broken: bool = False
    told: str = ""  # what is being done, and how far
    since: float = field(default_factory=time.monotonic)

    def tell(self, text: str, done: int, total: int) -> None:
        """How far it is; called from the thread that works."""
        self.told = f"{text}, {done / total:.0%}" if total > 1 else text


@dataclass
class Asker:
    """One workspace of a server. ``held``: the store as the server holds it open; None: opened for each question.

    ``clock`` fixes the workspace's clock (µs UTC), for tests.
    """

    folder: Path
    held: Held | None = None
    clock: int | None = None
    most: int = MOST
    asked: int = 0  # questions that were worked on: what was kept is not among them
    counts: Counts = field(default_factory=Counts)
    _kept: OrderedDict[Key, _Kept] = field(default_factory=OrderedDict)
    _working: dict[Key, _Work] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = Path(self.folder)
        with Workspace(self.folder) as opened:
            self._plan = opened.plan
        self._watched = Watched(self.folder, self._plan)
        self._opening = threading.Lock()
        self._pool = ThreadPoolExecutor(self.most, "asking")

    def close(self) -> None:
        """End when the running questions have ended."""
        self._pool.shutdown(cancel_futures=True)

    @property
    def plan(self) -> Plan:
        """The plan as it is on disk; while that has mistakes, the one before."""
        changed = self._watched.changed()
        if changed is not None:
            self._plan = changed
        return self._plan

    @property
    def working(self) -> int:
        """Questions that are being answered or wait for their turn."""
        return len(self._working)

    @property
    def problem(self) -> str | None:
        """Why the plan on disk cannot be used; None: it can."""
        return self._watched.problem

    def workspace(self, plan: Plan | None = None) -> Workspace:
        """The workspace as the server has it, for one piece of work; ``plan``: another than that in use."""
        return Workspace(self.folder, now=self.clock, plan=plan or self.plan, held=self.held)

    def version(self) -> str:
        """What the data are now: other after every load, every change of the state, and with a new hour."""
        hour = str((self.clock or time.time_ns() // 1000) // 3_600_000_000)
        state = (seen(self.folder / DATA / name) for name in _STATE)
        return "/".join((hour, engines.version(self.folder / DATA), own.version(self.plan, self.folder), *state))

    async def ask(self, question: str, values: Mapping[str, Any] | None = None, fresh: bool = False) -> Answer:
        """An answer, kept or worked out. Raises what the workspace raises (AssayError).

        ``fresh``: not one from before the last load.
        """
        plan = self.plan
        key = _key(question, values, plan)
        kept = self._kept.get(key)
        if kept is not None and self._good(kept, fresh):
            self._kept.move_to_end(key)
            self.counts.kept(question)
            return kept.answer
        work = self._working.get(key)
        if work is None or work.broken:
            work = _Work(asyncio.get_running_loop().create_future())
            self._working[key] = work
            version = self.version()
            running = asyncio.get_running_loop().run_in_executor(
                self._pool, self._answer, work, question, dict(values or {}), plan
            )  # fmt: skip
            running.add_done_callback(lambda done: self._finished(key, work, version, done))
        return await self._waited(work)

    def told(self, question: str, values: Mapping[str, Any] | None = None) -> str:
        """What is being done for a question that is worked on, and how far; empty where nothing is known."""
        work = self._working.get(_key(question, values, self.plan))
        return "" if work is None else work.told

    async def tried(self, plan: Plan, question: str, values: Mapping[str, Any]) -> Answer:
        """An answer under a plan that is not kept; it is not kept either."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._tried, plan, question, dict(values))

    def _tried(self, plan: Plan, question: str, values: dict[str, Any]) -> Answer:
        with self.workspace() as workspace:
            with self._opening:
                workspace.engine  # noqa: B018
            return workspace.ask_under(plan, question, **values)

    async def act(self, work: Callable[[Workspace], object]) -> object:
        """Do something with the workspace off the event loop. Raises what the work raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._act, work)

    def _act(self, work: Callable[[Workspace], object]) -> object:
        with self.workspace() as workspace:
            return work(workspace)

    def look(self) -> None:
        """Read the plan again at its next use: it was just written."""
        self._watched.soon()

    def _good(self, kept: _Kept, fresh: bool) -> bool:
        return kept.version == self.version() or (
            not fresh and time.monotonic() - kept.since < min(LONGEST, max(STALE, WORTH * kept.took))
        )

    async def _waited(self, work: _Work) -> Answer:
        work.waiting += 1
        try:
            return await asyncio.shield(work.task)
        except asyncio.CancelledError:
            if work.waiting == 1 and not work.task.done():
                work.broken = True
                _break(work)
            raise
        finally:
            work.waiting -= 1

    def _answer(self, work: _Work, question: str, values: dict[str, Any], plan: Plan) -> Answer:
        """On a thread of the pool."""
        if work.broken:
            raise asyncio.CancelledError
        self.asked += 1
        with self.workspace(plan) as workspace:
            workspace.progress = work.tell
            with self._opening:  # one at a time makes or migrates the store
                workspace.engine  # noqa: B018
            work.workspace = workspace
            try:
                return workspace.ask(question, **values)
            finally:
                work.workspace = None

    def _finished(self, key: Key, work: _Work, version: str, done: asyncio.Future[Answer]) -> None:
        if self._working.get(key) is work:
            del self._working[key]
        self.counts.ended(key[0], done, work.broken, time.monotonic() - work.since)
        if work.task.done():
            return
        if done.cancelled():
            work.task.cancel()
            return
        error = done.exception()
        if error is not None:
            work.task.set_exception(error)
            work.task.exception()  # told to whoever waits; nobody may be left
            return
        work.task.set_result(done.result())
        now = time.monotonic()
        self._kept[key] = _Kept(done.result(), version, now, now - work.since)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _key(question: str, values: Mapping[str, Any] | None, plan: Plan) -> Key:
    if question not in BY_NAME:
        raise UnknownName("question", question, BY_NAME, "assay")
    params = checked(BY_NAME[question], (), values or {})
    told = params.model_dump(mode="json", by_alias=True, exclude_none=True)
    return question, json.dumps(told, sort_keys=True, default=str), plan.id


def _break(work: _Work) -> None:
    """Break off what is asked of the store, again and again until it has ended: the next query may just begin."""
    if work.task.done():
        return
    if work.workspace is not None:
        with suppress(Exception):  # it may end at this very moment
            work.workspace.interrupt()
    asyncio.get_running_loop().call_later(0.1, _break, work)
