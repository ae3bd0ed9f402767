"""``assay backlog`` answers; ``add`` notes an idea by hand, ``rate`` says how sure and how hard it is."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from assay.cli.lazy import Verb, Verbs
from assay.cli.output import write
from assay.cli.params import Folder, folder_of

STATUSES = "idea|planned|running|done|dropped"


def _option(name: str, metavar: str, help: str, **more: Any) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar=metavar, help=help, show_default=False, **more)


class Backlog(Verbs):
    """What can be done to ideas."""

    def verbs(self) -> tuple[Verb, ...]:
        """Two."""
        return (
            Verb("add", 'Note an idea: assay backlog add "Show delivery cost earlier".', "assay.cli.backlog:add"),
            Verb("rate", "Say how sure and how hard an idea is, and what it stands on.", "assay.cli.backlog:rate"),
        )


Confidence = Annotated[int | None, _option("confidence", "1-10", "How sure it is to work.", min=1, max=10)]
Effort = Annotated[int | None, _option("effort", "1-10", "How hard it is to build.", min=1, max=10)]
Evidence = Annotated[str | None, _option("evidence", "TEXT", "What it stands on: a note, a ticket, a recording.")]
Test = Annotated[str | None, _option("experiment", "NAME", "The experiment that tests it.")]


def add(
    ctx: typer.Context,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="The idea, in a few words.")],
    step: Annotated[str | None, _option("step", "EVENT", "The funnel step that it addresses.")] = None,
    metric: Annotated[str, _option("metric", "NAME", "The metric that it is to move.")] = "",
    worth: Annotated[float | None, _option("worth", "MONEY", "What it is worth a year, where somebody knows.")] = None,
    confidence: Confidence = None,
    effort: Effort = None,
    evidence: Evidence = None,
    workspace: Folder = None,
) -> None:
    """Note an idea. The same title is noted once."""
    from assay.workspace import Workspace

    with Workspace(folder_of(ctx, workspace)) as opened:
        no, new = opened.add_idea(title, step, metric, worth)
        if confidence or effort or evidence:
            opened.rate_idea(no, confidence, effort, evidence)
    write(f"{'noted' if new else 'was noted already'} as idea {no}: {title}\n\nnext: assay backlog\n")


def rate(
    ctx: typer.Context,
    no: Annotated[int, typer.Argument(metavar="NO", help="The number that assay backlog shows.")],
    confidence: Confidence = None,
    effort: Effort = None,
    evidence: Evidence = None,
    experiment: Test = None,
    status: Annotated[str | None, _option("status", STATUSES, "Where it stands.")] = None,
    workspace: Folder = None,
) -> None:
    """Rate an idea; what is not given stays as it was."""
    from assay.workspace import Workspace

    with Workspace(folder_of(ctx, workspace)) as opened:
        opened.rate_idea(no, confidence, effort, evidence, experiment, status)
    write(f"idea {no} is rated\n\nnext: assay backlog\n")
