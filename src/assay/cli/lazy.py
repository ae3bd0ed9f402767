"""A group of verbs whose code is loaded when a verb runs: help lists names and summaries without importing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import getdoc
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from assay.model.errors import UsageError, suggestion

Command = TyperCommand | TyperGroup
HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@dataclass(frozen=True)
class Verb:
    """``target``: ``module:function`` that is the command, or a function that makes the whole command."""

    name: str
    summary: str
    target: str | Callable[[], Any]
    panel: str = "Commands"


class Verbs(TyperGroup):
    """A group over ``verbs``. A subclass says which."""

    kind = "command"

    def verbs(self) -> tuple[Verb, ...]:
        """The verbs, in the order of the help."""
        raise NotImplementedError

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Names of the verbs."""
        return [verb.name for verb in self.verbs()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command of a verb, its code loaded now; None where there is none."""
        for verb in self.verbs():
            if verb.name == cmd_name:
                return load(verb)
        return None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that ``args`` begin with. Raises UsageError with a suggestion for an unknown one."""
        name = args[0]
        if name.startswith("-"):
            return super().resolve_command(ctx, args)
        found = self.get_command(ctx, name)
        if found is None:
            known = self.list_commands(ctx)
            raise UsageError(f"{ctx.command_path} has no {self.kind} {name!r}{suggestion(name, known)}")
        return name, found, args[1:]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Verbs before options: they are what a newcomer looks for."""
        self.format_commands(ctx, formatter)
        TyperCommand.format_options(self, ctx, formatter)  # type: ignore[arg-type]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Verbs and their summaries, by panel."""
        verbs = self.verbs()
        widest = max((len(verb.name) for verb in verbs), default=0)
        for panel in dict.fromkeys(verb.panel for verb in verbs):
            with formatter.section(panel):
                formatter.write_dl([(verb.name.ljust(widest), verb.summary) for verb in verbs if verb.panel == panel])


def load(verb: Verb) -> Any:
    """The command of a verb."""
    if callable(verb.target):
        return verb.target()
    module, _, name = verb.target.partition(":")
    target = getattr(import_module(module), name)
    if isinstance(target, type) and issubclass(target, Verbs):
        return group(target, verb.name, verb.summary)
    return command(target, verb.name, verb.summary)


def command(function: Callable[..., Any], name: str, summary: str) -> Any:
    """A Typer command made from a function: its help is the summary, and what its docstring says further down."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    more = (getdoc(function) or "").partition("\n\n")[2]
    app.command(name, help=f"{summary}\n\n{more}".strip(), context_settings=HELP)(function)
    return typer.main.get_command(app)


def group(cls: type[Verbs], name: str, summary: str, alone: Callable[..., Any] | None = None) -> Any:
    """A group of verbs as a command of another group. ``alone`` runs before any verb and without one; default: help."""
    app = typer.Typer(
        name=name, cls=cls, help=summary, add_completion=False, rich_markup_mode=None, context_settings=HELP,
        pretty_exceptions_enable=False,
    )  # fmt: skip

    app.callback(invoke_without_command=True)(alone or show_help)
    return typer.main.get_command(app)


def show_help(ctx: typer.Context) -> None:
    """A group without a verb shows its help."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
