"""Runs a command and turns whatever goes wrong into one line and an exit code.

0 = answered, also with the reason why there is nothing; 1 = a check failed, or a defect of assay itself; 2 = wrong use
or bad input; 3 = the machine failed; 130 = interrupted. With ``--format json`` an error is also an object on stdout.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import NoReturn

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 shows "?" instead of failing
    try:
        code = _invoke(list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        return _nobody_reads()
    except (Exception, KeyboardInterrupt) as error:
        return _failed(error, arguments)
    if code == INTERRUPTED:
        return _failed(KeyboardInterrupt(), arguments)
    return code


def _invoke(arguments: list[str]) -> int:
    from assay.cli.app import command

    try:
        code = command()(args=arguments, prog_name="assay", standalone_mode=False)
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):
            raise BrokenPipeError from left
        return left.code if isinstance(left.code, int) else 1
    return code if isinstance(code, int) else 0


def _nobody_reads() -> int:
    """The reader of a pipe has gone: it has what it wanted."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    return 0


def _failed(error: BaseException, arguments: Sequence[str]) -> int:
    from assay.cli.failures import failure_of, json_text, trace

    failure = failure_of(error)
    if os.environ.get("ASSAY_DEBUG"):
        print(trace(error), end="", file=sys.stderr)
    try:
        if _wants_json(arguments):
            print(json_text(failure), flush=True)
        for line in failure.lines:
            print(line, file=sys.stderr)
    except BrokenPipeError:
        _nobody_reads()
    return failure.exit_code


def _wants_json(arguments: Sequence[str]) -> bool:
    """Seen in the words themselves: what cannot be parsed must still fail in the format that was asked for."""
    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
