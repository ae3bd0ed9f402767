"""why, leaks and opportunity against the plain metric by its dimensions, in the same run. ``python -m bench.diagnosing DIR``

DIR is a workspace of the sequences bench (``python -m bench --sizes 1 --sequences 20 --keep DIR`` leaves one).
"""

from __future__ import annotations

import sys
from pathlib import Path

from assay.analyses.moving import DIMENSIONS
from assay.workspace import Workspace
from bench.timing import fastest

RANGE = {"from": "2026-02-16", "to": "2026-03-29"}  # six weeks, with six before them
WHOLE = {"from": "2026-01-01", "to": "2026-03-31"}
BAR = 5


def run(folder: Path, rounds: int = 3) -> None:
    """Print each question's time over the metric's."""
    with Workspace(folder) as workspace:
        by = [name for name in DIMENSIONS if name != "entry_page_group" or workspace.plan.pages]
        events = workspace.span.events if workspace.span else 0
        for name, days, question in (
            ("why purchase_rate", RANGE, ("why", "purchase_rate")),
            ("leaks checkout", WHOLE, ("leaks", "checkout")),
            ("opportunity checkout", WHOLE, ("opportunity", "checkout")),
        ):
            sides = (
                lambda days=days: workspace.ask("metric", "purchase_rate", by=by, limit=1000, **days),
                lambda question=question, days=days: workspace.ask(*question, **days),
            )
            times = fastest(sides, rounds)
            print(
                f"{events / 1e6:.1f} million events: {name} {times[1]:.1f} s, metric by {len(by)} dimensions "
                f"{times[0]:.1f} s: {times[1] / times[0]:.2f} (bar {BAR})",
                flush=True,
            )


if __name__ == "__main__":
    run(Path(sys.argv[1]))
