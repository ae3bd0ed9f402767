"""What may be in the store now: who was erased (from the state), how long events are kept (from the plan)."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from assay.store.engine import Keeping, Tombstone

if TYPE_CHECKING:
    from assay.plan.values import Plan
    from assay.store.state import State

SALT = "erasure_salt"


def keeping(state: State, plan: Plan, now: int) -> Keeping:
    """What the loader leaves out at the moment ``now`` (µs UTC)."""
    stones = tuple(
        Tombstone(row["kind"], row["hash"], row["since_t"], row["until_t"]) for row in state.read("tombstones")
    )
    rule = plan.retention
    never = -(1 << 62)  # an event that is kept for ever although others are not
    cuts = {name: never if seconds is None else now - seconds * 1_000_000 for name, seconds in rule.events.items()}
    default = None if rule.default is None else now - rule.default * 1_000_000
    return Keeping(stones, salt(state) if stones else "", cuts if rule else {}, default)


def salt(state: State) -> str:
    """The salt of the tombstones' hashes, made at first use."""
    known = state.read("fact", key=SALT)
    if not known:
        state.write("add_fact", key=SALT, value=secrets.token_hex(16))
        known = state.read("fact", key=SALT)
    return str(known[0]["value"])


def stone(salt_: str, kind: str, id: str) -> str:
    """Hash of an id, as the loader's SQL makes it."""
    return hashlib.sha256(f"{salt_}{kind}:{id}".encode()).hexdigest()
