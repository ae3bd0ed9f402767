"""Whether a machine asked: by its user agent (list of crawler-user-agents, MIT) and by how it behaves."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from assay.collect.enrich.browser import MOST_AGENT


def is_bot(agent: str | None, hints: Mapping[str, str], screen: str | None) -> bool:
    """A browser names itself, has a screen and is not headless."""
    if not agent or agent.isspace():
        return True
    if screen in ("0x0", "1x1") or "Headless" in hints.get("sec-ch-ua", ""):
        return True
    return _listed(agent[:MOST_AGENT])


@lru_cache(4096)
def _listed(agent: str) -> bool:
    from crawleruseragents import is_crawler  # type: ignore[import-untyped]

    return bool(is_crawler(agent)) or "PhantomJS" in agent or "Cypress/" in agent
