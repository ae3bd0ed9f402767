"""The parts of a change as a table: the whole, then by dimension, along the funnel and by factors of revenue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from assay.analyses.adding import cells, money_cells
from assay.decide.words import group_name, value_words
from assay.model.answer import Cell, Column

if TYPE_CHECKING:
    from assay.analyses.moving import Look
    from assay.analyses.why import Case
    from assay.stats.parts import Part, Side

SHOWN = 6  # groups of a dimension that are shown one by one
_SURE = 0.05


@dataclass(frozen=True)
class Row:
    """One part: of which section, its figures on both sides, what it adds by mix and by rate, and its noise."""

    section: str
    value: str
    shares: tuple[float | None, float | None] = (None, None)
    figures: tuple[Cell, Cell] = (None, None)
    mix: Fraction | None = None
    rate: Fraction | None = None
    error: float | None = None
    p: float | None = None

    @property
    def adds(self) -> Fraction:
        """Mix and rate together."""
        return (self.mix or Fraction(0)) + (self.rate or Fraction(0))


def figure(case: Case, number: Fraction | None) -> Cell:
    """A value of the metric as a cell of its kind."""
    if number is None:
        return None
    if case.kind == "money":
        return money_cells([number])[0]
    return int(number) if number.denominator == 1 and case.total else float(number)


def figures(case: Case) -> tuple[Any, Any]:
    """The metric on both sides."""
    made = []
    for side, outside in zip(case.whole, case.sides.outside, strict=True):
        made.append(figure(case, side.top + outside if case.total else side.rate))
    return made[0], made[1]


def table(case: Case) -> tuple[tuple[Column, ...], tuple[tuple[Cell, ...], ...]]:
    """Columns and rows; in each section the parts add up to the change of its first row."""
    from assay.analyses.why_steps import factor_rows, step_sections

    sections = [summary(case), *(_look_rows(case, look) for look in shown_looks(case)), factor_rows(case)]
    sections += step_sections(case)
    rows = [row for section in sections for row in _laid_out(case, section)]
    return _columns(case), tuple(rows)


def shown_looks(case: Case) -> list[Look]:
    """The dimensions that are shown: all with --every or --by, else the two whose groups say most."""
    if case.params.every or case.params.by:
        return case.looks
    ranked = sorted(case.looks, key=lambda one: -_strength(one))
    kept = ranked[:2]
    return [one for one in case.looks if one in kept]


def _strength(look: Look) -> float:
    """How far the groups' parts lie beyond their noise, at the strongest one."""
    found = [abs(float(p.mix)) / p.mix_error for p in look.parts.values() if p.mix_error]
    found += [abs(float(p.rate)) / p.rate_error for p in look.parts.values() if p.rate_error]
    return max(found, default=0.0)


def headline(case: Case) -> Look | None:
    """The dimension whose changed shares explain most, where they explain anything; else the one that says most."""
    from assay.stats.parts import volume_and_rate

    if case.total:  # volume is the same in all; told apart by what the shares add to it
        volume, _ = volume_and_rate(*case.whole)
        return max(case.looks, key=lambda one: abs(one.mix - volume), default=None)
    sure = [one for one in case.looks if one.mix_error and abs(float(one.mix)) > 2.9 * one.mix_error]
    if sure:
        return max(sure, key=lambda one: abs(one.mix))
    return max(case.looks, key=_strength, default=None)


def summary(case: Case) -> list[Row]:
    """The whole change: volume, mix, tracking, rate, and what belongs to nobody with a visit."""
    from assay.stats.parts import volume_and_rate

    one, two = figures(case)
    delta = case.delta
    error = None if delta.low is None or delta.value is None else (float(delta.value) - delta.low) / 1.96
    rows = [Row("all", case.metric.name, (1.0, 1.0), (one, two), None, None, error)]
    look = headline(case)
    mix = look.mix if look else Fraction(0)
    rate = _change(case) - mix
    if case.total:
        volume, _ = volume_and_rate(*case.whole)
        stray = case.sides.outside[1] - case.sides.outside[0]
        units = tuple(int(side.bottom) for side in case.whole)
        rows.append(Row("volume", f"visitors {units[0]:,} → {units[1]:,}", mix=volume))
        mix, rate = mix - volume, rate - stray
        if stray:
            rows.append(Row("outside", "of nobody with a visit in the range", rate=stray))
    if look:
        rows.append(Row("mix", f"by {look.dimension}", mix=mix, error=look.mix_error))
    for one_break, part in case.broken:
        where = "".join(f" from {value}" for value in one_break.where.values())
        rows.append(Row("tracking", f"{one_break.event}{where} {one_break.kind}", rate=part))
        rate -= part
    if look is None:
        rate += mix
    rows.append(Row("rate", f"within {look.dimension}" if look else "itself", rate=rate))
    return rows


def _change(case: Case) -> Fraction:
    one, two = case.whole
    if case.total:
        return two.top + case.sides.outside[1] - one.top - case.sides.outside[0]
    assert one.rate is not None
    assert two.rate is not None
    return two.rate - one.rate


def _look_rows(case: Case, look: Look) -> list[Row]:
    order = sorted(look.parts, key=lambda key: (-abs(look.parts[key].whole), str(key)))
    rows = [_group_row(case, look, key, look.parts[key]) for key in order]
    if len(rows) > SHOWN + 1 and not case.params.every:
        rest = rows[SHOWN:]
        rows = [*rows[:SHOWN], _rest(look, rest)]
    return rows


