"""Peak memory and processor time of this process and all that it started, from /proc; Linux only."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def reset_peaks() -> None:
    """Let every process's peak start anew at what it holds now."""
    for process in _tree():
        with suppress(OSError):
            (PROC / str(process) / "clear_refs").write_text("5")


def peaks() -> dict[str, int]:
    """Peak resident bytes since the reset: of this process, and the sum over those that it started."""
    own, *others = _tree()
    return {"memory": _peak(own), "others": sum(map(_peak, others))}


def cpu() -> float:
    """Seconds of processor time that they have used, with those that have ended."""
    ticks = 0
    for process in _tree():
        with suppress(OSError):
            said = (PROC / str(process) / "stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(map(int, said[11:15]))
    return ticks / TICKS


def _tree() -> list[int]:
    """This process and its descendants."""
    found = [os.getpid()]
    for process in found:
        with suppress(OSError):
            for thread in (PROC / str(process) / "task").iterdir():
                found += [int(child) for child in (thread / "children").read_text().split()]
    return found


def _peak(process: int) -> int:
    with suppress(OSError):
        for line in (PROC / str(process) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
