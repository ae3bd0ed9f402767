"""How far the tracking can be trusted: the coverage of the till that was last reconciled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assay.analyses.base import Asking
from assay.decide.words import percent
from assay.model.finding import Finding

LOW, OLD = 0.9, 45  # share of orders; days after which a figure says little of today


def tracked_coverage(asking: Asking) -> tuple[str, Finding | None] | None:
    """A sentence on the last kept reconciliation, and a finding where it is low or old; None where none was kept."""
    kept = asking.state.read("coverage") if asking.state else []
    if not kept or not kept[0]["orders"]:
        return None
    one = kept[0]
    share, day = one["tracked"] / one["orders"], datetime.fromtimestamp(one["noted_at"] / 1e6, UTC).date()
    text = (
        f"tracked coverage {percent(share)}: {one['tracked']:,} of {one['orders']:,} orders of the till "
        f"({one['first']} to {one['last']}, {one['file']}, reconciled on {day})"
    )
    evidence = {"coverage": share, "orders": one["orders"], "tracked": one["tracked"], "until": one["last"]}
    if share < LOW:
        return text, Finding("low_coverage", "warning", text, evidence, "assay reconcile FILE")
    if asking.today - timedelta(OLD) > day:
        return text, Finding("old_coverage", "info", text, evidence, f"assay reconcile {one['file']} --keep")
    return text, None
