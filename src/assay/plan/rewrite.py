"""Changes and removes entries of a person's plan: everything else in the text stays as it is, comments too.

Only the entry's own lines are written anew. The result is read again: it must hold what was there, the entry as it is
now, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from yaml import nodes

from assay.model.errors import UsageError
from assay.plan.edit import ending, flow, last_line, lines, says, step_of, tree_of
from assay.plan.report import dotted


@dataclass(frozen=True)
class _Place:
    """Where an entry stands: its nodes, whether within braces, the file's step of indentation."""

    key: nodes.Node
    value: nodes.Node
    braces: bool
    step: int


def replaced(text: str, path: tuple[str, ...], value: Any) -> str:
    """The text with another value at ``path``. Raises UsageError where nothing is there, or where it cannot be done."""
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    place = _find(text, path)
    if place.braces:
        new = text[: place.value.start_mark.index] + flow(value) + text[place.value.end_mark.index :]
    else:
        new = _lines(text, place, lines(path[-1], value, place.key.start_mark.column, place.step))
    return mark + _held(new, _with(tree_of(text), path, value), path)


def removed(text: str, path: tuple[str, ...]) -> str:
    """The text without what is at ``path``; a section that would be empty goes too. Raises UsageError."""
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    place = _find(text, path)
    above = tree_of(text)
    for key in path[:-1]:
        above = above[key]
    rest = {key: value for key, value in above.items() if key != path[-1]}
    if not rest and len(path) > 1:
        return mark + removed(text, path[:-1])
    if place.braces:
        return mark + replaced(text, path[:-1], rest)
    return mark + _held(_lines(text, place, []), _without(tree_of(text), path), path)


def _find(text: str, path: tuple[str, ...]) -> _Place:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UsageError(f"not readable as YAML: {error}") from error
    node, braces, found = root, False, None
    for key in path:
        braces = braces or bool(getattr(node, "flow_style", False))
        pairs = node.value if isinstance(node, nodes.MappingNode) else []
        found = next(((k, v) for k, v in pairs if k.value == key), None)
        if found is None:
            raise UsageError(f"{dotted(path)} is not in this file")
        node = found[1]
        if node.start_mark.index < found[0].start_mark.index:
            raise UsageError(f"{dotted(path)} stands for what is written elsewhere (an alias); change it by hand")
    assert found is not None
    assert isinstance(root, nodes.MappingNode)
    return _Place(*found, braces, step_of(root))


def _lines(text: str, place: _Place, entry: list[str]) -> str:
    split, end = text.splitlines(keepends=True), ending(text)
    first, last = int(place.key.start_mark.line), last_line(text, place.key, place.value)
    return "".join([*split[:first], *(one + end for one in entry), *split[last + 1 :]])


def _held(text: str, wanted: Any, path: tuple[str, ...]) -> str:
    if not says(text, wanted):
        raise UsageError(f"{dotted(path)} cannot be changed by a program in this file; change it by hand")
    return text


def _with(tree: Any, path: tuple[str, ...], value: Any) -> Any:
    copy = dict(tree)
    copy[path[0]] = _with(copy[path[0]], path[1:], value) if path[1:] else value
    return copy


def _without(tree: Any, path: tuple[str, ...]) -> Any:
    copy = dict(tree)
    if path[1:]:
        copy[path[0]] = _without(copy[path[0]], path[1:])
    else:
        del copy[path[0]]
    return copy
