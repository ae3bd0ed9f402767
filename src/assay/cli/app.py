"""All verbs. One more verb that is no question = one function and one line in ``VERBS``."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

import assay
from assay.cli.lazy import HELP, Verb, Verbs, show_help
from assay.cli.listing import questions
from assay.cli.params import Folder, Format

ANSWERS, PLAN, DATA = "Answers", "Plan", "Data"
GROUPED = ("experiment-",)  # questions that are verbs of another: assay experiment readout


def _report() -> Any:
    from assay.cli.reporting import report

    return report()


VERBS = (
    Verb("ask", "The same by the question's name: assay ask QUESTION.", "assay.cli.questions:Ask", ANSWERS),
    Verb("sql", "The SQL behind an answer: assay sql QUESTION.", "assay.cli.questions:Sql", ANSWERS),
    Verb("save", "Save who an answer lists as a cohort: assay save funnel …", "assay.cli.questions:Save", ANSWERS),
    Verb("report", "The report for executives: assay report --out report.pdf.", _report, ANSWERS),
    Verb("mcp", "The questions as tools for language models (stdio).", "assay.cli.machines:mcp", ANSWERS),
    Verb("init", "Write a first plan into a folder.", "assay.cli.plans:init", PLAN),
    Verb("check", "What is wrong with the plan, with file and line.", "assay.cli.plans:check", PLAN),
    Verb("plan", "Compare two plans; the schema for editors.", "assay.cli.plans:Plans", PLAN),
    Verb("demo", "Build a demo shop with a known truth.", "assay.cli.demo:demo", DATA),
    Verb("import", "Load files of another tool: assay import SOURCE FILE…", "assay.cli.importing:Import", DATA),
    Verb("serve", "The pages, and events that come in, until Ctrl-C.", "assay.cli.serving:serve", DATA),
    Verb("collect", "Take events in, by the snippet or other tools' clients.", "assay.cli.collecting:collect", DATA),
    Verb("key", "Write keys: who may send.", "assay.cli.collecting:KeyVerbs", DATA),
    Verb("users", "Who may sign in, and as what: assay users add EMAIL.", "assay.cli.users:Users", DATA),
    Verb("api-key", "Keys of programs that ask over HTTP.", "assay.cli.api_keys:ApiKeys", DATA),
    Verb("webhook", "Outcomes that happen elsewhere: set up, and a trial.", "assay.cli.webhooks:Webhooks", DATA),
    Verb("snippet", "The tag that pages load.", "assay.cli.snippet:snippet", DATA),
    Verb("load", "Load what the collectors have written.", "assay.cli.collecting:load", DATA),
    Verb(
        "quarantine",
        "What could not be used, with the reason; its replay.",
        "assay.cli.quarantine:Quarantine",
        DATA,
    ),
    Verb("tail", "Events as they come in, with what each step did.", "assay.cli.tail:tail", DATA),
    Verb("erase", "Erase somebody: assay erase --user ID.", "assay.cli.privacy:erase", DATA),
    Verb(
        "export",
        "Everything as Parquet, or all of somebody: assay export --to DIR, --user ID.",
        "assay.cli.privacy:export",
        DATA,
    ),
    Verb("move", "All events into another store, compared day by day.", "assay.cli.moving:move", DATA),
    Verb("expire", "Let go of events whose period is over.", "assay.cli.privacy:expire", DATA),
    Verb("rebuild", "Derive sessions and orders again from all stored events.", "assay.cli.store:rebuild", DATA),
    Verb("rollup", "Keep what dashboards over a lake are answered from.", "assay.cli.store:rollup", DATA),
    Verb("doctor", "Versions, limits, sizes: what to look at first.", "assay.cli.store:doctor", DATA),
)

EPILOG = "Exit codes: 0 answered, 1 a check failed, 2 wrong use or bad input, 3 the machine failed."


class Root(Verbs):
    """Questions first, then everything else."""

    def verbs(self) -> tuple[Verb, ...]:
        """One verb per question, and ``VERBS``."""
        return (*(verb for verb in question_verbs() if not verb.name.startswith(GROUPED)), *VERBS)


def question_verbs(panel: str = ANSWERS, act: str = "answer") -> tuple[Verb, ...]:
    """A verb per question; ``act``: answer, sql or save."""
    return tuple(Verb(name, summary, partial(_question, name, act), panel) for name, summary in questions())


def _question(name: str, act: str) -> Any:
    from assay.cli.questions import question_command

    return question_command(name, act)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"assay {assay.__version__}")
        raise typer.Exit


def _root(
    ctx: typer.Context,
    workspace: Folder = None,
    form: Format = None,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    del workspace, form, version  # the verbs look them up
    show_help(ctx)


def command() -> Any:
    """The whole command line as one command."""
    app = typer.Typer(
        name="assay",
        cls=Root,
        help="Conversion and measurement: numbers that explain themselves.",
        epilog=EPILOG,
        rich_markup_mode=None,
        context_settings=HELP,
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True)(_root)
    return typer.main.get_command(app)
