"""``assay tail``: events as they come in, with what each step did. It watches the collectors of this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from assay.cli.output import write
from assay.cli.params import Folder, folder_of
from assay.model.errors import UsageError

EVERY = 0.2  # seconds between two looks
RENEW = 3.0  # seconds between two signs that somebody watches
HINT = 15.0  # seconds of silence after which a word is due
_SHOWN = ("path", "visitor", "user", "order_id", "amount")
_LONG = 60  # characters of one value


def tail(
    ctx: typer.Context,
    steps: Annotated[bool, typer.Option("--steps", help="What each step put, a line each.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="Only what is refused or waits in quarantine.")] = False,
    count: Annotated[
        int | None, typer.Option("--count", metavar="N", min=1, help="End after so many events.", show_default=False)
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", metavar="S", min=0.1, help="End after this time.", show_default=False)
    ] = None,
    workspace: Folder = None,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="table|json", help="Or JSON, one event a line.", show_default=False),
    ] = None,
) -> None:
    """Show events as they come in, until Ctrl-C. Nothing is told to anybody when nobody watches."""
    from assay.analyses.ledger import INTAKE
    from assay.workspace import DATA, Workspace

    if form not in (None, "table", "json"):
        raise UsageError(f"tail has the formats table and json, not {form!r}")
    folder = folder_of(ctx, workspace)
    with Workspace(folder) as opened:
        zone = ZoneInfo(opened.plan.site.timezone)
    shown = 0
    for told in _told(folder / DATA / INTAKE, seconds):
        if refused and "refused" not in told and "held" not in told.get("line", {}):
            continue
        write(json.dumps(told, ensure_ascii=False) + "\n" if form == "json" else words(told, zone, steps))
        shown += 1
        if count is not None and shown >= count:
            break


def _told(folder: Path, seconds: float | None) -> Iterator[dict[str, Any]]:
    """What the collectors tell from now on."""
    from assay.collect.trace import FILE, FLAG

    folder.mkdir(parents=True, exist_ok=True)
    flag, began = folder / FLAG, time.monotonic()
    places = {path: path.stat().st_size for path in folder.rglob(FILE)}
    renewed, heard, hinted = -RENEW, began, False
    try:
        while seconds is None or time.monotonic() - began < seconds:
            now = time.monotonic()
            if now - renewed >= RENEW:
                flag.touch()
                renewed = now
            for path in sorted(folder.rglob(FILE)):
                for line in _new(path, places):
                    heard = now
                    yield line
            if not hinted and now - heard > HINT:
                hinted = True
                typer.echo("nothing yet: is `assay collect` or `assay serve` running, and does a page send?", err=True)
            time.sleep(EVERY)
    except KeyboardInterrupt:
        return
    finally:
        flag.unlink(missing_ok=True)
        for path in folder.rglob(FILE):
            path.unlink(missing_ok=True)


def _new(path: Path, places: dict[Path, int]) -> Iterator[dict[str, Any]]:
    """Whole lines that have been added to a trace since the last look."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start = places.get(path, 0)
            file.seek(start if start <= size else 0)  # a trace that grew too long began anew
            data = file.read()
    except OSError:
        return
    end = data.rfind(b"\n") + 1
    places[path] = (start if start <= size else 0) + end
    for line in data[:end].splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def words(told: dict[str, Any], zone: ZoneInfo, steps: bool) -> str:
    """One event in words: when, what, from where; why not; what each step put."""
    moment = datetime.fromtimestamp((told.get("at") or 0) / 1e6, zone).strftime("%H:%M:%S")
    head = f"{moment}  {told.get('source') or '?'}  {told['name']}"
    if "refused" in told:
        return f"{head}  refused: {told['refused']} ({told['detail']})\n"
    line = told["line"]
    head += "".join(f"  {name}={_short(line[name])}" for name in _SHOWN if line.get(name))
    if line.get("environment", "live") != "live":
        head += f"  [{line['environment']}]"
    if line.get("bot"):
        head += "  [bot]"
    if line.get("held"):
        head += f"  in quarantine: {line['held']}"
    if steps:
        for step in told["steps"]:
            put = ", ".join(f"{name}={_short(value)}" for name, value in step["put"].items())
            head += f"\n          {step['step']}: {put}"
    return head + "\n"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"
