"""One verb per question, made from its ``Params``; ``ask`` and ``sql`` are the same in two other ways."""

from __future__ import annotations

import inspect
import sys
from functools import partial
from importlib import import_module
from typing import Annotated, Any

import typer

from assay.analyses import BY_NAME
from assay.cli.app import question_verbs
from assay.cli.lazy import Verb, Verbs, command, group
from assay.cli.options import FOLDER, FORMAT, common, function, parameters, values_of
from assay.cli.output import emit, write
from assay.cli.params import folder_of, format_of, named_folder
from assay.cli.progress import Progress
from assay.model.answer import Answer


class Ask(Verbs):
    """``assay ask QUESTION``."""

    kind = "question"

    def verbs(self) -> tuple[Verb, ...]:
        """One per question."""
        return question_verbs("Questions")


class Sql(Verbs):
    """``assay sql QUESTION``."""

    kind = "question"

    def verbs(self) -> tuple[Verb, ...]:
        """One per question."""
        return question_verbs("Questions", "sql")


class Save(Verbs):
    """``assay save QUESTION … --as NAME``."""

    kind = "question"

    def verbs(self) -> tuple[Verb, ...]:
        """One per question that lists units."""
        return tuple(verb for verb in question_verbs("Questions", "save") if verb.name in _LISTING)


_LISTING = ("funnel", "sessions")
_ACTIONS = {  # what a question's verb can do beside answering
    "alerts": "assay.cli.alerts:Alerts",
    "backlog": "assay.cli.backlog:Backlog",
    "changes": "assay.cli.changes:Changes",
    "experiment": "assay.cli.experiments:Experiments",
}
_AS = inspect.Parameter(
    "cohort",
    inspect.Parameter.KEYWORD_ONLY,
    annotation=Annotated[str, typer.Option("--as", metavar="NAME", help="The name of the cohort.", show_default=False)],
)


def question_command(name: str, act: str) -> Any:
    """The command of a question; ``act``: answer, sql or save."""
    question = BY_NAME[name]
    if act == "save":
        summary = f"Save who is listed as a cohort: {question.summary}"
        return command(
            function(partial(_save, name), [*parameters(question.Params), _AS, *common(False)]), name, summary
        )
    run = partial(_answer if act == "answer" else _sql, name)
    summary = question.summary if act == "answer" else f"The SQL behind: {question.summary}"
    asked = function(run, [*parameters(question.Params), *common(act == "answer")])
    if act == "answer" and name in _ACTIONS:
        module, _, verbs = _ACTIONS[name].partition(":")
        return group(getattr(import_module(module), verbs), name, summary, asked)
    return command(asked, name, summary)


def _answer(name: str, ctx: typer.Context, values: dict[str, Any]) -> None:
    if ctx.invoked_subcommand is not None:
        return
    chosen = format_of(ctx, values.get(FORMAT))
    emit(_asked(name, ctx, values), chosen, named_folder(ctx, values.get(FOLDER)))


def _save(name: str, ctx: typer.Context, values: dict[str, Any]) -> None:
    from assay.workspace import Workspace

    given = values_of(BY_NAME[name].Params, values, ctx.command_path)
    cohort = str(values["cohort"])
    with Progress() as progress, Workspace(folder_of(ctx, values.get(FOLDER)), progress=progress) as workspace:
        answer = workspace.ask(name, **given)
        path = workspace.save_cohort(cohort, answer)
        count = len(workspace.plan.cohorts[cohort].members)
    write(f"cohort {cohort}: {count:,} ids in {path}; the plan names it\n\nnext: assay overview --segment {cohort}\n")


def _sql(name: str, ctx: typer.Context, values: dict[str, Any]) -> None:
    from assay.query.sql import pretty

    answer = _asked(name, ctx, values)
    write("\n".join(f"{pretty(text)};\n" for text in answer.sql))
    if not answer.sql:
        print(f"assay: no SQL was needed: {answer.empty or 'the plan alone answers this'}", file=sys.stderr)


def _asked(name: str, ctx: typer.Context, values: dict[str, Any]) -> Answer:
    from assay.workspace import Workspace

    given = values_of(BY_NAME[name].Params, values, ctx.command_path)
    with Progress() as progress, Workspace(folder_of(ctx, values.get(FOLDER)), progress=progress) as workspace:
        return workspace.ask(name, **given)
