"""Experiments read from events: who was exposed to what, and what each unit did in its window."""

from assay.query.experiments.table import UnitTable, seen, unit_table

__all__ = ["UnitTable", "seen", "unit_table"]
