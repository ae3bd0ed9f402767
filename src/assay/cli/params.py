"""Options that many verbs share, and what was chosen: after the verb, else before it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

FOLDER_OPTION = typer.Option("-w", "--workspace", metavar="DIR", help="The workspace; default: this folder.")
FORMAT_OPTION = typer.Option("--format", metavar="table|json|csv|md", help="How it is shown. [default: table]")

Folder = Annotated[Path | None, FOLDER_OPTION]
Format = Annotated[str | None, FORMAT_OPTION]
TableOrJson = Annotated[
    str | None, typer.Option("--format", metavar="table|json", help="How it is shown. [default: table]")
]


def folder_of(ctx: typer.Context, given: Path | None = None) -> Path:
    """The workspace that a command is about."""
    return named_folder(ctx, given) or Path()


def named_folder(ctx: typer.Context, given: Path | None = None) -> Path | None:
    """The workspace that was named, here or at a verb above; None where it is this folder."""
    above: Any = ctx
    while given is None and above is not None:
        given, above = above.params.get("workspace"), above.parent
    return given


def format_of(ctx: typer.Context, given: str | None = None) -> str:
    """The format that was asked for. Raises UnknownName."""
    from assay.model.errors import UnknownName
    from assay.report.exporters import BY_NAME

    name = str(given or ctx.find_root().params.get("form") or "table")
    if name not in BY_NAME:
        raise UnknownName("format", name, BY_NAME, "assay")
    return name


def table_or_json(ctx: typer.Context, given: str | None, what: str) -> str:
    """The format of ``what``, which is no answer and has only these two. Raises UnknownName, UsageError."""
    chosen = format_of(ctx, given)
    if chosen not in ("table", "json"):
        from assay.model.errors import UsageError

        raise UsageError(f"{what} has the formats table and json, not {chosen!r}")
    return chosen
