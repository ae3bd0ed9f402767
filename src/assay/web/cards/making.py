"""Answers into shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from assay.charts import chart
from assay.report.view import Voice, headed, human
from assay.report.words import Shown, shown
from assay.web.cards.base import Cell, Head, Picture, Shape, Speech, Table
from assay.web.cards.funnel import bars
from assay.web.cards.links import METRICS, of_cell, of_command
from assay.web.cards.telling import findings, short
from assay.web.cards.tiles import tiles
from assay.web.cards.verdict import verdict

if TYPE_CHECKING:
    from assay.model.answer import Answer
    from assay.plan.values import Plan
    from assay.web.pages.base import Card

MOST_ROWS = 200  # of a table on a page; the CSV has all
_NAMED = METRICS | {"experiment", "funnel", "step", "last_step"}
_DAYS = ("day", "moment")
_MACHINE = frozenset({"type", "renderItem", "symbol", "color", "position", "trigger", "role", "encode", "align"})
_MADE = {
    "tiles": tiles,
    "told": lambda _answer, _card: None,
    "funnel": lambda answer, _card: bars(answer),
    "verdict": verdict,
}


def shape(card: Card, answer: Answer, asked: Mapping[str, Any], api: str) -> Shape:
    """A card whose question was answered. ``api``: where the API begins."""
    query = urlencode({name: value for name, value in asked.items() if value is not None}, doseq=True)
    place = f"{api}/{card.question}{'?' + query if query else ''}" if api else ""
    voice = Speech.of(card, answer)
    loud, quiet = findings(answer, voice)
    shown_rows = table(answer, voice, card.plan, card.wanted)
    sentence, rest = short(_sentence(answer, voice, card.wanted, shown_rows), 120 if card.width < 7 else 190)
    made = _MADE[card.view](answer, card) if card.view in _MADE and not answer.empty else None
    return Shape(
        card, answer, None, sentence, rest, shown_rows, loud, quiet, made, place,
        _picture(answer, voice) if made is None and card.view != "table" else None,
        tuple(of_command(one) for one in answer.next),
    )  # fmt: skip


def _sentence(answer: Answer, voice: Voice, wanted: str, found: Table | None) -> str:
    if wanted and found:
        return f"{len(found.rows) + found.more:,} of {len(answer.rows):,} hold “{wanted}”."
    return headed(voice.said(answer.sentence))


def broken(card: Card, problem: str) -> Shape:
    """A card whose question could not be answered."""
    return Shape(card, None, problem)


def table(answer: Answer, voice: Voice, plan: Plan | None, wanted: str = "") -> Table | None:
    """The first-level columns; names lead to their pages. ``wanted``: only rows that hold all of its words."""
    columns = shown(answer)
    if not columns or not answer.rows:
        return None
    about = {one.id: one.text for one in answer.definitions}
    places = {column.name: n for n, column in enumerate(answer.columns)}
    heads = tuple(
        Head(headed(voice.said(c.title)), not c.is_text, about.get(c.definition or "", ""), c.kind in _DAYS)
        for c in columns
    )
    rows = tuple(
        tuple(_cell(c, n, answer.rows[n][places[c.name]] if c.name in places else None, plan) for c in columns)
        for n in _held(answer, wanted)[:MOST_ROWS]
    )  # fmt: skip
    return Table(heads, rows, max(0, len(_held(answer, wanted)) - MOST_ROWS))


def _held(answer: Answer, wanted: str) -> list[int]:
    words = wanted.casefold().replace("_", " ").split()

    def text(row: int) -> str:
        return " ".join(str(one) for one in answer.rows[row]).casefold().replace("_", " ")

    return [n for n in range(len(answer.rows)) if not words or all(word in text(n) for word in words)]


def _cell(column: Shown, row: int, value: Any, plan: Plan | None) -> Cell:
    text = column.texts[row]
    return Cell(human(text) if column.name in _NAMED else text, of_cell(column.name, value, plan))


def _picture(answer: Answer, voice: Voice) -> Picture | None:
    made = chart(answer)
    if made is None:
        return None
    told = asdict(made) | {"option": _spoken(made.option, voice), "alt": voice.said(made.alt)}
    told["title"], told["subtitle"] = headed(voice.said(made.title)), voice.said(made.subtitle)
    data = json.dumps(told, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    return Picture(told["subtitle"], data, f"h{min(1000, -(-made.height // 40) * 40)}")


def _spoken(value: Any, voice: Voice) -> Any:
    """The words of a chart's options as people say them; colours, kinds and shapes stay."""
    if isinstance(value, Mapping):
        return {key: one if key in _MACHINE else _spoken(one, voice) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_spoken(one, voice) for one in value]
    return voice.said(value) if isinstance(value, str) and not value.startswith("@") else value
