"""Readouts: every state is a clear one, and where nothing can be said no number of an effect is anywhere.

Each case is an experiment of its own in one workspace: its block, its arms (``exposed.arm``: who sees what, who buys), its
lock. Exposures run from 4 to 17 March 2024, two weeks, unless told otherwise; windows are two days; it is 1 May.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest

from assay.analyses.experimenting.looking import looks_so_far
from assay.analyses.experimenting.readings import planned_reading
from assay.analyses.experimenting.runs import begin
from assay.decide.words import amount, percent, significant
from assay.model.answer import Answer
from assay.plan.experiments import Looks
from assay.plan.load import raw
from assay.report.exporters.json import document, lines
from assay.stats.contrast import NoContrast
from assay.workspace import Workspace
from exposed import DAY, ZONE, arm, moment
from support import Event, event, view, workspace

NOW = moment("05-01", "09:00")
HEAD = f"""
site: {{timezone: {ZONE}, currency: EUR}}
events:
  experiment_viewed: {{properties: {{experiment_id: string, variant: string}}}}
  page_view: {{properties: {{ms: number}}}}
goals: {{order: {{event: purchase, kind: macro}}}}
metrics:
  bought: {{type: conversion, goal: order, per: visitor}}
  rpv: {{type: simple, sum: revenue.net, per: visitor}}
  aov: {{type: ratio, numerator: {{sum: revenue.net}}, denominator: {{count: order}}}}
  views: {{type: simple, count: page_view, per: visitor}}
  purchase_rate: {{type: conversion, goal: order, per: session}}
  refund_rate: {{type: conversion, from: order, event: refund, per: order, within: 3d, direction: down}}
  left: {{type: conversion, event: page_view, per: visitor, direction: down}}
  slow: {{type: quantile, of: page_view.ms, q: 0.75, per: visitor, direction: down}}
  money_slow: {{type: quantile, of: page_view.ms, q: 0.5, per: visitor, format: money}}
  revenue: {{type: simple, sum: revenue.net}}
