"""Public holidays by country: which codes there are, and the days as entries of the change log.

The calendars are those of the ``holidays`` package; it is imported only where a plan names a country.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from assay.model.errors import suggestion
from assay.plan.values import Change


def problem(code: str) -> str | None:
    """What is wrong with ``DE``, or ``DE-BY`` for a part of a country; None where it is known."""
    from holidays import list_supported_countries

    known = list_supported_countries()
    country, _, part = code.partition("-")
    if country not in known:
        return f"there is no calendar of public holidays for {code!r}{_meant(code, known)}"
    if part and part not in known[country]:
        hint = suggestion(part, known[country]) if known[country] else "; it has no parts"
        return f"the holidays of {country} have no part {part!r}{hint}"
    return None


def _meant(code: str, known: dict[str, list[str]]) -> str:
    """A country by its name, in small letters or nearly right."""
    from holidays.registry import COUNTRIES

    country, sign, part = code.strip().partition("-")
    if country.upper() in known:
        return f"; did you mean {country.upper() + sign + part.upper()!r}?"
    names = {name.replace("_", " "): short for name, (_, short, *_) in COUNTRIES.items()}
    if (short := names.get(code.strip().lower().replace("_", " "))) is not None:
        return f"; did you mean {short!r}?"
    return "; write ISO 3166 codes of two letters, such as DE, or DE-BY for a part of a country"


def between(codes: Sequence[str], first: date, last: date) -> list[Change]:
    """The public holidays of these countries from ``first`` to ``last``, both included; one entry a day and name.

    A holiday of some countries only names them: ``Easter Monday (AT, DE)``. Names are English where there are such.
    """
    if not codes:
        return []
    from holidays import country_holidays

    where: dict[tuple[date, str], list[str]] = defaultdict(list)
    for code in dict.fromkeys(codes):
        country, _, part = code.partition("-")
        days = country_holidays(country, subdiv=part or None, years=range(first.year, last.year + 1), language="en_US")
        for day in days:
            if first <= day <= last:
                for name in days.get_list(day):
                    where[day, name].append(code)
    return [
        Change(day, "holiday", f"{name} ({', '.join(sorted(found))})") for (day, name), found in sorted(where.items())
    ]
