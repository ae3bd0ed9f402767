"""A test's read-out as a verdict: health first, one word per treatment, the primary against zero and the effect wanted,
guardrails against their margins, money. Where health is red there is no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from assay.decide.experiments import HARMED, SAFE
from assay.decide.words import amount
from assay.model.finding import EVERYWHERE
from assay.report.view import Voice, headed, human, rounded
from assay.web.cards.base import Speech
from assay.web.cards.strip import strip

if TYPE_CHECKING:
    from assay.model.answer import Answer
    from assay.model.finding import Finding
    from assay.plan.experiments import Change, Experiment
    from assay.web.pages.base import Card

WORDS = {"ship": "Ship", "do_not_ship": "Do not ship", "keep_running": "Keep running", "abstain": "No verdict"}
TONES = {"ship": "ship", "do_not_ship": "stop", "keep_running": "wait", "abstain": "wait"}
_NO_HEALTH = EVERYWHERE | {"verdict", "guardrail_harmed", "guardrail_unshown", "sample", "shifted_not_gained"}
_PILLS = {
    "split_ok": "split as planned",
    "srm": "split not as planned",
    "split_day": "split broken on a day",
    "exposure_gap": "days without exposures",
    "empty_arm": "a variant without people",
    "leaked_units": "people in the wrong variant",
    "unknown_variant": "an unknown variant",
    "multi_arm_imbalance": "people in several variants",
    "multi_arm": "people in several variants",
    "pre_exposure_bias": "unequal from the start",
    "exposed_after": "exposed after the outcome",
    "exposed_bots": "bots left out",
    "partial_weeks": "no whole weeks",
    "not_locked": "never locked",
    "changed_after_start": "changed after the start",
    "one_giant": "a few people decide",
    "cap_missing": "no cap on large values",
    "novelty": "the effect fades",
}


@dataclass(frozen=True)
class Pill:
    """A check of health: ``tone`` good, warning, bad or nothing; ``text`` says it whole."""

    tone: str
    word: str
    text: str


@dataclass(frozen=True)
class Measured:
    """One metric of the test. ``strip``: its interval against zero and ``mark``; ``state`` in a word."""

    name: str
    title: str
    state: str
    tone: str
    values: str
    effect: str
    lift: str
    strip: str
    mark: str


@dataclass(frozen=True)
class Money:
    """What a year of it is worth: the range that this test alone measured, and what to expect of it after all.

    ``expected`` and ``loss`` are drawn toward what tests usually bring; ``span`` is not. ``why`` says so.
    """

    span: str
    expected: str = ""
    loss: str = ""
    why: str = ""


@dataclass(frozen=True)
class Treatment:
    """One verdict."""

    variant: str
    state: str
    tone: str
    word: str
    text: str
    primary: Measured | None
    guardrails: tuple[Measured, ...]
    money: Money | None


@dataclass(frozen=True)
class Verdict:
    """The card. ``red``: health forbids a verdict, for these reasons."""

    health: tuple[Pill, ...]
    red: tuple[str, ...]
    treatments: tuple[Treatment, ...]
    people: str


def verdict(answer: Answer, card: Card) -> Verdict | None:
    """From an ``experiment-readout``; None where the answer is a list of days or of groups, or has no verdict."""
    found = [one for one in answer.findings if one.code == "verdict"]
    if not found or "role" not in [column.name for column in answer.columns]:
        return None
    voice = Speech.of(card, answer)
    health = [one for one in answer.findings if one.code not in _NO_HEALTH]
    blocked = [one for one in found if list(one.evidence.get("because", ()))[:1] == ["health"]]
    red = tuple(dict.fromkeys(headed(voice.said(str(why))) for one in blocked for why in one.evidence["because"][1:]))
    planned = [row for row in answer.records() if row.get("reading") in (None, "as planned")]
    experiment = card.plan.experiments.get(str(answer.params.get("name"))) if card.plan else None
    treatments = tuple(_treatment(one, planned, experiment, voice) for one in found if one not in blocked)
    people = next((voice.said(one.text) for one in answer.findings if one.code == "sample"), "")
    return Verdict(tuple(_pill(one, voice) for one in health), red, treatments, headed(people))


def _pill(one: Finding, voice: Voice) -> Pill:
    tone = one.severity if one.severity in ("good", "warning", "bad") else ""
    return Pill(tone, _PILLS.get(one.code, human(one.code)), headed(voice.said(one.text)))


def _treatment(one: Finding, rows: list[dict[str, Any]], experiment: Experiment | None, voice: Voice) -> Treatment:
    variant, state = str(one.evidence["variant"]), str(one.evidence["verdict"])
    mine = [row for row in rows if row["variant"] == variant]
    primary = next((row for row in mine if row["role"] == "primary"), None)
    money = one.evidence.get("money")
    return Treatment(
        voice.said(human(variant)), state, TONES.get(state, "wait"), WORDS.get(state, headed(human(state))),
        headed(voice.said(one.text).partition(": ")[2] or voice.said(one.text)),
        _measured(primary, _mde(experiment)) if primary else None,
        tuple(_measured(row, _margin(experiment, row["metric"])) for row in mine if row["role"] == "guardrail"),
        _money(money, voice) if isinstance(money, Mapping) else None,
    )  # fmt: skip


@dataclass(frozen=True)
class _Mark:
    """A size that the interval is held against: the smallest effect wanted, or what may be lost at most."""

    change: Change
    up: bool
    wanted: bool

    @property
    def place(self) -> float:
        return self.change.value if self.up == self.wanted else -self.change.value

    @property
    def words(self) -> str:
        size, one = self.change.value, self.change.scale
        said = (
            f"{size * 100:g} %" if one == "relative" else f"{size * 100:g} points" if one == "points" else f"{size:g}"
        )
        sign = "+" if self.place > 0 else "−"
        return f"smallest effect wanted: {sign}{said}" if self.wanted else f"may not pass {sign}{said}"


def _mde(experiment: Experiment | None) -> _Mark | None:
    if experiment is None or experiment.primary.mde is None:
        return None
    return _Mark(experiment.primary.mde, experiment.primary.direction == "up", wanted=True)


def _margin(experiment: Experiment | None, metric: Any) -> _Mark | None:
    found = [one for one in experiment.guardrails if one.metric == metric] if experiment else []
    return _Mark(found[0].margin, found[0].direction == "up", wanted=False) if found else None


def _measured(row: Mapping[str, Any], mark: _Mark | None) -> Measured:
    name, state = str(row["metric"]), str(row["state"])
    absolute = mark is not None and mark.change.scale != "relative"
    names = ("low", "high", "difference") if absolute else ("lift_low", "lift_high", "lift_value")
    low, high, value = (None if row.get(one) is None else float(row[one]) for one in names)
    marks = [(mark.place, "strip-wanted" if mark.wanted else "strip-margin")] if mark else []
    tone = {"better": "good", SAFE: "good", "worse": "bad", HARMED: "bad"}.get(state, "")
    values, effect, lift = (str(row[one] or "") for one in ("values", "effect", "lift"))
    return Measured(
        name, headed(human(name)), state, tone, values, effect, lift,
        strip(low, high, value, marks, tone), mark.words if mark else "",
    )  # fmt: skip


def _money(values: Mapping[str, Any], voice: Voice) -> Money | None:
    ends = [values.get(name) for name in ("low", "high")]
    if any(one is None for one in ends):
        return None
    currency = str(values.get("currency") or "")
    low, high = (amount(rounded(Decimal(str(one))), currency, whole=100) for one in ends)
    chance = values.get("chance_of_loss")
    if chance is None:
        return Money(f"{low} to {high}")
    expected = amount(rounded(Decimal(str(values["expected"]))), currency, whole=100)
    return Money(f"{low} to {high}", expected, _chance(float(chance)), _drawn(str(values["prior"]), voice))


def _drawn(prior: str, voice: Voice) -> str:
    """Why the chance may be milder than the range: only one of them was drawn toward the prior."""
    return (
        "The range is what this test alone measured, as in the verdict. What to expect and the chance of a loss are "
        f"drawn toward what tests usually bring, so they are more cautious than the range: {voice.said(prior)}."
    )


def _chance(share: float) -> str:
    """Never 0 or 100 %."""
    return "under 1 %" if share < 0.01 else "over 99 %" if share > 0.99 else f"{share * 100:.0f} %"
