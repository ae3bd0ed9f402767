"""The report as Markdown: what a terminal shows, what goes into a ticket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.report.document import NOISE, Block, Figures, Heading, Items, Page, Picture, Said, Sentence, Table
from assay.report.exporters.markdown import escaped
from assay.report.seal import Made
from assay.report.writers.base import Writer

Marks = Mapping[str, int]


def _write(made: Made) -> bytes:
    shown = made.document
    marks = {one.id: one.number for one in shown.footnotes}
    head = " · ".join(part for part in (shown.client, shown.days) if part)
    parts = [f"# {escaped(shown.title)}", escaped(head)]
    for page in shown.pages:
        parts += _page(page, marks)
    parts += ["## Definitions and footnotes"] if shown.footnotes else []
    parts += [f"[^{one.number}]: **{escaped(one.name)}**: {escaped(one.text)} `{one.id}`" for one in shown.footnotes]
    parts += ["## What this report stands on", *(f"- {escaped(fact)}" for fact in shown.facts)]
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def _page(page: Page, marks: Marks) -> Iterator[str]:
    yield f"## {escaped(page.title)}"
    yield escaped(page.subtitle)
    for block in page.blocks:
        yield _block(block, marks)


def _block(block: Block, marks: Marks) -> str:
    match block:
        case Heading(text):
            return f"### {escaped(text)}"
        case Sentence(said, lead):
            return f"**{_said(said, marks)}**" if lead and said.text else _said(said, marks)
        case Items(items, call):
            return "\n".join(f"{f'{n}.' if call else '-'} {_said(one, marks)}" for n, one in enumerate(items, 1))
        case Figures(tiles):
            return "\n".join(f"- {escaped(name)}: {_said(said, marks)}" for name, said in tiles)
        case Table(titles, rows, right):
            return _table(titles, [[_said(cell, marks) for cell in row] for row in rows], right)
        case Picture():
            lines = [
                [_said(label, marks), escaped(figure.text), escaped(figure.note)] for label, figure, _ in block.rows
            ]
            return f"{escaped(block.title)}\n\n{_table(('', 'Figure', 'Interval'), lines, (1, 2))}"


def _said(said: Said, marks: Marks) -> str:
    mark = f"[^{marks[said.mark]}]" if said.mark in marks else ""
    text = f"*{escaped(said.text)}*" if said.tone == NOISE and said.text else escaped(said.text)
    return f"{text}{mark}" + (f" ({escaped(said.note.rstrip('.'))})" if said.note else "")


def _table(titles: tuple[str, ...], rows: list[list[str]], right: tuple[int, ...]) -> str:
    lines = [[escaped(title) for title in titles], ["---:" if n in right else "---" for n in range(len(titles))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


WRITER = Writer("md", "text/markdown; charset=utf-8", _write)
