"""One verdict per treatment: ship, do not ship, keep running or abstain, by one rule.

Source: M. Schultzberg, S. Ankargren, M. Frånberg, arXiv 2402.11609: ship when the primary metric is better, every
guardrail is shown to be not worse than its margin, nothing is worse, and the data can be trusted. The level is not
divided among guardrails (all of them must hold); the power is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["ship", "do_not_ship", "keep_running", "abstain"]
WORDS: dict[str, str] = {
    "ship": "ship",
    "do_not_ship": "do not ship",
    "keep_running": "keep running",
    "abstain": "no verdict",
}
SAFE, UNSHOWN, HARMED = "shown safe", "not shown safe", "harmed"


@dataclass(frozen=True)
class Call:
    """What the data say of one metric of one treatment.

    ``state``: better, worse or open (primary and diagnostics); shown safe, not shown safe or harmed (guardrails, and a
    primary that only has to be not worse); none, where there is no number (``reason`` says why).
    """

    metric: str
    role: str  # primary, guardrail, diagnostic, exploratory
    variant: str
    state: str
    reason: str = ""


@dataclass(frozen=True)
class Verdict:
    """``because``: codes of what decided; ``text``: the sentence."""

    variant: str
    state: State
    because: tuple[str, ...]
    text: str


def decide(
    variant: str,
    calls: Sequence[Call],
    blocking: Sequence[str],
    missing: str,
    over: bool,
    rule: str = "do_no_harm",
    longer: str = "",
) -> Verdict:
    """The verdict on one treatment.

    ``blocking``: reasons of the data's health for which no number may be trusted. ``missing``: what is still needed
    before anything may be said (empty: enough). ``over``: no more units come and all their windows have closed.
    ``longer``: how long it takes until the planned sample.
    """
    if blocking:
        return Verdict(variant, "abstain", ("health", *blocking), f"No verdict on {variant}: {blocking[0]}.")
    primary = next(c for c in calls if c.role == "primary")
    guards = [c for c in calls if c.role == "guardrail"]
    if missing or primary.state == "none":
        why = missing or f"{primary.metric}: {primary.reason}"
        if missing and not over:
            return Verdict(variant, "keep_running", ("too_early",), f"Keep running: {why}.")
        return Verdict(variant, "abstain", ("too_little",), f"No verdict on {variant}: {why}.")
    harmed = [c.metric for c in guards if c.state == HARMED]
    unshown = [c.metric for c in guards if c.state in (UNSHOWN, "none")]
    good = primary.state == (SAFE if rule == "non_inferiority" else "better")
    bad = primary.state in ("worse", HARMED)
    if harmed or bad:
        named = [*([primary.metric] if bad else []), *harmed]
        because = (*(["primary_worse"] if bad else []), *(["guardrail_harmed"] if harmed else []))
        verb = "is" if len(named) == 1 else "are"
        return Verdict(variant, "do_not_ship", because, f"Do not ship {variant}: {_and(named)} {verb} worse.")
    if good and not unshown:
        won = "is not worse" if rule == "non_inferiority" else "is better"
        safe = (
            f" and {_and([c.metric for c in guards])} {'is' if len(guards) == 1 else 'are'} shown safe"
            if guards
            else ""
        )
        return Verdict(
            variant,
            "ship",
            ("primary_better" if won == "is better" else "primary_safe",),
            f"Ship {variant}: {primary.metric} {won}{safe}.",
        )
    what = (
        f"{_and(unshown)} {'is' if len(unshown) == 1 else 'are'} not shown safe"
        if good
        else f"{primary.metric} is not shown to be {'safe' if rule == 'non_inferiority' else 'better or worse'}"
    )
    code = "guardrail_unshown" if good else "primary_open"
    if over:
        return Verdict(variant, "do_not_ship", (code,), f"Do not ship {variant}: {what}, and the test is over.")
    return Verdict(variant, "keep_running", (code,), f"Keep running: {what}{f'; {longer}' if longer else ''}.")


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
