"""Verbs about the plan: init, check, plan diff, plan schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from assay.cli.lazy import Verb, Verbs
from assay.cli.output import write
from assay.cli.params import Folder, folder_of, format_of
from assay.model.errors import CheckFailed, PlanError, Problem, UsageError
from assay.plan.load import FILE

TEMPLATE = Path(__file__).with_name("template.yaml")
SCHEMA = Path("assay-data") / "plan.schema.json"
_IGNORED = "assay-data/"


def _option(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar=metavar, help=help, show_default=False)


def init(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="The folder; default: this one.")] = None,
    name: Annotated[str | None, _option("name", "TEXT", "Name of the site; default: the folder's.")] = None,
    timezone: Annotated[str, _option("timezone", "ZONE", "Such as Europe/Berlin. [default: UTC]")] = "UTC",
    currency: Annotated[str, _option("currency", "CODE", "ISO 4217. [default: EUR]")] = "EUR",
) -> None:
    """Write assay.yaml, a schema for editors and a line in .gitignore."""
    folder = folder_of(ctx, folder)
    target = folder / FILE
    if target.exists():
        raise UsageError(f"{target} is already there and stays as it is; choose another folder")
    text = template(name or folder.resolve().name or "My site", timezone, currency)
    folder.mkdir(parents=True, exist_ok=True)
    write_schema(folder)
    _ignore(folder)
    with target.open("x", encoding="utf-8") as file:
        file.write(text)
    there = "" if folder.resolve() == Path.cwd() else f" -w {folder}"
    write(f"{target} is written: a first plan for a shop. Make it yours.\n\n")
    write(f"next: assay check{there}\n      assay import SOURCE FILE{there}\n")


def template(name: str, timezone: str, currency: str) -> str:
    """The text of a first plan. Raises UsageError where zone or currency are none."""
    from assay.plan.load import loads

    text = TEMPLATE.read_text(encoding="utf-8")
    for place, value in (("NAME", name), ("ZONE", timezone), ("CURRENCY", currency)):
        text = text.replace(f"@{place}@", json.dumps(value, ensure_ascii=False))
    try:
        loads(text)
    except PlanError as error:
        raise UsageError("; ".join(problem.text for problem in error.problems)) from error
    return text


def write_schema(folder: Path) -> Path:
    """The schema for editors, where the plan's first line says it is."""
    from assay.plan.schema import schema

    path = folder / SCHEMA
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _ignore(folder: Path) -> None:
    path = folder / ".gitignore"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if _IGNORED not in text.split():
        path.write_text(f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{_IGNORED}\n", encoding="utf-8")


def check(
    ctx: typer.Context,
    plan: Annotated[
        Path | None, typer.Argument(metavar="PLAN", help="A folder or file; default: the workspace.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    workspace: Folder = None,
    form: Annotated[str | None, _option("format", "table|json", "How it is shown. [default: table]")] = None,
) -> None:
    """Lint the plan. Exit 1 when it has errors (with --strict: warnings), 2 when it cannot be read."""
    from assay.plan.check import check as lint
    from assay.plan.load import load_with_lines

    loaded, lines = load_with_lines(folder_of(ctx, plan or workspace))
    problems = lint(loaded, lines)
    chosen = format_of(ctx, form)
    if chosen not in ("table", "json"):
        raise UsageError(f"check has the formats table and json, not {chosen!r}")
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


def _summary(problems: list[Problem]) -> str:
    if not problems:
        return "The plan is in order."
    counts = {severity: sum(one.severity == severity for one in problems) for severity in ("error", "warning", "info")}
    words = {"error": ("error", "errors"), "warning": ("warning", "warnings"), "info": ("remark", "remarks")}
    return ", ".join(f"{n} {words[kind][n != 1]}" for kind, n in counts.items() if n) + "."


class Plans(Verbs):
    """``assay plan diff`` and ``assay plan schema``."""

    def verbs(self) -> tuple[Verb, ...]:
        """Two."""
        return (
            Verb("diff", "What changed between two plans, in words.", "assay.cli.plans:plan_diff"),
            Verb("schema", "The JSON schema of plans, for editors.", "assay.cli.plans:plan_schema"),
        )


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
