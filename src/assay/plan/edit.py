"""Adds entries to a person's plan: comments, order, indentation and line ends stay as they are.

The text is never written anew. Each entry is put in at one place, and the result is read again: it must hold what was
there, and the entry, and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml import nodes

from assay.model.errors import PlanError, UsageError
from assay.plan.includes import INCLUDE
from assay.plan.load import load, loads
from assay.plan.report import Report, dotted
from assay.plan.tree import plain, read
from assay.plan.values import Plan

WIDTH = 120


@dataclass(frozen=True)
class Addition:
    """``value`` at ``path``: a section and a name, or a key further below."""

    path: tuple[str, ...]
    value: Any


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def flow(value: Any) -> str:
    """A value on one line, as it may stand inside braces."""
    text: str = yaml.dump(
        [value], Dumper=_Dumper, default_flow_style=True, sort_keys=False, width=10**9, allow_unicode=True
    )
    return text.strip()[1:-1]


def lines(key: str, value: Any, indent: int, step: int = 2) -> list[str]:
    """An entry as lines of a block: on one line where it fits, else its keys below each other."""
    start = " " * indent + flow(key) + ":"
    one = start if value is None else f"{start} {flow(value)}"
    if len(one) <= WIDTH or not isinstance(value, Mapping) or not value:
        return [one]
    return [start, *(line for name, below in value.items() for line in lines(name, below, indent + step, step))]


def add(text: str, additions: Iterable[Addition]) -> str:
    """The text with every addition. Raises UsageError where a name exists, or where the text has no place for it."""
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    wanted, new, paths = tree_of(text), text, []
    for one in additions:
        new = _insert(new, one)
        wanted = _with(wanted, one)
        paths.append(one)
    if not says(new, wanted):
        entries = "\n".join(
            line for one in paths for line in [f"# {dotted(one.path[:-1])}", *lines(one.path[-1], one.value, 0)]
        )
        raise UsageError(f"this file cannot be changed by a program; write these entries into it:\n{entries}")
    return mark + new


def checked(path: Path, text: str) -> Plan:
    """The plan that the text is when it stands at ``path``. Raises UsageError with every mistake."""
    try:
        if INCLUDE not in (tree_of(text.removeprefix("\ufeff")) or {}):
            return loads(text.removeprefix("\ufeff"), str(path))
        beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            beside.write_text(text, encoding="utf-8", newline="")
            return load(beside)
        finally:
            beside.unlink(missing_ok=True)
    except PlanError as error:
        mistakes = "; ".join(problem.text for problem in error.problems)
        raise UsageError(f"{path} stays as it is, for with this it would be wrong: {mistakes}") from error


def save(path: Path, text: str) -> Plan:
    """Check the text, then put it in the place of the file in one step. UsageError: it is unchanged."""
    plan = checked(path.resolve(), text)
    written(path, text)
    return plan


def written(path: Path, text: str) -> None:
    """Put a text that was checked in the place of the file in one step."""
    path = path.resolve()
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            shutil.copymode(path, beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def tree_of(text: str) -> Any:
    """The text's plain values. Raises PlanError."""
    report = Report()
    node = read(text, "plan", report)
    report.raise_if_any()
    return plain(node) if node else {}


def says(text: str, tree: Any) -> bool:
    """Whether the text is exactly these values."""
    try:
        return bool(tree_of(text) == tree)
    except PlanError:
        return False


def _with(tree: Any, one: Addition) -> Any:
    """The plain values with the addition: what the new text must say."""
    copy = dict(tree or {})
    head, rest = one.path[0], one.path[1:]
    copy[head] = _with(copy.get(head), Addition(rest, one.value)) if rest else one.value
    return copy


def _insert(text: str, one: Addition) -> str:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UsageError(f"not readable as YAML: {error}") from error
    if root is None or _empty(root):
        return _append(text, one.path[0], _nested(one.path[1:], one.value), 2)
    if not isinstance(root, nodes.MappingNode):
        raise UsageError("a plan is a mapping of sections (site:, metrics:, …)")
    step = step_of(root)
    node, inside_braces = root, False
    for depth, key in enumerate(one.path):
        inside_braces = inside_braces or bool(node.flow_style)
        rest = one.path[depth + 1 :]
        found = next(((k, v) for k, v in node.value if k.value == key), None)
        if found is None:
            value = _nested(rest, one.value)
            if node is root and not inside_braces:
                return _append(text, key, value, step)
            return _into(text, node, key, value, inside_braces, step)
        if not rest:
            raise UsageError(f"{dotted(one.path)} is already there; --as NAME adds it under another name")
        if _empty(found[1]):
            return _fill(text, found, _nested(rest, one.value), inside_braces, step)
        if not isinstance(found[1], nodes.MappingNode) or found[1].start_mark.index < found[0].start_mark.index:
            where = dotted(one.path[: depth + 1])
            raise UsageError(f"{where} is no mapping of its own (key: value); nothing can be added below it")
        node = found[1]
    raise UsageError("an addition needs a path")


