"""The demo shop: a world with a known truth, as files that go in through the ordinary import."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from assay.demo.calendar import DAYS, LAST_DAY, SEED, VISITORS, Calendar

if TYPE_CHECKING:
    from assay.demo.write import Progress

RAW = "demo-data"
PLAN = "assay.yaml"


def build(
    folder: Path, days: int = DAYS, visitors: int = VISITORS, seed: int = SEED, progress: Progress | None = None,
    last_day: date = LAST_DAY,
) -> list[Path]:  # fmt: skip
    """Write the plan into ``folder`` and the raw files into its ``demo-data``; the event files' paths, in order.

    ``progress`` is told the share done, 0 to 1. Raises ValueError for days or visitors that the demo cannot do.
    """
    from assay.demo.shop import simulate
    from assay.demo.write import write

    world = simulate(days, visitors, seed, last_day)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PLAN).write_text(plan(world.calendar), encoding="utf-8")
    return write(world, folder / RAW, progress=progress)


def plan(calendar: Calendar) -> str:
    """The demo's plan, its days moved to where ``calendar`` has them."""
    text = Path(__file__).with_name("shop.yaml").read_text(encoding="utf-8")
    there = calendar.dates()
    # marks first: a day that was put in must not be taken for one that is to be replaced
    written = {day.isoformat(): name for name, day in Calendar().dates().items()}
    for day, name in written.items():
        text = text.replace(day, f"@{name}@")
    for name in written.values():
        text = text.replace(f"@{name}@", there[name].isoformat())
    return text
