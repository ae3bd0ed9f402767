"""``python -m bench.alerts [--folder DIR]``: precision, recall, delay and cause of the alerts, for docs/alerts.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "calibration"))

from faulty import KINDS, declines, schedule
from scoring import START, Score, raised, shop, watched

DAYS, VISITORS = 300, 1500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keeps the worlds for the next run")
    parser.add_argument("--worlds", default="4,3,3,2", help="how many sharp, slow, quiet and rough quiet worlds")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="assay-alerts-"))
    sharp, slow, quiet, rough = (int(n) for n in options.worlds.split(","))
    score = Score()
    for seed in range(1, sharp + 1):
        faults = schedule(seed, DAYS)
        with shop(folder / f"sharp-{seed}", DAYS, VISITORS, seed, faults) as ws:
            score.add(raised(watched(ws, DAYS), DAYS), faults)
    for seed in range(11, slow + 11):
        faults = declines(DAYS)
        with shop(folder / f"slow-{seed}", DAYS, VISITORS, seed, faults) as ws:
            score.add(raised(watched(ws, DAYS), DAYS), faults)
    print("| fault | times | found | cause right | told on day (median, worst) |\n|---|---|---|---|---|")
    for kind in KINDS:
        if kind in score.faults:
            delays = sorted(score.delays.get(kind, [])) or [-1]
            print(
                f"| {kind} | {score.faults[kind]} | {score.found.get(kind, 0)} | {score.right.get(kind, 0)} "
                f"| {median(delays) + 1:g}, {delays[-1] + 1} |"
            )
    print(
        f"recall {score.recall:.3f}, precision {score.precision:.3f}, cause {score.cause:.3f}, {score.alerts} alerts, "
    )
    print(
        f"{score.repeated} further alerts of a fault, false {score.false}\nmissed {score.missed}\nwrong {score.wrong}",
        flush=True,
    )
    for name, count, first in (("quiet", quiet, 21), ("rough", rough, 31)):
        counts: dict[float, int] = {0.25: 0, 1.0: 0, 4.0: 0}
        for seed in range(first, first + count):
            with shop(folder / f"{name}-{seed}", DAYS, VISITORS, seed, [], name == "rough") as ws:
                watch = watched(ws, DAYS)
            for rate in counts:
                counts[rate] += len(raised(watch, DAYS, rate))
        months = count * (DAYS - START) / 30
        for rate, found in counts.items() if count else ():
            print(f"| {name} | {rate:g} | {found} in {months:.1f} months | {found / months:.2f} |", flush=True)


if __name__ == "__main__":
    main()
