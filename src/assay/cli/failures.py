"""Errors as one line on stderr, an exit code, and an object for scripts."""

from __future__ import annotations

import errno
import json
import traceback
from dataclasses import dataclass
from typing import Any

from assay.model.errors import AssayError, PlanError, Problem, suggestion

MACHINE, WRONG, DEFECT, INTERRUPTED = 3, 2, 1, 130
_NOT_THERE = (errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG)
_STOPPED = "Query interrupted"  # DuckDB's word for Ctrl-C, on whichever connection
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Failure:
    """What went wrong: a code for programs, a message for people, the exit code, and a plan's problems one by one."""

    code: str
    message: str
    exit_code: int
    problems: tuple[Problem, ...] = ()

    @property
    def lines(self) -> list[str]:
        """Lines for stderr: one, or one per problem of a plan."""
        if self.problems:
            return [f"assay: {problem}" for problem in self.problems]
        return [f"assay: {' '.join(self.message.split())}"]


def failure_of(error: BaseException) -> Failure:
    """Any exception as a failure."""
    if isinstance(error, PlanError):
        count = len(error.problems)
        return Failure(
            error.code, f"the plan has {count} mistake{'s' if count != 1 else ''}", error.exit_code, error.problems
        )
    if isinstance(error, AssayError):
        return Failure(error.code, str(error), error.exit_code)
    if isinstance(error, KeyboardInterrupt) or (isinstance(error, RuntimeError) and str(error) == _STOPPED):
        return Failure("interrupted", "interrupted; nothing already stored is lost", INTERRUPTED)
    if isinstance(error, MemoryError):
        return Failure(
            "machine",
            "out of memory; free some, or set ASSAY_MEMORY_LIMIT lower. Nothing already stored is lost",
            MACHINE,
        )
    if isinstance(error, OSError):
        return _system(error)
    return _usage(error) or _defect(error)


def json_text(failure: Failure) -> str:
    """``{"error": {"code", "message", "problems"}}``."""
    keys = ("file", "line", "severity", "text", "code")
    problems = [{key: getattr(problem, key) for key in keys} for problem in failure.problems]
    return json.dumps(
        {"error": {"code": failure.code, "message": failure.message, "problems": problems}}, ensure_ascii=False
    )


def trace(error: BaseException) -> str:
    """The traceback."""
    return "".join(traceback.format_exception(error))


def _system(error: OSError) -> Failure:
    where = f"{error.filename}: " if error.filename is not None else ""
    reason = error.strerror or str(error) or type(error).__name__
    if error.errno in _NOT_THERE:
        return Failure("data", f"{where}{reason}", WRONG)
    if error.errno in _FULL:
        return Failure(
            "machine", f"{where}{reason}; free some space and repeat. Nothing already stored is lost", MACHINE
        )
    return Failure("machine", f"{where}{reason}; nothing already stored is lost", MACHINE)


def _usage(error: BaseException) -> Failure | None:
    """Wrong use, as the parser of the command line tells it."""
    from typer import Abort, TyperException

    if isinstance(error, Abort):
        return Failure("interrupted", "interrupted; nothing already stored is lost", INTERRUPTED)
    if not isinstance(error, TyperException):
        return None
    context: Any = getattr(error, "ctx", None)
    option = getattr(error, "option_name", None)
    if option is not None and hasattr(error, "possibilities") and context is not None:
        known = [name for param in context.command.params for name in param.opts if name.startswith("--")]
        message = f"there is no option {option}{suggestion(option, known).replace(chr(39), '')}"
    else:
        message = error.format_message().rstrip(".")
        message = message[:1].lower() + message[1:]
    see = f"; see {context.command_path} --help" if context is not None else ""
    return Failure("usage", f"{message}{see}", WRONG)


def _defect(error: BaseException) -> Failure:
    text = " ".join(str(error).split())
    what = f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
    return Failure("defect", f"a defect in assay: {what}; set ASSAY_DEBUG=1 to see where, and report it", DEFECT)
