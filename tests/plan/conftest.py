from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def shop() -> str:
    """The example plan of a shop."""
    return (Path(__file__).parent / "shop.yaml").read_text(encoding="utf-8")
