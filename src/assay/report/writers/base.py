"""What a writer is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assay.report.seal import Made


@dataclass(frozen=True)
class Writer:
    """A format of the report by its file's suffix."""

    suffix: str
    media: str
    write: Callable[[Made], bytes]
