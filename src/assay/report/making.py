"""A report of a workspace: asked, made, written."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from assay.model.errors import UsageError
from assay.report.brief import brief
from assay.report.gather import Ask, gathered
from assay.report.seal import Made, made

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.plan.values import Plan
    from assay.report.writers.base import Writer


def report(
    ask: Ask, plan: Plan, folder: Path, first: date | None = None, last: date | None = None,
    experiment: str | None = None, data: str = "", version: str = "", begin: date | None = None,
    progress: Callable[[str, int, int], None] = lambda _text, _done, _total: None,
) -> Made:  # fmt: skip
    """The report of a plan whose questions ``ask`` answers. ``folder``: where the logo stands."""
    about = brief(plan, folder, first, last, experiment, data, version, begin)
    answers = gathered(ask, about, progress)
    return made(about, answers)


def data_version(events: int, through: int, rules: str) -> str:
    """Twelve digits that change with the data or the rules that derive from them."""
    return hashlib.sha256(f"{events} {through} {rules}".encode()).hexdigest()[:12]


def writer(suffix: str) -> Writer:
    """The writer of a file's suffix."""
    from assay.report.writers import BY_SUFFIX

    name = suffix.lower().lstrip(".")
    name = {"htm": "html", "markdown": "md"}.get(name, name)
    if name not in BY_SUFFIX:
        known = ", ".join(f".{one}" for one in BY_SUFFIX)
        raise UsageError(f"a report is written as {known}, not as {suffix or 'a file without a suffix'!r}")
    return BY_SUFFIX[name]


def write(made_: Made, path: Path) -> list[Path]:
    """Write the report, and its sealed file beside it; what was written."""
    from assay.report.writers import BY_SUFFIX

    chosen = writer(path.suffix)
    content = chosen.write(made_)
    beside = path.with_suffix(".json")
    written = [(path, content)]
    if chosen.suffix != "json":
        written.append((beside, BY_SUFFIX["json"].write(made_)))
    for target, text in written:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.part")
            part.write_bytes(text)
            part.replace(target)
        except OSError as error:
            raise UsageError(f"{target}: {error.strerror or error}") from error
    return [target for target, _ in written]