def _nested(path: tuple[str, ...], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _empty(node: nodes.Node) -> bool:
    return isinstance(node, nodes.ScalarNode) and not node.style and node.value in ("", "~", "null", "Null", "NULL")


def step_of(root: nodes.MappingNode) -> int:
    """Signs by which the file indents."""
    for _, value in root.value:
        if isinstance(value, nodes.MappingNode) and not value.flow_style and value.start_mark.column > 0:
            return int(value.start_mark.column)
    return 2


def ending(text: str) -> str:
    """How the text ends its lines."""
    return "\r\n" if "\r\n" in text else "\n"


def _append(text: str, key: str, value: Any, step: int) -> str:
    """A new section at the end of the text, after a blank line; before the mark that ends a document."""
    end = ending(text)
    split = text.splitlines(keepends=True)
    after = next((n for n, line in enumerate(split) if n and line.rstrip() == "..."), len(split))
    body, tail = "".join(split[:after]), "".join(split[after:])
    entry = [" " * 0 + flow(key) + ":"]
    for name, below in value.items() if isinstance(value, Mapping) else ():
        entry += lines(name, below, step, step)
    if not isinstance(value, Mapping):
        entry = lines(key, value, 0, step)
    gap = "" if not body.strip() else end if body.endswith("\n") else end + end
    return body + gap + end.join(entry) + end + tail


def _into(text: str, node: nodes.MappingNode, key: str, value: Any, braces: bool, step: int) -> str:
    """A new key at the end of a mapping that has some (or of an empty pair of braces)."""
    if braces:
        entry = f"{flow(key)}:" if value is None else f"{flow(key)}: {flow(value)}"
        if not node.value:
            place = node.end_mark.index - 1
            return text[:place] + entry + text[place:]
        name, last = node.value[-1]
        if last.start_mark.index < name.start_mark.index:  # an alias: its marks are those of what it stands for
            place = len(text[: node.end_mark.index - 1].rstrip())
        else:
            place = last.end_mark.index
        before = " " if text[:place].endswith(":") else ""
        return f"{text[:place]}{before}, {entry}{text[place:]}"
    indent = node.value[0][0].start_mark.column
    return _after(text, last_line(text, *node.value[-1]), lines(key, value, indent, step), indent)


def _fill(text: str, pair: tuple[nodes.Node, nodes.Node], value: Any, braces: bool, step: int) -> str:
    """A mapping in the place of nothing."""
    key, nothing = pair
    start, end = nothing.start_mark.index, nothing.end_mark.index
    if braces:
        return f"{text[:start]}{'' if text[:start].endswith(' ') else ' '}{flow(value)}{text[end:]}"
    if nothing.value:
        text = text[:start].rstrip(" ") + text[end:]
    indent = key.start_mark.column + step
    entry = [line for name, below in value.items() for line in lines(name, below, indent, step)]
    return _after(text, key.end_mark.line, entry, indent)


def _after(text: str, line: int, entry: list[str], indent: int) -> str:
    """Lines after a line, and after the comments there that stand as far in."""
    end = ending(text)
    split = text.splitlines(keepends=True)
    line += 1
    while line < len(split):
        body = split[line]
        if not body.lstrip().startswith("#") or len(body) - len(body.lstrip()) < indent:
            break
        line += 1
    if line and not split[line - 1].endswith("\n"):
        split[line - 1] += end
    return "".join([*split[:line], *(one + end for one in entry), *split[line:]])


def last_line(text: str, key: nodes.Node, value: nodes.Node) -> int:
    """The line that an entry ends on."""
    if value.start_mark.index < key.start_mark.index or _empty(value):
        return int(key.end_mark.line)
    if isinstance(value, nodes.MappingNode) and not value.flow_style and value.value:
        return last_line(text, *value.value[-1])
    if isinstance(value, nodes.SequenceNode) and not value.flow_style and value.value:
        last = value.value[-1]
        return int(last.start_mark.line) if _empty(last) else last_line(text, key, last)
    if isinstance(value, nodes.ScalarNode) and value.style in ("|", ">"):
        split = text.splitlines()
        line = int(value.end_mark.line) - (1 if value.end_mark.column == 0 else 0)
        line = min(line, len(split) - 1)
        while line > 0 and not split[line].strip():
            line -= 1
        return line
    return int(value.end_mark.line)
