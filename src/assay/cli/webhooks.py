"""``assay webhook list`` says what is set up; ``assay webhook test`` tries a payload."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.lazy import Verb, Verbs
from assay.cli.output import write
from assay.cli.params import Folder, folder_of
from assay.model.errors import CheckFailed, MachineError, UnknownName, UsageError

if TYPE_CHECKING:
    from assay.collect.webhooks.base import Hook
    from assay.collect.wire import Decoded
    from assay.workspace import Workspace

HOST = "http://127.0.0.1:8090"
_SECONDS = 10


def _option(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar=metavar, help=help, show_default=False)


class Webhooks(Verbs):
    """Webhooks of the plan."""

    def verbs(self) -> tuple[Verb, ...]:
        """Two."""
        return (
            Verb("list", "Each webhook: address, kind, secret, last received.", "assay.cli.webhooks:list_"),
            Verb("test", "What a payload would become: assay webhook test stripe FILE.", "assay.cli.webhooks:try_"),
        )


def list_(
    ctx: typer.Context,
    host: Annotated[str, _option("host", "URL", f"Where the collector is. [default: {HOST}]")] = HOST,
    workspace: Folder = None,
) -> None:
    """Each webhook of the plan. Exit 1 where a secret is missing."""
    from assay.collect.webhooks.receive import PATH
    from assay.collect.webhooks.secrets import secret
    from assay.workspace import Workspace

    folder = folder_of(ctx, workspace)
    missing = []
    with Workspace(folder) as opened:
        received = _received(opened)
        for one in opened.plan.webhooks.values():
            state = "secret is there"
            for where in one.secrets:
                try:
                    secret(one, where, folder)
                except UsageError as error:
                    state = f"NO SECRET ({where})"
                    missing.append(str(error))
            moment = received.get(one.name)
            last = datetime.fromtimestamp(moment / 1e6, UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else "never"
            address = one.url or f"{host.rstrip('/')}{PATH}{one.name}"
            write(f"{one.name}  {one.kind}  {address}  {one.environment}  {state}  last received: {last}\n")
        if not opened.plan.webhooks:
            write(
                "The plan has no webhooks.\n\nnext: write one under webhooks: in assay.yaml (docs/guide/webhooks.md)\n"
            )
    if missing:
        raise CheckFailed("\n".join(missing))


def _received(opened: Workspace) -> dict[str, int]:
    """Webhook → the first moment of the newest segment with its lines that the store has loaded, µs UTC."""
    from assay.collect.spool import named
    from assay.collect.webhooks.receive import WIRE
    from assay.query.ledger import segments

    found: dict[str, int] = {}
    for name, *_ in opened.asking("ledger").ask(segments()).rows:
        known = named(name)
        if known is not None and known.wire == WIRE:
            found[known.source] = max(found.get(known.source, 0), known.start)
    return found


def try_(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The webhook, as the plan calls it.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A body as the sender sends it: JSON.")],
    headers: Annotated[
        list[str] | None, _option("header", "NAME=VALUE", "What the sender tells beside the body; repeat for more.")
    ] = None,
    send: Annotated[
        str | None, _option("send", "URL", f"Sign it and send it to a collector, such as {HOST}; it counts.")
    ] = None,
    workspace: Folder = None,
) -> None:
    """Sign a payload as its sender would. Prints the event lines that it becomes and sends nothing, but for --send."""
    from assay.workspace import Workspace

    folder = folder_of(ctx, workspace)
    body, now = _body(file), time.time_ns() // 1000
    with Workspace(folder) as opened:
        hook = _hook(opened, folder, name, real=send is not None)
    from assay.collect.webhooks import BY_NAME

    kind = BY_NAME[hook.webhook.kind]
    given = {**kind.needs, **_headers(headers or []), **kind.sign(hook, body, now)}
    if send is not None:
        _sent(send, name, body, given)
        return
    _shown(_decoded(hook, name, body, given, now))


def _hook(opened: Workspace, folder: Path, name: str, real: bool) -> Hook:
    from assay.collect.webhooks.secrets import hook_of, secret

    webhook = opened.plan.webhooks.get(name)
    if webhook is None:
        raise UnknownName("webhook", name, opened.plan.webhooks)
    try:
        secrets = tuple(secret(webhook, where, folder) for where in webhook.secrets)
    except UsageError:
        if real:
            raise
        secrets = (b"trial",)  # nothing leaves this process: any secret signs and is checked
    return hook_of(opened.plan, webhook, secrets)


def _body(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}; name a file with a body as the sender sends it"
        ) from None


def _headers(given: list[str]) -> dict[str, str]:
    found = {}
    for one in given:
        name, mark, value = one.partition("=")
        if not mark or not name.strip():
            raise UsageError(f"--header {one!r}: write NAME=VALUE, such as x-shopify-topic=orders/create")
        found[name.strip().lower()] = value.strip()
    return found


def _decoded(hook: Hook, name: str, body: bytes, headers: dict[str, str], now: int) -> Decoded:
    from assay.collect.webhooks.receive import PATH, decode
    from assay.collect.wire import BadRequest, Request

    try:
        return decode({name: hook}, Request("POST", PATH + name, {}, headers, body, now))
    except BadRequest as problem:
        raise UsageError(f"the collector would not take it: {problem.detail} ({problem.reason})") from None


def _shown(decoded: Decoded) -> None:
    from assay.collect.line import whole

    for line in decoded.lines:
        assert decoded.source is not None
        line["source"], line["environment"] = decoded.source.name, decoded.source.environment
        write(json.dumps(line, indent=2, ensure_ascii=False) + "\n")
        if (refusal := whole(line)) is not None:
            write(f"refused: {refusal.reason}: {refusal.detail}\n")
    for one in decoded.refusals:
        write(f"refused: {one.name}: {one.reason}: {one.detail}\n")
    if not decoded.lines and not decoded.refusals:
        write("The body tells of nothing.\n")


def _sent(host: str, name: str, body: bytes, headers: dict[str, str]) -> None:
    import urllib.error
    import urllib.request

    from assay.collect.webhooks.receive import PATH

    if not host.startswith(("http://", "https://")):
        raise UsageError(f"--send {host!r}: write an address such as {HOST}")
    address = f"{host.rstrip('/')}{PATH}{name}"
    request = urllib.request.Request(address, body, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            write(f"{answer.status} {answer.read().decode('utf-8', 'replace')}\n")
    except urllib.error.HTTPError as error:
        text = error.read().decode("utf-8", "replace")[:500]
        raise CheckFailed(f"{address} answered {error.code}: {text}") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise MachineError(f"{address} does not answer ({reason}); is the collector running there?") from None
