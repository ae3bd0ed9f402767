"""Verbs about the plan: init, check, plan add, plan diff, plan schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.lazy import Verb, Verbs
from assay.cli.output import write
from assay.cli.params import Folder, folder_of, format_of, named_folder, table_or_json
from assay.model.errors import CheckFailed, Problem
from assay.plan.load import FILE
from assay.plan.starting import DEFAULT, start
from assay.plan.templates import STARTERS

if TYPE_CHECKING:
    from assay.plan.report import Lines
    from assay.plan.values import Plan


def _option(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar=metavar, help=help, show_default=False)


def init(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="The folder; default: this one.")] = None,
    name: Annotated[str | None, _option("name", "TEXT", "Name of the site; default: the folder's.")] = None,
    timezone: Annotated[str, _option("timezone", "ZONE", "Such as Europe/Berlin. [default: UTC]")] = "UTC",
    currency: Annotated[str, _option("currency", "CODE", "ISO 4217. [default: EUR]")] = "EUR",
    kind: Annotated[str, _option("template", "shop|saas|leads", "Which first plan. [default: shop]")] = DEFAULT,
) -> None:
    """Write assay.yaml, a schema for editors and a line in .gitignore."""
    folder = folder_of(ctx, folder)
    target = start(folder, kind, name, timezone, currency)
    there = "" if folder.resolve() == Path.cwd() else f" -w {folder}"
    write(f"{target} is written: {STARTERS[kind].lower()}. Make it yours.\n\n")
    write(f"next: assay check{there}\n      assay import SOURCE FILE{there}\n")


def check(
    ctx: typer.Context,
    plan: Annotated[
        Path | None, typer.Argument(metavar="PLAN", help="A folder or file; default: the workspace.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Hold the plan against the events that came.")] = False,
    workspace: Folder = None,
    form: Annotated[str | None, _option("format", "table|json", "How it is shown. [default: table]")] = None,
) -> None:
    """Lint the plan. Exit 1 when it has errors (with --strict: warnings), 2 when it cannot be read.

    With --live: which planned events came, which never did, and which came that the plan does not know.
    """
    if live:
        _check_live(ctx, plan or workspace, strict, form)
        return
    from assay.plan.check import check as lint
    from assay.plan.load import load_with_lines

    loaded, lines = load_with_lines(folder_of(ctx, plan or workspace))
    problems = [*lint(loaded, lines), *_own_tables(loaded, lines, folder_of(ctx, plan or workspace))]
    chosen = table_or_json(ctx, form, "check")
    summary = _summary(problems)
    if chosen == "json":
        keys = ("file", "line", "severity", "text", "code")
        shown: dict[str, Any] = {
            "plan": loaded.id,
            "problems": [{key: getattr(one, key) for key in keys} for one in problems],
        }
        write(json.dumps(shown, ensure_ascii=False, indent=1) + "\n")
    else:
        write("".join(f"{problem}\n" for problem in problems) + f"{summary}\n")
    failing = ("error", "warning") if strict else ("error",)
    if any(problem.severity in failing for problem in problems):
        raise typer.Exit(CheckFailed.exit_code)


def _own_tables(plan: Plan, lines: Lines, place: Path) -> list[Problem]:
    """What is wrong with the plan's own tables, and the state of those that are in order."""
    if not plan.source:
        return []
    from assay.collect.importers.own import problems
    from assay.workspace import Workspace

    folder = place if place.is_dir() else place.parent
    with Workspace(folder, plan=plan) as opened:
        wrong = problems(plan, folder, opened.data / "spool", opened.now)
        state = [] if wrong else opened.own_tables()
    found = [lines.problem(("source", "tables", name), str(error), code="own_table") for name, error in wrong]
    return found + [lines.problem(("source", "tables", name), text, "info", "own_table") for name, text in state]


def _check_live(ctx: typer.Context, folder: Path | None, strict: bool, form: str | None) -> None:
    from assay.cli.output import emit
    from assay.cli.progress import Progress
    from assay.workspace import Workspace

    chosen = format_of(ctx, form)
    with Progress() as progress, Workspace(folder_of(ctx, folder), progress=progress) as opened:
        answer = opened.ask("tracking")
    emit(answer, chosen, named_folder(ctx, folder))
    entries = [str(entry) for entry in answer.column("entry") if entry]
    if entries and chosen == "table":
        write("\nentries for assay.yaml, to be described:\n\nevents:\n" + "\n".join(entries) + "\n")
    if strict and any(finding.severity in ("warning", "bad") for finding in answer.findings):
        raise typer.Exit(CheckFailed.exit_code)


