"""assay: self-hosted conversion and measurement. ``ws = assay.open("."); ws.funnel("checkout", by="device")``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.workspace import Workspace

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def open(folder: str | Path = ".", now: int | None = None) -> Workspace:  # noqa: A001
    """Open the workspace in ``folder`` (it holds an ``assay.yaml``). ``now``: microseconds UTC, to fix the clock."""
    from assay.workspace import Workspace

    return Workspace(folder, now)
