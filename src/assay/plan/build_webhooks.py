"""The section ``webhooks``: each sender's keys, paths and conditions, checked with what its kind knows."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assay.model.errors import suggestion
from assay.plan import paths
from assay.plan.build_measures import named
from assay.plan.draft import Draft, Place
from assay.plan.webhook_forms import WebhookForm
from assay.plan.webhooks import FIELDS, Places, Rule, Signature, Webhook

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,49}")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# Keys that only one kind reads: elsewhere they would silently do nothing.
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "generic": (
        "header", "algorithm", "encoding", "prefix", "timestamp_header", "signed", "secret_encoding", "each",
    ),
    "stripe": ("renewals", "first_invoice", "refunds"),
    "shopify": (),
    "hubspot": ("stages",),
}  # fmt: skip
_SIGNS_ADDRESS = ("hubspot",)


def webhooks(draft: Draft) -> None:
    """Senders of outcomes that happen elsewhere."""
    made = {}
    for name, form, place in named(draft, "webhooks", WebhookForm):
        if not _NAME.fullmatch(name):
            text = "the name is part of an address: small letters, digits, - and _, a letter first"
            place.problem(text, code="value")
        _own_keys(form, place)
        rules = tuple(_rule(one.event, one.when, one.map, place.at("events", n)) for n, one in enumerate(form.events))
        if form.kind == "generic" and not rules:
            place.problem("a generic webhook needs events: what becomes which event", code="missing_key")
        if form.kind in _SIGNS_ADDRESS and form.url is None:
            text = f"{form.kind} signs the address; write url: the public address that it sends to"
            place.problem(text, code="missing_key")
        made[name] = Webhook(
            name, form.kind, tuple(form.secret), form.environment, form.tolerance, form.url, _signature(form, place),
            _each(form, place), rules, _map(form.map, place), dict(form.stages), form.renewals, form.first_invoice,
            form.refunds,
        )  # fmt: skip
    draft.set(webhooks=made)


def _own_keys(form: WebhookForm, place: Place) -> None:
    for kind, keys in _OF_KIND.items():
        for key in keys if kind != form.kind else ():
            if key in form.model_fields_set:
                place.problem(
                    f"only a webhook of kind {kind} has it; this one is of kind {form.kind}", key, code="value"
                )


def _signature(form: WebhookForm, place: Place) -> Signature:
    if form.kind != "generic":
        return Signature()
    if form.header is None:
        place.problem(
            "needs header: the name of the header with the signature, such as X-Signature", code="missing_key"
        )
    signed = form.signed or ("{timestamp}.{body}" if form.timestamp_header else "{body}")
    names = _PLACEHOLDER.findall(signed)
    if "body" not in names:
        place.problem("the body itself is not signed: {body} is missing, so anybody could change it", "signed")
    if form.timestamp_header and not {"timestamp", form.timestamp_header.lower()} & {name.lower() for name in names}:
        text = "the moment is not signed: write {timestamp} there, or leave timestamp_header out"
        place.problem(text, "signed", code="value")
    if "timestamp" in names and form.timestamp_header is None:
        place.problem("{timestamp} needs timestamp_header: the header that brings the moment", "signed", code="value")
    if "url" in names and form.url is None:
        place.problem("{url} needs url: the public address that the sender knows", "signed", code="value")
    return Signature(
        (form.header or "").lower(), form.algorithm, form.encoding, form.prefix, signed,
        form.timestamp_header.lower() if form.timestamp_header else None, form.secret_encoding,
    )  # fmt: skip


def _each(form: WebhookForm, place: Place) -> paths.Place | None:
    found = _places([form.each], place, "each") if form.each else ()
    return found[0] if found else None


def _rule(event: str, when: str | None, map_: Mapping[str, list[str]], place: Place) -> Rule:
    tested = None
    if when is not None:
        try:
            tested = paths.condition(when)
        except paths.PathError as error:
            place.problem(str(error), "when", code="expression")
    return Rule(event, tested, _map(map_, place))


def _map(map_: Mapping[str, list[str]], place: Place) -> dict[str, Places]:
    made = {name: _places(texts, place, "map", name) for name, texts in map_.items()}
    for one, other in (("revenue", "amount"), ("revenue", "amount_minor"), ("amount", "amount_minor")):
        if one in made and other in made:
            place.problem(f"{one} and {other} at once: choose one", "map", other, code="choose_one")
    return made


def _places(texts: list[str], place: Place, *keys: str) -> Places:
    found = []
    for text in texts:
        try:
            found.append(paths.place(text))
        except paths.PathError as error:
            place.problem(str(error), *keys, code="value")
    return tuple(found)


def unknown_field(name: str, properties: Mapping[str, object]) -> str | None:
    """What is odd about the name of a mapped field: neither a field nor a declared property; None where it is known."""
    if name in FIELDS or name in properties:
        return None
    hint = suggestion(name, {*FIELDS, *properties})
    near = hint if "did you mean" in hint else "; declare it under events"
    return f"{name!r} is neither a field nor a declared property of the event{near}"
