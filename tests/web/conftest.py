"""One workspace behind its guard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doors import Doors, made


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    """Fresh, with a viewer, an analyst and an admin."""
    found = made(tmp_path)
    yield found
    found.access.state.close()