def _rest(look: Look, rows: list[Row]) -> Row:
    mix, rate = (sum((getattr(r, n) for r in rows), Fraction(0)) for n in ("mix", "rate"))
    shares = tuple(sum(r.shares[i] or 0.0 for r in rows) for i in range(2))
    return Row(look.dimension, f"{len(rows)} others", (shares[0], shares[1]), mix=mix, rate=rate)


def _group_row(case: Case, look: Look, key: Any, part: Part) -> Row:
    from assay.stats.parts import Side

    sides = look.before.get(key, Side()), look.after.get(key, Side())
    shares = tuple(float(side.bottom / whole.bottom) for side, whole in zip(sides, case.whole, strict=True))
    seen: list[Cell] = [figure(case, _said(case, side)) for side in sides]
    error = None
    if part.mix_error is not None and part.rate_error is not None:
        error = (part.mix_error**2 + part.rate_error**2) ** 0.5
    return Row(
        look.dimension, str(group_name(key)), (shares[0], shares[1]), (seen[0], seen[1]), part.mix, part.rate, error,
        min(p_of(part.mix, part.mix_error), p_of(part.rate, part.rate_error)),
    )  # fmt: skip


def _said(case: Case, side: Side) -> Fraction | None:
    return side.top if case.total else side.rate


def p_of(part: Fraction, error: float | None) -> float:
    """Two-sided p-value of a part against its noise; 1 where the noise is unknown."""
    from assay.stats.normal import p_two_sided

    return p_two_sided(float(part) / error) if error else 1.0


def surely(case: Case, look: Look) -> set[Any]:
    """The groups with a part beyond noise, over all looks of this answer (false discovery rate)."""
    from assay.stats.multiple import benjamini_hochberg

    keys, values = [], []
    for one in case.looks:
        for key, part in one.parts.items():
            for number, error in ((part.mix, part.mix_error), (part.rate, part.rate_error)):
                keys.append((one.dimension, key))
                values.append(p_of(number, error))
    adjusted = benjamini_hochberg(values)
    return {key for (name, key), p in zip(keys, adjusted, strict=True) if name == look.dimension and p <= _SURE}


def _laid_out(case: Case, rows: list[Row]) -> Iterable[tuple[Cell, ...]]:
    """Rows of a section as cells; the adding numbers of a section are rounded together."""
    money = case.kind == "money"
    sure = {look.dimension: {str(group_name(k)) for k in surely(case, look)} for look in case.looks}
    adding = [row for row in rows if row.mix is not None or row.rate is not None]
    numbers = iter(zip(cells([r.adds for r in adding], money), money_parts(case, adding), strict=True))
    for row in rows:
        whole = row.section == "all"
        added, worth = next(numbers) if row.mix is not None or row.rate is not None else (None, None)
        if whole:
            added = _delta_cell(case)
        half = None if row.error is None else 1.96 * row.error
        low, high = (None, None) if half is None else (float(added or 0) - half, float(added or 0) + half)  # type: ignore[arg-type]
        beyond: Cell = None
        if whole:
            beyond = None if low is None or high is None else not low <= 0 <= high
        elif row.section in sure and row.p is not None:
            beyond = row.value in sure[row.section]
        yield (
            row.section, row.value, _arrow(row.shares, "rate"), _arrow(row.figures, _kind_of(case, row), case.currency),
            *row.shares, *row.figures,
            *(None if part is None else cells([part], money)[0] for part in (row.mix, row.rate)),
            added, low, high, worth, beyond,
        )  # fmt: skip


def _arrow(pair: tuple[Any, Any], kind: str, currency: str = "") -> str | None:
    """``36.2 % → 32.6 %``; nothing where there are no figures."""
    if pair == (None, None):
        return None
    one, two = (value_words(value, kind, currency) for value in pair)
    return f"{one} → {two}"


def _kind_of(case: Case, row: Row) -> str:
    return "rate" if row.section.startswith("funnel ") else case.kind


def _delta_cell(case: Case) -> Cell:
    return cells([_change(case)], case.kind == "money")[0]


def money_parts(case: Case, rows: list[Row]) -> Sequence[Decimal | None]:
    """What each part is worth over the later side, in the site's money; nothing where the metric has no price."""
    if case.price is None:
        return [None] * len(rows)
    units = Fraction(1) if case.total else case.whole[1].bottom
    return money_cells([row.adds * units * case.price for row in rows], 2)


def _columns(case: Case) -> tuple[Column, ...]:
    kind, money = case.kind, case.currency if case.kind == "money" else None
    apart = "points" if kind == "rate" else "number" if kind == "count" else kind
    one = case.metric.id

    def adding(name: str, label: str = "", detail: bool = False) -> Column:
        return Column(name, apart, label, one, money, detail)

    return (
        Column("part"), Column("value"), Column("shares", label="share"), Column("figures", label=case.metric.name),
        Column("share_before", "rate", detail=True), Column("share_after", "rate", detail=True),
        Column("before", kind, "", one, money, True), Column("after", kind, "", one, money, True),
        adding("mix", "volume" if case.total else "mix"), adding("rate"), adding("adds"),
        adding("adds_low", "from", True), adding("adds_high", "to", True),
        Column("worth", "money", "worth", currency=case.currency, detail=case.price is None),
        Column("sure", "flag", "beyond noise"),
    )  # fmt: skip
