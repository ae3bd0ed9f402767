"""Foreign money: rates of the European Central Bank by the day of the event; a day without one takes the last earlier.

The rates ship with the package ``currencyconverter``. The rate used is stored, so an answer does not change when the
package does.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from assay.plan.values import Plan
from assay.query.relations import add_rates, foreign_currencies
from assay.store.engine import Engine


def load_rates(engine: Engine, plan: Plan) -> bool:
    """Store the rates of foreign money that has newly come in; True when there were any.

    A currency that the ECB does not quote gets none: its orders count, their money does not, and ``quality`` says so.
    """
    site = plan.site.currency
    wanted = engine.run(foreign_currencies(site)).rows
    table = _Table() if wanted else None
    added = False
    for currency, first, last in wanted:
        assert table is not None
        days = [first + timedelta(i) for i in range((last - first).days + 1)]
        found = [(day, rate) for day in days if (rate := table.rate(currency, site, day)) is not None]
        if found:
            engine.run(add_rates(site, currency, [day for day, _ in found], [rate for _, rate in found]))
            added = True
    return added


class _Table:
    """The ECB's reference rates, euro as the base."""

    def __init__(self) -> None:
        from currency_converter import CurrencyConverter

        options: dict[str, Any] = {"fallback_on_missing_rate": True, "fallback_on_missing_rate_method": "last_known"}
        self.converter = CurrencyConverter(decimal=True, **options)

    def rate(self, currency: str, site: str, day: date) -> Decimal | None:
        """One unit of ``currency`` in ``site`` on ``day``; None before the first quotation, or when it is not quoted."""
        bounds = [self.converter.bounds.get(c) for c in (currency, site) if c != "EUR"]
        if any(b is None or day < b.first_date for b in bounds):
            return None
        known = min([day, *(b.last_date for b in bounds if b is not None)])
        value = self.converter.convert(Decimal(1), currency, site, known)
        return Decimal(value).quantize(Decimal("1e-9"))
