"""``python -m bench [--sizes 1,10] [--keep DIR]``: all benchmarks, sizes in millions of events."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from bench import asking, importing, semantics, starting


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1,10", help="millions of events, with commas")
    parser.add_argument("--keep", type=Path, help="folder that keeps the simulated files for the next run")
    parser.add_argument(
        "--sequences", default="20", help="millions of events for the questions about sequences; 0: none"
    )
    parser.add_argument("--rounds", type=int, default=5, help="repetitions; the fastest of each side counts")
    options = parser.parse_args()
    sizes = [float(s) for s in options.sizes.split(",")]
    folder = options.keep or Path(tempfile.mkdtemp(prefix="assay-bench-"))
    try:
        starting.run()
        seconds = {}
        for size in sizes:
            files = importing.world(folder, size)
            seconds[size] = importing.run(folder, files, size)
            asking.run(folder / f"ws-{size:g}m", size, options.rounds)
        if len(sizes) > 1:
            small, large = min(sizes), max(sizes)
            growth = seconds[large] / seconds[small]
            print(f"growth of the import from {small:g} to {large:g} million events: {growth:.1f}-fold (bar 12)")
        if float(options.sequences):
            semantics.run(folder, float(options.sequences), max(2, options.rounds - 2))
    finally:
        if options.keep is None:
            shutil.rmtree(folder)


main()
