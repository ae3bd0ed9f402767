"""YAML text → a tree of plain values that knows the line of each of them.

Scalars follow YAML 1.2: only ``true`` and ``false`` are booleans (a country ``no`` stays text) and a date stays text.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import yaml
from yaml import nodes

from assay.plan.report import Lines, Path, Report

MAX_DEPTH = 40
MAX_NODES = 100_000
MAX_CHARACTERS = 5_000_000
_TAG = "tag:yaml.org,2002:"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Node:
    """``value`` is a dict of nodes, a list of nodes, or text, number, boolean or None."""

    value: Any
    file: str
    line: int


class _StopError(Exception):
    """The text cannot be read any further."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line, self.text = line, text


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 -- PyYAML's own name

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise _StopError(event.start_mark.line + 1, f"nested deeper than {MAX_DEPTH} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+", "-+.0123456789"),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(_TAG + _tag, re.compile(rf"^(?:{_pattern})$"), list(_first))


def read(text: str, file: str, report: Report) -> Node | None:
    """The document as a tree, an empty one for no text; None, with a problem reported, where it cannot be read."""
    loader: _Loader | None = None
    try:
        if len(text) > MAX_CHARACTERS:
            raise _StopError(0, f"longer than {MAX_CHARACTERS:,} characters; a plan is text that people read")
        loader = _Loader(text)
        root = loader.get_single_node()
        node = Node({}, file, 1) if root is None else _Builder(file, report).build(root, 1, 0)
        if node.value is None:
            return Node({}, file, 1)
        if isinstance(node.value, dict):
            return node
        report.at(
            file, node.line, f"a plan is a mapping of sections (site:, metrics:, …), not {kind(node.value)}", "yaml"
        )
    except _StopError as stop:
        report.at(file, stop.line, stop.text, "yaml")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.problem, error.context and f"({error.context})") if part)
        report.at(file, mark.line + 1 if mark else 0, f"not readable as YAML: {_one_line(what)}", "yaml")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        report.at(file, line, f"not readable as YAML: {_one_line(str(error.reason))}", "yaml")
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        line = loader.line + 1 if loader else 0
        report.at(file, line, f"not readable as YAML: {_one_line(str(error))}", "yaml")
    return None


class _Builder:
    def __init__(self, file: str, report: Report) -> None:
        self.file, self.report = file, report
        self.count, self.section = 0, 1

    def build(self, node: nodes.Node, line: int, depth: int) -> Node:
        self.count += 1
        if self.count > MAX_NODES:
            raise _StopError(
                self.section, f"aliases (*name) make more than {MAX_NODES:,} values; write them out or drop them"
            )
        if depth > MAX_DEPTH:
            raise _StopError(line, f"nested deeper than {MAX_DEPTH} levels, or an alias that contains itself")
        if isinstance(node, nodes.MappingNode):
            return Node(self._map(node, depth), self.file, line)
        if isinstance(node, nodes.SequenceNode):
            items = [self.build(item, item.start_mark.line + 1, depth + 1) for item in node.value]
            return Node(items, self.file, line)
        return Node(self._scalar(node, line), self.file, line)

    def _map(self, node: nodes.MappingNode, depth: int) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            self.section = line if depth == 0 else self.section
            if not isinstance(key, nodes.ScalarNode):
                self.report.at(self.file, line, "a key must be a single word or text, not a list or mapping", "yaml")
            elif key.tag == _TAG + "merge":
                for name, child in self._merge(value, line, depth):
                    merged.setdefault(name, child)
            elif not key.value.strip() or _CONTROL.search(key.value) or "\n" in key.value:
                self.report.at(
                    self.file, line, "a key must not be empty, nor hold line ends or control characters", "yaml"
                )
            elif key.value in own:
                first = own[key.value].line
                self.report.at(
                    self.file, line, f"the key {key.value!r} is already there on line {first}", "duplicate_key"
                )
            else:
                own[key.value] = self.build(value, line, depth + 1)
        return {**{name: child for name, child in merged.items() if name not in own}, **own}

    def _merge(self, value: nodes.Node, line: int, depth: int) -> list[tuple[str, Node]]:
        sources = value.value if isinstance(value, nodes.SequenceNode) else [value]
        if not all(isinstance(source, nodes.MappingNode) for source in sources):
            self.report.at(self.file, line, "<<: takes an alias of a mapping", "yaml")
            return []
        return [pair for source in sources for pair in self.build(source, line, depth + 1).value.items()]

    def _scalar(self, node: nodes.Node, line: int) -> str | int | float | bool | None:
        text = str(node.value)
        tag = node.tag.removeprefix(_TAG)
        if tag not in ("str", "bool", "null", "int", "float"):
            self.report.at(self.file, line, f"the tag !{tag} has no place in a plan", "yaml")
            return None
        if _CONTROL.search(text):
            self.report.at(self.file, line, "text with control characters", "yaml")
            return None
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag in ("int", "float"):
            return self._number(text, tag, line)
        return text

    def _number(self, text: str, tag: str, line: int) -> int | float | None:
        try:
            number: int | float = int(text) if tag == "int" and len(text) < 20 else float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or abs(number) >= 1e18:
            self.report.at(self.file, line, f"{text[:20]} is no number that a plan can use", "yaml")
            return None
        return number


def plain(node: Node) -> Any:
    """The values alone."""
    if isinstance(node.value, dict):
        return {name: plain(child) for name, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def lines(node: Node, file: str) -> Lines:
    """The place of every key and item."""
    places: dict[Path, tuple[str, int]] = {}

    def walk(node: Node, path: Path) -> None:
        if path:
            places[path] = (node.file, node.line)
        if isinstance(node.value, dict):
            for name, child in node.value.items():
                walk(child, (*path, name))
        elif isinstance(node.value, list):
            for index, child in enumerate(node.value):
                walk(child, (*path, index))

    walk(node, ())
    return Lines(places, file)


def kind(value: Any) -> str:
    """What a person calls this value: ``a list``, ``text``, ``a number`` …"""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    return "a list" if isinstance(value, list) else "a mapping"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
