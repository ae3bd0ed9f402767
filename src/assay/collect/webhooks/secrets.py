"""The secrets of webhooks: from the environment or from files, read once, never written anywhere."""

from __future__ import annotations

import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from assay.collect.webhooks.base import Hook
from assay.model.errors import UsageError

if TYPE_CHECKING:
    from assay.plan.values import Plan
    from assay.plan.webhooks import Webhook

_PREFIX = "whsec_"  # of Standard Webhooks: base64 follows


def hooks(plan: Plan, folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, Hook]:
    """Every webhook of the plan with its secrets. UsageError where one is missing: what, where, what to do."""
    return {
        name: hook_of(plan, one, tuple(secret(one, where, folder, environment) for where in one.secrets))
        for name, one in plan.webhooks.items()
    }


def hook_of(plan: Plan, webhook: Webhook, secrets: tuple[bytes, ...]) -> Hook:
    """A webhook with these secrets."""
    return Hook(webhook, secrets, plan.orders.event, plan.orders.refund_event)


def secret(webhook: Webhook, where: str, folder: Path, environment: Mapping[str, str] = os.environ) -> bytes:
    """One secret. ``folder``: what a file's path is relative to. Raises UsageError."""
    how, _, name = where.partition(":")
    start = f"the webhook {webhook.name} has no secret"
    if how == "env":
        found = environment.get(name, "")
        if not found.strip():
            state = "empty" if name in environment else "not set"
            raise UsageError(f"{start}: the environment variable {name} is {state}; export {name}=… and start again")
    else:
        path = folder / Path(name).expanduser()
        try:
            found = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise UsageError(f"{start}: {path} cannot be read ({reason}); write the secret into that file") from None
        if not found.strip():
            raise UsageError(f"{start}: {path} is empty; write the secret into that file")
    return _bytes(webhook, found.strip(), where)


def _bytes(webhook: Webhook, text: str, where: str) -> bytes:
    encoding = webhook.signature.secret_encoding
    try:
        if encoding == "base64":
            return binascii.a2b_base64(text.removeprefix(_PREFIX).encode("ascii"), strict_mode=True)
        return bytes.fromhex(text) if encoding == "hex" else text.encode()
    except (binascii.Error, ValueError):
        raise UsageError(
            f"the secret of the webhook {webhook.name} ({where}) is not {encoding}, as secret_encoding says"
        ) from None