experiments:
"""


@dataclass(frozen=True)
class Case:
    """``block`` of the plan; ``made``: its events; ``planned`` units at the lock; ``stop``: day and time; ``start``: None = never."""

    block: str
    made: Callable[[], Sequence[Event]]
    planned: int | None = None
    stop: str | None = None
    start: str | None = "03-04 00:00"
    caps: Mapping[str, float] | None = None

    @cached_property
    def events(self) -> Sequence[Event]:
        """Made when they are asked for: every process that collects the tests reads this file, one runs it."""
        return self.made()


def two(name: str, control: tuple[int, int], treatment: tuple[int, int], **told_of: Any) -> list[Event]:
    """Units and buyers of two arms."""
    return arm(name, "control", *control, **told_of) + arm(name, "treatment", *treatment, **told_of)


FIXED = "looks: fixed, end: 2024-03-17"
CASES: dict[str, Case] = {}


def case(name: str, block: str, made: Callable[[], Sequence[Event]], **more: Any) -> None:
    CASES[name] = Case(block, made, **more)


def orders_before(name: str, minutes: int, wins: int) -> list[Event]:
    """Arms in which ``wins`` of 700 bought so many minutes before they saw anything."""
    events = two(name, (700, 0), (700, 0))
    shown = [one for one in events if one["name"] == "experiment_viewed"]
    for one in shown[:wins] + shown[700 : 700 + wins]:
        t = one["time"] - minutes * 60_000_000
        events.append(event(one["visitor"], "purchase", t, order_id=one["id"], amount="10.00", id=f"{one['id']}-o"))
    return events


def one_day(name: str, day: int, control: int, treatment: int) -> list[Event]:
    """Arms of 1300 units over 13 days; on another day, ``day``, so many of each."""
    events = two(name, (1300, 130), (1300, 130), days=13)
    for variant, many in (("control", control), ("treatment", treatment)):
        events += [{**one, "visitor": f"{one['visitor']}-d", "id": f"{one['id']}-d"}
                   for one in arm(name, variant, many, 0, first=f"03-{day}", days=1)]  # fmt: skip
    return events


def seen_twice(name: str, again: int, from_control: bool = False) -> list[Event]:
    """Arms of 1400, of which ``again`` of each (or of control alone) also see the other."""
    events = two(name, (1400, 140), (1400, 210))
    shown = [one for one in events if one["name"] == "experiment_viewed"]
    firsts = shown[:again] + ([] if from_control else shown[1400 : 1400 + again])
    for one in firsts:
        other = "treatment" if one["props"]["variant"] == "control" else "control"
        props = {**one["props"], "variant": other}
        events.append({**one, "time": one["time"] + 1, "props": props, "id": f"{one['id']}-2"})
    return events


def giant(name: str) -> list[Event]:
    events = two(name, (1400, 140), (1400, 140))
    return [{**one, "amount": "90000.00"} if one["id"] == f"{name}-treatment0-o" else one for one in events]


def loading(name: str, control: range, treatment: range) -> list[Event]:
    """Every unit has two page views, their milliseconds run through the ranges."""
    events = two(name, (1400, 140), (1400, 140))
    for one in [one for one in events if one["name"] == "experiment_viewed"]:
        of = control if one["props"]["variant"] == "control" else treatment
        n = int(one["visitor"].rpartition(one["props"]["variant"])[2])
        for k in (0, 1):
            ms = of[(2 * n + 700 * k) % len(of)]
            events.append(view(one["visitor"], one["time"] + k + 1, props={"ms": ms}, id=f"{one['id']}-v{k}"))
    return events


case("better", FIXED, lambda: two("better", (1400, 140), (1400, 210)))
case("worse", FIXED, lambda: two("worse", (1400, 210), (1400, 140)))
case("open", FIXED, lambda: two("open", (1400, 140), (1400, 150)))
case("never_started", FIXED, lambda: two("never_started", (1400, 140), (1400, 210)), start=None)
case("nothing_happened", FIXED, lambda: two("nothing_happened", (1400, 0), (1400, 0)))
case("everybody_buys", f"primary: rpv, {FIXED}", lambda: two("everybody_buys", (140, 140), (140, 140)))
case("few", FIXED, lambda: two("few", (1400, 20), (1400, 45)))
case("few_units", f"primary: rpv, {FIXED}", lambda: two("few_units", (20, 10), (40, 30)))
case("few_running", "", lambda: two("few_running", (1400, 20), (1400, 45)))
case("leaked", f"variants: {{control: 50, treatment: 50, old: 0}}, {FIXED}",
     lambda: two("leaked", (1400, 140), (1400, 210)) + arm("leaked", "old", 3, 0))  # fmt: skip
case("nobody_treated", FIXED, lambda: arm("nobody_treated", "control", 1400, 140))
case("ghost", FIXED, lambda: two("ghost", (1400, 140), (1400, 210)) + arm("ghost", "ghost", 5, 0))
case("mismatch", FIXED, lambda: two("mismatch", (1400, 140), (1150, 230)))
case("mismatch_running", "", lambda: two("mismatch_running", (1400, 140), (1150, 230)))
case("broken_day", FIXED, lambda: one_day("broken_day", 17, 130, 40))
case("gap", FIXED, lambda: [one for one in two("gap", (1400, 140), (1400, 210)) if not 7 * DAY <= one["time"] - moment("03-04", "10:00") < 9 * DAY])  # fmt: skip
case("biased", f"primary: rpv, {FIXED}",
     lambda: arm("biased", "control", 1400, 140, before=60) + arm("biased", "treatment", 1400, 210, before=260))  # fmt: skip
case("bought_first", FIXED, lambda: orders_before("bought_first", 10, 200))
case("bought_long_before", FIXED, lambda: orders_before("bought_long_before", 31, 200))
case("giant", f"primary: rpv, {FIXED}", lambda: giant("giant"))
case("too_early", "looks: fixed, end: 2024-05-20", lambda: two("too_early", (1400, 140), (1400, 280)))
case("no_window_closed", "window: 60d", lambda: two("no_window_closed", (1400, 140), (1400, 280)))
case("stopped", "looks: fixed", lambda: two("stopped", (1400, 140), (1400, 210)), stop="03-10 23:00")
case("stopped_late", FIXED, lambda: two("stopped_late", (1400, 140), (1400, 210)) + two("stopped_late", (1000, 900), (1000, 0), first="03-20", days=1),
     stop="04-20 00:00")  # fmt: skip
case("several", FIXED, lambda: seen_twice("several", 40))
case("several_first", f"{FIXED}, multi_arm: first", lambda: seen_twice("several_first", 40))
case("several_one_sided", FIXED, lambda: seen_twice("several_one_sided", 40, from_control=True))
case("bots", FIXED, lambda: two("bots", (1400, 140), (1400, 210)) + [{**one, "visitor": f"{one['visitor']}-b", "id": f"{one['id']}-b", "bot": True}
     for one in arm("bots", "treatment", 7, 7)])  # fmt: skip


def three(name: str, *wins: int) -> list[Event]:
    """Control, a and b, 1400 units each, with so many buyers."""
    return [
        one for variant, won in zip(("control", "a", "b"), wins, strict=True) for one in arm(name, variant, 1400, won)
    ]


def refunding(name: str, control: int, treatment: int, wins: tuple[int, int] = (400, 400)) -> list[Event]:
    """Arms of 1400 with buyers, so many of whose orders come back a day later."""
    events = two(name, (1400, wins[0]), (1400, wins[1]))
    for variant, many in (("control", control), ("treatment", treatment)):
        orders = [one for one in events if one["name"] == "purchase" and one["visitor"].startswith(f"{name}-{variant}")]
        events += [event(None, "refund", one["time"] + DAY, order_id=one["order_id"], amount="50.00", interactive=False, id=f"{one['id']}-r")
                   for one in orders[:many]]  # fmt: skip
    return events


def viewing(name: str) -> list[Event]:
    """Every unit has two page views in the ten minutes before its exposure; a third of them also one after it."""
    events = two(name, (1400, 140), (1400, 140))
    for n, one in enumerate(one for one in events if one["name"] == "experiment_viewed"):
        for k in (-2, -1, *([1] if n % 3 == 0 else [])):
            events.append(view(one["visitor"], one["time"] + k * 240_000_000, id=f"{one['id']}-v{k}"))
    return events


def on_devices(name: str) -> list[Event]:
    """Half of each arm on a phone, where few buy: 20 and 40 of 700; of the others 240 and 280."""
    made = []
    for device, wins in (("mobile", (20, 40)), ("desktop", (240, 280))):
        for variant, won in zip(("control", "treatment"), wins, strict=True):
            made += [{**one, "visitor": f"{one['visitor']}{device}", "id": f"{one['id']}{device}", **({"order_id": f"{one['id']}{device}"} if "order_id" in one else {})}
                     for one in arm(name, variant, 700, won, device=device)]  # fmt: skip
    return made


def fading(name: str) -> list[Event]:
    """A hundred of either arm on each of 28 days; the effect is there in the first half alone."""
    early = two(name, (1400, 140), (1400, 350))
    late = two(name, (1400, 140), (1400, 140), first="03-18")
    later = [{**one, "visitor": f"{one['visitor']}-l", "id": f"{one['id']}-l"} for one in late]
    return early + [{**one, "order_id": one["id"]} if "order_id" in one else one for one in later]


MILLION = "value: {per_conversion: 30, margin: 40%}"
case("viewed_first", f"primary: {{metric: views, direction: up}}, {FIXED}", lambda: viewing("viewed_first"))
case("by_count", "looks: {group_sequential: 4}", lambda: two("by_count", (1400, 140), (1400, 210)), planned=4000)
case(
    "by_count_none_yet",
    "looks: {group_sequential: 4}",
    lambda: two("by_count_none_yet", (1400, 140), (1400, 210)),
    planned=20_000,
)
case(
    "by_count_too_many",
    "looks: {group_sequential: 4}",
    lambda: two("by_count_too_many", (1400, 140), (1400, 210)),
    planned=1000,
)
case("by_count_stopped", "looks: {group_sequential: 4}", lambda: two("by_count_stopped", (1400, 140), (1400, 210)), planned=4000,
     stop="03-25 00:00")  # fmt: skip
case(
    "by_dates",
    "looks: {group_sequential: [2024-03-11, 2024-03-20, 2024-06-01]}",
    lambda: two("by_dates", (1400, 140), (1400, 210)),
    planned=4000,
)
case("holm", f"variants: [control, a, b], {FIXED}", lambda: three("holm", 140, 182, 170))
case(
    "bonferroni",
    f"variants: [control, a, b], {FIXED}, correction: bonferroni",
    lambda: three("bonferroni", 140, 182, 170),
)
case(
    "uncorrected", f"variants: [control, a, b], {FIXED}, correction: none", lambda: three("uncorrected", 140, 182, 170)
)
case("half_hidden", f"variants: [control, a, b], {FIXED}", lambda: three("half_hidden", 140, 210, 12))
case("no_worse", f"{FIXED}, decision: non_inferiority, margin: 5pp", lambda: two("no_worse", (1400, 700), (1400, 705)))
case(
    "maybe_worse",
    f"{FIXED}, decision: non_inferiority, margin: 3pp",
    lambda: two("maybe_worse", (1400, 700), (1400, 705)),
)
case(
    "really_worse",
    f"{FIXED}, decision: non_inferiority, margin: 3pp",
    lambda: two("really_worse", (1400, 700), (1400, 600)),
)
case("adjusted", f"primary: rpv, {FIXED}, cuped: 14d",
     lambda: arm("adjusted", "control", 1400, 140, before=160) + arm("adjusted", "treatment", 1400, 168, before=160))  # fmt: skip
case("no_history", f"primary: rpv, {FIXED}, cuped: 1d", lambda: two("no_history", (1400, 140), (1400, 210)))
case("capped", f"primary: rpv, {FIXED}, cap: {{rpv: 75}}", lambda: giant("capped"), caps={"rpv": 75.0})
case(
    "cap_without_data",
    f"primary: rpv, {FIXED}, cap: {{rpv: 99.9%}}",
    lambda: two("cap_without_data", (1400, 140), (1400, 210)),
)
case("cap_never_started", f"primary: rpv, {FIXED}, cap: {{rpv: 75}}", lambda: giant("cap_never_started"), start=None)
GUARD = "guardrails: [{metric: refund_rate, margin: 5pp}]"
case("safe", f"{FIXED}, {GUARD}", lambda: refunding("safe", 40, 45, (400, 480)))
case("not_safe", f"{FIXED}, {GUARD}", lambda: refunding("not_safe", 40, 60, (400, 480)))
case("harmed", f"{FIXED}, {GUARD}", lambda: refunding("harmed", 40, 100, (400, 480)))
case(
    "money",
    f"primary: rpv, {FIXED}, value: {{margin: 40%, eligible: 50%}}",
    lambda: two("money", (1400, 140), (1400, 210)),
)
case("money_beside", f"{FIXED}, diagnostics: [rpv]", lambda: two("money_beside", (1400, 140), (1400, 210)))
case("money_per_order", f"{FIXED}, {MILLION}", lambda: two("money_per_order", (1400, 140), (1400, 210)))
case(
    "down", f"primary: {{metric: refund_rate, direction: down}}, {FIXED}, {MILLION}", lambda: refunding("down", 90, 45)
)
case(
    "down_worse",
    f"primary: {{metric: refund_rate, direction: down}}, {FIXED}, {MILLION}",
    lambda: refunding("down_worse", 45, 90),
)
case("strata", f"{FIXED}, strata: device, diagnostics: [rpv, aov]", lambda: on_devices("strata"))
case("strata_and_cuped", f"primary: rpv, {FIXED}, strata: device, cuped: 14d", lambda: on_devices("strata_and_cuped"))
case("fades", "looks: fixed, end: 2024-03-31", lambda: fading("fades"))
case("fades_unseen", "looks: fixed, end: 2024-05-31", lambda: fading("fades_unseen"))
case("quantiles", f"{FIXED}, diagnostics: [money_slow], guardrails: [{{metric: slow, margin: 10%}}]",
     lambda: loading("quantiles", range(1000, 2400), range(1100, 2500)))  # fmt: skip
case("shifted", f"{FIXED}, diagnostics: [rpv]", lambda: [{**one, "amount": "90.00"} if one["id"].startswith("shifted-treatment") and "amount" in one else one
     for one in two("shifted", (1400, 140), (1400, 150))])  # fmt: skip
case("strata_few", f"{FIXED}, strata: device, diagnostics: [left, slow]",
     lambda: on_devices("strata_few") + [view(f"strata_few-control{n}mobile", moment("03-10", "12:00") + n, props={"ms": n}) for n in range(14)])  # fmt: skip
PLANS = "".join(
    f"  {name}: {{{'' if 'primary:' in one.block else 'primary: {metric: bought, mde: 20%}, '}"
    f"{'' if 'window:' in one.block else 'window: 2d, '}{one.block}}}\n"
    for name, one in CASES.items()
)


def start(ws: Workspace, name: str, one: Case, plan: Any) -> None:
    """Locked as the plan has it, with these caps and this planned sample, whatever the data say."""
    if one.start is None:
        return
    asking, at = ws.asking("experiment-readout"), moment(*one.start.split())
    begin(asking, ws.plan.experiments[name], plan, dict(one.caps or {}), one.planned, at)
    if one.stop:
        ws.stop_experiment(name, at=moment(*one.stop.split()))


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    events = [one for world in CASES.values() for one in world.events]
    made = workspace(tmp_path_factory.mktemp("readouts"), HEAD + PLANS, [*events, view("last", NOW - 1)], now=NOW)
    plan = raw(made.folder)
    for name, one in CASES.items():
        start(made, name, one, plan)
    yield made
    made.close()


def text_of(answer: Answer) -> str:
    """Everything that is said, as JSON that parses, without the SQL."""
    found = {key: one for key, one in document(answer).items() if key != "sql"}
    text = lines(found)
    json.loads(text)
    return text


def states(answer: Answer) -> dict[str, str]:
    """Metric → state, of an answer with one treatment and one reading."""
    return {str(row["metric"]): str(row["state"]) for row in answer.records()}


def verdict(answer: Answer) -> tuple[str, tuple[str, ...]]:
    """State and reasons of the only treatment."""
    (found,) = (one.evidence for one in answer.findings if one.code == "verdict")
    return found["verdict"], tuple(found["because"])


def codes(answer: Answer) -> dict[str, str]:
    return {one.code: one.severity for one in answer.findings}


# -- one verdict, with its reason -----------------------------------------------------------------------------------------

VERDICTS = {
    "better": ("ship", "primary_better", "Ship treatment: bought is better."),
    "worse": ("do_not_ship", "primary_worse", "Do not ship treatment: bought is worse."),
    "open": ("do_not_ship", "primary_open", "bought is not shown to be better or worse, and the test is over"),
    "never_started": ("ship", "primary_better", "Ship treatment"),
    "ghost": ("ship", "primary_better", "Ship treatment"),
    "gap": ("ship", "primary_better", "Ship treatment"),
    "bots": ("ship", "primary_better", "Ship treatment"),
    "several": ("ship", "primary_better", "Ship treatment"),
    "broken_day": ("do_not_ship", "primary_open", "the test is over"),
    "viewed_first": ("do_not_ship", "primary_open", "the test is over"),
    "safe": ("ship", "primary_better", "bought is better and refund_rate is shown safe"),
    "not_safe": ("do_not_ship", "guardrail_unshown", "refund_rate is not shown safe, and the test is over"),
    "harmed": ("do_not_ship", "guardrail_harmed", "refund_rate is worse"),
    "no_worse": ("ship", "primary_safe", "bought is not worse"),
    "maybe_worse": ("do_not_ship", "primary_open", "bought is not shown to be safe, and the test is over"),
    "really_worse": ("do_not_ship", "primary_worse", "bought is worse"),
    "down": ("ship", "primary_better", "refund_rate is better"),
    "down_worse": ("do_not_ship", "primary_worse", "refund_rate is worse"),
}
SILENT = {
    "nothing_happened": ("abstain", "too_little", "control has 0 conversions where 30 are needed."),
    "everybody_buys": ("abstain", "too_little", "rpv: all units are alike"),
    "few": ("abstain", "too_little", "control has 20 conversions where 30 are needed, about 700 more visitors"),
    "few_running": (
        "keep_running",
        "too_early",
        "control has 20 conversions where 30 are needed, about 700 more visitors",
    ),
    "few_units": ("abstain", "too_little", "control has 20 visitors where 30 are needed"),
    "leaked": ("abstain", "health", "visitors in a variant that should have none: old: 3"),
    "nobody_treated": ("abstain", "health", "nobody was exposed to treatment"),
    "mismatch": ("abstain", "health", "the split is not the planned one: control 54.9 % (planned 50.0 %)"),
    "mismatch_running": ("abstain", "health", "the split is not the planned one"),
    "biased": ("abstain", "health", "treatment differed in rpv before the exposure already"),
    "bought_first": ("abstain", "health", "100 % of bought happened in the half hour before the exposure"),
    "bought_long_before": ("abstain", "too_little", "control has 0 conversions"),
    "several_one_sided": ("abstain", "health", "they come from one arm more than from the other"),
    "too_early": ("keep_running", "too_early", "it is judged once, on Thu 23 May, after the last window has closed"),
    "fades_unseen": ("keep_running", "too_early", "it is judged once, on Mon 3 Jun, after the last window has closed"),
    "no_window_closed": (
        "keep_running",
        "too_early",
        "no window has closed yet; the first visitors can be judged on Sat 4 May",
    ),
    "by_count_none_yet": ("keep_running", "too_early", "its first look has not come yet"),
}


@pytest.mark.parametrize("name", [*VERDICTS, *SILENT])
def test_the_verdict_and_its_reason(ws: Workspace, name: str) -> None:
    state, because, says = {**VERDICTS, **SILENT}[name]
    found = ws.ask("experiment-readout", name)
    assert (verdict(found)[0], verdict(found)[1][0]) == (state, because)
    assert says in found.sentence


@pytest.mark.parametrize(
    ("name", "code", "severity", "says"),
    [
        ("never_started", "not_locked", "warning", "was never locked"),
        ("ghost", "unknown_variant", "warning", "ghost: 5"),
        ("leaked", "leaked_units", "bad", "old: 3"),
        ("mismatch", "srm", "bad", "treatment 45.1 %"),
        ("mismatch_running", "srm", "bad", "p = 0.0001"),
        ("broken_day", "split_day", "warning", "the split was broken on Sun 17 Mar: control 130, treatment 40"),
        ("gap", "exposure_gap", "warning", "almost no exposures on Mon 11 Mar and 1 more day (usual: 200 a day)"),
        ("giant", "one_giant", "warning", "one unit of treatment bears 100.0 % of all variation in rpv (90,000)"),
        (
            "several",
            "multi_arm",
            "warning",
            "80 of 2,800 visitors (2.86 %) saw several variants; the verdict is the same",
        ),
        ("bots", "exposed_bots", "info", "7 bots were exposed and left out (2,800 people were)"),
        ("stopped", "sample", "info", "1,400 visitors saw the test, all of them with their time over"),
        ("fades", "novelty", "warning", "+15 points among those exposed in the first half, 0 points in the second"),
        ("shifted", "shifted_not_gained", "info", "rpv moved under treatment, bought did not"),
        ("no_history", "no_covariate", "info", "rpv: compared without the covariate, which is alike for all units"),
        ("cap_without_data", "cap_missing", "warning", "rpv is not capped"),
        ("harmed", "guardrail_harmed", "bad", "where 5pp may be lost"),
    ],
)
def test_a_finding_says_what_is_wrong(ws: Workspace, name: str, code: str, severity: str, says: str) -> None:
    (found,) = (one for one in ws.ask("experiment-readout", name).findings if one.code == code)
    assert found.severity == severity
    assert says in found.text


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("viewed_first", "exposed_after"),  # page views lie on both sides of any exposure
        ("capped", "one_giant"),
        ("cap_never_started", "cap_missing"),
        ("stopped_late", "srm"),  # exposed after the planned end, though before the stop
        ("broken_day", "srm"),
        ("never_started", "exposure_gap"),  # it begins when somebody is exposed
        ("fades_unseen", "novelty"),
    ],
)
def test_what_is_not_wrong_is_not_said(ws: Workspace, name: str, absent: str) -> None:
    assert absent not in codes(ws.ask("experiment-readout", name))


# -- silence ----------------------------------------------------------------------------------------------------------------

FORMS: list[tuple[str, dict[str, Any]]] = [
    ("experiment-readout", {}),
    ("experiment-readout", {"bayes": True, "add": ["purchase_rate", "slow"]}),
    ("experiment-readout", {"daily": True}),
    ("experiment-readout", {"by": ["device"]}),
    ("experiment-qa", {}),
]
SIZES = ("values", "effect", "lift", "p_value", "control", "treatment", "difference", "low", "high", "lift_value",
         "lift_low", "lift_high", "chance_to_win", "loss_ship", "p_margin", "level")  # fmt: skip


def forbidden(name: str) -> set[str]:
    """An effect and its arms, raw and as people read them."""
    units = {arm_: {one["visitor"] for one in CASES[name].events if one["name"] == "experiment_viewed" and one["props"]["variant"] == arm_}
             for arm_ in ("control", "treatment")}  # fmt: skip
    buyers = {one["visitor"] for one in CASES[name].events if one["name"] == "purchase"}
    if not all(units.values()):
        return set()
    one, two = (len(units[arm_] & buyers) / len(units[arm_]) for arm_ in ("control", "treatment"))
    sizes = [one, two, two - one, *([(two - one) / one] if one else [])]
    raws = {repr(size)[:8] for size in sizes if size not in (0, 1) and len(repr(size)) >= 8}
    return raws | {f"{significant(abs(size) * 100, 3)} %" for size in sizes if size not in (0, 1)}


@pytest.mark.parametrize("name", SILENT)
def test_nothing_of_an_effect_where_nothing_can_be_said(ws: Workspace, name: str) -> None:
    for question, given in FORMS:
        found = ws.ask(question, name, **given)
        assert found.estimates == ()
        for row in found.records() if question == "experiment-readout" else []:
            assert {key: row[key] for key in SIZES if row.get(key) is not None} == {}, (question, given)
        for one in found.findings:
            assert one.code not in (
                "novelty",
                "segment_effect",
                "shifted_not_gained",
                "stratified",
                "guardrail_unshown",
            )
            assert not {"money", "states", "verdicts"} & {key for key, value in one.evidence.items() if value}, one
            assert not {"better", "worse"} & set(one.text.replace(",", " ").split()), one
        text = text_of(found)
        for one in found.findings:  # the shares of the arms are no effects
            text = text.replace(one.text, "") if one.code in ("split_ok", "srm", "multi_arm_imbalance") else text
        assert {size for size in forbidden(name) if size in text} == set(), (question, given)
        assert "points" not in text
        assert "a year" not in text


def test_one_treatment_may_be_silent_beside_another(ws: Workspace) -> None:
    found = ws.ask("experiment-readout", "half_hidden")
    rows = {row["variant"]: row for row in found.records()}
    assert (rows["a"]["state"], rows["a"]["difference"]) == ("better", pytest.approx(0.05))
    assert (rows["b"]["state"], rows["b"]["difference"]) == ("not shown", None)
    assert {one.group["variant"] for one in found.estimates} == {"a"}
    assert "No verdict on b: b has 12 conversions where 30 are needed, about 2,100 more visitors." in found.sentence


@pytest.mark.parametrize("name", ["viewed_first", "several_one_sided", "mismatch"])
def test_follow_ups_keep_silent_as_well(ws: Workspace, name: str) -> None:
    rows = ws.ask("experiment-follow-up", name, days=[7]).records()
    assert [row["state"] for row in rows] == (["open"] if name == "viewed_first" else ["not shown"])
    assert all((row["difference"] is None) == (name != "viewed_first") for row in rows)


# -- who counts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "metric", "control", "treatment"),
    [  # arm → units, value
        ("better", "bought", (1400, 0.1), (1400, 0.15)),
        ("stopped", "bought", (700, 0.1), (700, 0.15)),  # 4 to 10 March
        ("stopped_late", "bought", (1400, 0.1), (1400, 0.15)),  # the planned end stands
        ("several", "bought", (1360, 0.1), (1360, 0.15)),
        ("several_first", "bought", (1400, 0.1), (1400, 0.15)),
        ("bots", "bought", (1400, 0.1), (1400, 0.15)),
        ("ghost", "bought", (1400, 0.1), (1400, 0.15)),
        ("capped", "rpv", (1400, 5.0), (1400, (139 * 50 + 75) / 1400)),
        ("cap_never_started", "rpv", (1400, 5.0), (1400, (139 * 50 + 75) / 1400)),
        ("giant", "rpv", (1400, 5.0), (1400, (139 * 50 + 90_000) / 1400)),
        ("down", "refund_rate", (1400, 90 / 400), (1400, 45 / 400)),
        ("by_count", "bought", (1000, None), (1000, None)),  # the second look of four, at 2000 of 4000
        ("by_count_too_many", "bought", (500, None), (500, None)),  # no look after all of the planned sample
        ("by_count_stopped", "bought", (1400, 0.1), (1400, 0.15)),  # the last look is when no more comes
        ("by_dates", "bought", (1400, 0.1), (1400, 0.15)),
    ],
)
def test_units_and_values_by_hand(
    ws: Workspace, name: str, metric: str, control: tuple[int, float | None], treatment: tuple[int, float | None]
) -> None:
    (row,) = (one for one in ws.ask("experiment-readout", name).records() if one["metric"] == metric)
    for key, (units, value) in (("control", control), ("treatment", treatment)):
        tolerance = 0.05 if name == "several" else 1e-12  # who saw both bought as often as others, nearly
        assert row[f"units_{key}"] == units
        assert value is None or row[key] == pytest.approx(value, rel=tolerance)


def test_a_test_that_was_stopped_waits_for_open_windows(ws: Workspace, tmp_path: Path) -> None:
    """Stopped on the 10th at 23:00: what units do until the end of the 12th counts, whoever comes later does not."""
    name, one = "stopped", CASES["stopped"]
    (block,) = (line for line in PLANS.splitlines(keepends=True) if line.startswith(f"  {name}:"))
    seen: dict[str, tuple[str, Any]] = {}
    for day in ("03-10", "03-11", "03-12", "03-13"):
        now = moment(day, "23:30")
        events = [e for e in one.events if e["time"] <= now]
        then = workspace(tmp_path / day, HEAD + block, events, now=now)
        begin(
            then.asking("experiment-readout"),
            then.plan.experiments[name],
            raw(then.folder),
            {},
            None,
            moment("03-04", "00:00"),
        )
        then.stop_experiment(name, at=moment("03-10", "23:00"))
        found = then.ask("experiment-readout", name)
        sample = next(f for f in found.findings if f.code == "sample")
        seen[day] = (verdict(found)[1][0], (sample.evidence["units"], sample.evidence["matured"]))
        then.close()
    assert seen == {
        "03-10": ("too_early", (1400, 800)),
        "03-11": ("too_early", (1400, 1000)),
        "03-12": ("too_early", (1400, 1200)),
        "03-13": ("primary_better", (1400, 1400)),
    }


# -- several treatments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "levels"),
    [("holm", (0.975, 0.95)), ("bonferroni", (0.975, 0.975)), ("uncorrected", (0.95, 0.95))],
)
def test_an_interval_excludes_0_exactly_when_it_is_called(
    ws: Workspace, name: str, levels: tuple[float, float]
) -> None:
    """a: 10 against 13 %, p = 0.013; b: 12.1 %, p = 0.07. Holm tests b at 5 % only after a has won at 2.5 %."""
    rows = ws.ask("experiment-readout", name).records()
    assert [row["level"] for row in rows] == pytest.approx(levels)
    for row in rows:
        zero_is_out = row["low"] > 0 or row["high"] < 0
        assert zero_is_out == (row["state"] in ("better", "worse")) == (row["lift_low"] > 0 or row["lift_high"] < 0)
        assert zero_is_out == (row["p_value"] < 1 - row["level"])
    assert [row["state"] for row in rows] == ["better", "open"]


# -- planned looks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reached", "bound"),
    [  # 200 units a day from the 4th; bounds of O'Brien and Fleming's spending as published for quarters and halves
        ("by_count", [(8, 0.25), (13, 0.5)], 2.963),
        ("by_count_too_many", [(5, 0.4), (6, 0.6), (7, 0.8), (8, 1.0)], None),
        ("by_count_none_yet", [], None),
        ("by_count_stopped", [(8, 0.25), (13, 0.5), (28, 0.7)], None),  # of April: no more comes, what is left is spent
        ("by_dates", [(9, 0.3), (18, 0.7)], None),  # two days after which their windows have closed
    ],
)
def test_looks_that_have_come(ws: Workspace, name: str, reached: list[tuple[int, float]], bound: float | None) -> None:
    from assay.stats.group_sequential import bounds

    reading = planned_reading(ws.asking("experiment-readout"), name).judged.reading
    days = [(day.day, share) for day, share in reading.reached]
    assert days == [(day, pytest.approx(share)) for day, share in reached]
    if not reached:
        return
    made = reading.compared("bought", "treatment")
    assert not isinstance(made, NoContrast)
    expected = bounds([share for _, share in reached], 0.05, last=name == "by_count_stopped").bounds[-1]
    assert reading.critical(made, 0.05) == pytest.approx(expected, rel=1e-12)
    assert bound is None or expected == pytest.approx(bound, abs=5e-4)


@pytest.mark.parametrize(
    ("looks", "units", "planned", "over", "expected"),
    [
        (Looks("group_sequential", (), 2), [50, 0, 50], 100, False, [(1, 0.5), (3, 1.0)]),
        (Looks("group_sequential", (), 4), [60, 60, 60], 100, False, [(1, 0.6), (2, 1.2)]),  # three quarters at once
        (Looks("group_sequential", (), 4), [60, 60, 60], 100, True, [(1, 0.6), (2, 1.2)]),
        (Looks("group_sequential", (), 4), [10, 5, 0], 100, True, [(5, 0.15)]),
        (Looks("group_sequential", (), 4), [25, 0, 0], 100, True, [(1, 0.25)]),  # nobody came after the first look
        (Looks("group_sequential", (), 4), [0, 0, 0], 100, True, []),
        (Looks("group_sequential", (date(2024, 3, 4), date(2024, 3, 30)), 2), [10, 20, 30], 100, False, [(2, 0.3)]),
        (Looks("group_sequential", (date(2024, 3, 2), date(2024, 3, 4)), 2), [0, 20, 30], 100, False, [(2, 0.2)]),
        (Looks("group_sequential", (date(2024, 3, 4),), 1), [20, 0, 0], 100, True, [(2, 0.2)]),
    ],
)
def test_a_look_that_brings_nobody_is_none(
    looks: Looks, units: list[int], planned: int, over: bool, expected: list[tuple[int, float]]
) -> None:
    """Days from 1 March on; windows of two days; the 5th is the last day whose windows have closed."""
    by_day = {date(2024, 3, n + 1): count for n, count in enumerate(units)}
    found = looks_so_far(looks, by_day, planned, 2 * 86_400, date(2024, 3, 5), over)
    assert [(day.day, share) for day, share in found] == [(day, pytest.approx(share)) for day, share in expected]


# -- money -------------------------------------------------------------------------------------------------------------------

A_YEAR = 2800 / 14 * 365  # units


@pytest.mark.parametrize(
    ("name", "metric", "factor"),
    [
        ("money", "rpv", A_YEAR * 0.4 * 0.5),
        ("money_beside", "rpv", A_YEAR),
        ("money_per_order", "bought", A_YEAR * 30 * 0.4),
        ("down", "refund_rate", -A_YEAR * 30 * 0.4 * 400 / 1400),  # fewer refunds per order, 400 orders of 1400 units
        ("never_started", None, None),
    ],
)
def test_money_is_the_effect_times_constants(
    ws: Workspace, name: str, metric: str | None, factor: float | None
) -> None:
    found = ws.ask("experiment-readout", name)
    (one,) = (f for f in found.findings if f.code == "verdict")
    if metric is None:
        assert "money" not in one.evidence
        return
    money = one.evidence["money"]
    row = next(row for row in found.records() if row["metric"] == metric)
    assert money["factor"] == pytest.approx(factor, rel=1e-12)
    ends = sorted([money["factor"] * row["low"], money["factor"] * row["high"]])
    assert [Decimal(money[key]) for key in ("low", "high")] == [Decimal(round(end * 100)) / 100 for end in ends]
    assert Decimal(money["year"]) == Decimal(round(money["factor"] * row["difference"] * 100)) / 100
    assert (Decimal(money["low"]) > 0) == (row["state"] == "better")
    assert (
        f"worth {amount(Decimal(money['low']), 'EUR')} to {amount(Decimal(money['high']), 'EUR')} a year"
        in found.sentence
    )
    assert f"{metric} ".capitalize() in found.sentence  # it is that metric's effect that is worth so much
    assert Decimal(money["loss_ship"]) > 0
    error = (row["high"] - row["low"]) / 2 / NormalDist().inv_cdf(1 - (1 - row["level"]) / 2)
    drawn = 1 / (1 + (error / (0.05 * row["control"])) ** 2)  # of the effect, by a prior with a spread of 5 %
    chance = NormalDist().cdf(-math.copysign(1, money["factor"]) * row["difference"] / error * drawn**0.5)
    assert money["chance_of_loss"] == pytest.approx(chance, abs=2e-3)
    assert (
        f"a year at present traffic by this test alone; weighed with what tests usually bring, {percent(money['chance_of_loss'])} "
        in found.sentence
    )


# -- comparing ---------------------------------------------------------------------------------------------------------------


def test_a_covariate_takes_noise_out(ws: Workspace) -> None:
    """80 of the 160 who bought before are buyers of either arm; the difference in money stays 1400/1400 × 1 €."""
    found = ws.ask("experiment-readout", "adjusted")
    (row,) = found.records()
    assert row["method"] == "CUPED, Welch t, Fieller"
    assert row["difference"] == pytest.approx(28 * 50 / 1400)
    (health,) = (f.evidence for f in found.findings if f.code == "covariate")
    assert health["variance_reduction"] == pytest.approx(0.2, abs=0.01)
    assert health["same_verdict"]


def test_strata_compare_like_with_like(ws: Workspace) -> None:
    """Phones 20 and 40 of 700, desktops 240 and 280 of 700: both gain 4.29 points on average, with less noise."""
    found = ws.ask("experiment-readout", "strata")
    row = next(row for row in found.records() if row["metric"] == "bought")
    assert (row["method"], row["units_control"]) == ("post-stratified, Welch t, Fieller", 1400)
    assert row["difference"] == pytest.approx((20 / 700 + 40 / 700) / 2)
    (one,) = (f for f in found.findings if f.code == "stratified")
    parts = [(x / 700, 700) for x in (20, 40, 240, 280)]
    within = sum(p * (1 - p) / (n - 1) for p, n in parts) / 4
    apart = sum(p * (1 - p) / 1400 for p in (260 / 1400, 320 / 1400))
    assert one.evidence["saved"] == pytest.approx(1 - within / apart, rel=1e-9)
    assert one.evidence["used"] == ["bought", "rpv"]
    assert "compared within device (2 strata): bought, rpv; it takes 16.4 % off the variance of bought" in one.text
    segments = ws.ask("experiment-readout", "strata", by=["device"]).records()
    assert {row["device"]: row["units_control"] for row in segments} == {"mobile": 700, "desktop": 700}
    assert {row["state"] for row in segments if row["device"] == "mobile"} == {"not shown"}  # 20 orders of 30


def test_what_strata_cannot_do_is_said(ws: Workspace) -> None:
    found = ws.ask("experiment-readout", "strata_few")
    (one,) = (f for f in found.findings if f.code == "stratified")
    assert one.text.endswith("off the variance of bought; not: left (too few events)")
    rows = {str(row["metric"]): row for row in found.records()}
    assert rows["left"]["method"] == "exact unconditional test (score ordering)"
    assert rows["slow"]["state"] == "no number"


def test_strata_and_a_covariate(ws: Workspace) -> None:
    """One of them: the covariate, or where it says nothing the strata."""
    silent = ws.ask("experiment-readout", "strata_and_cuped")
    assert next(iter(silent.records()))["method"] == "post-stratified, Welch t, Fieller"
    assert {"no_covariate", "stratified"} <= set(codes(silent))


def test_quantiles_stand_beside(ws: Workspace) -> None:
    """Milliseconds run evenly from 1000 to 2399 and from 1100 to 2499, two of each unit, 700 ranks apart."""
    from assay.stats.quantile import compare_quantiles, quantile_arm

    found = ws.ask("experiment-readout", "quantiles")
    rows = {str(row["metric"]): row for row in found.records()}
    views = [one for one in CASES["quantiles"].events if one["name"] == "page_view"]
    for metric, q in (("slow", 0.75), ("money_slow", 0.5)):
        sides = [
            [(one["props"]["ms"], one["visitor"]) for one in views if f"-{arm_}" in one["visitor"]]
            for arm_ in ("control", "treatment")
        ]
        arms = [quantile_arm([ms for ms, _ in side], q, [who for _, who in side]) for side in sides]
        made = compare_quantiles(arms[0], arms[1])
        assert not isinstance(made, NoContrast)
        row = rows[metric]
        ends = made.interval(0.95)
        assert (row["units_control"], row["units_treatment"]) == (1400, 1400)
        for key, value in (("control", made.control), ("difference", 100.0), ("low", ends.low), ("high", ends.high)):
            assert row[key] == pytest.approx(value, rel=1e-9), (metric, key)
    assert (rows["slow"]["role"], rows["slow"]["state"]) == ("guardrail", "shown safe")
    assert rows["slow"]["control"] == pytest.approx(1000 + 0.75 * 1399, abs=1)
    assert {one.metric for one in found.definitions} == {"bought", "slow", "money_slow"}


def test_what_cannot_be_asked_says_why(ws: Workspace) -> None:
    from assay.model.errors import Refused, UnknownName

    with pytest.raises(Refused, match="a test cannot judge revenue: it is a plain total"):
        ws.ask("experiment-readout", "better", add=["revenue"])
    with pytest.raises(UnknownName, match="did you mean 'rpv'"):
        ws.ask("experiment-readout", "better", add=["rvp"])


# -- every day ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["better", "by_count", "adjusted", "strata", "mismatch_running"])
def test_daily_rows_hold_together(ws: Workspace, name: str) -> None:
    """A sequence whatever the looks: no row is narrower than the fixed test's, all of them widen towards the start."""
    rows = ws.ask("experiment-readout", name, daily=True).records()
    silent = name == "mismatch_running"
    assert all((row["difference"] is None) == silent for row in rows)
    assert [row["units"] for row in rows] == sorted(row["units"] for row in rows)
    if not silent:
        last = ws.ask("experiment-readout", name).records()[0]
        assert rows[-1]["difference"] == pytest.approx(last["difference"], rel=1e-12)
        assert rows[-1]["units"] == last["units_control"] + last["units_treatment"]
        if name != "by_count":
            assert rows[-1]["high"] - rows[-1]["low"] > last["high"] - last["low"]
