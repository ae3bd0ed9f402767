"""The keys of the plan's section ``webhooks``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from assay.plan.forms import Duration, Form, Text, Texts

_WHERE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")
Kind = Literal["generic", "stripe", "shopify", "hubspot"]


def secret_place(text: str) -> str:
    """Where a secret stands. What looks like the secret itself is not repeated: plans are shared."""
    if not _WHERE.fullmatch(text):
        raise ValueError("a secret never stands in the plan; write env:NAME (of the environment) or file:PATH")
    return text


def _texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Secrets = Annotated[
    list[Annotated[Text, AfterValidator(secret_place)]],
    Field(min_length=1),
    BeforeValidator(_texts, json_schema_input_type=str | list[str]),
]


class RuleForm(Form):
    """What becomes an event."""

    when: Annotated[Text | None, Field(description="a condition over paths: type = 'deal.won'")] = None
    event: Text
    map: dict[str, Texts] = Field({}, description="field or property → path, or paths: the first found")


class WebhookForm(Form):
    """A sender of outcomes that happen elsewhere."""

    kind: Kind
    secret: Annotated[Secrets, Field(description="env:NAME or file:PATH; several while one is replaced by another")]
    environment: Literal["live", "staging"] = "live"
    tolerance: Annotated[Duration, Field(description="how far a signed moment may be off")] = 300
    url: Annotated[Text | None, Field(description="the public address that the sender knows, where it signs it")] = None
    events: list[RuleForm] = Field([], description="own rules, before the kind's mapping")
    map: dict[str, Texts] = Field({}, description="fields of every line, in place of the kind's")
    # generic
    header: Annotated[Text | None, Field(description="the header with the signature")] = None
    algorithm: Literal["sha256", "sha512", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: Annotated[str, Field(description="what stands before the signature: sha256= or v1,")] = ""
    timestamp_header: Text | None = None
    signed: Annotated[Text | None, Field(description="{timestamp}.{body}; {url}, {method} or any {header}")] = None
    secret_encoding: Literal["text", "base64", "hex"] = "text"
    each: Annotated[Text | None, Field(description="path of the array, where a body holds several documents")] = None
    # stripe
    renewals: Literal["renew", "purchase"] = "renew"
    first_invoice: Literal["checkout", "purchase"] = "checkout"
    refunds: Literal["refund", "charge"] = "refund"
    # hubspot
    stages: dict[str, Text] = Field({}, description="stage → event, or none")
