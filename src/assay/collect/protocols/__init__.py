"""Wire formats. One more is a file and a line in ``PROTOCOLS``."""

from __future__ import annotations

from assay.collect.wire import Protocol

PROTOCOLS: tuple[Protocol, ...] = ()
