"""``assay demo DIR``: a world with a known truth, loaded by the ordinary import and asked for what is planted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.output import emit, write
from assay.cli.params import Format, format_of
from assay.cli.progress import Progress
from assay.demo import RAW, TRUTH, build, known, planted
from assay.demo.calendar import SEED
from assay.demo.planted import Planted, ask_all
from assay.demo.worlds import BY_NAME, WORLDS
from assay.demo.worlds.base import Wanted, World
from assay.model.answer import Answer
from assay.model.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from assay.workspace import Workspace


def _number(name: str, help: str) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar="N", help=help, show_default=False)


def _usual(field: str) -> str:
    return ", ".join(f"{getattr(world, field):,} in {world.name}" for world in WORLDS)


_NAMES = "|".join(world.name for world in WORLDS)
_WORLDS = "; ".join(f"{world.name}: {world.summary}" for world in WORLDS)


def demo(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="The folder: empty, or not there yet.")] = None,
    world: Annotated[str, typer.Option("--world", metavar=_NAMES, help=_WORLDS)] = WORLDS[0].name,
    days: Annotated[int | None, _number("days", f"Days of traffic. [default: {_usual('days')}]")] = None,
    visitors: Annotated[int | None, _number("visitors", f"Visitors. [default: {_usual('visitors')}]")] = None,
    seed: Annotated[int, _number("seed", f"The same number gives the same world. [default: {SEED}]")] = SEED,
    no_truths: Annotated[bool, typer.Option("--no-truths", hidden=True, help="Nothing is planted.")] = False,
    form: Format = None,
) -> None:
    """Build a demo world, load it, show its scorecard and whether what is planted is found."""
    chosen = format_of(ctx, form)
    if folder is None:
        raise UsageError("DIR is missing: a folder for the demo shop, such as: assay demo shop")
    if world not in BY_NAME:
        raise UnknownName("world", world, BY_NAME, "assay demo --help")
    kind = BY_NAME[world]
    size = kind.visitors if visitors is None else visitors
    wanted = Wanted(kind.days if days is None else days, size, seed, quiet=no_truths)
    check_folder(folder, kind, wanted)
    with Progress() as progress:
        answer, asked = make(folder, kind, wanted, progress, ask=chosen == "table")
    if chosen == "table":
        what = f"{folder} is a demo {kind.name} of {wanted.days} days"
        write(f"{what}; what is true of it stands in {folder / RAW / TRUTH}.\n\n")
    emit(replace(answer, next=(*kind.next, *answer.next)), chosen, folder)
    if asked:
        write("\n" + "\n".join(_told(asked)) + "\n")


def _told(asked: list[tuple[Planted, bool]]) -> list[str]:
    """How many of the planted truths were found, and which were not."""
    lines = [f"not found: {one.what}" for one, hit in asked if not hit]
    return [*lines, f"{len(asked)} planted truths, found {sum(hit for _, hit in asked)}"]


def check_folder(folder: Path, world: World, wanted: Wanted) -> None:
    """Raises UsageError for a folder that holds something else, or another demo."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / RAW / TRUTH).is_file():
        raise UsageError(f"{folder} is not empty and no demo {world.name}; nothing was written, choose another folder")
    try:
        truth: Mapping[str, Any] = known(folder)
    except ValueError:
        truth = {}
    if truth.get("world", world.name) != world.name:
        raise UsageError(f"{folder} is a demo of another world ({truth['world']}); choose another folder")
    options = {"days": wanted.days, "seed": wanted.seed}
    for name, value in options.items():
        if truth.get(name) != value:
            raise UsageError(
                f"{folder} is a demo {world.name} with another --{name} ({truth.get(name)}); choose another folder"
            )
    if truth.get("quiet", False) != wanted.quiet:
        raise UsageError(f"{folder} is a demo {world.name} {'with' if wanted.quiet else 'without'} planted truths")


def make(
    folder: Path, world: World, wanted: Wanted, progress: Progress, ask: bool
) -> tuple[Answer, list[tuple[Planted, bool]]]:
    """Write the files, load them, ask for the scorecard and (``ask``) for what is planted."""
    from assay.plan.starting import write_schema
    from assay.workspace import Workspace

    def told(done: float) -> None:
        progress("writing events", round(done * 100), 100)

    try:
        events = build(
            folder, wanted.days, wanted.visitors, wanted.seed, told, wanted.last_day, world.name, wanted.quiet
        )
    except ValueError as error:
        raise UsageError(f"demo: {error}") from error
    write_schema(folder)
    with Workspace(folder, progress=progress) as workspace:
        workspace.import_files("events", events)
        workspace.import_files("costs", [folder / RAW / "costs.csv"])
        lock_tests(workspace)
        answer = workspace.ask("overview")
        return answer, ask_all(workspace, planted(folder), progress) if ask else []


def lock_tests(workspace: Workspace) -> None:
    """The tests of a world were locked before they began, on the days that its plan names."""
    from assay.analyses.experimenting.runs import log
    from assay.model.period import day_start

    zone, known = workspace.plan.site.timezone, log(workspace.state)
    for name, one in workspace.plan.experiments.items():
        if one.start is not None and name not in known:
            workspace.start_experiment(name, day_start(one.start, zone), force=True)
            if one.end is not None:
                workspace.stop_experiment(name, "planned end", day_start(one.end + timedelta(1), zone))
