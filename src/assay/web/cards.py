"""An answer as a card: the words that people read, the table, the chart, and where the exact figures are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from assay.charts import chart
from assay.model.answer import Answer
from assay.report.words import SEVERITIES, Shown, one_line, shown

if TYPE_CHECKING:
    from assay.model.finding import Finding
    from assay.web.pages.base import Card

MOST_ROWS = 200  # of a table on a page; the CSV has all


@dataclass(frozen=True)
class Told:
    """A finding in words, and what to do about it; ``kind`` is the banner's class, ``word`` its name for everybody."""

    kind: str
    word: str
    text: str
    action: str


@dataclass(frozen=True)
class Tile:
    """One KPI of the scorecard, in words. ``direction``: up, down or none (within the noise)."""

    name: str
    now: str
    range: str
    change: str
    direction: str
    judged: str  # good, bad or nothing
    standing: str
    objective: str
    guardrail: bool
    matured: str = ""


@dataclass(frozen=True)
class Picture:
    """A chart as the page's script draws it. ``free``: the class that keeps its place."""

    title: str
    subtitle: str
    data: str  # JSON that may stand in a page
    free: str


@dataclass(frozen=True)
class Shape:
    """What the template of a card shows."""

    card: Card
    answer: Answer | None
    problem: str | None
    columns: tuple[Shown, ...] = ()
    rows: tuple[int, ...] = ()
    more: int = 0
    findings: tuple[Told, ...] = ()
    tiles: tuple[Tile, ...] = ()
    api: str = ""
    picture: Picture | None = None

    def link(self, form: str = "") -> str:
        """The address of the same answer from the API: JSON, or ``csv`` or ``md``."""
        path, _, query = self.api.partition("?")
        return f"{path}{'.' + form if form else ''}{'?' + query if query else ''}"


def shape(card: Card, answer: Answer, asked: Mapping[str, Any], api: str) -> Shape:
    """A card whose question was answered. ``api``: where the API begins."""
    query = urlencode({name: value for name, value in asked.items() if value is not None}, doseq=True)
    place = f"{api}/{card.question}{'?' + query if query else ''}" if api else ""
    return Shape(
        card, answer, None, tuple(shown(answer)), tuple(range(min(len(answer.rows), MOST_ROWS))),
        max(0, len(answer.rows) - MOST_ROWS), tuple(map(_told, answer.findings)),
        tuple(_tiles(answer)) if card.view == "tiles" else (), place,
        _picture(answer) if card.view != "tiles" else None,
    )  # fmt: skip


def _picture(answer: Answer) -> Picture | None:
    made = chart(answer)
    if made is None:
        return None
    data = json.dumps(asdict(made), ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    return Picture(made.title, made.subtitle, data, f"h{min(1000, -(-made.height // 40) * 40)}")


def broken(card: Card, problem: str) -> Shape:
    """A card whose question could not be answered."""
    return Shape(card, None, problem)


def _told(finding: Finding) -> Told:
    kind = finding.severity if finding.severity in SEVERITIES else "info"
    return Told(kind, SEVERITIES[kind], one_line(finding.text), one_line(finding.action or ""))


def _tiles(answer: Answer) -> list[Tile]:
    """The scorecard's rows; a change counts as one only where the answer says that it is beyond the noise."""
    moved = {
        str(one.evidence.get("metric")): one.severity
        for one in answer.findings if one.evidence.get("metric") and one.severity in ("good", "bad", "warning")
    }  # fmt: skip
    made = []
    for row in answer.records():
        name, difference = str(row["kpi"]), row.get("difference")
        low, high = row.get("difference_low"), row.get("difference_high")
        beyond = None not in (low, high) and (float(low) > 0 or float(high) < 0)  # type: ignore[arg-type]
        direction = "none" if not beyond or difference is None else "up" if float(difference) > 0 else "down"  # type: ignore[arg-type]
        severity = moved.get(name, "")
        judged = "" if not beyond else {"good": "good", "bad": "bad", "warning": "bad"}.get(severity, "")
        texts = {key: str(row[key] or "") for key in ("now", "range", "change", "standing", "objective_words")}
        made.append(
            Tile(name, texts["now"], texts["range"], texts["change"], direction, judged, texts["standing"],
                 texts["objective_words"] or str(row["objective"] or ""), row["role"] == "guardrail")
        )  # fmt: skip
    return made
