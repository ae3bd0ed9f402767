"""Every error that assay raises on purpose.

    AssayError
    ├── UsageError        exit 2: wrong use (unknown metric, impossible parameter)
    │   ├── UnknownName   a name that is not in the plan, with "did you mean"
    │   └── Refused       the question cannot be answered honestly from these data
    ├── PlanError         exit 2: the plan has mistakes, all of them at once, each with file and line
    ├── DataError         exit 2: nothing usable in a file
    ├── CheckFailed       exit 1: a check ran and did not pass
    └── MachineError      exit 3: the machine failed (disk full, no permission, store locked)

One message is one line: what, where, what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class AssayError(Exception):
    """Root of the tree. ``exit_code`` is what the command line returns."""

    exit_code = 2
    code = "error"


class UsageError(AssayError):
    """A command, question or parameter that cannot be meant."""

    code = "usage"


class UnknownName(UsageError):
    """A name that the plan does not define."""

    code = "unknown_name"

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "the plan") -> None:
        super().__init__(f"{where} has no {kind} {name!r}{suggestion(name, known)}")
        self.kind, self.name = kind, name


class Refused(UsageError):
    """The data cannot answer this question; the message says why."""

    code = "refused"


class DataError(AssayError):
    """A file holds nothing usable."""

    code = "data"


class CheckFailed(AssayError):
    """A check ran to its end and did not pass."""

    exit_code = 1
    code = "check_failed"


class MachineError(AssayError):
    """The machine failed: disk full, no permission, store locked."""

    exit_code = 3
    code = "machine"


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake or remark, at a place in a file. ``line`` counts from 1; 0 = the whole file."""

    file: str
    line: int
    text: str
    severity: str = "error"  # error | warning | info
    code: str = "plan"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.severity}: {self.text}"


class PlanError(AssayError):
    """The plan has mistakes. ``problems`` holds every one of them, in order of file and line."""

    code = "plan"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(p) for p in self.problems))


def suggestion(name: str, known: Iterable[str], most: int = 3) -> str:
    """``"; did you mean 'rpv'?"`` or, with nothing near, a short list of what there is."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=most, cutoff=0.6)
    if near:
        return "; did you mean " + " or ".join(repr(n) for n in near) + "?"
    if not names:
        return "; it defines none"
    shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    return f"; it has {shown}"
