"""A main file and the files that it includes → one tree. Clashes, cycles and ways out of the folder are mistakes."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from assay.plan.report import Report, dotted
from assay.plan.tree import Node, kind, read

INCLUDE = "include"


def gather(main: Path, report: Report) -> tuple[Node, list[str]]:
    """The merged tree of ``main`` and its includes, and the files read, in order."""
    work = _Gather(main.parent.resolve(), report)
    root = work.file(main, ())
    return root or Node({}, str(main), 0), work.files


class _Gather:
    def __init__(self, folder: Path, report: Report) -> None:
        self.folder, self.report = folder, report
        self.files: list[str] = []
        self.seen: set[Path] = set()

    def file(self, path: Path, above: tuple[Path, ...]) -> Node | None:
        self.seen.add(path.resolve())
        self.files.append(str(path))
        text = self._text(path)
        node = None if text is None else read(text, str(path), self.report)
        if node is None:
            return None
        children = dict(node.value)
        include = children.pop(INCLUDE, None)
        merged = Node(children, node.file, node.line)
        for place, pattern in self._patterns(include):
            for found in self._matches(path, place, pattern, (*above, path.resolve())):
                other = self.file(found, (*above, path.resolve()))
                if other is not None:
                    merged = merge(merged, other, self.report)
        return merged

    def _text(self, path: Path) -> str | None:
        try:
            data = path.read_bytes()
        except OSError as error:
            self.report.at(str(path), 0, f"cannot be read: {error.strerror or error}", "file")
            return None
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.report.at(str(path), line, "not UTF-8 text; save the file as UTF-8", "file")
            return None

    def _patterns(self, include: Node | None) -> list[tuple[Node, str]]:
        if include is None or include.value is None:
            return []
        items = include.value if isinstance(include.value, list) else [include]
        good = [(item, item.value) for item in items if isinstance(item.value, str)]
        for item in items:
            if not isinstance(item.value, str):
                self.report.at(item.file, item.line, f"include takes file names, not {kind(item.value)}", "include")
        return good

    def _matches(self, path: Path, place: Node, pattern: str, above: tuple[Path, ...]) -> list[Path]:
        def wrong(text: str) -> None:
            self.report.at(place.file, place.line, f"include {pattern!r} {text}", "include")

        parts = PurePosixPath(pattern)
        if parts.is_absolute() or ".." in parts.parts or "\\" in pattern or ":" in pattern:
            wrong("must name files inside this folder, with / between names")
            return []
        try:
            found = sorted(p for p in path.parent.glob(pattern) if p.is_file())
        except (ValueError, NotImplementedError, OSError, IndexError) as error:
            wrong(f"is not a file name or pattern: {error}")
            return []
        if not found:
            wrong("matches no file")
        wild = any(c in pattern for c in "*?[")
        result = []
        for one in found:
            real = one.resolve()
            if not real.is_relative_to(self.folder):
                wrong(f"leads out of the folder ({one.name} is a link)")
            elif real in above and not (wild and real == above[-1]):
                names = " → ".join(p.name for p in (*above[above.index(real) :], real))
                wrong(f"goes in a circle: {names}")
            elif real not in self.seen:
                result.append(one)
        return result


def merge(first: Node, other: Node, report: Report) -> Node:
    """Sections of both; an entry that both have is a mistake, told at the second place."""
    sections = dict(first.value)
    for name, node in other.value.items():
        mine = sections.get(name)
        if mine is None or mine.value is None:
            sections[name] = node
        elif node.value is None:
            continue
        elif isinstance(mine.value, dict) and isinstance(node.value, dict):
            sections[name] = Node(_entries(name, mine.value, node.value, report), mine.file, mine.line)
        elif isinstance(mine.value, list) and isinstance(node.value, list):
            sections[name] = Node([*mine.value, *node.value], mine.file, mine.line)
        else:
            text = f"{name} is {kind(node.value)} here and {kind(mine.value)} in {mine.file}:{mine.line}"
            report.at(node.file, node.line, text, "clash")
    return Node(sections, first.file, first.line)


def _entries(section: str, mine: dict[str, Node], others: dict[str, Node], report: Report) -> dict[str, Node]:
    entries = dict(mine)
    for key, node in others.items():
        if key in entries:
            there = entries[key]
            text = f"{dotted((section, key))} is already defined in {there.file}:{there.line}"
            report.at(node.file, node.line, text, "clash")
        else:
            entries[key] = node
    return entries
