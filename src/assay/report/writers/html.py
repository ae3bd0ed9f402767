"""The report as one HTML file: its own style, its charts as SVG inside, no script, nothing to fetch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files

from assay.report.document import Block, Document, Figures, Heading, Items, Page, Picture, Said, Sentence, Table
from assay.report.drawing import drawing
from assay.report.seal import Made
from assay.report.writers.base import Writer

Marks = Mapping[str, int]
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_LONG = 22  # characters of a word that fits into every column
_FIGURE = re.compile(r"(?<=\d) (?=[%€$£¥]|[A-Z]{3}\b|points\b|percent\b)")


def page(made: Made, density: str = "") -> str:
    """The whole file. ``density``: a class that makes the first page tighter."""
    shown = made.document
    marks = {one.id: one.number for one in shown.footnotes}
    pages = "".join(_page(shown, one, n, marks, made) for n, one in enumerate(shown.pages))
    style = files("assay.report.writers").joinpath("report.css").read_text("utf-8")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(shown.title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark">'
        f'<meta name="generator" content="assay"><meta name="assay-seal" content="{escape(str(made.sealed["seal"]))}">'
        f"<style>{style}</style></head><body{f' class={chr(34)}{density}{chr(34)}' if density else ''}><main>"
        f"{pages}{_last(shown, str(made.sealed['seal']))}</main></body></html>\n"
    )


def _page(shown: Document, one: Page, n: int, marks: Marks, made: Made) -> str:
    kind = "first" if n == 0 else "further"
    head = _masthead(shown, one) if n == 0 else f"<h1>{_text(one.title)}</h1>"
    under = f'<p class="under">{_text(one.subtitle)}</p>' if one.subtitle and n else ""
    body = "".join(_blocks(one.blocks, marks, made))
    return f'<section class="page {kind}" id="p-{escape(_slug(one.name))}">{head}{under}{body}</section>'


def _masthead(shown: Document, one: Page) -> str:
    logo = f'<img class="logo" src="{escape(shown.logo)}" alt="{escape(shown.client)}">' if shown.logo else ""
    client = f'<span class="client" dir="auto">{_text(shown.client)}</span>' if shown.client else ""
    parts = [part for part in (one.subtitle or shown.days,) if part]
    own = f'<p class="under">{_text(one.title)}</p>' if one.title != "At a glance" else ""
    return (
        f'<header>{logo}<div><h1 dir="auto">{_text(shown.title)}</h1>{own}'
        f'<p class="under">{client}{" · " if client and parts else ""}{_text(" ".join(parts))}</p></div></header>'
    )


def _blocks(blocks: tuple[Block, ...], marks: Marks, made: Made) -> Iterator[str]:
    """Blocks below a heading stand in one part, so that a heading is never alone at the end of a page."""
    for block in blocks:
        yield _block(block, marks, made)


def _block(block: Block, marks: Marks, made: Made) -> str:
    match block:
        case Heading(text):
            return f"<h2>{_text(text)}</h2>"
        case Sentence(said, lead):
            return (
                f'<p class="{"lead" if lead else "plain"} {said.tone}" dir="auto">{_said(said, marks)}</p>'
                if said.text
                else ""
            )
        case Items(items, call):
            kind = ("ol", "call") if call else ("ul", "items")
            body = "".join(f'<li class="{one.tone}" dir="auto">{_said(one, marks)}</li>' for one in items)
            return f'<{kind[0]} class="{kind[1]}">{body}</{kind[0]}>'
        case Figures(tiles):
            body = "".join(
                f'<div class="tile {s.tone}"><dt>{_text(t)}</dt><dd>{_said(s, marks)}</dd></div>' for t, s in tiles
            )
            return f'<dl class="tiles">{body}</dl>'
        case Table():
            return _table(block, marks)
        case Picture():
            return _picture(block, marks, made)


def _said(said: Said, marks: Marks) -> str:
    mark = ""
    if said.mark in marks:
        n = marks[said.mark]
        mark = f'<sup><a href="#d-{n}">{n}</a></sup>'
    note = f'<small dir="auto">{_text(said.note)}</small>' if said.note else ""
    return f"<span>{_text(said.text)}</span>{mark}{note}"


def _table(block: Table, marks: Marks) -> str:
    head = "".join(
        f'<th scope="col" class="{_side(block, n)}">{_text(title)}</th>' for n, title in enumerate(block.titles)
    )
    rows = ("".join(_cell(block, n, cell, marks) for n, cell in enumerate(row)) for row in block.rows)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    caption = f"<caption>{_text(block.caption)}</caption>" if block.caption else ""
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _side(block: Table, n: int) -> str:
    return "figure" if n in block.right else "words"


def _cell(block: Table, n: int, cell: Said, marks: Marks) -> str:
    """A cell; only where a word is too long for its column it may break inside."""
    long = " long" if any(len(word) > _LONG for word in f"{cell.text} {cell.note}".split()) else ""
    return f'<td class="{_side(block, n)} {cell.tone}{long}" dir="auto">{_said(cell, marks)}</td>'


def _picture(block: Picture, marks: Marks, made: Made) -> str:
    answer = made.answers.get(block.answer)
    drawn = drawing(answer) if answer is not None else None
    title = f'<figcaption dir="auto">{_text(block.title)} <small>{_text(block.unit)}</small></figcaption>'
    bars = _bars(block, marks)
    if drawn is None:
        return f"<figure>{title}{bars}</figure>"
    return (
        f'<figure>{title}<div class="chart">{drawn}</div><details><summary>Figures</summary>{bars}</details></figure>'
    )


def _bars(block: Picture, marks: Marks) -> str:
    """The same as a table; the bar says the size, beside the figure."""
    rows = "".join(
        f'<tr><th scope="row" dir="auto">{_text(label.text)}</th><td class="bar">{_bar(share)}</td>'
        f'<td class="figure">{_said(Said(figure.text), marks)}</td>'
        f'<td class="figure span">{_text(figure.note)}</td></tr>'
        for label, figure, share in block.rows
    )
    return f'<table class="bars"><tbody>{rows}</tbody></table>'


def _bar(share: float | None) -> str:
    if share is None:
        return ""
    return (
        f'<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{share * 100:.2f}" height="8" fill="#7f9cc8"/></svg>'
    )


def _last(shown: Document, seal: str) -> str:
    notes = "".join(
        f'<li id="d-{one.number}"><strong dir="auto">{_text(one.name)}</strong>: {_text(one.text)} '
        f"<code>{escape(one.id)}</code></li>"
        for one in shown.footnotes
    )
    facts = "".join(f'<li dir="auto">{_text(fact)}</li>' for fact in shown.facts)
    definitions = f'<h1>Definitions and footnotes</h1><ol class="notes">{notes}</ol>' if notes else ""
    return (
        f'<section class="page further" id="p-definitions">{definitions}<h2>What this report stands on</h2>'
        f'<ul class="items">{facts}</ul>'
        f'<p class="seal">Seal of the file beside it: <code>{escape(seal)}</code></p></section>'
    )


def _text(text: str) -> str:
    """Escaped; a figure keeps its unit in the same line."""
    return escape(_FIGURE.sub("\u00a0", text))


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)


def _write(made: Made) -> bytes:
    return page(made).encode()


WRITER = Writer("html", "text/html; charset=utf-8", _write)
