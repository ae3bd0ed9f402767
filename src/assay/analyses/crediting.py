"""One attribution while it is answered: what was asked, what came back, credit and cost ratios by model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from assay.analyses.base import Asking
from assay.model.answer import Cell, Labelled
from assay.model.estimate import Estimate

if TYPE_CHECKING:
    from assay.query.attribution import Placed, Spent
    from assay.query.cut import Cut
    from assay.query.touches import Asked
    from assay.stats.attribution import Amounts, Model, Move

NO_TOUCH = "(no touch)"
Ratios = Callable[[str], list[tuple[str, Estimate]]]


@dataclass
class Run:
    """One attribution: what was asked, what came back."""

    asking: Asking
    by: str
    by_touch: bool
    asked: Asked
    cut: Cut
    models: list[Model]
    costs: dict[str, Spent] = field(default_factory=dict)
    placed: list[Placed] = field(default_factory=list)
    totals: Amounts = ()
    moves: list[Move] = field(default_factory=list)

    @property
    def currency(self) -> str:
        """The site's currency."""
        return self.asking.plan.site.currency

    @property
    def money(self) -> bool:
        """True when conversions are worth money."""
        return self.asked.value != "count"

    def credits(self, model: Model, inside: bool = True, closed: bool = False) -> dict[str, Amounts]:
        """Credit by key: of conversions in the range, or of touches in it (only those whose window has closed)."""
        inside = inside or model.shares is not None
        chosen = [p for p in self.placed if (p.inside if inside else p.at_range and (p.closed or not closed))]
        return model.credits([p.group for p in chosen], self.moves)

    @property
    def touched(self) -> Amounts:
        """Conversions of the range that have a touch: number, value, new customers."""
        from assay.stats.attribution import touched

        return touched(p.group for p in self.placed if p.inside)


def load(run: Run, paths: bool = False) -> None:
    """Costs, then groups of touches (reaching beyond the range where costs count by date of touch), then paths.

    With ``paths`` only the totals: what a list of paths needs.
    """
    from assay.query import attribution as query
    from assay.stats.attribution import MOVES

    plan, ask = run.asking.plan, run.asking.ask
    by_touch = run.by_touch
    if run.cut.where is None and not paths:
        day = closed_day(run) if by_touch else None
        run.costs = query.read_costs(ask(query.cost_statement(plan, run.cut, run.by, day)).rows)
    if run.costs:
        run.asked = replace(run.asked, reach=run.asked.window if by_touch else 0, customers=run.asked.goal is None)
    run.totals = fractions(ask(query.total_statement(plan, run.cut, run.asked)).rows[0])
    if paths or not run.totals[0]:
        return
    needs = {need for model in run.models for need in model.needs}
    closed = closed_day(run) if run.asked.reach else None
    run.placed = query.read_groups(ask(query.group_statement(plan, run.cut, run.asked, needs, closed)).rows)
    if MOVES in needs:
        asked = replace(run.asked, reach=0, customers=False)
        won, lost = (ask(query.move_statement(plan, run.cut, asked, side)).rows for side in (True, False))
        run.moves = query.read_moves(won, lost)


def closed_day(run: Run) -> date:
    """The last day whose touches' windows have all closed."""
    from assay.model.period import day_of

    end = run.asking.matured_by() - run.asked.window * 1_000_000
    return day_of(end, run.asking.plan.site.timezone) - timedelta(1)


def table(run: Run, model: Model) -> tuple[dict[str, list[Cell]], Ratios]:
    """Cells by key (conversions, revenue, share) and a function that gives a key's cost ratios."""
    from assay.model.money import digits
    from assay.stats.attribution import to_the_cent

    found = run.credits(model)
    rest = tuple(a - b for a, b in zip(run.totals, run.touched, strict=True))
    if rest[0]:
        found[NO_TOUCH] = rest
    cells: dict[str, list[Cell]] = {}
    worth = {key: amounts[1] for key, amounts in found.items()}
    total = decimal(run.totals[1])
    revenue = to_the_cent(worth, total, digits(run.currency)) if run.money else {}
    base = run.totals[1] if run.money else run.totals[0]
    for key, amounts in found.items():
        share = amounts[1 if run.money else 0] / base if base else None
        cells[key] = [number(amounts[0]), *([revenue[key]] if run.money else [])]
        cells[key].append(None if share is None else float(share))
    by_touch = run.asked.reach > 0 and model.shares is None
    dated = run.credits(model, inside=not by_touch)
    closed = run.credits(model, inside=False, closed=True) if by_touch else {}

    def ratios(key: str) -> list[tuple[str, Estimate]]:
        return _ratios(run, key, dated.get(key), closed.get(key)) if run.costs else []

    return cells, ratios


def _ratios(run: Run, key: str, dated: Amounts | None, closed: Amounts | None) -> list[tuple[str, Estimate]]:
    here = run.costs.get(key)
    count, worth, new = dated or (Fraction(0),) * 3
    cost = here.amount if here else None
    made = [("cpa", _per(cost, count, "conversions"))]
    if run.asked.goal is None:
        made.append(("cac", _per(cost, new, "new customers")))
    if run.money:
        made.append(("roas", _return(worth, cost)))
    made.append(("dated_conversions", Estimate(number(count))))
    if run.asked.reach:
        done = here.closed if here else None
        made.append(("cpa_matured", _per(done, (closed or (Fraction(0),))[0], "conversions")))
        if run.money:
            made.append(("roas_matured", _return((closed or (Fraction(0),) * 3)[1], done)))
    return made


def _per(cost: Decimal | None, count: Fraction, of: str) -> Estimate:
    if cost is None:
        return Estimate.none("no cost row", denominator=number(count))
    if not count:
        return Estimate.none(f"no {of}", numerator=cost, denominator=0)
    return Estimate(decimal(Fraction(cost) / count), numerator=cost, denominator=number(count))


def _return(worth: Fraction, cost: Decimal | None) -> Estimate:
    if not cost:
        return Estimate.none("no cost row" if cost is None else "no cost", numerator=decimal(worth))
    return Estimate(float(worth / Fraction(cost)), numerator=decimal(worth), denominator=cost)


def blended(run: Run) -> list[Labelled]:
    """All ad cost over all new customers and all conversions, whether or not a touch was seen."""
    if not run.costs:
        return []
    amounts = [s.amount for s in run.costs.values() if s.amount is not None]
    cost = sum(amounts, Decimal(0)) if amounts else None
    made = [Labelled("cpa_blended", {}, _per(cost, run.totals[0], "conversions"))]
    if run.asked.goal is None:
        made.append(Labelled("cac_blended", {}, _per(cost, run.totals[2], "new customers")))
    return made


# -- numbers ----------------------------------------------------------------------------------------------------------


def fractions(row: Any) -> Amounts:
    """Numbers of a row, exact."""
    return tuple(Fraction(x or 0) for x in row)


def decimal(value: Fraction) -> Decimal:
    """Money with the digits of the store."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("0.000001"))


def number(value: Fraction) -> int | float:
    """A count, or a part of one."""
    return int(value) if value.denominator == 1 else float(value)


def zero(run: Run) -> list[Cell]:
    """Cells of a key that no conversion was credited to."""
    return [0, *([Decimal(0)] if run.money else []), 0.0]


def spent(run: Run, key: str) -> Cell:
    """Ad cost of a key; None without a cost row."""
    return run.costs[key].amount if key in run.costs else None
