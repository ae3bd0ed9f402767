"""The page of a KPI: its figures, its weeks, its channels, why it moved, what it means."""

from __future__ import annotations

from collections.abc import Iterator

from assay.report.document import NOISE, Block, Figures, Heading, Items, Page, Picture, Said, Sentence, Table
from assay.report.standing import WITHIN, Kpi
from assay.report.view import View, headed

_PARTS = 6


def kpi_page(one: Kpi, found: dict[str, View]) -> Page:
    """One page."""
    return Page(one.name, one.title, tuple(_blocks(one, found)), one.goal)


def _blocks(one: Kpi, found: dict[str, View]) -> Iterator[Block]:
    yield Sentence(_definition(one))
    yield Figures(
        (("Now", one.now()), ("Against before", one.change()), ("Target", one.target()), ("On pace?", one.pacing()))
    )
    yield from _picture(found.get(f"trend:{one.name}"), one, "Week by week")
    yield from _picture(found.get(f"by:{one.name}"), one, "By channel")
    why = found.get(f"why:{one.name}")
    if why is not None and why.answer.rows:
        yield Heading("Why it moved")
        yield Sentence(_why(one, why))
        yield from _parts(why)
        notable = tuple(said for n, said in why.findings() if why.answer.findings[n].severity in ("bad", "warning"))
        if notable:
            yield Items(notable)


def _definition(one: Kpi) -> Said:
    for place in one.overview.answer.definitions:
        if place.metric == one.name:
            exactly = f"{place.numerator} / {place.denominator}" if place.denominator else place.numerator
            text = place.text if place.text == exactly or not exactly else f"{place.text}: {exactly}"
            return Said(f"{headed(one.overview.voice.said(text))}.", (), NOISE, mark=one.definition)
    return Said("")


def _picture(view: View | None, one: Kpi, title: str) -> Iterator[Block]:
    if view is None:
        return
    yield Heading(title)
    if not view.answer.rows or view.column(one.name) is None:
        reason = view.voice.said(view.answer.empty or view.answer.sentence or "nothing to show")
        yield Sentence(Said(f"{headed(reason.rstrip('.'))}.", (), NOISE))
        return
    yield picture(view, one.name, one.kind)


def picture(view: View, metric: str, kind: str) -> Picture:
    """The chart of an answer by its first column."""
    first = view.answer.columns[0].name
    shown = [row for row in view.rows if view.raw(row, metric) is not None] or list(view.rows)
    sizes = [_size(view.raw(row, metric)) for row in shown]
    most = max((abs(size) for size in sizes if size is not None), default=0.0)
    rows = []
    for row, size in zip(shown, sizes, strict=True):
        figure = view.cell(row, metric)
        span = view.span(row, f"{metric}_low", f"{metric}_high")
        share = None if size is None else round(abs(size) / most, 4) if most else 0.0
        label = view.cell(row, first)
        label = Said(label.text if view.raw(row, first) is not None else "not known", label.source)
        rows.append((label, Said(figure.text, (*figure.source, *span.source), note=span.text), share))
    unit = {"rate": "percent", "money": view.currency, "duration": "time"}.get(kind, "")
    unit = f"{unit}, with the 95 % interval" if unit else "with the 95 % interval"
    return Picture(view.key, headed(view.voice.said(view.answer.sentence)), unit, tuple(rows))


def _why(one: Kpi, why: View) -> Said:
    """The answer's sentence; within the noise no cause is named for it."""
    rows = [row for row in why.rows if why.text(row, "part") == "all"]
    if one.moved != WITHIN or not rows:
        said = why.sentence()
        return Said(headed(said.text), said.source)
    figures = why.cell(rows[0], "figures")
    words = figures.text.replace(" → ", " to ")
    return Said(f"From {words}: within ordinary noise, and so may its parts be.", figures.source, NOISE)


def _size(value: object) -> float | None:
    try:
        return None if value is None else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _parts(why: View) -> Iterator[Block]:
    """The largest parts of the change; those within noise are grey."""
    rows = [row for row in why.rows if why.text(row, "part") not in ("all", "factor")]
    rows = rows[:_PARTS]
    if not rows:
        return
    made = []
    for row in rows:
        sure = why.raw(row, "sure")
        tone = NOISE if sure is False else ""
        part, value = why.cell(row, "part"), why.cell(row, "value")
        name = Said(headed(f"{part.text}: {value.text}"), (*part.source, *value.source), tone)
        word = {True: "beyond noise", False: "noise"}.get(bool(sure), "") if sure is not None else ""
        made.append((name, why.cell(row, "figures", tone=tone), why.cell(row, "adds", tone=tone), Said(word, (), tone)))
    yield Table(("Part", "Before → now", "Adds to the change", ""), tuple(made), (2,))
