"""``assay users``: who may sign in, and as what. Links are printed; no mail is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.lazy import Verb, Verbs
from assay.cli.output import write
from assay.cli.params import Folder, folder_of

if TYPE_CHECKING:
    from assay.web.access.base import Access

URL = "http://127.0.0.1:8080"
_Email = Annotated[str, typer.Argument(metavar="EMAIL", help="What the user signs in with.")]
_Role = Annotated[str, typer.Option("--role", metavar="viewer|analyst|admin", help="What the user may do.")]
_Url = Annotated[
    str, typer.Option("--url", metavar="URL", help=f"Where people open assay. [default: {URL}]", show_default=False)
]


class Users(Verbs):
    """Users of the workspace."""

    def verbs(self) -> tuple[Verb, ...]:
        """Five."""
        return (
            Verb("add", "A new user, with an invitation: assay users add EMAIL --role analyst.", "assay.cli.users:add"),
            Verb("list", "Everybody, with role and last visit.", "assay.cli.users:list_"),
            Verb("role", "Another role: assay users role EMAIL admin.", "assay.cli.users:role"),
            Verb("remove", "Take a user away; sessions end at once.", "assay.cli.users:remove"),
            Verb("link", "A new invitation, or a link for a new password.", "assay.cli.users:link"),
        )


@contextmanager
def opened(folder: Path) -> Iterator[Access]:
    """A workspace's access."""
    from assay.web.access.base import Access
    from assay.workspace import Workspace

    with Workspace(folder) as found:
        yield Access(found.state)


def day(moment: int | None) -> str:
    """A moment for a list."""
    return datetime.fromtimestamp(moment / 1e6, UTC).strftime("%Y-%m-%d") if moment else "never"


def _console() -> Any:
    from assay.web.access.values import CONSOLE

    return CONSOLE


def add(
    ctx: typer.Context,
    email: _Email,
    role: _Role = "viewer",
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="As others see it.", show_default=False)] = "",
    url: _Url = URL,
    workspace: Folder = None,
) -> None:
    """Add a user and print the link with which they set their password. It works once, for seven days."""
    from assay.web.access import links, users

    with opened(folder_of(ctx, workspace)) as access:
        found = users.add(access, email, role, _console(), name)
        path = links.make(access, found, _console())
    write(f"{found} is {role}; give them this link, it works once and for seven days:\n\n{url.rstrip('/')}{path}\n")


def list_(ctx: typer.Context, workspace: Folder = None) -> None:
    """Everybody, by e-mail."""
    from assay.web.access import users

    with opened(folder_of(ctx, workspace)) as access:
        found = users.everybody(access)
    for one in found:
        state = f"last seen {day(one.seen_at)}" if one.ready else "invited, no password yet"
        write(f"{one.email}  {one.role}  {one.name}  {state}\n")
    if not found:
        write("There are no users yet.\n\nnext: assay users add EMAIL --role admin\n")


def role(
    ctx: typer.Context,
    email: _Email,
    wanted: Annotated[str, typer.Argument(metavar="ROLE", help="viewer, analyst or admin.")],
    workspace: Folder = None,
) -> None:
    """Give a user another role; it holds from the next click on."""
    from assay.web.access import users

    with opened(folder_of(ctx, workspace)) as access:
        users.set_role(access, email, wanted, _console())
    write(f"{email} is {wanted} now\n")


def remove(ctx: typer.Context, email: _Email, workspace: Folder = None) -> None:
    """Take a user away. What they noted and made stays."""
    from assay.web.access import users

    with opened(folder_of(ctx, workspace)) as access:
        users.remove(access, email, _console())
    write(f"{email} is removed and signed out\n")


def link(ctx: typer.Context, email: _Email, url: _Url = URL, workspace: Folder = None) -> None:
    """Print a link that works once; links that were made for this user before stop working."""
    from assay.web.access import links, users

    with opened(folder_of(ctx, workspace)) as access:
        ready = users.find(access, email)["password"] is not None
        path = links.make(access, email, _console())
    what = "for a new password, for one day" if ready else "to join, for seven days"
    write(f"This link works once, {what}:\n\n{url.rstrip('/')}{path}\n")
