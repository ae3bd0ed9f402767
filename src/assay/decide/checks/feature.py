"""A feature and the outcome: what is left of the association when equally active units are compared."""

from __future__ import annotations

import math

from assay.decide.words import significant
from assay.model.finding import Finding

SURE = 2.6  # standard errors
_MOST_GONE = 0.5  # of the log odds may be left


def held_equal(
    feature: str, goal: str, naive: tuple[float, float], equal: tuple[float, float], low: float, high: float
) -> Finding | None:
    """``naive`` and ``equal``: (odds ratio, z) of early users over the others, as they are and equally active."""
    evidence = {
        "feature": feature, "goal": goal, "odds": naive[0], "odds_equal": equal[0], "low": low, "high": high,
        "z": naive[1], "z_equal": equal[1],
    }  # fmt: skip
    if equal[1] > SURE:
        text = (
            f"{feature}: early users have {significant(equal[0], 2)} times the odds of {goal} "
            f"({significant(low, 2)} to {significant(high, 2)}) among equally active ones: worth a test"
        )
        return Finding("feature_causes", "good", text, evidence)
    if naive[1] > SURE and math.log(equal[0]) < _MOST_GONE * math.log(naive[0]):
        text = (
            f"{feature}: early users reach {goal} more often ({significant(naive[0], 2)} times the odds), "
            f"but not among equally active ones ({significant(equal[0], 2)} times): the active use it more"
        )
        return Finding("feature_correlates", "info", text, evidence)
    return None
