"""``assay api-key``: keys for programs that read or change over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from assay.cli.lazy import Verb, Verbs
from assay.cli.output import write
from assay.cli.params import Folder, folder_of
from assay.cli.users import day, opened


class ApiKeys(Verbs):
    """API keys of the workspace."""

    def verbs(self) -> tuple[Verb, ...]:
        """Three."""
        return (
            Verb("add", "Make one: assay api-key add NAME --scope read.", "assay.cli.api_keys:add"),
            Verb("list", "All keys: scopes, end, last use.", "assay.cli.api_keys:list_"),
            Verb("revoke", "Take one out of use: assay api-key revoke NO.", "assay.cli.api_keys:revoke"),
        )


def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What will use it: notebook, build job …")],
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="read|write|admin", help="Repeat for more. [default: read]"),
    ] = None,
    days: Annotated[
        int | None, typer.Option("--days", metavar="N", help="How long it holds. [default: 365]", show_default=False)
    ] = None,
    workspace: Folder = None,
) -> None:
    """Make a key and show it, this once."""
    from assay.web.access import keys
    from assay.web.access.values import CONSOLE

    with opened(folder_of(ctx, workspace)) as access:
        key = keys.add(access, name, scope or ["read"], CONSOLE, days)
    write(f"{key}\n\nIt is not shown again. Programs send it as Authorization: Bearer {key[:8]}…\n")


def list_(ctx: typer.Context, workspace: Folder = None) -> None:
    """All keys, the newest first."""
    from assay.web.access import keys

    with opened(folder_of(ctx, workspace)) as access:
        found = keys.everyone(access)
    for one in found:
        used = f"used {day(one.used_at)}" if one.used_at else "never used"
        write(f"{one.no}  {one.start}…  {one.name}  {', '.join(one.scopes)}  until {day(one.expires_at)}  {used}")
        write(f"  {one.state}\n")
    if not found:
        write("There are no API keys yet.\n\nnext: assay api-key add NAME\n")


def revoke(
    ctx: typer.Context,
    no: Annotated[int, typer.Argument(metavar="NO", help="Its number, as assay api-key list shows it.")],
    workspace: Folder = None,
) -> None:
    """Take a key out of use: its next request is refused."""
    from assay.web.access import keys
    from assay.web.access.values import CONSOLE

    with opened(folder_of(ctx, workspace)) as access:
        keys.revoke(access, no, CONSOLE)
    write(f"API key {no} is revoked\n")
