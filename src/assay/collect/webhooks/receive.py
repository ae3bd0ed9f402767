"""``POST /w/<name>``: a delivery is proved, read and mapped; what it tells goes the way of every other event."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.collect import bodies
from assay.collect.enrich import values
from assay.collect.enrich.values import Refused
from assay.collect.http import Source
from assay.collect.protocols.batches import answered
from assay.collect.webhooks import BY_NAME
from assay.collect.webhooks.base import Hook, Kind, Notice
from assay.collect.webhooks.mapping import HEADERS, mapped, put_mapped, rule_of
from assay.collect.webhooks.secrets import hooks
from assay.collect.wire import BadRequest, Decoded, Line, Outcome, Protocol, Refusal, Request, Response

if TYPE_CHECKING:
    from assay.plan.values import Plan

WIRE = "webhook"
PATH = "/w/"
MOST_NOTICES = 1_000  # of one delivery; HubSpot sends 100


def protocols(plan: Plan, folder: Path) -> tuple[Protocol, ...]:
    """The wire format of the plan's webhooks; none where it has none. UsageError where a secret is missing."""
    return (protocol(hooks(plan, folder)),) if plan.webhooks else ()


def protocol(known: Mapping[str, Hook]) -> Protocol:
    """The wire format of these webhooks."""
    return Protocol(WIRE, (("POST", PATH + "*"),), lambda request: decode(known, request), answer)


def decode(known: Mapping[str, Hook], request: Request) -> Decoded:
    """The events of a delivery. Raises BadRequest: unknown_webhook (404), bad_signature, stale (401), bad_json …

    Nothing of the body is looked at before its signature has been checked.
    """
    hook = known.get(request.path.removeprefix(PATH).rstrip("/"))
    if hook is None:
        raise BadRequest("unknown_webhook", "the plan has no webhook of this name", 404)
    kind = BY_NAME[hook.webhook.kind]
    kind.verify(hook, request)
    told = kind.delivery(hook, request, bodies.parsed(request.body))
    lines: list[Line] = []
    places: list[int] = []
    refusals: list[Refusal] = []
    for index, notice in enumerate(told.notices):
        try:
            if index >= MOST_NOTICES:
                raise Refused("too_many_events", f"a delivery has at most {MOST_NOTICES:,} events")
            made = lines_of(hook, kind, notice, request)
        except Refused as problem:
            refusals.append(Refusal(index, problem.reason, problem.detail, notice.name[:200], notice.id[:200]))
            continue
        lines += made
        places += [index] * len(made)
    environment = "staging" if told.test else hook.webhook.environment
    source = Source(hook.webhook.name, environment, secret=True)
    return Decoded(None, tuple(lines), tuple(places), tuple(refusals), source=source)


def lines_of(hook: Hook, kind: Kind, notice: Notice, request: Request) -> list[Line]:
    """What a notice becomes: by the plan's own rules, else by the kind's mapping. Raises Refused, also for nothing."""
    document = notice.document
    if type(document) is not dict:
        raise Refused("bad_type", f"what it tells is {values.kind(document)}, not an object")
    notice = Notice(notice.name, {**document, HEADERS: request.headers}, notice.id)
    rule = rule_of(hook, notice.document)
    made = [mapped(rule, notice)] if rule is not None else kind.lines(hook, notice)
    return [_finished(hook, notice, line, request) for line in made]


def _finished(hook: Hook, notice: Notice, line: Line, request: Request) -> Line:
    if hook.webhook.map:
        put_mapped(line, hook.webhook.map, notice.document)
    start = hook.webhook.name if hook.webhook.kind == "generic" else hook.webhook.kind
    line["id"] = _id(f"{start}:{line.get('id') or notice.id}:{line['name']}")
    if line.get("time") is None:
        line["time"] = request.received_at
    line["interactive"] = False
    for name in [name for name, value in line.items() if value is None]:
        del line[name]
    if not line.get("props"):
        line.pop("props", None)
    return line


def _id(text: str) -> str:
    return text if len(text) <= values.MOST_ID else blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def answer(_decoded: Decoded, outcome: Outcome) -> Response:
    """200: what is told again would not become another thing. Its events are on disk; the others are named with why."""
    refused: list[dict[str, Any]] = [
        {"event": one.name, "reason": one.reason, "detail": one.detail}
        for one in sorted(outcome.refusals, key=lambda one: one.index)
    ]
    said: dict[str, Any] = {"ok": len(outcome.stored), "refused": refused}
    if not outcome.stored and refused and all(one.reason == "not_mapped" for one in outcome.refusals):
        said["ignored"] = True
    return answered(said)
