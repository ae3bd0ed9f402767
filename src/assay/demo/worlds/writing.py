"""A world's files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.demo.calendar import Days
from assay.demo.happenings import Happenings
from assay.demo.sheets import Claims, Spend, write_claims, write_costs
from assay.demo.till import Till, write_till
from assay.demo.traffic import Mix, People
from assay.demo.worlds.base import Progress, Wanted


def write_world(
    happenings: Happenings, folder: Path, wanted: Wanted, calendar: Days, people: People, mix: Mix,
    accounts: NDArray[np.int64] | None, spend: Sequence[Spend], till: Till, prefix: str, claims: Claims,
    truth: Mapping[str, Any], progress: Progress | None,
) -> list[Path]:  # fmt: skip
    """Event lines, ``costs.csv``, ``till.csv`` (order ids begin with ``prefix``), ``ads.csv`` and ``truth.json``."""
    paths = happenings.write(folder, wanted.seed, people, mix, accounts, progress)
    write_costs(spend, folder / "costs.csv")
    write_till(till, folder / "till.csv", prefix)
    write_claims(calendar, claims, folder / "ads.csv")
    (folder / "truth.json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    return paths
