"""CPU of ``assay --help``: what every command pays before it does anything."""

from __future__ import annotations

import resource
import subprocess
import sys


def run() -> None:
    found = []
    for command in ([sys.executable, "-m", "assay.cli", "--help"], [sys.executable, "-c", "pass"]):
        subprocess.run(command, check=True, capture_output=True)
        times = []
        for _ in range(5):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        found.append(min(times))
    print(f"assay --help: {found[0]:.2f} s of CPU (an empty Python: {found[1]:.2f} s)")
