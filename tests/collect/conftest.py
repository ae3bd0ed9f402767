"""An import in a temporary spool."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from imported import Imported, Run

from assay.collect.importers import Context, importer

NOW = 1_767_225_600_000_000  # 2026-01-01


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def go(name: str, *files: Path, options: Mapping[str, Any] | None = None) -> Imported:
        chosen = importer(name)
        context = Context(tmp_path / "spool", "USD", "UTC", NOW)
        return Imported(list(chosen.segments(files, chosen.options_from(options or {}), context)))

    return go
