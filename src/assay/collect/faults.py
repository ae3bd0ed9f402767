"""Defects of the collector's own: said once in the log by kind and place, without a word of what the event said."""

from __future__ import annotations

import logging
from pathlib import Path

REASON = "internal_error"
DETAIL = "assay has a defect that this event brings out; the collector's log says where"
MOST = 100  # kinds that are told apart

_log = logging.getLogger("assay.collect")
_seen: set[tuple[str, str]] = set()


def noted(doing: str, error: Exception) -> None:
    """Log a defect the first time. The error's own text may quote the event, so it is not in it."""
    place, step = "?", error.__traceback__
    while step is not None:
        place = f"{Path(step.tb_frame.f_code.co_filename).name}:{step.tb_lineno}"
        step = step.tb_next
    found = (type(error).__name__, place)
    if found not in _seen and len(_seen) < MOST:
        _seen.add(found)
        _log.error("a defect in assay while %s: %s at %s; please report it", doing, *found)
