"""A list of units as a cohort: a CSV file beside the plan, and an entry that names it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from assay.model.errors import UsageError
from assay.plan import edit
from assay.plan.load import FILE, load
from assay.plan.values import Plan

UNITS = ("visitor", "user", "account")
FOLDER = "cohorts"


def save(folder: Path, name: str, per: str, ids: Iterable[str]) -> tuple[Path, Plan]:
    """Write ``cohorts/NAME.csv`` and ``cohorts: NAME:`` into the plan; returns the file and the plan as it is now.

    Raises UsageError for a name that is taken or none, for a unit that has no list, and for an empty list.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise UsageError(f"cohort {name!r}: a name has small letters, digits and _, and begins with a letter")
    if per not in UNITS:
        raise UsageError(f"a list of {per}s is no cohort; ask per visitor, user or account")
    kept = list(dict.fromkeys(ids))
    if not kept:
        raise UsageError("nobody is in this list: there is no cohort to save")
    if name in load(folder).cohorts:
        raise UsageError(f"the plan has a cohort {name!r} already; choose another name")
    path = folder / FOLDER / f"{name}.csv"
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([per])
    rows.writerows([one] for one in kept)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.getvalue(), encoding="utf-8")
    entry = {"members": f"{FOLDER}/{name}.csv", **({} if per == "visitor" else {"per": per})}
    plan_file = folder / FILE
    try:
        old = plan_file.read_bytes().decode("utf-8")
        return path, edit.save(plan_file, edit.add(old, [edit.Addition(("cohorts", name), entry)]))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
