"""The keys of the plan's section ``report``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from assay.plan.forms import Form, Text, Texts
from assay.plan.webhook_forms import secret_place

Where = Annotated[Text, AfterValidator(secret_place)]
_EVERY = r"^(day|month|monday|tuesday|wednesday|thursday|friday|saturday|sunday) ([01][0-9]|2[0-3]):[0-5][0-9]$"


class MailForm(Form):
    """The server that sends mail."""

    host: Text
    from_: Annotated[Text, Field(alias="from", description="the sender's address")]
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: Annotated[Where | None, Field(description="env:NAME or file:PATH")] = None
    password: Annotated[Where | None, Field(description="env:NAME or file:PATH")] = None


class HookForm(Form):
    """An address that is told."""

    kind: Literal["slack", "webhook"] = "webhook"
    url: Annotated[Where, Field(description="env:NAME or file:PATH: whoever knows the address can post to it")]


class ScheduleForm(Form):
    """When a report goes to whom."""

    every: Annotated[str, StringConstraints(pattern=_EVERY), Field(description="monday 08:00, day 07:30, month 08:00")]
    to: Annotated[Texts, Field(min_length=1, description="mail addresses, or names of hooks")]
    format: Literal["pdf", "html", "md", "json"] = "pdf"


class ReportForm(Form):
    """Whose report it is, and to whom it goes when."""

    title: str = ""
    for_: Annotated[str, Field(alias="for", description="the client's name")] = ""
    logo: Annotated[Text | None, Field(description="a .png or .svg file, relative to the workspace")] = None
    link: Annotated[Text | None, Field(description="the address below which the reports' folder can be read")] = None
    mail: MailForm | None = None
    hooks: dict[str, HookForm] = Field({}, description="name → an address that is told")
    schedules: list[ScheduleForm] = Field([], description="when a report goes to whom")
