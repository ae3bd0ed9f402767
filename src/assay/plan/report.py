"""Where each key of the plan stands in its files, and the list of mistakes found so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from assay.model.errors import PlanError, Problem

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Lines:
    """File and line of every key and list item, by its path: ``("metrics", "rpv", "per")``."""

    places: dict[Path, tuple[str, int]] = field(default_factory=dict)
    file: str = ""

    def find(self, *path: str | int) -> tuple[str, int]:
        """File and line of ``path``, or of the nearest key above that is written down; line 0 = the whole file."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return self.file, 0

    def problem(self, path: Path, text: str, severity: str = "error", code: str = "plan") -> Problem:
        """A problem at ``path``."""
        file, line = self.find(*path)
        return Problem(file, line, text, severity, code)


@dataclass
class Report:
    """Collects mistakes, so that all are told at once."""

    lines: Lines = field(default_factory=Lines)
    problems: list[Problem] = field(default_factory=list)

    def at(self, file: str, line: int, text: str, code: str = "plan") -> None:
        """A mistake at a known line."""
        self.problems.append(Problem(file, line, " ".join(text.split()), "error", code))

    def add(self, path: Path, text: str, code: str = "plan") -> None:
        """A mistake at a key."""
        self.at(*self.lines.find(*path), text, code)

    def raise_if_any(self) -> None:
        """Raise PlanError with every mistake, each once."""
        if self.problems:
            raise PlanError(dict.fromkeys(self.problems))

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)


def dotted(path: Path) -> str:
    """``metrics.rpv.per``, ``funnels.checkout.steps[1]`` (steps count from 1, as people do)."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text
