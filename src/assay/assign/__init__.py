"""Who sees which variant: a rule of names and a hash, the same here and in a browser. Nothing is stored."""

from assay.assign.assignment import Assignment, assign, assigned, bounds, forced_by, sticky
from assay.assign.buckets import bucket, buckets, murmur3
from assay.assign.config import config

__all__ = [
    "Assignment",
    "assign",
    "assigned",
    "bounds",
    "bucket",
    "buckets",
    "config",
    "forced_by",
    "murmur3",
    "sticky",
]
