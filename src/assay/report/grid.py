"""A table of texts in a width: decimals aligned, words wrapped, figures never cut."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from assay.report.words import Shown

GAP = "  "
_LEAST_TEXT = 12
_TIE = "\ue000"  # a private character instead of a space that must not be split
_UNIT = re.compile(r"(?<=\d) (?=[%€$£¥])|(?<=\d\d\d\d-\d\d-\d\d) (?=\d\d:\d\d)")
_NUMBER = re.compile(r"(?P<whole>[-+−]?[\d,]+)(?P<rest>(\.\d+)?( .*)?)$")


def blocks(columns: Sequence[Shown], width: int) -> list[list[Shown]]:
    """Columns side by side that fit; the rest in further blocks, each led by the leading text columns."""
    lead = 0
    while lead < len(columns) and columns[lead].is_text:
        lead += 1
    keys, rest = list(columns[:lead]), list(columns[lead:])
    key_width = sum(min(_width(one), _LEAST_TEXT * 2) + len(GAP) for one in keys)
    found: list[list[Shown]] = [[]]
    used = key_width
    for column in rest:
        wide = _least(column) + len(GAP)
        if found[-1] and used + wide - len(GAP) > width:
            found.append([])
            used = key_width
        found[-1].append(column)
        used += wide
    return [[*keys, *block] for block in found]


def lines(columns: Sequence[Shown], width: int) -> tuple[list[str], list[str]]:
    """Head lines and body lines of a block, each at most ``width`` wide as long as its figures allow."""
    aligned = [aligned_texts(column) for column in columns]
    widths = _widths(columns, aligned, width)
    heads = [wrap(column.title, size) for column, size in zip(columns, widths, strict=True)]
    depth = max((len(head) for head in heads), default=0)
    head = [_row([_put(one, depth, bottom=True)[i] for one in heads], columns, widths) for i in range(depth)]
    body: list[str] = []
    for row in zip(*aligned, strict=True):
        cells = [
            wrap(text, size) if column.is_text else [text]
            for text, column, size in zip(row, columns, widths, strict=True)
        ]
        high = max(len(cell) for cell in cells)
        body += [_row([_put(cell, high)[i] for cell in cells], columns, widths) for i in range(high)]
    rule = GAP.join("─" * size for size in widths)
    return [*head, rule], body


def aligned_texts(column: Shown) -> list[str]:
    """The texts of a column; figures aligned."""
    return list(column.texts) if column.is_text or column.kind == "bar" else align(column.texts)


def align(texts: Sequence[str]) -> list[str]:
    """Texts of one width, their decimal points under each other; what is no number stands on the right."""
    found = [_NUMBER.match(text) for text in texts]
    whole = max((cell_len(one["whole"]) for one in found if one), default=0)
    rest = max((cell_len(one["rest"]) for one in found if one), default=0)
    made = [
        one["whole"].rjust(whole) + one["rest"] + " " * (rest - cell_len(one["rest"]))
        if one
        else _missing(text, whole, rest)
        for text, one in zip(texts, found, strict=True)
    ]
    size = max((cell_len(text) for text in made), default=0)
    return [" " * (size - cell_len(text)) + text for text in made]


def _missing(text: str, whole: int, rest: int) -> str:
    """A dash stands where the last digit before the point would."""
    return text.rjust(whole) + " " * rest if text == "–" and whole else text


def wrap(text: str, width: int) -> list[str]:
    """Lines at most ``width`` cells wide, broken at spaces, inside words only where one is too long."""
    made, line = [], ""
    for word in _words(text):
        while cell_len(word) > width:
            if line:
                made.append(line)
                line = ""
            cut = _fitting(word, width)
            made.append(word[:cut])
            word = word[cut:]
        if line and cell_len(line) + 1 + cell_len(word) > width:
            made.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    found = [*made, line] if line or not made else made
    return [one.replace(_TIE, " ") for one in found]


def _fitting(word: str, width: int) -> int:
    """How many characters fit; after a slash, dash or underscore if there is one in the second half."""
    cut = 1
    while cut < len(word) and cell_len(word[: cut + 1]) <= width:
        cut += 1
    soft = max(word.rfind(mark, cut // 2, cut) for mark in "/-_.&?=")
    return soft + 1 if soft > 0 else cut


def _width(column: Shown) -> int:
    return max([cell_len(column.title), *(cell_len(text) for text in column.texts)])


def _least(column: Shown) -> int:
    """The least width of a column: its figures whole, its title's words whole; texts may wrap."""
    words = max((cell_len(word) for word in column.title.split()), default=0)
    body = max((cell_len(text) for text in aligned_texts(column)), default=0)
    return max(words, body if not column.is_text else min(body, _LEAST_TEXT * 2))


def _longest_word(column: Shown) -> int:
    return max((cell_len(word) for text in (column.title, *column.texts) for word in _words(text)), default=0)


def _words(text: str) -> list[str]:
    """Words between which a line may end; a figure keeps its unit, a day its time."""
    return _UNIT.sub(_TIE, text).split()


def _widths(columns: Sequence[Shown], aligned: Sequence[Sequence[str]], width: int) -> list[int]:
    """Natural widths; where they are too many, titles wrap first, then texts, the widest first."""
    body = [max((cell_len(text) for text in texts), default=0) for texts in aligned]
    sizes = [max(cell_len(column.title), size) for column, size in zip(columns, body, strict=True)]
    room = width - len(GAP) * (len(columns) - 1)
    for place in sorted(range(len(columns)), key=lambda k: body[k] - sizes[k]):
        over = sum(sizes) - room
        if over > 0 and not columns[place].is_text:
            sizes[place] = max(sizes[place] - over, _least(columns[place]))
    for least in (_longest_word, lambda _: _LEAST_TEXT):  # words stay whole as long as that is enough
        floors = [least(column) for column in columns]
        while sum(sizes) > room:
            texts = [k for k, column in enumerate(columns) if column.is_text and sizes[k] > floors[k]]
            if not texts:
                break
            sizes[max(texts, key=lambda k: sizes[k])] -= 1
    return sizes


def _put(cell: list[str], depth: int, bottom: bool = False) -> list[str]:
    filler = [""] * (depth - len(cell))
    return [*filler, *cell] if bottom else [*cell, *filler]


def _row(cells: Sequence[str], columns: Sequence[Shown], widths: Sequence[int]) -> str:
    made = []
    for text, column, size in zip(cells, columns, widths, strict=True):
        pad = " " * (size - cell_len(text))
        made.append(text + pad if column.is_text or column.kind == "bar" else pad + text)
    return GAP.join(made).rstrip()
