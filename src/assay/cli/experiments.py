"""``assay experiment``: one verb per question about a test, and what can be done to one."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Any

import typer

from assay.cli.lazy import Verb, Verbs
from assay.cli.listing import questions
from assay.cli.output import write
from assay.cli.params import Folder, folder_of
from assay.model.errors import UsageError

PREFIX = "experiment-"


def _option(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar=metavar, help=help, show_default=False)


class Experiments(Verbs):
    """Questions first, then what changes the state."""

    def verbs(self) -> tuple[Verb, ...]:
        """Questions whose names begin with ``experiment-``, and five acts."""
        asked = tuple(
            Verb(name.removeprefix(PREFIX), summary, partial(_question, name), "Answers")
            for name, summary in questions()
            if name.startswith(PREFIX)
        )
        return (
            *asked,
            Verb("start", "Lock the plan of a test and start it.", "assay.cli.experiments:start", "Acts"),
            Verb("stop", "Stop a test: later exposures do not count.", "assay.cli.experiments:stop", "Acts"),
            Verb("decide", "Write down what was decided, with its reading.", "assay.cli.experiments:decide", "Acts"),
            Verb("note", "Note what was learnt, or a picture of a variant.", "assay.cli.experiments:note", "Acts"),
        )


def _question(name: str) -> Any:
    from assay.cli.questions import question_command

    return question_command(name, "answer")


Name = Annotated[str, typer.Argument(metavar="NAME", help="An experiment of the plan.")]


def start(
    ctx: typer.Context,
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Start although the gate (qa) found a fault.")] = False,
    workspace: Folder = None,
) -> None:
    """Lock everything that could be tuned later, and start. What is edited afterwards is a second reading."""
    from assay.cli.progress import Progress
    from assay.workspace import Workspace

    with Progress() as progress, Workspace(folder_of(ctx, workspace), progress=progress) as opened:
        done = opened.start_experiment(name, force=force)
    planned = (
        f"; planned: {done.planned:,} units"
        if done.planned
        else "; no sample was planned: there are no data to plan from"
    )
    caps = "".join(f"; {metric} counts up to {value:g} per unit" for metric, value in done.caps.items())
    write(f"{name} is started and locked as {done.hash}{planned}{caps}\n\nnext: assay experiment readout {name}\n")


def stop(
    ctx: typer.Context,
    name: Name,
    reason: Annotated[str, _option("reason", "TEXT", "Why, in a few words.")] = "",
    workspace: Folder = None,
) -> None:
    """Stop a test. Windows that are open still close; nothing exposed later counts."""
    from assay.workspace import Workspace

    with Workspace(folder_of(ctx, workspace)) as opened:
        opened.stop_experiment(name, reason)
    write(f"{name} is stopped\n\nnext: assay experiment readout {name}\n")


def decide(
    ctx: typer.Context,
    name: Name,
    decision: Annotated[str, typer.Argument(metavar="ship|do-not-ship|iterate|abandon", help="What was decided.")],
    note: Annotated[str, _option("note", "TEXT", "What was learnt.")] = "",
    revisit: Annotated[str | None, _option("revisit-by", "YYYY-MM-DD", "When to look at it again.")] = None,
    workspace: Folder = None,
) -> None:
    """Write a decision down, with the verdict and the reading that it stands on."""
    from assay.cli.progress import Progress
    from assay.workspace import Workspace

    day = _day(revisit)
    with Progress() as progress, Workspace(folder_of(ctx, workspace), progress=progress) as opened:
        done = opened.decide_experiment(name, decision.replace("-", "_"), note, day)
    said = ", ".join(f"{variant}: {state.replace('_', ' ')}" for variant, state in done["verdicts"].items())
    write(f"{name}: {decision} (the verdict: {said})\n\nnext: assay learnings\n")


def note(
    ctx: typer.Context,
    name: Name,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What was learnt, or what the picture shows.")],
    file: Annotated[str | None, _option("screenshot", "FILE", "A picture of a variant.")] = None,
    workspace: Folder = None,
) -> None:
    """Note something with an experiment; assay learnings finds it again."""
    from assay.workspace import Workspace

    with Workspace(folder_of(ctx, workspace)) as opened:
        opened.note_experiment(name, text, file)
    write(f"noted with {name}\n")


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"--revisit-by {text!r} is no day; write it as 2027-03-31") from None
