"""What past experiments of this workspace say of the next one: how large effects are here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.analyses.experimenting.money import PRIOR_SPREAD, SPREAD_WORDS
from assay.analyses.experimenting.runs import Entry, log

if TYPE_CHECKING:
    from assay.analyses.base import Asking
    from assay.stats.bayes import Prior


def decided(asking: Asking) -> list[Entry]:
    """The last decision on each experiment by the asking's moment, in the order in which they were taken."""
    found = []
    for entries in log(asking.state).values():
        last = [entry for entry in entries if entry.action == "decide" and entry.known(asking.now)]
        found += last[-1:]
    return sorted(found, key=lambda entry: entry.at)


def prior(asking: Asking) -> tuple[Prior, str]:
    """The normal prior of a lift, from five decided tests on; a named default before. Words for it."""
    from assay.stats.bayes import Prior, prior_of_past

    pairs = [
        (float(entry.detail["lift"]), float(entry.detail["lift_error"]))
        for entry in decided(asking)
        if entry.detail.get("lift") is not None and entry.detail.get("lift_error")
    ]
    past = prior_of_past([lift for lift, _ in pairs], [error for _, error in pairs])
    if past.prior is None:
        return Prior(0.0, PRIOR_SPREAD), SPREAD_WORDS
    mean, spread = past.prior.mean * 100, past.prior.deviation * 100
    return past.prior, f"the {past.n} tests decided here: mean {mean:+.1f} %, spread {spread:.1f} %"
