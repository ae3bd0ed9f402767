"""An answer as a card: the words that people read, the table, the chart, and where the exact figures are."""

from __future__ import annotations

from assay.web.cards.base import Shape
from assay.web.cards.making import broken, shape

__all__ = ["Shape", "broken", "shape"]
