"""A small workspace on a free port, behind the real guard, with a key: what programs find."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from assay.store.state import State
from assay.web.access import keys
from assay.web.access.base import Access
from assay.web.access.guard import Guard
from assay.web.access.headers import SecurityHeaders
from assay.web.access.rules import requires
from assay.web.access.values import CONSOLE
from assay.web.api import api
from assay.web.asking import Asker
from assay.web.machines import routes
from serving import free_port, listening, wait_for
from support import NOW, Event, bought, view, workspace

PLAN = """
site: {name: Asked, timezone: UTC, currency: EUR}
goals: {order: {event: purchase, kind: macro, journey: shop}}
objectives: {grow: {goal: Grow}}
metrics:
  views: {type: simple, count: page_view}
  rpv: {type: simple, sum: revenue.net, per: visitor}
  buyers: {type: conversion, goal: order, per: visitor}
kpis: {rpv: {objective: grow, direction: up}}
segments: {mobile: "device = 'mobile'"}
funnels: {buy: {steps: [page_view, purchase], per: visitor, window: 1d}}
"""
EVENTS: list[Event] = [
    *(view(f"v{n}", f"2024-03-0{day} 10:{n:02}", device="mobile" if n % 2 else "desktop")
      for day in (1, 2) for n in range(20)),
    *(bought(f"v{n}", f"2024-03-02 11:{n:02}", f"o{n}", f"{n}.50", currency="EUR") for n in range(1, 6)),
]  # fmt: skip
_built = tempfile.TemporaryDirectory(prefix="assay-shop-")
DAYS = {"from": "2024-03-01", "to": "2024-03-02"}


def made(folder: Path, plan: str = PLAN, events: Sequence[Event] = EVENTS) -> Path:
    """The workspace's folder; the usual one is built once and copied."""
    if plan == PLAN and events is EVENTS:
        shutil.copytree(_usual(), folder, dirs_exist_ok=True)
        return folder
    with workspace(folder, plan, events):
        pass
    return folder


@cache
def _usual() -> Path:
    folder = Path(_built.name) / "shop"
    with workspace(folder, PLAN, EVENTS):
        pass
    return folder


get = partial(httpx2.get, timeout=60)  # a machine may be busy


@dataclass
class Served:
    """A running server. ``base``: where the workspace begins; ``asker``: None where there is no plan."""

    base: str
    key: str
    asker: Asker | None
    state: State

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@contextmanager
def served(folder: Path, clock: int | None = NOW, planned: bool = True) -> Iterator[Served]:
    """The workspace ``shop`` at ``/shop``, as a server mounts it. ``clock`` None: the real one."""
    state = State(folder / "assay-data" / "state.sqlite")
    access = Access(state, slug="shop") if clock is None else Access(state, lambda: clock, "shop")
    asker = Asker(folder, clock=clock) if planned else None

    async def asker_of(_request: Any) -> Asker:
        if asker is None:
            raise HTTPException(409, "this workspace has no plan yet")
        return asker

    inner = Starlette(routes=[Mount("/api/v1", requires("viewer")(api(asker_of))), *routes(asker_of)])
    app = SecurityHeaders(Starlette(routes=[Mount("/shop", Guard(inner, access))]))
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        wait_for(lambda: listening(port))
        yield Served(f"http://127.0.0.1:{port}/shop", keys.add(access, "a program", ["read"], CONSOLE), asker, state)
    finally:
        server.should_exit = True
        thread.join()
        if asker is not None:
            asker.close()
        state.close()
