"""The command line: ``assay``. ``main`` is the console script."""

from __future__ import annotations

from assay.cli.run import main

__all__ = ["main"]
