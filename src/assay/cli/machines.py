"""``assay mcp``: the questions as tools for language models, over stdin and stdout."""

from __future__ import annotations

import typer

from assay.cli.params import Folder, folder_of


def mcp(ctx: typer.Context, workspace: Folder = None) -> None:
    """Serve the Model Context Protocol over stdin and stdout until stdin ends: one tool per question, reading only."""
    import anyio

    from assay.web.mcp import needed, stdio

    needed()
    anyio.run(stdio, folder_of(ctx, workspace))
