"""A funnel as bars of HTML: the share of the start in each; between two, who goes on, who is lost, how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.charts.base import NAMED, plain_text
from assay.decide.words import duration, percent
from assay.report.view import human

if TYPE_CHECKING:
    from assay.model.answer import Answer


@dataclass(frozen=True)
class Bar:
    """One bar. ``share`` of a thousand; ``rate`` from the start, in words."""

    group: str
    share: int
    rate: str
    count: str
    hue: str = ""


@dataclass(frozen=True)
class Between:
    """What happens between two steps, of one group."""

    group: str
    on: str
    lost: str
    median: str
    hue: str = ""


@dataclass(frozen=True)
class Stage:
    """A step: its bars, and what lies between the step before and this one. ``number`` from 1."""

    number: int
    name: str
    title: str
    bars: tuple[Bar, ...]
    between: tuple[Between, ...]


@dataclass(frozen=True)
class Bars:
    """A funnel in words. ``unit``: what is counted, in the plural; ``hidden`` groups are only in the table."""

    stages: tuple[Stage, ...]
    unit: str
    compared: bool
    hidden: int
    settled: str = ""


def bars(answer: Answer) -> Bars | None:
    """The bars of a ``funnel`` answer; None where it is a list, a histogram or empty."""
    spec = answer.chart or {}
    if spec.get("kind") != "funnel" or not answer.rows:
        return None
    by, steps = list(spec.get("by", ())), list(spec["steps"])
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in answer.records():
        groups.setdefault(", ".join(plain_text(row[name]) for name in by), []).append(row)
    groups = {name: rows for name, rows in groups.items() if rows[0].get("units") and len(rows) == len(steps)}
    if not groups:
        return None
    shown = list(groups.items())[:NAMED]
    stages = []
    for place, step in enumerate(steps):
        made = [
            (f"s{n + 1}" if by else "", name, rows[place], rows[0]) for n, (name, rows) in enumerate(shown)
        ]  # fmt: skip
        stages.append(
            Stage(
                place + 1, str(step), human(str(step)),
                tuple(_bar(name, row, first, hue) for hue, name, row, first in made),
                tuple(_between(name, row, hue) for hue, name, row, _ in made) if place else (),
            )
        )  # fmt: skip
    unit = next((c.title for c in answer.columns if c.name == "units"), "people")
    return Bars(tuple(stages), unit, bool(by), len(groups) - len(shown), _settled(answer, by))


def _bar(name: str, row: Mapping[str, Any], first: Mapping[str, Any], hue: str) -> Bar:
    share = float(row["units"]) / float(first["units"])
    start = row.get("from_start")
    return Bar(
        name,
        round(share * 1000),
        percent(float(start)) if start is not None else "100 %",
        f"{int(row['units']):,}",
        hue,
    )


def _between(name: str, row: Mapping[str, Any], hue: str) -> Between:
    on, lost, median = row.get("from_previous"), row.get("lost"), row.get("median_from_previous")
    return Between(
        name, percent(float(on)) if on is not None else "–", f"{int(lost):,}" if lost is not None else "",
        duration(float(median)) if median is not None else "", hue,
    )  # fmt: skip


def _settled(answer: Answer, by: list[str]) -> str:
    """How many are still within their time, in words, and what those come to whose time is over."""
    if by:
        return ""
    last: Mapping[str, Any] = answer.records()[-1]
    still, closed = last.get("open"), last.get("matured")
    if not still or closed is None:
        return ""
    return f"{int(still):,} may still go on; of those whose time is over {percent(float(closed))} reached the end"
