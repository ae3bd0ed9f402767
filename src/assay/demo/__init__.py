"""Demo worlds with a known truth, as files that go in through the ordinary import."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.demo.calendar import LAST_DAY, SEED, Calendar
from assay.demo.worlds import BY_NAME
from assay.demo.worlds.base import Wanted
from assay.demo.worlds.shop import plan_of

if TYPE_CHECKING:
    from assay.demo.planted import Planted
    from assay.demo.worlds.base import Progress

RAW = "demo-data"
PLAN = "assay.yaml"
TRUTH = "truth.json"


def build(
    folder: Path, days: int | None = None, visitors: int | None = None, seed: int = SEED,
    progress: Progress | None = None, last_day: date = LAST_DAY, world: str = "shop", quiet: bool = False,
) -> list[Path]:  # fmt: skip
    """Write a world's plan into ``folder`` and the raw files into its ``demo-data``; the event files' paths, in order.

    ``days`` and ``visitors``: default the world's own. ``quiet``: nothing is planted. ``progress`` is told the share
    done, 0 to 1. Raises ValueError for days or visitors that the demo cannot do.
    """
    chosen = BY_NAME[world]
    wanted = Wanted(
        chosen.days if days is None else days, chosen.visitors if visitors is None else visitors, seed, last_day, quiet
    )
    text = chosen.plan(wanted)
    if wanted.visitors < 1:
        raise ValueError(f"the demo needs at least one visitor, not {visitors}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PLAN).write_text(text, encoding="utf-8")
    return chosen.write(wanted, folder / RAW, progress)


def known(folder: Path) -> dict[str, Any]:
    """The truth of a demo world that was written into ``folder``."""
    found: dict[str, Any] = json.loads((folder / RAW / TRUTH).read_text(encoding="utf-8"))
    return found


def planted(folder: Path) -> tuple[Planted, ...]:
    """What is planted in the world in ``folder``."""
    truth = known(folder)
    return BY_NAME[truth["world"]].planted(truth)


def plan(calendar: Calendar) -> str:
    """The shop's plan, its days moved to where ``calendar`` has them."""
    return plan_of(calendar)
