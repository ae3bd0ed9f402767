"""Webhooks of the plan as frozen values: who signs how, and what becomes of what they tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.plan.paths import Condition, Place

Places = tuple[Place, ...]  # the first that finds something

# What a mapping may fill. Other names are properties of the event.
FIELDS = frozenset(
    "id time order_id revenue amount amount_minor currency items user visitor account session consent url title "
    "referrer country language device utm_source utm_medium utm_campaign utm_content utm_term".split()
)


@dataclass(frozen=True)
class Rule:
    """A document of which ``when`` holds becomes the event ``event``, its fields filled from places."""

    event: str
    when: Condition | None = None
    map: Mapping[str, Places] = field(default_factory=dict)


@dataclass(frozen=True)
class Signature:
    """How a generic sender signs. ``signed``: what is signed, with {body}, {timestamp}, {url} or any {header}."""

    header: str = ""
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    signed: str = "{body}"
    timestamp_header: str | None = None
    secret_encoding: str = "text"


@dataclass(frozen=True)
class Webhook:
    """One sender. ``secrets`` say where the secrets are (env:NAME, file:PATH), never what they are.

    ``tolerance``: seconds that a signed moment may be off. ``each``: where a body holds several documents. ``rules``
    come before the kind's own mapping, ``map`` replaces fields of every line. ``stages``: HubSpot's stage → event.
    """

    name: str
    kind: str
    secrets: tuple[str, ...]
    environment: str = "live"
    tolerance: int = 300
    url: str | None = None
    signature: Signature = Signature()
    each: Place | None = None
    rules: tuple[Rule, ...] = ()
    map: Mapping[str, Places] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)
    renewals: str = "renew"
    first_invoice: str = "checkout"
    refunds: str = "refund"
