"""Metric types, one file each. A new one is a file and a line in ``TYPES``."""

from __future__ import annotations

from assay.plan.kpis import abandonment, conversion, derived, quantile, rate, ratio, simple
from assay.plan.kpis.base import AnyType

TYPES: tuple[AnyType, ...] = (
    simple.TYPE,
    conversion.TYPE,
    ratio.TYPE,
    rate.TYPE,
    quantile.TYPE,
    derived.TYPE,
    abandonment.TYPE,
)

BY_NAME: dict[str, AnyType] = {type_.name: type_ for type_ in TYPES}
