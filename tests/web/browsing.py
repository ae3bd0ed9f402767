"""A workspace as the server serves it, asked in this process by somebody with a key or a password."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from doors import HOST, PASSWORD, sign_in
from starlette.testclient import TestClient

from assay.store.state import FILE, State
from assay.web.access import keys, links, users
from assay.web.access.base import Access
from assay.web.access.passwords import Passwords
from assay.web.access.values import CONSOLE, ROLES
from assay.web.app import create
from assay.web.asking import Asker
from assay.web.site import Site
from assay.workspace import DATA


def site_of(folder: Path, now: int | None = None, slug: str = "shop") -> Site:
    """A workspace; ``now`` fixes the clock of its questions."""
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    (folder / DATA).mkdir(exist_ok=True)
    asker = Asker(folder, clock=now) if (folder / "assay.yaml").exists() else None
    return Site(slug, folder, Access(State(folder / DATA / FILE), slug=slug, passwords=quick), asker)


@contextmanager
def browsing(folder: Path, now: int | None = None, role: str | None = None, slug: str = "shop") -> Iterator[Any]:
    """A client of the server: with an API key that may read, or signed in as somebody of a role."""
    site = site_of(folder, now, slug)
    with TestClient(create([site]), HOST, follow_redirects=False) as client:
        client.folder, client.site = folder, site
        if role is None:
            client.headers["Authorization"] = f"Bearer {keys.add(site.access, 'a test', ('read',), CONSOLE)}"
        else:
            enter(client, site, role)
        yield client
    site.access.state.close()


def enter(client: TestClient, site: Site, role: str) -> None:
    """Sign in as somebody new of this role."""
    assert role in ROLES
    email = f"{role}@example.org"
    users.add(site.access, email, role, CONSOLE, role.title())
    links.use(site.access, links.make(site.access, email, CONSOLE).removeprefix(links.PATH), PASSWORD, role.title())
    assert sign_in(client, email, under=f"/{site.slug}").status_code == 303


def text_of(page: str) -> str:
    """A page without its tags, as somebody reads it."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))