def _summary(problems: list[Problem]) -> str:
    if not problems:
        return "The plan is in order."
    counts = {severity: sum(one.severity == severity for one in problems) for severity in ("error", "warning", "info")}
    words = {"error": ("error", "errors"), "warning": ("warning", "warnings"), "info": ("remark", "remarks")}
    return ", ".join(f"{n} {words[kind][n != 1]}" for kind, n in counts.items() if n) + "."


class Plans(Verbs):
    """``assay plan add``, ``diff``, ``schema`` and ``sheet``."""

    def verbs(self) -> tuple[Verb, ...]:
        """Four."""
        return (
            Verb("add", "Add a ready metric to the plan; without a name, list them.", "assay.cli.plans:plan_add"),
            Verb("diff", "What changed between two plans, in words.", "assay.cli.plans:plan_diff"),
            Verb("schema", "The JSON schema of plans, for editors.", "assay.cli.plans:plan_schema"),
            Verb("sheet", "The tagging sheet: every event with code to copy.", "assay.cli.sheets:sheet"),
        )


def plan_add(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A ready metric; none: list them.")] = None,
    renamed: Annotated[str | None, _option("as", "NAME", "Another name for the metric.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; write nothing.")] = False,
    workspace: Folder = None,
    form: Annotated[str | None, _option("format", "table|json", "How the list is shown. [default: table]")] = None,
) -> None:
    """Add a ready metric to assay.yaml, with the events, goals and segments it needs; without a name, list them."""
    if name is None:
        _list_templates(table_or_json(ctx, form, "the list"))
        return
    from assay.plan import edit
    from assay.plan.check import check as lint
    from assay.plan.load import load, raw
    from assay.plan.templates import template as ready
    from assay.plan.templates.apply import application

    chosen = ready(name)
    folder = folder_of(ctx, workspace)
    path = folder / FILE if folder.is_dir() else folder
    before = load(path)  # a plan with mistakes is told first
    added = application(chosen, raw(path), renamed)
    old = path.read_bytes().decode("utf-8")
    new = edit.add(old, added.additions)
    plan = edit.checked(path, new) if dry_run else edit.save(path, new)
    if dry_run:
        write(_difference(old, new, path))
    else:
        names = [".".join(one.path) for one in added.additions]
        write(f"{path} now has {', '.join(names)}.\n")
    write("".join(f"{key} was there already and stays.\n" for key in added.kept))
    write(f"\n{chosen.about}\n" + (f"{chosen.note}\n" if chosen.note else ""))
    write(f"must arrive: {', '.join(chosen.arriving())}\n")
    known = {problem.text for problem in lint(before)}
    write("".join(f"{one.severity}: {one.text}\n" for one in lint(plan) if one.text not in known))
    if not dry_run:
        there = "" if folder.resolve() == Path.cwd() else f" -w {folder}"
        write(f"\nnext: assay{there} metric {added.metric}\n")


def _difference(old: str, new: str, path: Path) -> str:
    import difflib

    before, after = old.splitlines(), new.splitlines()
    return "\n".join(difflib.unified_diff(before, after, str(path), str(path), lineterm="", n=1)) + "\n"


def _list_templates(form: str) -> None:
    from assay.plan.templates import STAGES, templates

    known = templates().values()
    if form == "json":
        shown = [
            {
                "name": one.name, "stage": one.stage, "about": one.about, "note": one.note, "row": one.row,
                "metrics": list(one.metrics), "events": list(one.arriving()), "needs": list(one.needs),
            }
            for one in known
        ]  # fmt: skip
        write(json.dumps(shown, ensure_ascii=False, indent=1) + "\n")
        return
    widest = max(len(one.name) for one in known)
    for stage in STAGES:
        write(f"{stage}\n")
        write("".join(f"  {one.name.ljust(widest)}  {one.about}\n" for one in known if one.stage == stage))
    write("\nnext: assay plan add NAME, with --dry-run to see it first\n")


def plan_diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="The earlier plan: a folder or file.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The later one.")],
) -> None:
    """What changed between two plans, in words."""
    from assay.plan.diff import diff
    from assay.plan.load import load

    found = diff(load(before), load(after))
    write("".join(f"{one.text}\n" for one in found) or "The two plans mean the same and say the same.\n")


def plan_schema() -> None:
    """The JSON schema of plans, for editors."""
    from assay.plan.schema import schema

    write(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n")
