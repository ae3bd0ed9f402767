"""``assay quarantine list`` and ``assay quarantine replay``: what could not be used, and its way in once it can."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.lazy import Verb, Verbs
from assay.cli.output import emit, write
from assay.cli.params import Folder, Format, folder_of, format_of, named_folder
from assay.cli.progress import Progress

if TYPE_CHECKING:
    from assay.model.answer import Answer
    from assay.workspace import Workspace

MOST = 200  # characters of an example


class Quarantine(Verbs):
    """What waits."""

    def verbs(self) -> tuple[Verb, ...]:
        """Two."""
        return (
            Verb("list", "What waits, by reason and event, with an example.", "assay.cli.quarantine:list_"),
            Verb("replay", "Bring in what the plan knows by now.", "assay.cli.quarantine:replay"),
        )


def list_(ctx: typer.Context, workspace: Folder = None, form: Format = None) -> None:
    """One row per reason, event and source: how many lines wait, and one of them."""
    from assay.workspace import Workspace

    chosen = format_of(ctx, form)
    with Progress() as progress, Workspace(folder_of(ctx, workspace), progress=progress) as opened:
        answer = waiting(opened)
    emit(answer, chosen, named_folder(ctx, workspace))


def waiting(workspace: Workspace) -> Answer:
    """What waits in quarantine, the most frequent first."""
    from assay.analyses.waiting import event
    from assay.collect.spool import named
    from assay.jobs import held
    from assay.model.answer import Answer, Column
    from assay.query.ledger import quarantined

    counts: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], tuple[str, str]] = {}
    for segment, file, line, reason, raw in workspace.engine.run(quarantined()).rows:
        known = named(segment)
        key = (reason, event(raw), known.source if known else "import")
        counts[key] += 1
        examples.setdefault(key, (f"{file}:{line}", (raw or "")[:MOST]))
    ready = sum(len(lines) for lines in held(workspace)[0].values())
    total = sum(counts.values())
    columns = (
        Column("reason"), Column("event"), Column("source"), Column("lines", "count"), Column("where"),
        Column("example", detail=True),
    )  # fmt: skip
    rows = tuple((*key, n, *examples[key]) for key, n in counts.most_common())
    sentence = f"{total:,} lines wait in quarantine; the plan knows {ready:,} of them by now." if total else None
    return Answer(
        "quarantine", {}, columns=columns, rows=rows, empty=None if total else "nothing is in quarantine",
        sentence=sentence or "Nothing is in quarantine.",
        next=("assay quarantine replay",) if ready else ("assay check --live",) if total else ("assay ledger",),
    )  # fmt: skip


def replay(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would come in; change nothing.")] = False,
    workspace: Folder = None,
) -> None:
    """Bring in what the plan knows by now. Rows of imports come in when their file is imported again."""
    from assay.jobs import held
    from assay.jobs import replay as bring
    from assay.workspace import Workspace

    with Progress() as progress, Workspace(folder_of(ctx, workspace), progress=progress) as opened:
        if dry_run:
            ready, left = held(opened)
            lines = sum(len(one) for one in ready.values())
            write(f"{lines:,} lines would come in, {left:,} wait on; nothing was changed\n")
            return
        done = bring(opened)
    more = "".join(
        f", {n:,} {what}" for n, what in ((done.duplicates, "duplicates"), (done.gone, "erased or too old")) if n
    )
    write(f"{done.stored:,} events stored{more}; {done.waiting:,} lines wait on\n")
    if done.waiting:
        write("\nnext: assay quarantine list\n")
