"""Wire formats. One more is a file and a line in ``PROTOCOLS``."""

from __future__ import annotations

from assay.collect.protocols import ga4, own, plausible, posthog, segment, umami
from assay.collect.wire import Protocol

PROTOCOLS: tuple[Protocol, ...] = (
    own.PROTOCOL,
    posthog.PROTOCOL,
    segment.PROTOCOL,
    ga4.PROTOCOL,
    plausible.PROTOCOL,
    umami.PROTOCOL,
)
