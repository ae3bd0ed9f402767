"""Foreign money: rates of the European Central Bank, a day without one takes the last earlier."""

from __future__ import annotations

from assay.plan.values import Plan
from assay.query.relations import foreign_currencies
from assay.store.engine import Engine


def load_rates(engine: Engine, plan: Plan) -> bool:
    """Store the rates of currencies that have newly appeared; True when there were any.

    Not done yet: amounts in a currency without a rate stay without value, and ``quality`` says so.
    """
    engine.run(foreign_currencies(plan.site.currency))
    return False
