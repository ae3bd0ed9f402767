"""Building by clicking. One more kind of entry is a file and a line in ``KINDS``."""

from __future__ import annotations

from assay.web.building import cohort, experiment, funnel, goal, kpi, segment
from assay.web.building.base import Kind

KINDS: tuple[Kind, ...] = (funnel.KIND, goal.KIND, segment.KIND, kpi.KIND, cohort.KIND, experiment.KIND)

BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS}
