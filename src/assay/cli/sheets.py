"""``assay plan sheet``: the tagging sheet, for whoever puts the code into pages, apps and servers."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Annotated

import typer

from assay.cli.output import write
from assay.cli.params import Folder, folder_of, format_of
from assay.model.errors import UnknownName
from assay.plan import sheet as sheets


def sheet(
    ctx: typer.Context,
    way: Annotated[
        list[str] | None,
        typer.Option(
            "--for",
            metavar="|".join(sheets.WAYS),
            help="Which code; repeat. [default: snippet, curl]",
            show_default=False,
        ),
    ] = None,
    workspace: Folder = None,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="md|csv|json", help="How it is written. [default: md]", show_default=False),
    ] = None,
) -> None:
    """Every event that the plan counts on: when it is sent, with which properties, and code to copy."""
    from assay.analyses.tracking import uses
    from assay.plan.load import load

    wanted = way or ["snippet", "curl"]
    for name in wanted:
        if name not in sheets.WAYS:
            raise UnknownName("way to send", name, sheets.WAYS, "the sheet")
    plan = load(folder_of(ctx, workspace))
    chosen = "md" if form is None and format_of(ctx) == "table" else format_of(ctx, form)
    listed = sheets.entries(plan, uses(plan))
    makers = {"json": _json, "csv": _csv}
    write(makers.get(chosen, _markdown)(plan.site.name, listed, wanted))


def _markdown(site: str, listed: list[sheets.Entry], wanted: list[str]) -> str:
    parts = [f"# Tagging sheet of {site}\n\nPage views come by themselves. Required properties have a star.\n"]
    if not listed:
        parts.append("\nThe plan counts on no other event: declare some under `events:`.\n")
    for entry in listed:
        parts.append(f"\n## {entry.event}\n")
        parts.append("".join(f"\n{text}\n" for text in (entry.when, _counted(entry)) if text))
        if entry.properties:
            parts.append("\n| property | type |\n|---|---|\n")
            parts += [f"| `{name}`{'*' if required else ''} | {kind} |\n" for name, kind, required in entry.properties]
        for name in sheets.ways_of(entry, wanted):
            language, made = sheets.WAYS[name]
            parts.append(f"\n```{language}\n{made(entry)}\n```\n")
    return "".join(parts)


def _counted(entry: sheets.Entry) -> str:
    return f"Counts for {', '.join(entry.used)}." if entry.used else ""


def _csv(_site: str, listed: list[sheets.Entry], wanted: list[str]) -> str:
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["event", "when", "property", "type", "required", "used_by", *wanted])
    for entry in listed:
        codes = [sheets.WAYS[name][1](entry) if name in sheets.ways_of(entry, wanted) else "" for name in wanted]
        for name, kind, required in entry.properties or (("", "", False),):
            rows.writerow(
                [entry.event, entry.when, name, kind, "yes" if required else "", "; ".join(entry.used), *codes]
            )
    return text.getvalue()


def _json(site: str, listed: list[sheets.Entry], wanted: list[str]) -> str:
    shown = [
        {
            "event": entry.event, "when": entry.when, "used_by": list(entry.used),
            "properties": [{"name": n, "type": k, "required": r} for n, k, r in entry.properties],
            "code": {name: sheets.WAYS[name][1](entry) for name in sheets.ways_of(entry, wanted)},
        }
        for entry in listed
    ]  # fmt: skip
    return json.dumps({"site": site, "events": shown}, ensure_ascii=False, indent=1) + "\n"
