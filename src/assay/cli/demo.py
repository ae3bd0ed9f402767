"""``assay demo DIR``: a shop with a known truth, loaded by the ordinary import."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from assay.cli.output import emit, write
from assay.cli.params import Format, format_of
from assay.cli.progress import Progress
from assay.demo import RAW, build
from assay.demo.calendar import DAYS, SEED, VISITORS
from assay.model.answer import Answer
from assay.model.errors import UsageError

TRUTH = "truth.json"


def _number(name: str, help: str, default: int) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar="N", help=f"{help} [default: {default}]", show_default=False)


def demo(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="The folder: empty, or not there yet.")] = None,
    days: Annotated[int, _number("days", "Days of traffic.", DAYS)] = DAYS,
    visitors: Annotated[int, _number("visitors", "Visitors.", VISITORS)] = VISITORS,
    seed: Annotated[int, _number("seed", "The same number gives the same shop.", SEED)] = SEED,
    form: Format = None,
) -> None:
    """Build a demo shop, load it, show its scorecard."""
    chosen = format_of(ctx, form)
    if folder is None:
        raise UsageError("DIR is missing: a folder for the demo shop, such as: assay demo shop")
    check_folder(folder, {"days": days, "visitors": visitors, "seed": seed})
    with Progress() as progress:
        answer = make(folder, days, visitors, seed, progress)
    if chosen == "table":
        write(f"{folder} is a demo shop of {days} days; what is true of it stands in {folder / RAW / TRUTH}.\n\n")
    more = ("assay funnel checkout --by device", "assay metric purchase_rate --by channel --compare previous")
    emit(replace(answer, next=(*more, *answer.next)), chosen, folder)


def check_folder(folder: Path, parameters: dict[str, int]) -> None:
    """Raises UsageError for a folder that holds something else, or another demo."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    truth = folder / RAW / TRUTH
    if not truth.is_file():
        raise UsageError(f"{folder} is not empty and no demo shop; nothing was written, choose another folder")
    try:
        known = json.loads(truth.read_text(encoding="utf-8"))
    except ValueError:
        known = {}
    for name in ("days", "seed"):
        if known.get(name) != parameters[name]:
            raise UsageError(
                f"{folder} is a demo shop with another --{name} ({known.get(name)}); choose another folder"
            )


def make(folder: Path, days: int, visitors: int, seed: int, progress: Progress) -> Answer:
    """Write the files, load them, ask for the scorecard."""
    from assay.cli.plans import write_schema
    from assay.workspace import Workspace

    try:
        events = build(folder, days, visitors, seed, lambda done: progress("writing events", round(done * 100), 100))
    except ValueError as error:
        raise UsageError(f"demo: {error}") from error
    write_schema(folder)
    with Workspace(folder, progress=progress) as workspace:
        workspace.import_files("events", events)
        workspace.import_files("costs", [folder / RAW / "costs.csv"])
        return workspace.ask("overview")
