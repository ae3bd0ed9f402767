"""Where an id stands in a text: as a word of its own, also as JSON writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

EDGE = "[^A-Za-z0-9_.@-]"


def written(name: str) -> tuple[str, ...]:
    """How an id is written: as it is, and as JSON writes it with and without letters beyond ASCII."""
    return tuple(dict.fromkeys((name, json.dumps(name, ensure_ascii=False)[1:-1], json.dumps(name)[1:-1])))


def naming(names: Sequence[str]) -> str:
    """A pattern, good for Python and RE2: what stands before (group 1), one of the ids, what follows (group 3)."""
    variants = dict.fromkeys(_escaped(text) for name in names for text in written(name))
    return f"(^|{EDGE})({'|'.join(variants)})($|{EDGE})"


def _escaped(text: str) -> str:
    return "".join(f"\\{one}" if one in r"\.+*?()[]{}|^$-/#&~" else one for one in text)


def unnamed(text: str, pattern: str, mark: str) -> str:
    """The text with ``mark`` in the place of every id that the pattern finds."""
    before = None
    while before != text:
        before, text = text, re.sub(pattern, rf"\g<1>{mark}\g<3>", text)
    return text
