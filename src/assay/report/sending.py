"""A report on its way: by mail, to Slack, to any address that takes JSON."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import smtplib
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.model.errors import UsageError
from assay.report.outbox import SENT, UNCLEAR, WAITING

if TYPE_CHECKING:
    from assay.plan.reporting import Hook, Mail, Reporting

_SECONDS = 30.0
_MEDIA = {
    "pdf": ("application", "pdf"), "html": ("text", "html"), "md": ("text", "markdown"),
    "json": ("application", "json"),
}  # fmt: skip


@dataclass(frozen=True)
class Parcel:
    """What is sent. ``key``: the same at every try, so that a receiver can tell a repetition."""

    title: str
    text: str
    name: str
    format: str
    content: bytes
    key: str
    link: str | None = None


class Failed(Exception):
    """Not delivered, and sure of it: it can be tried again."""


class Unclear(Exception):
    """It may have been delivered: it is not tried again by itself."""


def deliver(parcel: Parcel, receiver: str, settings: Reporting, folder: Path) -> tuple[str, str]:
    """Send it; sent, waiting or unclear, and why."""
    try:
        if "@" in receiver:
            if settings.mail is None:
                raise Failed("the plan's report has no mail server any more")
            _mail(parcel, receiver, settings.mail, folder)
        elif receiver in settings.hooks:
            _hook(parcel, settings.hooks[receiver], folder)
        else:
            raise Failed(f"the plan's report has no hook {receiver!r} any more")
    except (Failed, UsageError) as error:
        return WAITING, str(error)
    except Unclear as error:
        return UNCLEAR, str(error)
    return SENT, ""


def secret(where: str, folder: Path) -> str:
    """The text of env:NAME or file:PATH. Raises UsageError where there is none."""
    kind, _, name = where.partition(":")
    if kind == "env":
        found = os.environ.get(name, "")
        if not found:
            raise UsageError(f"the environment has no {name}")
        return found.strip()
    try:
        return (folder / name).read_text("utf-8").strip()
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or error}") from error


# -- mail ------------------------------------------------------------------------------------------------------------


def message(parcel: Parcel, receiver: str, sender: str) -> EmailMessage:
    """The mail: the sentence as text, the report attached."""
    made = EmailMessage()
    made["Subject"] = " ".join(parcel.title.split())
    made["From"], made["To"] = sender, receiver
    made["Date"] = formatdate(localtime=False)
    made["Message-ID"] = f"<{parcel.key}@assay.invalid>"
    link = f"\n\n{parcel.link}" if parcel.link else ""
    made.set_content(f"{parcel.text}{link}\n")
    main, sub = _MEDIA[parcel.format]
    made.add_attachment(parcel.content, maintype=main, subtype=sub, filename=parcel.name)
    return made


def _mail(parcel: Parcel, receiver: str, mail: Mail, folder: Path) -> None:
    context = ssl.create_default_context()
    begun = False
    try:
        kind: Any = smtplib.SMTP_SSL if mail.tls == "tls" else smtplib.SMTP
        more = {"context": context} if mail.tls == "tls" else {}
        with kind(mail.host, mail.port, timeout=_SECONDS, **more) as server:
            if mail.tls == "starttls":
                server.starttls(context=context)
            if mail.user:
                server.login(secret(mail.user, folder), secret(mail.password, folder) if mail.password else "")
            begun = True
            server.send_message(message(parcel, receiver, mail.sender), mail.sender, [receiver])
    except smtplib.SMTPServerDisconnected as error:
        raise (Unclear if begun else Failed)(f"{mail.host}: {error}") from error
    except smtplib.SMTPException as error:
        raise Failed(f"{mail.host}: {_smtp(error)}") from error
    except TimeoutError as error:
        raise (Unclear if begun else Failed)(f"{mail.host} did not answer") from error
    except OSError as error:
        raise (Unclear if begun else Failed)(f"{mail.host}: {error.strerror or error}") from error


def _smtp(error: smtplib.SMTPException) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{who}: {code} {_bytes(text)}" for who, (code, text) in error.recipients.items())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_bytes(error.smtp_error)}"
    return str(error)


def _bytes(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


# -- addresses -------------------------------------------------------------------------------------------------------


def body(parcel: Parcel, kind: str) -> Mapping[str, Any]:
    """What is posted: for Slack a text, for others all of it with the file."""
    if kind == "slack":
        link = f"\n<{parcel.link}|{_slack(parcel.name)}>" if parcel.link else ""
        return {"text": f"*{_slack(parcel.title)}*\n{_slack(parcel.text)}{link}"}
    return {
        "title": parcel.title,
        "text": parcel.text,
        "link": parcel.link,
        "key": parcel.key,
        "file": {
            "name": parcel.name,
            "media": "/".join(_MEDIA[parcel.format]),
            "sha256": hashlib.sha256(parcel.content).hexdigest(),
            "base64": base64.b64encode(parcel.content).decode(),
        },
    }


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class _Straight(urllib.request.HTTPRedirectHandler):
    """An address that sends elsewhere is not followed: the report is for whom the plan names."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """None: the answer is the error."""


def _hook(parcel: Parcel, hook: Hook, folder: Path) -> None:
    address = secret(hook.url, folder)
    if not address.startswith(("https://", "http://")):
        raise Failed(f"{hook.name}: {hook.url} holds no address")
    content = json.dumps(body(parcel, hook.kind), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "assay", "Idempotency-Key": parcel.key}
    request = urllib.request.Request(address, content, headers, method="POST")
    try:
        with urllib.request.build_opener(_Straight).open(request, timeout=_SECONDS):
            return
    except urllib.error.HTTPError as error:
        raise Failed(f"{hook.name} answered {error.code}") from error
    except urllib.error.URLError as error:  # nothing was sent yet
        timed = isinstance(error.reason, TimeoutError | socket.timeout)
        text = f"{hook.name}: {getattr(error.reason, 'strerror', None) or error.reason}"
        raise (Unclear if timed else Failed)(text) from error
    except (OSError, ValueError) as error:
        raise Unclear(f"{hook.name} did not answer: {error}") from error
